# SPDX-License-Identifier: BSD-3-Clause
"""A short form of `make faults`: every kind of call fails somewhere in each operation."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).with_name("faults.py")


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler is installed")
@pytest.mark.parametrize("operation", ["create", "clone", "template", "import"])
def test_failing_calls__end_in_one_message_and_leave_nothing(operation: str) -> None:
    command = [sys.executable, DRIVER, "--only", operation, "--points", "30"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 wrong" in done.stdout


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler is installed")
@pytest.mark.parametrize(
    ("operation", "calls"),
    [
        ("create", "unlink"),  # a probe that cannot be removed is no part of it
        ("template", "unlink"),
        ("template", "utimens"),  # a file of another time is the same file
        ("extract", "memory"),  # what is done is told as done
        ("reset", "stat"),
    ],
)
def test_failing_calls__every_one_of_a_kind(operation: str, calls: str) -> None:
    command = [sys.executable, DRIVER, "--only", operation, "--calls", calls]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 wrong" in done.stdout


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler is installed")
def test_failing_looks__are_not_taken_for_absence() -> None:
    command = [sys.executable, DRIVER.with_name("unseen.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 wrong" in done.stdout
