# SPDX-License-Identifier: BSD-3-Clause
"""Archives of templates: exported here, imported elsewhere, exact, checked."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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
    with pytest.raises(IntegrityError, match=r"altered: 'lib/plain\.txt'"):
        store.export(tmp_path / "t.czt")
    assert not (tmp_path / "t.czt").exists()


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
