# SPDX-License-Identifier: BSD-3-Clause
"""A short form of `make hostile`: some cases of every kind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).with_name("hostile.py")


@pytest.mark.parametrize("kind", ["packages", "archives", "servers"])
def test_hostile_input__ends_in_one_message_and_leaves_nothing(kind: str) -> None:
    command = [sys.executable, DRIVER, "--only", kind, "--share", "20"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 wrong" in done.stdout
