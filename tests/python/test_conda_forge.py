# SPDX-License-Identifier: BSD-3-Clause
"""Clones of a template of conda-forge's packages, which a job of CI brings."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import cenv


@pytest.mark.network
@pytest.mark.parametrize("mode", ["copy", "hardlink", "auto"])
def test_clone__of_conda_forge_runs(mode: cenv.CloneMode, tmp_path: Path) -> None:
    template = os.environ["CENV_TEST_TEMPLATE"]
    cenv.clone(template, tmp_path / "clone", mode=mode)
    python = tmp_path / "clone/bin/python"
    told = subprocess.run(
        [python, "-m", "pip", "--version"], capture_output=True, text=True, check=True
    ).stdout
    assert str(tmp_path / "clone") in told
    report = cenv.verify(tmp_path / "clone")
    assert report.ok
