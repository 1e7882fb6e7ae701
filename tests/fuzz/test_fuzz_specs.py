# SPDX-License-Identifier: BSD-3-Clause
"""A short form of the fuzzing of specs and locks: the corpus, and some changes of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DRIVER = Path(__file__).with_name("fuzz_specs.py")


def test_changed_files__end_in_records_or_one_error() -> None:
    command = [sys.executable, str(DRIVER), "--inputs", "300", "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "specs: 300 files, seed 7" in done.stdout
