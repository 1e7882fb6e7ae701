# SPDX-License-Identifier: BSD-3-Clause
"""Archives of templates: exported here, imported elsewhere, exact, checked."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

import cenv
from cenv.errors import CenvError, IntegrityError, PrefixError, UsageError


@pytest.fixture
def store(tmp_path: Path) -> cenv.TemplateStore:
    return cenv.TemplateStore(tmp_path / "here")


@pytest.fixture
def other_store(tmp_path: Path) -> cenv.TemplateStore:
    return cenv.TemplateStore(tmp_path / "another/machine's/store")


def contents(top: Path) -> dict[str, object]:
    """Return every entry of an environment: mode and content, bytecode aside.

    The moment of the installation is blotted out: two of them are never one.
    """
    found: dict[str, object] = {}
    for where, _dirs, files in os.walk(top):
        for name in files:
            path = Path(where, name)
            if path.suffix == ".pyc":
                continue
            text = os.readlink(path) if path.is_symlink() else timeless(path)
            found[str(path.relative_to(top))] = (path.lstat().st_mode, text)
    return found


def timeless(path: Path) -> bytes:
    """Return what is in a file, without the moment that conda-meta notes."""
    where = "/".join(path.parts[-2:])
    pattern = {
        "conda-meta/created_at": rb"[0-9.]+",
        "conda-meta/history": rb"(?m)^==> [0-9: -]+ <==$",
    }.get(where)
    data = path.read_bytes()
    return re.sub(pattern, b"", data) if pattern else data


def rewrite(
    archive: Path, change: Callable[[tarfile.TarInfo, bytes], bytes | None]
) -> None:
    """Write the archive again with its members changed; None leaves one out."""
    data = zstandard.ZstdDecompressor().stream_reader(archive.read_bytes()).read()
    out = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(data)) as old,
        tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in old:
            file = old.extractfile(member) if member.isreg() else None
            text = change(member, file.read() if file else b"")
            if text is not None:
                if member.isreg():
                    member.size = len(text)
                member.pax_headers = {
                    key: value
                    for key, value in member.pax_headers.items()
                    if key == "mtime"
                }
                new.addfile(member, io.BytesIO(text))
    archive.write_bytes(zstandard.ZstdCompressor().compress(out.getvalue()))


def names_in(store: cenv.TemplateStore, part: str) -> list[str]:
    return sorted(os.listdir(Path(store.path, "v1", part)))


def test_import__is_what_building_there_gives(
    store: cenv.TemplateStore,
    other_store: cenv.TemplateStore,
    small_channel: Path,
    tmp_path: Path,
) -> None:
    template = store.template(["tool"], [small_channel])
    report = store.export(tmp_path / "t.czt")
    assert [item["id"] for item in report["templates"]] == [template.id]
    (got,) = other_store.import_(tmp_path / "t.czt")
    assert got["imported"]
    assert cenv.verify(got["prefix"]).ok
    imported = contents(Path(got["prefix"]))
    other_store.remove(template.id)
    built = other_store.template(["tool"], [small_channel], rebuild=True)
    assert built.path == got["prefix"]
    assert imported == contents(Path(built.path))


def test_import__answers_requests_and_clones(
    store: cenv.TemplateStore,
    other_store: cenv.TemplateStore,
    small_channel: Path,
    tmp_path: Path,
) -> None:
    store.template(["tool"], [small_channel])
    store.export(tmp_path / "t.czt")
    other_store.import_(tmp_path / "t.czt")
    template = other_store.template(["tool"], [small_channel])
    assert not template.built
    assert "solve" not in {stage.name for stage in template.stages}
    with template.clone(tmp_path / "clone") as clone:
        assert clone.mode != "copy"
        assert f"echo {clone}" in (clone / "bin/tool").read_text()
        there = subprocess.run(
            ["grep", "-rl", str(tmp_path / "here"), str(clone)],
            capture_output=True,
            check=False,
        )
        assert there.stdout == b""


def test_import__twice_is_fine(
    store: cenv.TemplateStore,
    other_store: cenv.TemplateStore,
    small_channel: Path,
    tmp_path: Path,
) -> None:
    first = store.template(["tool"], [small_channel])
    second = store.template(["data=1"], [small_channel])
    store.export(tmp_path / "t.czt")
    assert all(item["imported"] for item in other_store.import_(tmp_path / "t.czt"))
    assert not any(item["imported"] for item in other_store.import_(tmp_path / "t.czt"))
    assert {item["id"] for item in other_store.templates()} == {first.id, second.id}


def test_export__carries_set_ups_with_a_key(
    store: cenv.TemplateStore,
    other_store: cenv.TemplateStore,
    small_channel: Path,
    tmp_path: Path,
) -> None:
    def setup(draft: cenv.templates.environment.Draft) -> None:
        (draft / "added").write_text(f"at {draft}\n")
        (draft / "added").chmod(0o600)
        os.link(draft / "added", draft / "twin")
        (draft / "empty").mkdir(mode=0o700)
        os.setxattr(draft / "added", "user.note", b"x")
        os.mkfifo(draft / "pipe")

    lasting = store.template(["data"], [small_channel], setup=setup, key="k")
    passing = store.template(["data"], [small_channel], setup=setup)
    report = store.export(tmp_path / "t.czt")
    assert [item["id"] for item in report["templates"]] == [lasting.id]
    notes = {note["path"]: note["reason"] for note in report["templates"][0]["skipped"]}
    assert notes.keys() == {"added", "pipe"}
    assert "attributes" in notes["added"]
    (got,) = other_store.import_(tmp_path / "t.czt")
    there = Path(got["prefix"])
    assert (there / "added").read_text() == f"at {there}\n"
    assert (there / "added").stat().st_mode & 0o777 == 0o600
    assert (there / "added").samefile(there / "twin")
    assert (there / "empty").stat().st_mode & 0o777 == 0o700
    with pytest.raises(UsageError, match="one run only"):
        store.export(tmp_path / "u.czt", [passing.id])


def test_export__never_replaces_unasked(
    store: cenv.TemplateStore, small_channel: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="no template to export"):
        store.export(tmp_path / "t.czt")
    store.template(["data"], [small_channel])
    (tmp_path / "t.czt").write_text("mine")
    with pytest.raises(UsageError, match="there already"):
        store.export(tmp_path / "t.czt")
    assert (tmp_path / "t.czt").read_text() == "mine"
    store.export(tmp_path / "t.czt", replace=True)
    assert (tmp_path / "t.czt").stat().st_size > 100
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


def test_export__refuses_an_altered_template(
    store: cenv.TemplateStore, small_channel: Path, tmp_path: Path
) -> None:
    template = store.template(["tool"], [small_channel])
    Path(template.path, "lib/plain.txt").write_text("other\n")
    with pytest.raises(IntegrityError, match=r"altered: '0/prefix/lib/plain\.txt'"):
        store.export(tmp_path / "t.czt")
    assert not (tmp_path / "t.czt").exists()


def alter_file(member: tarfile.TarInfo, text: bytes) -> bytes:
    return b"PLAIN\n" if member.name.endswith("plain.txt") else text


def alter_mode(member: tarfile.TarInfo, text: bytes) -> bytes:
    if member.name.endswith("plain.txt"):
        member.mode = 0o777
    return text


def alter_record(member: tarfile.TarInfo, text: bytes) -> bytes:
    if member.name != "0/template.json":
        return text
    doc = json.loads(text)
    doc["template"]["records"][0]["depends"] = ["other"]
    return json.dumps(doc).encode()


def alter_prefix(member: tarfile.TarInfo, text: bytes) -> bytes:
    if member.name != "0/template.json":
        return text
    doc = json.loads(text)
    doc["prefix"] = "/elsewhere" + doc["prefix"]
    return json.dumps(doc).encode()


def alter_request(member: tarfile.TarInfo, text: bytes) -> bytes:
    if member.name != "0/template.json":
        return text
    doc = json.loads(text)
    doc["requests"] = {"0" * 32 + ".json": {"id": doc["template"]["id"]}}
    return json.dumps(doc).encode()


def link_to_nothing(member: tarfile.TarInfo, text: bytes) -> bytes:
    if member.name.endswith("plain.txt"):
        member.type, member.linkname = tarfile.LNKTYPE, "0/prefix/nowhere"
        member.size = 0
        return b""
    return text


def leave_out(member: tarfile.TarInfo, text: bytes) -> bytes | None:
    return None if member.name.endswith("plain.txt") else text


def leave_out_end(member: tarfile.TarInfo, text: bytes) -> bytes | None:
    return None if member.name.endswith("end.json") else text


def step_out(member: tarfile.TarInfo, text: bytes) -> bytes:
    if member.name.endswith("plain.txt"):
        member.name = "0/other_store"
    return text


def through_link(member: tarfile.TarInfo, text: bytes) -> bytes:
    if member.name.endswith("lib/link.txt"):
        member.linkname = "/tmp"
    if member.name.endswith("plain.txt"):
        member.name = "0/prefix/lib/link.txt/x"
    return text


def newer_format(member: tarfile.TarInfo, text: bytes) -> bytes:
    if member.name != "0/template.json":
        return text
    return json.dumps({**json.loads(text), "format": 99}).encode()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (alter_file, "not what was exported"),
        (alter_mode, "not what was exported"),
        (leave_out, "not what was exported"),
        (leave_out_end, "in the middle"),
        (alter_record, "not those of its template"),
        (alter_prefix, "not what was exported"),
        (alter_request, "not what was exported"),
        (link_to_nothing, r"plain\.txt\" is a hard link to what is not there"),
        (step_out, "outside the prefix"),
        (through_link, "where another member is"),
        (newer_format, "another format"),
    ],
)
def test_import__refuses_what_was_changed(
    change: Callable[[tarfile.TarInfo, bytes], bytes | None],
    words: str,
    store: cenv.TemplateStore,
    other_store: cenv.TemplateStore,
    small_channel: Path,
    tmp_path: Path,
) -> None:
    store.template(["tool"], [small_channel])
    store.export(tmp_path / "t.czt")
    rewrite(tmp_path / "t.czt", change)
    with pytest.raises(IntegrityError, match=words):
        other_store.import_(tmp_path / "t.czt")
    assert other_store.templates() == []
    assert [names_in(other_store, part) for part in ("tmp", "templates")] == [[], []]


def test_import__rewritten_but_unchanged_is_taken(
    store: cenv.TemplateStore,
    other_store: cenv.TemplateStore,
    small_channel: Path,
    tmp_path: Path,
) -> None:
    store.template(["tool"], [small_channel])
    store.export(tmp_path / "t.czt")
    rewrite(tmp_path / "t.czt", lambda _member, text: text)
    assert other_store.import_(tmp_path / "t.czt")[0]["imported"]


def test_import__takes_an_archive_without_a_sum_of_its_head(
    store: cenv.TemplateStore,
    other_store: cenv.TemplateStore,
    small_channel: Path,
    tmp_path: Path,
) -> None:
    def forget(member: tarfile.TarInfo, text: bytes) -> bytes:
        if not member.name.endswith("end.json"):
            return text
        return json.dumps({**json.loads(text), "head": None}).encode()

    def leave_out_sum(member: tarfile.TarInfo, text: bytes) -> bytes:
        if not member.name.endswith("end.json"):
            return text
        doc = json.loads(text)
        del doc["head"]
        return json.dumps(doc).encode()

    store.template(["tool"], [small_channel])
    store.export(tmp_path / "t.czt")
    rewrite(tmp_path / "t.czt", forget)
    with pytest.raises(IntegrityError, match="not what was exported"):
        other_store.import_(tmp_path / "t.czt")
    rewrite(tmp_path / "t.czt", leave_out_sum)
    assert other_store.import_(tmp_path / "t.czt")[0]["imported"]


def test_import__of_several_is_all_or_nothing(
    store: cenv.TemplateStore,
    other_store: cenv.TemplateStore,
    small_channel: Path,
    tmp_path: Path,
) -> None:
    def alter_second(member: tarfile.TarInfo, text: bytes) -> bytes:
        return b"PLAIN\n" if re.match(r"1/prefix/.*\.txt$", member.name) else text

    ids = [store.template([spec], [small_channel]).id for spec in ("data=1", "tool")]
    store.export(tmp_path / "t.czt", ids)
    whole = (tmp_path / "t.czt").read_bytes()
    rewrite(tmp_path / "t.czt", alter_second)
    with pytest.raises(IntegrityError, match="not what was exported"):
        other_store.import_(tmp_path / "t.czt")
    assert [names_in(other_store, part) for part in ("tmp", "templates")] == [[], []]
    assert names_in(other_store, "requests") == []
    (tmp_path / "t.czt").write_bytes(whole)
    assert len(other_store.import_(tmp_path / "t.czt")) == 2


@pytest.mark.parametrize("call", ["chmod", "rename", "link", "write", "sync"])
def test_import__that_the_system_refuses_leaves_nothing(
    call: str,
    calls_library: Path,
    store: cenv.TemplateStore,
    other_store: cenv.TemplateStore,
    small_channel: Path,
    tmp_path: Path,
) -> None:
    """Whichever call fails: all that the archive has is taken in as it was, or nothing."""
    ids = [store.template([spec], [small_channel]).id for spec in ("data=1", "tool")]
    store.export(tmp_path / "t.czt", ids)
    other_store.import_(tmp_path / "t.czt")
    right = [contents(Path(item["prefix"])) for item in other_store.templates()]
    code = "import cenv, sys; cenv.TemplateStore(sys.argv[1]).import_(sys.argv[2])"
    command = [sys.executable, "-c", code, other_store.path, str(tmp_path / "t.czt")]
    for nth in (1, 2, 3, 5, 8, 13):
        for item in other_store.templates():
            other_store.remove(item["id"])
        refuse = {"CENV_TEST_REFUSE": f"{call}:{nth}:1"}
        env = {**os.environ, "LD_PRELOAD": str(calls_library), **refuse}
        failed = subprocess.run(command, env=env, capture_output=True, check=False)
        there = [contents(Path(item["prefix"])) for item in other_store.templates()]
        assert there == ([] if failed.returncode else right), nth
        assert names_in(other_store, "tmp") == []


def test_import__refuses_damage_at_any_place(
    store: cenv.TemplateStore,
    other_store: cenv.TemplateStore,
    small_channel: Path,
    tmp_path: Path,
) -> None:
    store.template(["tool"], [small_channel])
    whole = Path(store.export(tmp_path / "t.czt")["path"]).read_bytes()
    broken = tmp_path / "b.czt"
    for size in (0, 1, 10, len(whole) // 2, len(whole) - 1):
        broken.write_bytes(whole[:size])
        with pytest.raises(CenvError, match=r"b\.czt"):
            other_store.import_(broken)
    assert other_store.templates() == []


def test_import__wants_a_machine_that_fits(
    store: cenv.TemplateStore,
    other_store: cenv.TemplateStore,
    make_channel: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from cenv.demo.package import Package

    channel = make_channel(Package("gpu", "1", depends=["__cuda >=12"]))
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.4")
    store.template(["gpu"], [channel])
    store.export(tmp_path / "t.czt")
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "11.8")
    with pytest.raises(PrefixError, match="gpu in it needs __cuda >=12") as caught:
        other_store.import_(tmp_path / "t.czt")
    assert "on this machine" in (caught.value.hint or "")
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.8")
    assert other_store.import_(tmp_path / "t.czt")[0]["imported"]


def test_import__of_a_real_python_runs(
    python_channel: Path,
    session_store: Path,
    other_store: cenv.TemplateStore,
    tmp_path: Path,
) -> None:
    store = cenv.TemplateStore(session_store)
    template = store.template(["python", "pip"], [python_channel])
    store.export(tmp_path / "t.czt", [template.id[:12]])
    (got,) = other_store.import_(tmp_path / "t.czt")
    assert cenv.verify(got["prefix"]).ok
    found = other_store.find(template.id)
    assert found is not None
    with found.clone(tmp_path / "clone") as clone:
        told = clone.run("pip", "--version", capture_output=True, text=True, check=True)
        assert f"{clone}/lib" in told.stdout
        for old in (session_store, Path(other_store.path, "v1/templates")):
            there = subprocess.run(
                ["grep", "-rl", str(old), str(clone)], capture_output=True, check=False
            )
            assert there.stdout == b""


def test_template__names_no_directory_of_its_making(
    python_channel: Path, session_store: Path
) -> None:
    """Bytecode that a program wrote while noarch packages were compiled would."""
    store = cenv.TemplateStore(session_store)
    template = store.template(["python", "pip", "setuptools"], [python_channel])
    there = subprocess.run(
        ["grep", "-rl", f"{session_store}/v1/tmp", template.path],
        capture_output=True,
        check=False,
    )
    assert there.stdout == b""


def test_cli__exports_and_imports(
    store: cenv.TemplateStore,
    other_store: cenv.TemplateStore,
    small_channel: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from cenv.cli import main

    template = store.template(["tool"], [small_channel])
    file = str(tmp_path / "t.czt")
    export = ["template", "export", file, template.id[:10], "--store", store.path]
    assert main(export) == 0
    assert capsys.readouterr().out == file + "\n"
    assert main(export) == 2
    assert "there already" in capsys.readouterr().err
    assert main([*export, "--force"]) == 0
    capsys.readouterr()
    take = ["template", "import", file, "--store", other_store.path, "--json"]
    assert main(take) == 0
    (got,) = json.loads(capsys.readouterr().out)["templates"]
    assert (got["id"], got["imported"]) == (template.id, True)


def test_import__with_its_lock_needs_no_package(
    store: cenv.TemplateStore,
    other_store: cenv.TemplateStore,
    small_channel: Path,
    serve,
    tmp_path: Path,
) -> None:
    channel = serve(small_channel)
    template = store.template(["tool"], [channel.url])
    derived = store.template(records=[], base=template, setup=touched, key="1")
    store.export(tmp_path / "t.czt")
    other_store.import_(tmp_path / "t.czt")
    channel.seen.clear()
    whole = [record.to_json() for record in template.records]
    by_url = [pick(record, "name", "version", "build", "url") for record in whole]
    by_md5 = [pick(record, "name", "version", "build", "md5") for record in whole]
    for given in (whole, by_url, by_md5, template.records):
        found = other_store.template(records=given, channels=[], offline=True)
        assert (found.id, found.built) == (template.id, False)
        assert found.records == template.records
    known = names_in(other_store, "requests")
    other_store.template(records=by_url, channels=[], offline=True)
    assert names_in(other_store, "requests") == known, "no search for what is known"
    other_store.remove(template.id)
    with pytest.raises(cenv.ChannelError):
        other_store.template(records=by_url, channels=[], offline=True)
    other_store.import_(tmp_path / "t.czt")
    again = {"base": found, "setup": touched, "key": "1", "offline": True}
    assert other_store.template(**again).id == derived.id
    made = other_store.template(**{**again, "key": "2"})
    assert made.built
    assert (made / "touched").exists()
    assert channel.seen == []
    assert names_in(other_store, "pkgs") == []


def touched(draft: cenv.templates.environment.Draft) -> None:
    (draft / "touched").touch()


def pick(record: dict[str, object], *keys: str) -> dict[str, object]:
    return {key: record[key] for key in keys}


def test_import__of_a_list_tells_where_the_list_has_it_from(
    store: cenv.TemplateStore,
    other_store: cenv.TemplateStore,
    small_channel: Path,
    tmp_path: Path,
) -> None:
    template = store.template(["data=2"], [small_channel])
    store.export(tmp_path / "t.czt")
    other_store.import_(tmp_path / "t.czt")
    (record,) = (record.to_json() for record in template.records)
    url = "https://mirror.invalid/c/noarch/" + record["fn"]
    found = other_store.template(records=[{**record, "url": url}], offline=True)
    clone = found.clone(tmp_path / "clone")
    (meta,) = (clone / "conda-meta").glob("data-*.json")
    assert json.loads(meta.read_text())["url"] == url
    other = {**record, "sha256": "0" * 64, "url": url}
    with pytest.raises(cenv.ChannelError):
        other_store.template(records=[other], offline=True)
