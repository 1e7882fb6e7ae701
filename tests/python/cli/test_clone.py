# SPDX-License-Identifier: BSD-3-Clause
"""What `clone`, `create` and `doctor` tell: how it was done, what would be faster, what next."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import cenv
from cenv.cli import main


@pytest.fixture
def source(
    tmp_path: Path, small_channel: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    monkeypatch.setenv("CENV_STORE", str(tmp_path / "store"))
    cenv.create(tmp_path / "an env", ["tool"], channels=[small_channel])
    return tmp_path / "an env"


def automatic(kind: str, capsys: pytest.CaptureFixture[str], place: Path) -> str:
    assert main(["doctor", "--json", str(place)]) == 0
    found: str = json.loads(capsys.readouterr().out)["clones"][f"auto_for_{kind}"]
    return found


def test_clone__ends_with_one_line(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mode = automatic("other_sources", capsys, tmp_path)
    assert main(["clone", str(source), str(tmp_path / "auto")]) == 0
    last = capsys.readouterr().err.splitlines()[-1]
    assert " files cloned in " in last
    assert f"s: mode {mode}, " in last
    assert " relocated" in last
    slow = "mode hardlink would be faster, but auto does not take it: what is written"
    assert (slow in last) == (mode == "copy")
    assert main(["clone", "--mode", "copy", str(source), str(tmp_path / "copy")]) == 0
    assert "faster" not in capsys.readouterr().err


def test_report__has_what_auto_passed_over(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mode = automatic("other_sources", capsys, tmp_path)
    auto = cenv.clone(source, tmp_path / "auto").passed_over
    passed = {"copy": ["snapshot", "reflink", "hardlink"], "reflink": ["snapshot"]}
    assert list(auto) == passed[mode]
    assert cenv.clone(source, tmp_path / "copy", mode="copy").passed_over == {}


def test_doctor__tells_what_auto_takes_for_templates(
    small_channel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = cenv.TemplateStore(tmp_path / "store")
    template = store.template(["tool"], channels=[small_channel])
    report = cenv.clone(template, tmp_path / "clone", store=store.path)
    assert main(["doctor", "--json", "--store", store.path, str(tmp_path)]) == 0
    found = json.loads(capsys.readouterr().out)["clones"]
    assert found["auto_for_templates"] == report.mode


def test_create__tells_how_to_use_it(
    tmp_path: Path, small_channel: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, store = tmp_path / "an env", tmp_path / "store"
    channel = ["-c", str(small_channel), "--override-channels", "--store", str(store)]
    assert main(["create", "-p", str(place), "tool", *channel]) == 0
    told = capsys.readouterr().err
    assert f"conda activate '{place}'" in told
    assert f"cenv run '{place}' COMMAND" in told


def test_clone__of_a_clone_says_that_it_is_of_its_template(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, small_channel: Path
) -> None:
    store = cenv.TemplateStore(tmp_path / "store")
    template = store.template(["tool"], channels=[small_channel])
    template.clone(tmp_path / "first")
    for name, said in (("second", True), ("third", False)):
        argv = ["clone", tmp_path / "first", tmp_path / name, "--store", store.path]
        assert main([str(word) for word in argv]) == 0
        told = "cloned from its template" in capsys.readouterr().err
        assert told == said
        (tmp_path / "first" / "mine").touch()
