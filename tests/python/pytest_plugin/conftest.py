# SPDX-License-Identifier: BSD-3-Clause
"""Projects of their own for the plugin's tests, run by pytest in subprocesses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., pytest.RunResult]
Configure = Callable[..., pytest.Pytester]


@pytest.fixture
def configure(pytester: pytest.Pytester, small_channel: Path) -> Configure:
    """Return a function that sets keys of the project's ini, beside those set before."""
    keys: dict[str, object] = {"cenv_channels": small_channel}

    def write(**more: object) -> pytest.Pytester:
        keys.update(more)
        lines = "".join(f"{key} = {value}\n" for key, value in keys.items())
        (pytester.path / "pytest.ini").write_text(f"[pytest]\n{lines}")
        return pytester

    return write


@pytest.fixture
def fresh(configure: Configure) -> pytest.Pytester:
    """Return a project with a store of its own, in which every build counts."""
    return configure(cenv_store="store", cenv_specs="tool")


@pytest.fixture
def project(configure: Configure, session_store: Path) -> pytest.Pytester:
    """Return a project that shares its store with other tests: it builds little."""
    specs = 'tool "data >=2,<3"'
    named = "\n    newest: tool\n    oldest: data=1"
    return configure(cenv_store=session_store, cenv_specs=specs, cenv_templates=named)


LEAN = ("-p", "xdist", "-p", "cenv.pytest_plugin")  # all other plugins take time
STRICT = ("--strict-markers", "--strict-config", "-W", "error")


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs pytest in the project, strict as can be, and lean."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def start(*argv: str) -> pytest.RunResult:
        return pytester.runpytest_subprocess(*LEAN, *STRICT, *argv)

    return start
