# SPDX-License-Identifier: BSD-3-Clause
"""Progress on a terminal: what it counts, how long it takes, and that it is wiped."""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import pytest

from cenv import cli
from cenv.cli import output
from cenv.tracing.recorder import unit


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        """Return what each line looked like before it was written over."""
        return [line.rstrip() for line in self.getvalue().split("\r") if line.strip()]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    found = Terminal()
    monkeypatch.setattr(output, "QUIET_FOR", 0.0)
    monkeypatch.setenv("COLUMNS", "40")
    return found


def console(**more: Any) -> output.Console:
    options = {"json": False, "quiet": False, "verbose": 0, **more}
    return output.Console(argparse.Namespace(**options))


def test_progress__counts_what_a_stage_counts(terminal: Terminal) -> None:
    with redirect_stderr(terminal):
        shown = console()
        shown.progress("download", 3_450_000, 6_900_000)
        shown.progress("link", 6857, 6857)
        shown.progress("compile", 0, 486)
        shown.progress("solve", 0, 0)
    assert [line.rpartition(" (")[0] for line in terminal.lines()] == [
        "download  50% of 6.9 MB",
        "link 100% of 6857 files",
        "compile 486 files",
        "solve",
    ]
    assert all(line.endswith(" s)") for line in terminal.lines())


def test_progress__fits_into_one_line(terminal: Terminal) -> None:
    with redirect_stderr(terminal):
        shown = console()
        shown.progress("wait for process 1234 on a machine with a name", 0, 0)
    assert [len(line) for line in terminal.lines()] == [39]


@pytest.mark.parametrize("options", [{"quiet": True}, {"json": True}])
def test_progress__is_not_shown_unasked(
    options: dict[str, bool], terminal: Terminal
) -> None:
    with redirect_stderr(terminal):
        console(**options).progress("link", 1, 2)
    assert terminal.getvalue() == ""


def test_interrupt__wipes_the_progress(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_options: object, shown: output.Console) -> int:
        shown.progress("link", 1, 2)
        raise KeyboardInterrupt

    monkeypatch.setattr("cenv.cli.commands.doctor.run", interrupted)
    with redirect_stderr(terminal):
        assert cli.main(["doctor"]) == cli.INTERRUPT_EXIT
    *_before, wiped, message = terminal.getvalue().split("\r")
    assert wiped.strip() == ""
    assert message == "cenv: error: interrupted\n"


def test_counted__knows_one() -> None:
    assert (output.counted(1, "file"), output.counted(2, "file")) == (
        "1 file",
        "2 files",
    )


def test_units__are_those_of_the_core() -> None:
    assert unit("extract") == unit("download") == "bytes"
    assert unit("link") == unit("files") == "files"
    assert unit("solve") == unit("no such stage") == ""


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_result__that_cannot_be_printed_is_told(more: list[str]) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with full.open("w") as nowhere:
        command = [sys.executable, "-m", "cenv", "doctor", *more]
        done = subprocess.run(
            command, stdout=nowhere, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert "cannot write to standard output: No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_warnings__are_said_as_notices(
    small_channel: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CENV_REMOTE", f"file://{tmp_path}/not/here")
    channel = ["--override-channels", "-c", str(small_channel)]
    argv = ["template", "build", "data", *channel, "--store", str(tmp_path / "store")]
    assert cli.main(argv) == 0
    told = capsys.readouterr().err
    assert told.startswith(f"cenv: warning: remote file://{tmp_path}/not/here: cannot ")
    assert ".py" not in told
    assert told.count("cenv: warning") == 1
    assert cli.main([*argv[:2], "tool", *argv[3:], "-q"]) == 0
    assert capsys.readouterr().err == ""
