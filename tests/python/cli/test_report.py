# SPDX-License-Identifier: BSD-3-Clause
"""The command `report`: of files, of what the store keeps, as lines, JSON and a page."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cenv.cli import main

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(
    small_channel: Path, tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Return a function that runs a command in a store of its own; what it says."""
    monkeypatch.setenv("CENV_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        if {"solve", "create"} & set(words):
            words = (*words, "-c", str(small_channel), "--override-channels")
        status = main(list(words))
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_report__of_a_trace_of_another_program_is_refused(command: Command) -> None:
    event = {"name": "x", "ph": "X", "ts": 1, "dur": 2, "pid": 1, "tid": 1, "args": {}}
    Path("other.json").write_text(json.dumps({"traceEvents": [event]}))
    status, out, said = command("report", "other.json")
    assert (status, out) == (1, "")
    assert "other.json: this trace has nothing of cenv" in said


def test_solve__loads_no_report(small_channel: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from cenv.cli import main; main(sys.argv[1:]); "
        "sys.exit(any(name.startswith('cenv.reporting') for name in sys.modules))"
    )
    solve = ["solve", "tool", "-c", str(small_channel), "--override-channels"]
    command = [sys.executable, "-c", code, *solve, "--store", str(tmp_path / "store")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "tool" in done.stdout


def test_report__of_one_tells_causes_stages_and_advice(command: Command) -> None:
    assert command("--trace", "t.json", "create", "-p", "env", "tool")[0] == 0
    status, out, _ = command("report", "t.json", "--html", "page.html")
    assert status == 0
    lines = out.splitlines()
    assert lines[0].startswith("create tool took ")
    assert any(line.split()[-3:] == ["what", "took", "it"] for line in lines)
    assert any(line.startswith("extract ") for line in lines)
    assert "<h1>Why create tool took " in Path("page.html").read_text()
    more = command("-v", "report", "t.json")[1]
    assert "candidates of these" in more
    assert re.search(r"^data +3 .* tool +data >=2$", more, re.M)
    told: dict[str, Any] = json.loads(command("--json", "report", "t.json")[1])
    assert sum(c["seconds"] for c in told["causes"]) == pytest.approx(told["seconds"])
    assert {stage["name"] for stage in told["stages"]} >= {"extract", "link", "solve"}
    assert told["untried"] == []


def test_report__of_two_adds_up(command: Command) -> None:
    command("--trace", "old.json", "solve", "tool")
    command("--trace", "new.json", "solve", "tool", "data=2")
    status, out, _ = command("report", "old.json", "new.json", "--replay")
    assert status == 0
    assert "the spec data=2 is asked for" in out or "data 2.0, before 3.0" in out
    assert "Replayed on the repodata that is here:" in out
    told = json.loads(command("--json", "report", "old.json", "new.json")[1])
    parts = sum(cause["seconds"] for cause in told["causes"]) + told["unexplained"]
    assert parts == pytest.approx(told["seconds"])
    assert told["seconds"] == pytest.approx(told["after"] - told["before"])


def _refuse(path: Any) -> list[str]:
    raise PermissionError(13, "Permission denied", path)


def test_report__takes_what_the_store_keeps(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "the store keeps none" in command("report", "--last")[2]
    with monkeypatch.context() as patch:  # root may read all
        patch.setattr(os, "listdir", _refuse)
        assert "for its owner alone" in command("report", "--last")[2]
    for spec in ("tool", "data", "tool"):
        command("solve", spec)
    assert command("report", "--last")[1].startswith("solve tool took ")
    assert command("report", "--last", "2")[1].startswith("solve tool took ")
    assert (
        command("report", "--last", "3")[0] == 0
    )  # of another request: no other is left
    status, _, err = command("report", "--last", "4")
    assert (status, "keeps 3 of solve" in err) == (1, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "report takes one trace, or two to compare"),
        (["a", "b", "c"], "report takes one trace, or two to compare"),
        (["--last", "0"], "counts traces from 1"),
        (["--last", "1", "a.json"], "no files beside it"),
    ],
)
def test_report__refuses_what_makes_no_sense(command, words, said) -> None:
    status, out, err = command("report", *words)
    assert (status, out) == (2, "")
    assert said in err
    assert command("report", "missing.json")[0] == 1
