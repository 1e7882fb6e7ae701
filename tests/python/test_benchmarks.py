# SPDX-License-Identifier: BSD-3-Clause
"""The project's benchmarks as pytest runs them: each collected, each run once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMES = {"clone[built-hardlink]", "clone[built-copy]", "reset[built]", "remove[built]"}
NAMES |= {"solve[built]", "open_index[built]", "extract[built]"}


@pytest.mark.parametrize(
    "argv",
    [
        ["-p", "pytest_codspeed.plugin", "--codspeed", "--codspeed-mode=simulation"],
        ["-p", "pytest_benchmark.plugin", "--benchmark-disable"],
    ],
    ids=["codspeed", "benchmark"],
)
def test_benchmarks__each_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: list[str]
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("CODSPEED_PROFILE_FOLDER", str(tmp_path / "profile"))
    monkeypatch.setenv("CENV_SHARED", str(tmp_path / "absent"))
    command = [sys.executable, "-m", "pytest", "benchmarks", "-v", "--no-header"]
    command += ["-p", "cenv.pytest_plugin", "-p", "pytest_timeout", *argv]
    command += ["-p", "no:cacheprovider", f"--cenv-store={tmp_path / 'store'}"]
    done = subprocess.run(
        [*command, f"--basetemp={tmp_path / 'base'}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if " PASSED" in line]
    passed = {line.split("::test_")[1].split(" ")[0] for line in lines}
    assert passed == NAMES
