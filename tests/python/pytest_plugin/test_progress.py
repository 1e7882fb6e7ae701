# SPDX-License-Identifier: BSD-3-Clause
"""What is seen while a template is made, and that no test's capture sees any of it."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest

from cenv.pytest_plugin import progress

SUITE = """
import time
import pytest

def slow(draft):
    time.sleep(1.2)

@pytest.fixture(scope="session")
def template(cenv_template):
    return cenv_template("tool", setup=slow, key="slow")

def test_in_a_fixture(template):
    pass

def test_sys(cenv_template, capsys):
    print("mine")
    cenv_template("tool", setup=slow, key="sys")
    assert capsys.readouterr() == ("mine\\n", "")

def test_fd(cenv_template, capfd):
    cenv_template("tool", setup=slow, key="fd")
    assert capfd.readouterr() == ("", "")
"""


@pytest.fixture
def project(fresh: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)
    fresh.makepyfile(test_suite=SUITE)
    return fresh


@pytest.mark.parametrize("capture", ["fd", "sys", "no"])
def test_progress__is_a_line_for_each_stage(
    project: pytest.Pytester, capture: str
) -> None:
    result = project.runpytest_subprocess(f"--capture={capture}", "-W", "error")
    result.assert_outcomes(passed=3)
    assert "cenv" not in result.stderr.str()
    text = "\n".join(result.outlines)
    assert len(re.findall(r"^cenv: template tool: setup \(\d+ s\)$", text, re.M)) == 3
    # The dots are where the name of their file is.
    ready = r"^cenv: template tool: ready after .* s\ntest_suite.py \."
    assert len(re.findall(ready, text, re.M)) == 3


def test_progress__is_silent_when_asked(project: pytest.Pytester) -> None:
    for option in (["-q"], ["-p", "no:terminal"]):
        result = project.runpytest_subprocess("-W", "error", *option)
        assert result.ret == 0
        result.stdout.no_fnmatch_line("*template tool*")


def test_progress__of_workers_is_shown_by_the_controller(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(
        test_suite="""
        import time, pytest

        @pytest.mark.parametrize("i", range(2))
        def test(cenv_template, i):
            cenv_template("tool", setup=lambda draft: time.sleep(4), key="one")
        """
    )
    result = project.runpytest_subprocess("-n2", "-W", "error")
    result.assert_outcomes(passed=2)
    text = result.stdout.str()
    builder = re.search(r"cenv (gw\d): template tool: setup \(\d s\)", text)
    assert builder
    waiter = re.search(
        r"cenv (gw\d): template tool: wait for (gw\d) \(process \d+\)", text
    )
    assert waiter
    assert waiter[2] == builder[1] != waiter[1]
    assert len(re.findall(r"cenv gw\d: template tool: ready after", text)) == 2


def test_progress__on_a_terminal_is_one_line(project: pytest.Pytester) -> None:
    try:
        outside, inside = pty.openpty()
    except OSError as error:
        pytest.skip(f"no terminal can be made here, /dev/pts is not mounted: {error}")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-k",
        "fixture",
    ]
    process = subprocess.Popen(command, cwd=project.path, stdout=inside, stderr=inside)
    os.close(inside)
    seen = b""
    while True:
        try:
            seen += os.read(outside, 65536)
        except OSError:  # nobody has the other end open any more
            break
    os.close(outside)
    assert process.wait() == 0
    assert re.search(rb"\rcenv: template tool: setup \(\d+ s\) ", seen)
    lines = re.split(rb"[\r\n]+", re.sub(rb"\x1b\[[\d;]*m", b"", seen))
    after = next(i for i, line in enumerate(lines) if b"tool: ready after " in line)
    assert lines[after + 1].startswith(b"test_suite.py .")


def _fail(live: progress.Live) -> None:
    with live.making("python") as tell:
        tell("setup", 0, 0)
        raise ZeroDivisionError


def test_events__are_told_apart_and_not_too_often() -> None:
    shown: list[dict] = []
    with progress.Live(shown.append, every=60.0).making("python") as tell:
        tell("solve", 0, 0)
        assert shown == []  # nothing for the first half second
        tell("setup", 0, 0)
        tell("setup", 0, 0)
    assert [event.get("stage") for event in shown] == ["setup", None]
    assert shown[-1]["ended"] == "ready"
    with pytest.raises(ZeroDivisionError):
        _fail(progress.Live(shown.append, every=60.0))
    assert shown[-1]["ended"] == "failed"


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"stage": "solve"}, "cenv: template python pip: solve (3 s)"),
        (
            {"stage": "extract", "done": 27_000_000, "total": 60_000_000},
            "cenv: template python pip: extract 45% of 60.0 MB (3 s)",
        ),
        (
            {"stage": "link", "done": 3, "total": 7, "worker": "gw1"},
            "cenv gw1: template python pip: link 3 of 7 (3 s)",
        ),
        ({"ended": "ready"}, "cenv: template python pip: ready after 3.40 s"),
    ],
)
def test_events__read_as_lines(values: dict, line: str) -> None:
    event = {
        "what": "python pip",
        "seconds": 3.4,
        "done": 0,
        "total": 0,
        "again": False,
    }
    assert progress.describe(event | values) == line
    if values.get("total"):
        bare = progress.describe(event | values, whole=False)
        assert bare.endswith(f"{values['stage']} (3 s)")
        again = event | values | {"again": True}
        assert progress.describe(again, whole=False) == line
