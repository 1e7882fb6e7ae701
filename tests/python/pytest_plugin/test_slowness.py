# SPDX-License-Identifier: BSD-3-Clause
"""Builds that take longer than the last kept one of their request: told, with the cause."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cenv.pytest_plugin import slowness, statistics, summary
from cenv.tracing import kept
from cenv.tracing.facts import Facts
from cenv.tracing.recorder import Recorder


def facts(seconds: float, *, spec: str = "tool", version: str = "1") -> Facts:
    size = int(seconds * 1e6)
    work = {"seconds": seconds * 0.9, "bytes": size, "files": 1}
    package: Any = {"name": "tool", "version": version, "file": "tool.conda"}
    package |= {"size": size, "needed_by": [], "stages": {"download": work}}
    request: Any = {"specs": [spec], "channels": ["c"], "platform": "linux-64"}
    return {
        "version": 1,
        "command": "pytest",
        "seconds": seconds,
        "request": request,
        "packages": [package],
    }


def span(seconds: float) -> dict[str, Any]:
    counts = {"items": 1, "bytes": 0, "hits": 0, "misses": 0, "thread": 0}
    times = {"start": 0.0, "end": seconds * 0.9, "reason": ""}
    return {"stage": "download", "what": "tool.conda", **counts, **times}


def build(store: Path, seconds: float, **more: Any) -> dict[str, Any]:
    made: Any = SimpleNamespace(store=str(store))
    recorder = Recorder(spans=[span(seconds)])
    return slowness.of_build(made, recorder, facts(seconds, **more))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "v1").mkdir()
    return tmp_path


def test_build__that_is_slower_than_the_last_names_the_cause(store):
    first = build(store, 2.0)
    assert first["slower"] is None
    assert "tool" in first["causes"][0]["text"]
    assert build(store, 2.5)["slower"] is None
    slower = build(store, 20.0, version="2")["slower"]
    assert (slower["before"], slower["seconds"]) == (2.5, 20.0)
    assert "tool" in slower["cause"]
    assert len(kept.kept(store, "pytest")) == 3


def test_build__is_held_against_the_same_request_alone(store):
    build(store, 1.0, spec="other")
    assert build(store, 20.0)["slower"] is None


def test_build__short_ones_differ_by_noise(store):
    build(store, 0.1)
    assert build(store, 0.5)["slower"] is None


def test_build__a_damaged_trace_is_passed_over(store):
    build(store, 1.0)
    build(store, 9.0)
    newest = Path(kept.kept(store)[0].path)
    newest.write_text("{}")
    assert build(store, 3.0)["slower"]["before"] == 1.0


def test_summary__says_what_was_slower_in_a_line():
    slower = {"before": 2.0, "seconds": 8.0, "cause": "channel c grew"}
    template = {"id": "a" * 64, "prefix": "/t", "specs": ["python"], "records": []}
    template |= {"built": True, "seconds": 8.0, "cost": 8.0, "stages": []}
    template |= {"causes": [], "slower": slower, "pulled": None}
    noted = {"worker": "", "pid": 1, "templates": [template], "clones": [], "empty": 0}
    noted |= {
        "passed_through": [],
        "mirrors": [],
        "findings": [],
        "left": [],
        "activations": {},
    }
    noted["remote_troubles"] = []
    told = summary.lines(statistics.add_up([noted]))
    expected = (
        "template python took 8.00 s, 4.0 times its last build's 2.00 s: channel c grew"
    )
    assert expected in told
