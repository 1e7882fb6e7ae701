# SPDX-License-Identifier: BSD-3-Clause
"""A thousand clones a worker: memory and descriptors stay as they were."""

from __future__ import annotations

import json

import pytest

SUITE = """
import gc, json, os
from pathlib import Path
import pytest

COUNT = {"clones": 0}

def now():
    gc.collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1])
    memory = resident * os.sysconf("SC_PAGE_SIZE")
    return {"memory": memory, "descriptors": len(os.listdir("/proc/self/fd"))}

@pytest.mark.parametrize("number", range(220))
def test_clones(cenv_env, number):
    for _ in range(10):
        env = cenv_env()
        env.run("tool", check=True, capture_output=True)
    COUNT["clones"] += 10
    if COUNT["clones"] in (200, 900):
        with (Path(__file__).parent / "seen").open("a") as file:
            worker = os.environ["PYTEST_XDIST_WORKER"]
            file.write(json.dumps({**COUNT, "worker": worker, **now()}) + chr(10))
"""
SLACK = 2 << 20  # bytes: what is noted of 700 clones and 70 tests, to report on them


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_thousand_clones__leave_memory_and_descriptors_flat(
    fresh: pytest.Pytester, run
) -> None:
    fresh.makepyfile(SUITE)
    result = run("-n2", "--basetemp=base", "--cenv-json=report.json")
    result.assert_outcomes(passed=220)
    report = json.loads((fresh.path / "report.json").read_text())
    assert report["clones"]["count"] == 2200
    lines = (fresh.path / "seen").read_text().splitlines()
    seen: dict[str, list[dict]] = {}
    for found in map(json.loads, lines):
        seen.setdefault(found["worker"], []).append(found)
    assert len(seen) == 2
    for early, late in seen.values():
        assert (early["clones"], late["clones"]) == (200, 900)
        assert late["memory"] <= early["memory"] + SLACK
        assert late["descriptors"] <= early["descriptors"]
    assert not list(fresh.path.glob("base/popen-gw*/cenv/*"))
    assert len(list((fresh.path / "store/v1/clones").iterdir())) < 50
