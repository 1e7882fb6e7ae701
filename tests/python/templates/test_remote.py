# SPDX-License-Identifier: BSD-3-Clause
"""Templates on a remote: pushed by one machine, pulled by another, exact, checked."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import struct
import warnings
from pathlib import Path

import pytest
import zstandard

import cenv
from cenv.cli import main
from cenv.errors import ChannelError, IntegrityError, RemoteError, UsageError
from cenv.specs import spec_file
from cenv.templates.remote import Remote


@pytest.fixture
def store(tmp_path: Path) -> cenv.TemplateStore:
    return cenv.TemplateStore(tmp_path / "here")


@pytest.fixture
def remote(tmp_path: Path) -> str:
    return (tmp_path / "remote").as_uri()


@pytest.fixture
def elsewhere(tmp_path: Path, remote: str) -> cenv.TemplateStore:
    """Return another machine's store, which asks the remote."""
    return cenv.TemplateStore(tmp_path / "another/machine's/store", remote=remote)


def entries(top: Path) -> dict[str, object]:
    """Return all that is in an environment but when it was installed."""
    found: dict[str, object] = {}
    for where, dirs, files in os.walk(top):
        for name in [*dirs, *files]:
            path = Path(where, name)
            facts = path.lstat()
            data: object = os.readlink(path) if path.is_symlink() else None
            if path.is_file() and not path.is_symlink():
                data = (
                    re.sub(rb"(?m)^==> .* <==$|^[0-9.]+$", b"", path.read_bytes()),
                    facts.st_mtime_ns * (path.parent.name != "conda-meta"),
                )
            found[str(path.relative_to(top))] = facts.st_mode, data
    return found


def document(remote: str, key: str) -> Path:
    return Path(remote.removeprefix("file://"), "ac", key)


def sealed(told: dict[str, object]) -> bytes:
    """Return a description as its writer would, whatever it says."""
    told.pop("sum", None)
    text = json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
    return json.dumps(told | {"sum": hashlib.sha256(text).hexdigest()}).encode()


def blobs(remote: str) -> list[Path]:
    return sorted(Path(remote.removeprefix("file://"), "cas").iterdir())


def test_pull__is_what_building_there_gives(
    store: cenv.TemplateStore,
    elsewhere: cenv.TemplateStore,
    remote: str,
    small_channel: Path,
    tmp_path: Path,
) -> None:
    template = store.template(["tool"], [small_channel])
    (pushed,) = store.push(remote, [template.id[:8]])
    assert pushed["pushed"]
    assert pushed["requests"] == 1
    assert not pushed["skipped"]
    (again,) = store.push(remote)
    assert not again["pushed"]
    assert again["requests"] == 0
    (got,) = elsewhere.pull([template.id])
    assert got["pulled"]
    assert got["received"] == pushed["delta"]
    assert got["prefix"].startswith(elsewhere.path)
    assert cenv.verify(got["prefix"]).ok
    assert template.path not in (Path(got["prefix"]) / "bin/tool").read_text()
    pulled = entries(Path(got["prefix"]))
    manifest = elsewhere.find(template.id).check(content=True)
    assert manifest.ok
    cloned = cloned_entries(elsewhere.find(template.id), tmp_path)
    elsewhere.remove(template.id)
    built = cenv.TemplateStore(elsewhere.path, remote="").template(
        ["tool"], [small_channel], rebuild=True
    )
    assert built.path == got["prefix"]
    assert pulled == entries(Path(built.path))
    assert cloned == cloned_entries(built, tmp_path)


def cloned_entries(template: cenv.Template, top: Path) -> dict[str, object]:
    """Return what is in a clone of a template, which goes again."""
    with template.clone(top / "clone") as clone:
        return entries(Path(clone))


def test_pull__looks_into_what_only_seems_to_be_the_packages(
    store: cenv.TemplateStore,
    elsewhere: cenv.TemplateStore,
    remote: str,
    small_channel: Path,
    tmp_path: Path,
) -> None:
    """A set-up wrote a package's file anew, as long and as old as it was."""

    def setup(draft: cenv.templates.environment.Draft) -> None:
        conf = draft / "etc/tool.conf"
        when = conf.stat().st_mtime_ns
        assert conf.read_text() == f"here={draft}/lib\n"
        conf.write_text(f"{draft}/lib\nhere=")
        os.utime(conf, ns=(when, when))

    made = store.template(["tool"], [small_channel], setup=setup, key="k")
    store.push(remote, [made.id])
    elsewhere.pull([made.id])
    found = elsewhere.find(made.id)
    assert found is not None
    assert (found / "etc/tool.conf").read_text() == f"{found.path}/lib\nhere="
    with found.clone(tmp_path / "clone") as clone:
        assert (clone / "etc/tool.conf").read_text() == f"{clone}/lib\nhere="


def test_template__is_pulled_by_its_request_and_solves_nothing(
    store: cenv.TemplateStore,
    elsewhere: cenv.TemplateStore,
    remote: str,
    small_channel: Path,
    tmp_path: Path,
) -> None:
    pushing = cenv.TemplateStore(store.path, remote=remote, push=True)
    made = pushing.template(["tool"], [small_channel])
    assert made.built
    assert made.pulled is None
    got = elsewhere.template(["tool"], [small_channel])
    assert (got.id, got.built) == (made.id, False)
    assert got.pulled.bytes > 0
    assert got.pulled.packages == 0
    assert got.pulled.url == remote
    assert got.pulled.saved >= 0
    assert not {"solve", "compile"} & {stage.name for stage in got.stages}
    assert (got.clone(tmp_path / "clone") / "etc/tool.conf").read_text() == (
        f"here={tmp_path / 'clone'}/lib\n"
    )
    assert elsewhere.template(["tool"], [small_channel]).pulled is None  # it is here
    (tool,) = (record for record in made.records if record.name == "tool")
    odd = [f"*[sha256={tool.sha256}]", "data >=2"]
    assert pushing.template(odd, [small_channel]).id == made.id
    elsewhere.remove(made.id)
    assert elsewhere.template(odd, [small_channel]).pulled is not None


def test_template__is_pulled_by_its_id_after_a_solve(
    store: cenv.TemplateStore,
    elsewhere: cenv.TemplateStore,
    remote: str,
    small_channel: Path,
    tmp_path: Path,
) -> None:
    theirs = shutil.copytree(small_channel, tmp_path / "theirs")
    made = store.template(["tool"], [theirs])
    store.push(remote)
    shutil.rmtree(theirs)  # packages come from where this machine has them
    got = elsewhere.template(["tool", "data"], [small_channel])
    assert got.id == made.id
    assert got.pulled is not None
    assert not got.built


def test_lock__tells_the_id_by_which_a_remote_finds_it(
    store: cenv.TemplateStore,
    elsewhere: cenv.TemplateStore,
    remote: str,
    small_channel: Path,
    tmp_path: Path,
) -> None:
    made = store.template(["tool"], [small_channel])
    store.push(remote)
    lock = tmp_path / "conda-lock.yml"
    where = ["-c", str(small_channel), "--override-channels", "--store", store.path]
    assert main(["-q", "solve", "tool", "--lock", str(lock), *where]) == 0
    assert made.id in lock.read_text()
    found = spec_file.read([lock])
    assert found.template == made.id
    got = elsewhere.template(records=found.records, pin=found.template)
    assert got.id == made.id
    assert got.pulled is not None
    elsewhere.remove(made.id)
    other = store.template(["data=1.0"], [small_channel])
    store.push(remote, [other.id])
    wrong = elsewhere.template(records=found.records, pin=other.id)
    assert wrong.id == made.id  # a pin of other packages is not believed


def changed(draft: cenv.templates.environment.Draft) -> None:
    (draft / "share/state.txt").write_text(f"set up at {draft}\n")
    (draft / "lib/plain.txt").unlink()
    (draft / "etc/tool.conf").chmod(0o600)
    (draft / "lib/empty").mkdir()
    (draft / "lib/link.txt").unlink()
    (draft / "lib/link.txt").symlink_to("../share/state.txt")
    os.link(draft / "share/state.txt", draft / "share/second.txt")
    (draft / "big").write_bytes(os.urandom(5 << 20))


def test_pull__brings_what_set_ups_made_and_bases_had(
    store: cenv.TemplateStore,
    elsewhere: cenv.TemplateStore,
    remote: str,
    small_channel: Path,
) -> None:
    base = store.template(["tool"], [small_channel], setup=changed, key="1")
    layer = store.template(base=base, setup=lambda draft: None, key="2")
    store.push(remote)
    for here in (base, layer):
        (got,) = elsewhere.pull([here.id])
        there = Path(got["prefix"])
        assert (there / "share/state.txt").read_text() == f"set up at {there}\n"
        assert (there / "share/second.txt").stat().st_nlink == 2
        assert not (there / "lib/plain.txt").exists()
        assert (there / "etc/tool.conf").stat().st_mode & 0o777 == 0o600
        assert (there / "big").read_bytes() == (Path(here.path) / "big").read_bytes()
        assert os.readlink(there / "lib/link.txt") == "../share/state.txt"
        assert (there / "lib/empty").is_dir()
        assert entries(there).keys() == entries(Path(here.path)).keys()
    again = cenv.TemplateStore(elsewhere.path, remote="")
    asked = {"setup": changed, "key": "1", "channels": [small_channel]}
    assert again.template(["tool"], **asked).id == base.id
    # What was pulled can be pushed on.
    (pushed,) = elsewhere.push(remote + "-2", [base.id])
    assert pushed["pushed"]


def test_push__of_packages_needs_no_channel(
    store: cenv.TemplateStore,
    elsewhere: cenv.TemplateStore,
    remote: str,
    small_channel: Path,
    tmp_path: Path,
) -> None:
    channel = shutil.copytree(small_channel, tmp_path / "channel")
    made = store.template(["tool"], [channel])
    store.push(remote, [made.id])
    (pushed,) = store.push(remote, [made.id], packages=True)
    assert pushed["packages"] == 2
    assert len(blobs(remote)) >= 3
    (again,) = store.push(remote, [made.id], packages=True)
    assert not again["pushed"]
    shutil.rmtree(channel)
    (got,) = elsewhere.pull([made.id])
    assert got["packages"] == 2
    assert cenv.verify(got["prefix"]).ok


def test_pull__without_packages_says_which_is_missing(
    store: cenv.TemplateStore,
    elsewhere: cenv.TemplateStore,
    remote: str,
    small_channel: Path,
    tmp_path: Path,
) -> None:
    channel = shutil.copytree(small_channel, tmp_path / "channel")
    made = store.template(["tool"], [channel])
    store.push(remote)
    shutil.rmtree(channel)
    with pytest.raises((ChannelError, OSError), match=r"tool-1.0|data-3.0"):
        elsewhere.pull([made.id])
    assert elsewhere.templates() == []
    with pytest.raises(UsageError, match=r"no template 0{64}"):
        elsewhere.pull(["0" * 64])
    with pytest.raises(UsageError, match="whole id"):
        elsewhere.pull([made.id[:10]])


def test_template__is_built_where_the_remote_holds_nonsense(
    store: cenv.TemplateStore,
    tmp_path: Path,
    remote: str,
    small_channel: Path,
) -> None:
    made = store.template(["tool"], [small_channel])
    store.push(remote)
    good = {path: path.read_bytes() for path in document(remote, "x").parent.iterdir()}
    (delta,) = blobs(remote)
    whole = delta.read_bytes()
    other = store.template(["data=1.0"], [small_channel])
    store.push(remote + "-other", [other.id])
    wrong_template = document(remote + "-other", other.id).read_bytes()
    right = good[document(remote, made.id)]

    def of_record(**changes: object) -> bytes:
        told = json.loads(right)
        told["template"]["records"][1].update(changes)
        return sealed(told)

    def of_template(**changes: object) -> bytes:
        told = json.loads(right)
        told["template"].update(changes)
        return sealed(told)

    def of_all(**changes: object) -> bytes:
        return sealed(json.loads(right) | changes)

    toc = {"size": 20, "sha256": "0" * 64}
    far = f"/{'a' * 100_000}/{made.id}/prefix"
    damages = {
        "cut off": (whole[:-10], None),
        "altered": (whole[:100] + bytes([whole[100] ^ 1]) + whole[101:], None),
        "missing": (None, None),
        "no JSON": (whole, b"{"),
        "no object": (whole, b"[]"),
        "nothing of it": (whole, b"{}"),
        "deep": (whole, b"[" * 100_000),
        "null": (whole, b"null"),
        "another template": (whole, wrong_template),
        "other records": (whole, of_record(sha256="0" * 64)),
        "no hash": (whole, of_record(sha256="0")),
        "another name": (whole, of_record(name="toon")),
        "another version": (whole, of_record(version="2.0")),
        "no package": (whole, of_record(url="file:///etc/passwd")),
        "no place": (whole, of_record(url="")),
        "a login": (whole, of_record(url="https://u:secret@host/tool-1.0-0.conda")),
        "a token": (whole, of_record(channel="https://host/t/secret/c")),
        "far away": (whole, of_all(prefix=far)),
        "no packages": (whole, of_all(linked=False)),
        "another table": (
            whole,
            of_all(delta=json.loads(right)["delta"] | {"toc": toc}),
        ),
        "of one run": (whole, of_template(transient=True)),
        "another place": (whole, right.replace(b"/here/v1/", b"/hero/v1/")),
    }
    here = cenv.TemplateStore(tmp_path / "there", remote=remote)
    for what, (data, text) in damages.items():
        delta.unlink(missing_ok=True)
        if data is not None:
            delta.write_bytes(data)
        for path, content in good.items():
            path.write_bytes(content if text is None else text)
        with pytest.raises(IntegrityError, match=rf"^remote {remote}: ") as refused:
            pytest.fail(f"{what}: {here.pull([made.id])}")
        assert "push it again" in (refused.value.hint or "")
        assert "secret" not in str(refused.value)
        assert here.templates() == []
        assert os.listdir(Path(here.path, "v1/tmp")) == []
        if what in ("cut off", "another template"):
            with pytest.warns(RuntimeWarning, match="made here") as said:
                got = here.template(["tool"], [small_channel])
            assert got.built
            assert got.id == made.id
            assert cenv.verify(got).ok
            reasons = {str(warning.message) for warning in said}
            assert len(reasons) == len(said)
            assert all(reason.startswith(f"remote {remote}: ") for reason in reasons)
            here.remove(got.id)
            for request in Path(here.path, "v1/requests").iterdir():
                request.unlink()
        if what != "altered":  # of a blob that is there the size alone is looked at
            (healed,) = store.push(remote, [made.id])
            assert healed["pushed"], what
            assert document(remote, made.id).read_bytes() == right


def test_template__is_built_where_the_remote_is_away(
    tmp_path: Path, small_channel: Path
) -> None:
    told: list[str] = []
    remote = Remote("http://127.0.0.1:9/x", push=True, tell=told.append)
    store = cenv.TemplateStore(tmp_path / "store", remote=remote)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert store.template(["tool"], [small_channel]).built
        assert store.template(["data=1.0"], [small_channel]).built
    assert len(told) == 1
    assert "127.0.0.1:9" in told[0]
    with pytest.raises(RemoteError, match=r"127\.0\.0\.1:9"):
        store.push()


def forge(remote: str, id_: str, old: bytes, new: bytes) -> None:
    """Change the contents and the table of a template's delta, and all that leads there."""
    text = json.loads(document(remote, id_).read_bytes())
    told = text["delta"]
    delta = Path(remote.removeprefix("file://"), "cas", told["sha256"])
    packed = delta.read_bytes()
    table = (
        zstandard.ZstdDecompressor()
        .decompressobj()
        .decompress(packed[-told["toc"]["size"] :])
    )
    (frames,) = struct.unpack("<I", table[8:12])
    at, where, made, heads = 20, 0, b"", b""
    for _ in range(frames):
        size, _length = struct.unpack("<II", table[at : at + 8])
        frame = packed[where : where + size]
        data = zstandard.ZstdDecompressor().decompressobj().decompress(frame)
        data = data.replace(old, new)
        frame = zstandard.ZstdCompressor().compress(data)
        heads += struct.pack("<II", len(frame), len(data))
        heads += hashlib.sha256(frame).digest()
        at, where, made = at + 40, where + size, made + frame
    rest = table[at:].replace(old, new)
    toc = zstandard.ZstdCompressor().compress(table[:20] + heads + rest)
    sha256 = hashlib.sha256(made + toc).hexdigest()
    delta.with_name(sha256).write_bytes(made + toc)
    text["delta"] = {
        "sha256": sha256,
        "size": len(made + toc),
        "toc": {"size": len(toc), "sha256": hashlib.sha256(toc).hexdigest()},
    }
    document(remote, id_).write_bytes(sealed(text))


def test_pull__verified_takes_only_what_packages_make(
    store: cenv.TemplateStore,
    tmp_path: Path,
    remote: str,
    small_channel: Path,
) -> None:
    made = store.template(["tool"], [small_channel])
    store.push(remote)
    strict = Remote(remote, verify=True)
    good = cenv.TemplateStore(tmp_path / "good", remote=strict)
    assert good.pull([made.id])[0]["pulled"]
    forge(remote, made.id, b'"lib/plain.txt"', b'"lib/plane.txt"')
    trusting = cenv.TemplateStore(tmp_path / "trusting", remote=remote)
    assert trusting.pull([made.id])[0]["pulled"]
    with pytest.raises(IntegrityError, match="what this machine makes"):
        cenv.TemplateStore(tmp_path / "bad", remote=strict).pull([made.id])


def test_pull__refuses_what_leaves_the_prefix(
    store: cenv.TemplateStore,
    elsewhere: cenv.TemplateStore,
    tmp_path: Path,
    remote: str,
    small_channel: Path,
) -> None:
    def out(draft: cenv.templates.environment.Draft) -> None:
        (draft / "aaa").symlink_to(tmp_path)
        (draft / "bbb/cc").mkdir(parents=True)
        (draft / "bbb/cc/file").write_text("x")

    made = store.template(["data"], [small_channel], setup=out, key="1")
    for old, new in ((b"bbb/cc", b"../../"), (b"bbb/", b"aaa/"), (b"bbb", b"/tm")):
        store.push(remote)
        forge(remote, made.id, old, new)
        with pytest.raises(IntegrityError, match="delta: "):
            elsewhere.pull([made.id])
        assert elsewhere.templates() == []
        assert not (tmp_path / "cc").exists()
        shutil.rmtree(remote.removeprefix("file://"))


def test_push__refuses_what_serves_one_run(
    store: cenv.TemplateStore, remote: str, small_channel: Path
) -> None:
    made = store.template(["tool"], [small_channel], setup=lambda draft: None)
    with pytest.raises(UsageError, match="serves one run only"):
        store.push(remote, [made.id])
    assert store.push(remote) == []
    with pytest.raises(UsageError, match="no remote was given"):
        store.push()


def test_remote__is_what_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_channel: Path
) -> None:
    place = tmp_path / "remote"
    monkeypatch.setenv("CENV_REMOTE", place.as_uri())
    reading = cenv.TemplateStore(tmp_path / "a")
    reading.template(["data"], [small_channel])
    assert not place.exists()
    monkeypatch.setenv("CENV_REMOTE_PUSH", "1")
    pushing = cenv.TemplateStore(tmp_path / "b")
    pushing.template(["data"], [small_channel])
    assert place.exists()
    got = cenv.TemplateStore(tmp_path / "c").template(["data"], [small_channel])
    assert got.pulled is not None
    monkeypatch.setenv("CENV_REMOTE", "ftp://example.org/x")
    wrong = cenv.TemplateStore(tmp_path / "b")
    for use in (wrong.push, lambda: wrong.template(["data"], [small_channel])):
        with pytest.raises(UsageError, match="CENV_REMOTE: remote ftp://"):
            use()
    assert wrong.templates()  # needs none
    assert main(["template", "list", "--store", wrong.path]) == 0
    assert not wrong.push(place.as_uri())[0]["pushed"]
    with pytest.raises(UsageError, match=r"^remote ftp://"):
        cenv.TemplateStore(tmp_path / "b", remote="ftp://example.org/x")
    monkeypatch.setenv("CENV_REMOTE", " ")
    assert cenv.TemplateStore(tmp_path / "b").remote is None


def test_build__says_what_it_pulled(
    remote: str,
    tmp_path: Path,
    small_channel: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    build = ["template", "build", "tool", "-c", str(small_channel)]
    build += ["--override-channels", "--store"]
    monkeypatch.setenv("CENV_REMOTE", remote)
    monkeypatch.setenv("CENV_REMOTE_PUSH", "yes")
    assert main([*build, str(tmp_path / "one")]) == 0
    assert " built, " in capfd.readouterr().err
    assert main(["--json", *build, str(tmp_path / "two")]) == 0
    said = capfd.readouterr()
    assert f"pulled from {remote}: " in said.err
    told = json.loads(said.out)
    assert told["pulled"]["url"] == remote
    assert main(["template", "pull", remote, told["id"]]) == 0
    assert "pulled: " in capfd.readouterr().err
    assert main(["template", "push", remote, told["id"], "--packages"]) == 0
    assert "pushed: " in capfd.readouterr().err


def test_pull__keeps_no_secret_of_a_description(
    store: cenv.TemplateStore,
    elsewhere: cenv.TemplateStore,
    remote: str,
    small_channel: Path,
) -> None:
    template = store.template(["data"], [small_channel])
    store.push(remote)
    told = json.loads(document(remote, template.id).read_bytes())
    told["template"]["channels"] = ["https://user:secret@host/c"]
    told["template"]["specs"] = ["https://host/t/secret/c::data", "data"]
    document(remote, template.id).write_bytes(sealed(told))
    (got,) = elsewhere.pull([template.id])
    kept = Path(got["prefix"], "../template.json").read_text()
    assert "secret" not in kept
    assert json.loads(kept)["channels"] == ["https://***@host/c"]


@pytest.mark.parametrize("wrong", [{"made": {}}, {"cost": "x"}, {"records": "subdir"}])
def test_pull__refuses_a_description_of_other_types(
    store: cenv.TemplateStore,
    elsewhere: cenv.TemplateStore,
    remote: str,
    small_channel: Path,
    wrong: dict[str, object],
) -> None:
    """It would be published, and be damaged."""
    template = store.template(["tool"], [small_channel])
    store.push(remote)
    told = json.loads(document(remote, template.id).read_bytes())
    if "records" in wrong:
        told["template"]["records"][0]["subdir"] = []
    else:
        told["template"].update(wrong)
    document(remote, template.id).write_bytes(sealed(told))
    with pytest.raises(IntegrityError, match="types"):
        elsewhere.pull([template.id], remote)
    assert elsewhere.templates() == []
    assert not os.listdir(Path(elsewhere.path, "v1/templates"))


def test_cli__says_what_a_remote_did(
    store: cenv.TemplateStore,
    tmp_path: Path,
    remote: str,
    small_channel: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    build = ["template", "build", "data", "-c", str(small_channel), "--store"]
    assert main(["template", "push", remote, "--store", str(tmp_path / "none")]) == 0
    assert "nothing was pushed" in capsys.readouterr().err
    made = store.template(["data"], [small_channel])
    assert main(["template", "pull", "", made.id, "--store", store.path]) == 2
    assert "no remote was given" in capsys.readouterr().err
    store.push(remote)
    monkeypatch.setenv("CENV_REMOTE", remote)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main([*build, str(tmp_path / "pulled"), "--json"]) == 0
        done = capsys.readouterr()
        assert not done.err.count("made here")
        for delta in blobs(remote):
            delta.unlink()
        assert main([*build, str(tmp_path / "built"), "--json"]) == 0
        done = capsys.readouterr()
    assert done.err.count("made here") == 1
    assert f"remote {remote}: " in done.err
    assert json.loads(done.out)["pulled"] is None


def test_template__is_made_where_the_system_refuses_a_remote_something(
    tmp_path: Path, remote: str, small_channel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise OSError(errno.ENAMETOOLONG, "File name too long")

    told: list[str] = []
    place = Remote(remote, push=True, tell=told.append)
    store = cenv.TemplateStore(tmp_path / "store", remote=place)
    for doing in ("find", "send"):
        monkeypatch.setattr(Remote, doing, refuse)
    assert store.template(["data"], [small_channel]).built
    assert [text.partition("; ")[2] for text in told] == [
        "the template is made here",
        "nothing more is pushed",
    ]
    assert all(text.startswith(f"remote {remote}: ") for text in told)
