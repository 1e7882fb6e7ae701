# SPDX-License-Identifier: BSD-3-Clause
"""A suite of benchmarks in CodSpeed's emulator: valgrind with its runner's flags."""

from __future__ import annotations

import importlib.util
import shutil
import sys
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


MIXED = """
import os
from pathlib import Path
import pytest

def programs():
    me = os.getpid()
    return Path(f"/proc/{me}/task/{me}/children").read_text().split()

@pytest.mark.parametrize("n", range(6))
def test_starts_helpers(cenv_env, n):
    cenv_env()

def test_measured(cenv_env, benchmark):
    counts = []
    def setup():
        return (cenv_env(),), {}
    benchmark.pedantic(lambda env: counts.append(programs()), setup=setup, rounds=3)
    assert counts == [[], [], []]
    assert os.environ["LD_PRELOAD"], "valgrind has this process"

def test_after(cenv_env):
    cenv_env()
"""


@pytest.mark.timeout(600)
@pytest.mark.skipif(
    shutil.which("valgrind") is None, reason="valgrind is not installed"
)
def test_emulated_benchmark__has_no_process_of_ours_beside_it(
    emulated, small_channel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --trace-children each such process would be traced, and its work counted."""
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
        monkeypatch.delenv(name, raising=False)  # or pytest-benchmark measures nothing
    settings = f"cenv_channels = {small_channel}\ncenv_store = store\ncenv_specs = tool"
    (tmp_path / "pytest.ini").write_text(f"[pytest]\n{settings}\ncenv_spares = 2\n")
    (tmp_path / "test_mixed.py").write_text(MIXED)
    plugins = ["cenv.pytest_plugin", "pytest_benchmark.plugin", "no:cacheprovider"]
    argv = [word for name in plugins for word in ("-p", name)]
    environment = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "--basetemp=base", *argv]
    emulated.emulated(tmp_path, command, environment)
    traced = {int(path.suffixes[0][1:]) for path in tmp_path.glob("callgrind.*.out")}
    assert len(traced) >= 2, "helpers of the other tests were traced, too"
