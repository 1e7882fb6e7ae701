# SPDX-License-Identifier: BSD-3-Clause
"""Projects of their own for the plugin's tests, run by pytest in subprocesses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def fresh(pytester: pytest.Pytester, small_channel: Path) -> pytest.Pytester:
    """Return a project with a store of its own, in which every build counts."""
    (pytester.path / "pytest.ini").write_text(
        "[pytest]\n"
        f"cenv_channels = {small_channel}\n"
        "cenv_store = store\n"
        "cenv_specs = tool\n"
    )
    return pytester


LEAN = ("-p", "xdist", "-p", "cenv.pytest_plugin")  # all other plugins take time
STRICT = ("--strict-markers", "--strict-config", "-W", "error")


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs pytest in the project, strict as can be, and lean."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def start(*argv: str) -> pytest.RunResult:
        return pytester.runpytest_subprocess(*LEAN, *STRICT, *argv)

    return start
