# SPDX-License-Identifier: BSD-3-Clause
"""Environments by name on the command line: made with -n, cloned, verified and reset."""

from __future__ import annotations

from pathlib import Path

import pytest

import cenv
from cenv.cli import main


@pytest.fixture
def envs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONDA_ENVS_DIRS", str(tmp_path / "envs"))
    monkeypatch.setenv("CENV_STORE", str(tmp_path / "store"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "envs"


def test_names__serve_every_command(
    envs: Path, small_channel: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    create = ["create", "-y", "-n", "work", "tool", "--override-channels"]
    assert main([*create, "-c", str(small_channel)]) == 0
    assert capsys.readouterr().out.strip() == str(envs / "work")
    assert main(["verify", "work"]) == 0
    assert main(["clone", "work", str(envs / "copy")]) == 0
    (envs / "copy/bin/tool").write_text("changed")
    assert main(["reset", "copy"]) == 0
    assert cenv.verify(envs / "copy").ok
    assert not list(Path.cwd().iterdir())


def test_name__that_could_be_a_path_is_told(
    envs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in (envs / "work", Path("work")):
        (place / "conda-meta").mkdir(parents=True)
        (place / "conda-meta/history").write_text("")
    assert main(["verify", "work"]) == 0
    told = capsys.readouterr().err
    assert f"work is taken for the environment {envs}/work" in told
    assert f"./work means {Path.cwd()}/work" in told


def test_create__takes_a_name_or_a_prefix(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["create", "-n", "a", "-p", "b", "x"]) == 2
    assert "not allowed with" in capsys.readouterr().err
    assert main(["create", "-n", "a b", "x"]) == 2
    assert "'a b' is no name" in capsys.readouterr().err


def test_template__is_built_of_an_environment(
    envs: Path, small_channel: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    channel = ["-c", str(small_channel), "--override-channels"]
    assert main(["create", "-n", "work", "tool", *channel]) == 0
    (envs / "work/mine").write_text("of no package")
    assert main(["template", "build", "tool", *channel]) == 0
    told = capsys.readouterr().out.splitlines()[-1]
    assert main(["template", "build", "--prefix", "work"]) == 0
    again = capsys.readouterr()
    assert again.out.strip() == told
    assert "1 file of no package, which the template has not" in again.err
    assert not Path(told, "mine").exists()
    assert main(["template", "list"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("tool; work")
    assert main(["template", "build", "--prefix", "work", "tool"]) == 2
    (envs / "empty/conda-meta").mkdir(parents=True)
    (envs / "empty/conda-meta/history").write_text("")
    assert main(["template", "build", "--prefix", "empty"]) == 2
    assert "has no packages" in capsys.readouterr().err
