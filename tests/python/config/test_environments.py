# SPDX-License-Identifier: BSD-3-Clause
"""Environments by name: where they are looked for, in which order, and what is no name."""

from __future__ import annotations

from pathlib import Path

import pytest

from cenv.config import environments
from cenv.errors import PrefixError, UsageError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "home"
    (place / ".conda").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(place))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return place


def environment(path: Path) -> Path:
    (path / "conda-meta").mkdir(parents=True)
    return path


def found(word: str) -> str:
    return environments.existing(word).path


def test_name__is_looked_for_in_condas_order(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = environment(tmp_path / "elsewhere/work")
    (home / ".conda/environments.txt").write_text(f"{tmp_path}/gone/work\n{listed}\n")
    assert found("work") == str(listed)
    usual = environment(home / ".conda/envs/work")
    assert found("work") == str(usual)
    root = environment(tmp_path / "root")
    below = environment(root / "envs/work")
    monkeypatch.setenv("CONDA_EXE", str(root / "bin/conda"))
    assert found("work") == str(below)
    configured = environment(tmp_path / "configured/work")
    (home / ".condarc").write_text(f"envs_dirs: [{configured.parent}]\n")
    assert found("work") == str(configured)
    set_ = environment(tmp_path / "set/work")
    monkeypatch.setenv("CONDA_ENVS_PATH", f"{set_.parent}:{tmp_path}/none")
    assert found("work") == str(set_)


@pytest.mark.parametrize("variable", ["CONDA_ROOT", "MAMBA_ROOT_PREFIX"])
def test_base__is_the_root_that_variables_tell_of(
    variable: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = environment(tmp_path / "root")
    monkeypatch.setenv(variable, str(root))
    assert found("base") == found("root") == str(root)


def test_base__is_that_of_the_active_environment(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = environment(tmp_path / "root")
    monkeypatch.setenv("CONDA_PREFIX", str(environment(root / "envs/work")))
    assert (found("base"), found("work")) == (str(root), str(root / "envs/work"))
    monkeypatch.setenv("CONDA_PREFIX", str(root))
    assert (found("base"), found("work")) == (str(root), str(root / "envs/work"))


def test_word__is_a_path_where_no_environment_has_the_name(home: Path) -> None:
    Path("here").mkdir()
    assert found("here") == "here"
    assert found("./work") == "./work"
    assert found("..") == ".."
    with pytest.raises(PrefixError, match="no environment named 'work'") as caught:
        found("work")
    assert f"{home}/.conda/envs" in str(caught.value.hint)


def test_name__before_a_path_tells_of_the_path(home: Path) -> None:
    named = environment(home / ".conda/envs/work")
    assert environments.existing("work").passed_over is None
    Path("work").mkdir()
    assert environments.existing("work").passed_over is None
    here = environment(Path("work")).absolute()
    assert environments.existing("work") == environments.Found(str(named), str(here))


def test_name__of_several_is_refused(home: Path, tmp_path: Path) -> None:
    one, two = environment(tmp_path / "a/work"), environment(tmp_path / "b/work")
    (home / ".conda/environments.txt").write_text(f"{one}\n{two}\n{one}\n")
    with pytest.raises(UsageError, match="several") as caught:
        found("work")
    assert str(one) in str(caught.value)
    assert str(two) in str(caught.value)


def test_place__is_in_the_first_that_can_be_written(home: Path, tmp_path: Path) -> None:
    assert environments.place_for("new") == str(home / ".conda/envs/new")
    (tmp_path / "file").write_text("")
    rc = f"envs_dirs: [{tmp_path}/file/envs, ~/mine]\n"
    (home / ".condarc").write_text(rc)
    assert environments.place_for("new") == str(home / "mine/new")
    environment(home / "mine/new")
    with pytest.raises(PrefixError, match="there is an environment named 'new'"):
        environments.place_for("new")


@pytest.mark.parametrize("name", ["", "a/b", "a b", "a:b", "a#b", ".hidden", "base"])
def test_place__has_a_name_as_conda_has_it(name: str, home: Path) -> None:
    with pytest.raises(UsageError, match="name"):
        environments.place_for(name)
