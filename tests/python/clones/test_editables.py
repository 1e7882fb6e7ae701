# SPDX-License-Identifier: BSD-3-Clause
"""Editable installs in a clone for another checkout: as pip would have made them there."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

import cenv
from cenv.cli import main
from cenv.clones import checkouts, editables

BACKENDS = {
    "src_layout": ("setuptools.build_meta", "setuptools", "src/src_layout"),
    "with_finder": ("setuptools.build_meta", "setuptools", "code dir"),
    "of_hatch": ("hatchling.build", "hatchling", "src/of_hatch"),
    "of_flit": ("flit_core.buildapi", "flit_core", "of_flit"),
}
EXTRA = """
[tool.setuptools]
packages = ["with_finder"]
package-dir = {with_finder = "code dir"}
"""


def project(top: Path, name: str) -> None:
    backend, needs, package = BACKENDS[name]
    (top / name / package).mkdir(parents=True)
    (top / name / package / "__init__.py").write_text(
        f'"""{name}"""\n__version__ = "1"\n'
    )
    (top / name / "pyproject.toml").write_text(
        f'[build-system]\nrequires = ["{needs}"]\nbuild-backend = "{backend}"\n'
        f'[project]\nname = "{name}"\nversion = "1"\ndescription = "x"\n'
        f"{EXTRA if name == 'with_finder' else ''}"
    )


def make_venv(top: Path, names: list[str]) -> Path:
    place = top / ".venv"
    venv.create(place, with_pip=False)
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(site.getsitepackages())}
    variables["SETUPTOOLS_SCM_PRETEND_VERSION"] = "1"
    command = [place / "bin/python", "-m", "pip", "install", "--no-index", "--no-deps"]
    projects = [part for name in names for part in ("-e", top / name)]
    subprocess.run(
        [*command, "--no-build-isolation", "-q", *projects], env=variables, check=True
    )
    return place


def installed(place: Path) -> dict[str, bytes]:
    (packages,) = place.glob("lib/python*/site-packages")
    return {
        str(path.relative_to(packages)): path.read_bytes()
        for path in packages.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


@pytest.fixture(scope="module")
def names() -> list[str]:
    for _backend, needs, _package in BACKENDS.values():
        pytest.importorskip(needs)
    return list(BACKENDS)


def git(place: Path, *argv: object) -> None:
    options = ["-c", "user.name=x", "-c", "user.email=x@x"]
    subprocess.run(
        ["git", *options, *map(str, argv)], cwd=place, check=True, capture_output=True
    )


@pytest.fixture(scope="module")
def old(names: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout with a venv, which no test changes."""
    if shutil.which("git") is None:
        pytest.skip("there is no git (package git)")
    place = tmp_path_factory.mktemp("editables") / "old tree"
    place.mkdir()
    for name in names:
        project(place, name)
    git(place, "init", "-q")
    git(place, "add", ".")
    git(place, "commit", "-q", "-m", "x")
    make_venv(place, names)
    return place


@pytest.fixture
def new(old: Path) -> Iterator[Path]:
    """Return a worktree of it without a venv; all are at the same place."""
    place = old.with_name("the new one's tree")
    git(old, "worktree", "add", "-q", "--detach", place)
    yield place
    git(old, "worktree", "remove", "--force", place)


@pytest.fixture(scope="module")
def written_by_pip(old: Path, names: list[str]) -> dict[str, bytes]:
    """Return what pip itself writes in such a worktree; old is the same there."""
    place = old.with_name("the new one's tree")
    git(old, "worktree", "add", "-q", "--detach", place)
    try:
        return installed(make_venv(place, names))
    finally:
        git(old, "worktree", "remove", "--force", place)


@pytest.mark.parametrize("mode", ["copy", "hardlink"])
def test_worktree__has_what_pip_would_write(
    old: Path,
    new: Path,
    names: list[str],
    mode: cenv.CloneMode,
    written_by_pip: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CENV_STORE", str(tmp_path / "store"))
    before = installed(old / ".venv")
    report = cenv.clone(old / ".venv", new / ".venv", mode=mode)
    assert report.moved
    found = installed(new / ".venv")
    code = "import importlib, sys\n"
    code += "for n in sys.argv[1:]: print(importlib.import_module(n).__file__)"
    done = subprocess.run(
        [new / ".venv/bin/python", "-c", code, *names],
        capture_output=True,
        text=True,
        check=True,
    )
    files = [str(new / name / BACKENDS[name][2] / "__init__.py") for name in names]
    assert done.stdout.splitlines() == files
    assert installed(old / ".venv") == before
    (new / ".venv/mine").touch()
    assert cenv.reset(new / ".venv").removed == 1
    assert installed(new / ".venv") == found
    assert sorted(found) == sorted(written_by_pip)
    assert {
        n: (found[n], fresh) for n, fresh in written_by_pip.items() if found[n] != fresh
    } == {}


def test_also__moves_what_it_names_alone(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, other = tmp_path / "clone", tmp_path / "other"
    shutil.copytree(old / "of_hatch", other)
    also = f"{old / 'of_hatch'}={other}"
    store = ["--store", str(tmp_path / "store")]
    clone = ["clone", str(old / ".venv"), str(place), *store, "--also"]
    assert main([*clone, also]) == 0
    assert "editable installs: 3 files moved" in capsys.readouterr().err
    (packages,) = place.glob("lib/python*/site-packages")
    lines = {path.name: path.read_text() for path in packages.glob("*.pth")}
    assert f"{other}/src" in "".join(lines.values())
    assert f"{old}/src_layout/src" in "".join(lines.values())
    assert main([*clone, "nothing"]) == 2
    assert main([*clone, f"{old}={tmp_path}/none"]) == 2
    assert "there is no directory" in capsys.readouterr().err


@pytest.mark.parametrize("note", ["", "gitdir: nowhere", "gitdir: /\0", "x" * 9000])
def test_note__that_git_did_not_write_moves_nothing(note: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".git").write_text(note)
    moves = checkouts.moves_between(f"{tmp_path}/a/env", f"{tmp_path}/b/env")
    assert moves == {}


def test_failed_move__leaves_nothing(
    old: Path, new: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_unused: object) -> list[str]:
        raise OSError(28, "full")

    monkeypatch.setattr(editables, "move", fail)
    with pytest.raises(OSError, match="full"):
        cenv.clone(old / ".venv", new / ".venv", store=tmp_path / "store")
    assert not (new / ".venv").exists()


def test_clone__in_the_same_or_another_repository_moves_nothing(
    old: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    assert cenv.clone(old / ".venv", old / "second", store=store).moved == ()
    other = tmp_path / "another"
    other.mkdir()
    git(other, "init", "-q")
    assert cenv.clone(old / ".venv", other / ".venv", store=store).moved == ()
    nested = old / ".worktrees/x"
    git(old, "worktree", "add", "-q", nested)
    moves = checkouts.moves_between(str(old / ".venv"), str(nested / ".venv"))
    assert moves == {str(old): str(nested)}
    moved = cenv.clone(old / ".venv", nested / ".venv", store=store).moved
    assert moved
    done = subprocess.run(
        [nested / ".venv/bin/python", "-c", "import of_flit; print(of_flit.__file__)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(nested / "of_flit/of_flit/__init__.py")
    assert sys.version_info >= (3, 10)
