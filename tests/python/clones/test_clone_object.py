# SPDX-License-Identifier: BSD-3-Clause
"""A clone in a test's hand: a path among paths, and what is installed in it."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath

import pytest

import cenv
from cenv.demo.package import Member, Package
from cenv.templates.template import Clone


@pytest.fixture
def template(small_channel: Path, session_store: Path) -> cenv.Template:
    return cenv.TemplateStore(session_store).template(["tool"], [small_channel])


@pytest.fixture
def clone(template: cenv.Template, tmp_path: Path) -> Iterator[Clone]:
    with template.clone(tmp_path / "env") as made:
        yield made


def test_clone__is_equal_to_its_path(clone: Clone, tmp_path: Path) -> None:
    path = tmp_path / "env"
    assert clone == path
    assert path == clone
    assert clone == PurePath(path)
    assert clone != tmp_path
    assert tmp_path != clone
    assert clone != str(path)  # as no Path is
    assert hash(clone) == hash(path)
    assert {path: 1}[clone] == 1
    assert clone in {path}
    assert Clone(clone.path) == clone
    assert sorted([path / "x", clone, tmp_path]) == [tmp_path, path, path / "x"]


def test_clone__behaves_as_its_path(clone: Clone, tmp_path: Path) -> None:
    path = tmp_path / "env"
    assert os.fspath(clone) == str(clone) == f"{clone}" == str(path)
    assert (clone / "bin", clone.joinpath("a", "b")) == (path / "bin", path / "a/b")
    assert (clone.name, clone.parent, clone.parts) == (path.name, tmp_path, path.parts)
    assert clone.exists()
    assert clone.is_dir()
    assert set(clone.iterdir()) == set(path.iterdir())
    assert list(clone.glob("etc/*.conf")) == list(path.rglob("tool.conf"))
    assert list(clone.rglob("tool.conf")) == list(path.rglob("tool.conf"))
    assert clone.resolve() == path.resolve()
    assert clone.relative_to(tmp_path) == PurePath("env")
    assert clone.stat().st_ino == path.stat().st_ino
    assert (clone.as_posix(), clone.suffix) == (path.as_posix(), "")
    assert clone.is_absolute()
    assert os.path.samefile(clone, path)
    shutil.copytree(clone / "etc", tmp_path / "copied")
    with pytest.raises(
        AttributeError, match="'Clone' object has no attribute 'nothing'"
    ):
        _ = clone.nothing  # type: ignore[attr-defined]
    clone.remove()
    assert not clone.exists()


def test_clone__tells_itself_in_short(clone: Clone, template: cenv.Template) -> None:
    assert repr(clone) == f"Clone({clone.path!r}, mode={clone.mode!r})"
    shown = f"Template({template.path!r}, id={template.id[:12]!r}, specs=('tool',))"
    assert repr(template) == shown


def told(pipe, clone: Clone) -> None:
    pipe.send((clone.path, clone.template.id, clone.run("tool", stdout=-1).stdout))


@pytest.mark.parametrize("spares", [0, 1])
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_clone__travels_to_other_processes(
    template: cenv.Template, tmp_path: Path, spares: int, method: str
) -> None:
    numbers = iter(range(9))
    template.spares(spares, new_path=lambda: str(tmp_path / f"{next(numbers)}"))
    context = multiprocessing.get_context(method)
    with template.clone() as clone:
        ours, theirs = context.Pipe()
        child = context.Process(target=told, args=(theirs, clone))
        child.start()
        expected = (clone.path, template.id, f"{clone}\n".encode())
        assert ours.poll(60)
        assert ours.recv() == expected
        child.join()
    template.spares(0)


def test_clone__copies_stand_for_the_same_directory(
    template: cenv.Template, tmp_path: Path
) -> None:
    store = cenv.TemplateStore(template.store)
    derived = store.template([], base=template, setup=lambda draft: None, key="nothing")
    with derived.clone(tmp_path / "env") as clone:
        for copied in (
            pickle.loads(pickle.dumps(clone)),
            copy.copy(clone),
            copy.deepcopy(clone),
        ):
            assert copied == clone
            assert (copied.mode, copied.report) == (clone.mode, clone.report)
            assert copied.template.id == derived.id
            assert copied.reset().restored == 0


def test_environment__tells_its_places(clone: Clone, template: cenv.Template) -> None:
    for env in clone, template:
        assert isinstance(env.prefix, Path)
        assert str(env.prefix) == env.path
        assert (env.bin, env.conda_meta) == (env / "bin", env / "conda-meta")


def test_records__are_of_what_is_installed_now(clone: Clone) -> None:
    assert [record.name for record in clone.records] == ["data", "tool"]
    for spec, there in {
        "tool": True,
        "tool =1": True,
        "data >=2": True,
        "data <2": False,
        "absent": False,
    }.items():
        assert clone.is_installed(spec) is there
        assert clone.is_installed(cenv.MatchSpec(spec)) is there
    (record,) = clone.conda_meta.glob("tool-*.json")
    record.unlink()
    assert not clone.is_installed("tool")
    with pytest.raises(cenv.SpecError):
        clone.is_installed("tool >=1,,")
    (clone / "conda-meta/broken-1-0.json").write_text("{")
    with pytest.raises(cenv.SpecError, match="broken-1-0"):
        _ = clone.records


def test_python__is_where_the_record_says(
    make_channel: Callable[..., Path], tmp_path: Path
) -> None:
    python = [Member("bin/python", b"#!/bin/sh\necho python\n", 0o755)]
    channel = make_channel(Package("python", "3.13.1", members=python))
    store = cenv.TemplateStore(tmp_path / "store")
    with store.template(["python"], [channel]).clone() as clone:
        assert clone.python == clone / "bin/python"
        assert clone.run(clone.python, stdout=-1).stdout == b"python\n"
        assert clone.site_packages == clone / "lib/python3.13/site-packages"


def test_python__that_is_absent_is_told(clone: Clone) -> None:
    for name in "python", "site_packages":
        with pytest.raises(cenv.PrefixError, match="has no python") as raised:
            getattr(clone, name)
        assert "specs" in str(raised.value.hint)
    with pytest.raises(cenv.PrefixError, match="has no python"):
        clone.pip_install("x.whl")


# ---- pip ----

BACKEND = """
import os, zipfile
ABOUT = {
    "METADATA": ["Metadata-Version: 2.1", "Name: mine", "Version: 1"],
    "WHEEL": ["Wheel-Version: 1.0", "Root-Is-Purelib: true", "Tag: py3-none-any"],
    "RECORD": [],
}
def build_editable(directory, settings=None, metadata=None):
    name = "mine-1-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(directory, name), "w") as wheel:
        wheel.writestr("mine.pth", os.getcwd())
        for name_of, lines in ABOUT.items():
            wheel.writestr(f"mine-1.dist-info/{name_of}", "".join(f"{line}\\n" for line in lines))
    return name
"""
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "mine"
version = "1"
"""


def write_wheel(directory: Path) -> Path:
    path = directory / "given-2-py3-none-any.whl"
    about = "given-2.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("given.py", "here = __file__\n")
        wheel.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: given\nVersion: 2\n"
        )
        tag = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr(f"{about}/WHEEL", tag)
        wheel.writestr(f"{about}/RECORD", "")
    return path


def test_pip_install__takes_wheels_and_projects_without_a_network(
    venv: Path, tmp_path: Path, session_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "backend.py").write_text(BACKEND)
    (project / "pyproject.toml").write_text(PROJECT)
    (project / "mine.py").write_text("")
    cenv.clone(venv, tmp_path / "clone", store=session_store)
    clone = Clone(str(tmp_path / "clone"))
    monkeypatch.setenv("CONDA_OFFLINE", "true")
    for name in "PIP_TARGET", "PIP_PREFIX", "PYTHONPATH":
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    said = clone.pip_install(write_wheel(tmp_path), cwd=tmp_path)
    assert "Successfully installed given-2" in said.stdout
    clone.pip_install("-e", "./project", cwd=tmp_path)
    code = "import given, mine; print(given.here); print(mine.__file__)"
    found = clone.run("python", "-c", code, stdout=-1, text=True, check=True).stdout
    assert found == f"{clone.site_packages}/given.py\n{project}/mine.py\n"
    assert not (tmp_path / "elsewhere").exists()
    with pytest.raises(cenv.LinkError, match="no-such-package"):
        clone.pip_install("no-such-package")


def test_pip_install__uses_uv_where_there_is_no_pip(
    make_channel: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = [
        Member("bin/python", b"#!/bin/sh\necho No module named pip\nexit 1", 0o755)
    ]
    channel = make_channel(Package("python", "3.12", members=python))
    template = cenv.TemplateStore(tmp_path / "store").template(["python"], [channel])
    tools = tmp_path / "tools"
    tools.mkdir()
    with template.clone() as clone:
        monkeypatch.setenv("PATH", f"{tools}{os.pathsep}/usr/bin{os.pathsep}/bin")
        with pytest.raises(cenv.LinkError) as raised:
            clone.pip_install("x.whl")
        assert "install uv" in str(raised.value.hint)
        (tools / "uv").write_text('#!/bin/sh\necho uv "$@"\n')
        (tools / "uv").chmod(0o755)
        said = clone.pip_install("x.whl").stdout
        assert said == f"uv pip install --python {clone.python} x.whl\n"


def test_pip_install__refuses_a_template(template: cenv.Template) -> None:
    with pytest.raises(cenv.UsageError, match="never changed") as raised:
        template.pip_install("x.whl")
    assert "clone" in str(raised.value.hint)


def state(top: Path) -> dict[str, tuple[object, ...]]:
    """Return all that is to stay as it is; links that others make change only two numbers."""
    found = {}
    for path in [top, *top.rglob("*")]:
        st = path.lstat()
        facts = (st.st_ino, st.st_mode, st.st_uid, st.st_size, st.st_mtime_ns)
        data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[str(path.relative_to(top))] = (*facts, data)
    return found


@pytest.mark.parametrize("mode", ["copy", "hardlink", "auto"])
@pytest.mark.parametrize("kind", ["template", "environment"])
def test_clone__never_changes_its_source(
    template: cenv.Template, small_channel: Path, tmp_path: Path, mode: str, kind: str
) -> None:
    """Whatever happens to the clone, but for what is written in place through a hard link."""
    source = Path(template.path)
    if kind == "environment":
        source = tmp_path / "source"
        cenv.create(source, ["tool"], [small_channel], store=template.store)
    before = state(source)
    check_untouched(source, before, tmp_path / "clone", mode, template.store)


def test_snapshot__never_changes_its_source(small_channel: Path, btrfs: Path) -> None:
    template = cenv.TemplateStore(btrfs / "store").template(["tool"], [small_channel])
    source = Path(template.path)
    check_untouched(source, state(source), btrfs / "clone", "snapshot", template.store)


def check_untouched(
    source: Path,
    before: dict[str, tuple[object, ...]],
    place: Path,
    mode: str,
    store: str,
) -> None:
    cenv.clone(source, place, mode=mode, store=store)
    assert state(source) == before
    for path in sorted(place.rglob("*"), reverse=True):
        if path.is_symlink() or (path.is_file() and path.suffix == ".txt"):
            path.unlink()
        elif path.is_file() and (mode in {"copy", "snapshot"} or path.name == "tool"):
            path.write_bytes(b"of the clone")
    (place / "bin/new").write_text("new")
    assert state(source) == before
    cenv.reset(place, store=store)
    assert state(source) == before
    (place / "lib").chmod(0o700)
    cenv.remove(place, store=store)
    assert state(source) == before
