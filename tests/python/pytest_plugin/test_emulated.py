# SPDX-License-Identifier: BSD-3-Clause
"""A suite of benchmarks in CodSpeed's emulator: valgrind with its runner's flags."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def emulated(monkeypatch: pytest.MonkeyPatch):
    """Return the benchmark that compares set-ups there, as a module."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    spec = importlib.util.spec_from_file_location(
        "emulated", ROOT / "benchmarks/emulated.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.timeout(600)
@pytest.mark.skipif(
    shutil.which("valgrind") is None, reason="valgrind is not installed"
)
def test_emulated_suite__has_its_clones(
    emulated, small_channel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulated, "SPECS", ["tool"])
    said: list[str] = []
    run = emulated.emulated
    monkeypatch.setattr(emulated, "emulated", lambda *given: said.append(run(*given)))
    _, seconds = emulated.clones(tmp_path, small_channel, 2)
    assert len(seconds) == 4, "two benchmarks, each with a round to warm up"
    assert list(tmp_path.glob("base/cenv/*")) == []
    # No word beside what callgrind says of the caches that it simulates, and of requests that
    # only CodSpeed's own valgrind knows.
    expected = ("LL", "source line", "unknown callgrind client request")
    lines = said[0].splitlines()
    assert [line for line in lines if not any(word in line for word in expected)] == []
