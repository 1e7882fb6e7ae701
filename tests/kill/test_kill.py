# SPDX-License-Identifier: BSD-3-Clause
"""A short form of `make kill`: each operation dies at some points."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).with_name("kill.py")


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler is installed")
@pytest.mark.parametrize(
    "operations",
    [
        "create,clone,hardlink,remember",
        "template,import,export",
        "reset,recycle,index,extract",
        "push,pull",
        "remove,gc,sweep",
        "layers",
    ],
)
def test_killed_operations__leave_nothing_half_made(operations: str) -> None:
    kill(operations, 6 * len(operations.split(",")))


def kill(operations: str, points: int, **variables: str) -> None:
    command = [sys.executable, DRIVER, "--only", operations, "--points", str(points)]
    env = {**os.environ, **variables}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{points} points, 0 wrong" in done.stdout


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler is installed")
def test_killed_snapshots__leave_nothing_half_made(btrfs: Path) -> None:
    kill("snapshot,template,reset,remove,gc", 40, TMPDIR=str(btrfs))
