# SPDX-License-Identifier: BSD-3-Clause
"""Runs made of what is said of them, each stage behind the other, on one thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from cenv.reporting.run import Run
from cenv.tracing.facts import Facts


def package(name: str, version: str = "1.0", **more: Any) -> dict[str, Any]:
    """Return the facts of a package; `download=2.0` and the like are seconds of stages."""
    stages = {
        stage: {
            "seconds": more.pop(stage),
            "bytes": more.get("size", 1000),
            "files": 10,
        }
        for stage in ("download", "extract", "verify", "link", "compile")
        if stage in more
    }
    plain = {"name": name, "version": version, "build": "0", "channel": "main"}
    return {
        **plain,
        "size": 1000,
        "files": 10,
        "stages": stages,
        "needed_by": [],
        **more,
    }


def channel(name: str = "main", **more: Any) -> dict[str, Any]:
    """Return the facts of a channel."""
    plain = {"channel": name, "subdir": "noarch", "cache": "hit", "records": 500}
    return {**plain, "packages_taken": 1, "names_read": 10, "seconds": 0.1, **more}


def spans_of(seconds: Mapping[str, float], **more: Any) -> list[dict[str, Any]]:
    """Return one span of each stage, one behind the other."""
    found, at = [], 0.0
    for stage, took in seconds.items():
        span = {"stage": stage, "what": "", "start": at, "end": at + took, "thread": 0}
        span |= {"items": 10, "bytes": 1000, "hits": 0, "misses": 0, "reason": ""}
        found.append({**span, **more})
        at += took
    return found


def run(
    specs: Sequence[str] = ("app",),
    packages: Sequence[Mapping[str, Any]] = (),
    channels: Sequence[Mapping[str, Any]] = (),
    names: Mapping[str, int | tuple[int, str]] | None = None,
    stages: Mapping[str, float] | None = None,
    outside: float = 0.1,
    searched: Sequence[str] = ("main",),
    **machine: Any,
) -> Run:
    """Return a run; its stages last as long as packages and channels say, else `stages`."""
    walls: dict[str, float] = {}
    if channels:
        walls["process indices"] = sum(c["seconds"] for c in channels)
    for each in packages:
        for stage, work in each["stages"].items():
            walls[stage] = walls.get(stage, 0.0) + work["seconds"]
    walls |= stages or {}
    facts: dict[str, Any] = {
        "command": "create",
        "seconds": sum(walls.values()) + outside,
        "request": {"specs": list(specs), "channels": list(searched)},
        "channels": list(channels),
        "packages": list(packages),
        "names": [_name(name, said) for name, said in (names or {}).items()],
        "machine": {"cores": 2, "load": 0.5, **machine},
    }
    return Run(Facts(**facts), spans_of(walls))


def _name(name: str, said: int | tuple[int, str]) -> dict[str, Any]:
    count, through = said if isinstance(said, tuple) else (said, "")
    return {"name": name, "candidates": count, "reached_through": through}


@pytest.fixture(scope="session")
def made() -> SimpleNamespace:
    """Return the functions that make runs and their parts."""
    return SimpleNamespace(run=run, package=package, channel=channel, spans_of=spans_of)


@pytest.fixture(scope="session")
def pair() -> tuple[Run, Run]:
    """Return two runs on two threads: the later one has a spec, and a channel, more."""
    packages = [
        package("python", "3.12", extract=2.0, link=1.0, size=30_000_000),
        package("zlib", extract=0.1, needed_by=["python"], size=200_000),
        package("numpy", extract=1.0, needed_by=["scipy"], size=8_000_000),
        package("scipy", extract=2.0, link=0.5, size=18_000_000),
    ]
    torch = package("pytorch", extract=9.0, link=2.0, size=460_000_000)
    mkl = package("mkl", extract=2.0, needed_by=["pytorch"], size=90_000_000)
    names: dict[str, int | tuple[int, str]] = {"python": 400, "numpy": (90, "scipy")}
    hostile = channel("<script>alert(1)</script>\u202e", seconds=3.0, packages_taken=0)
    before = run(["python", "scipy"], packages, [channel()], names)
    after = run(
        ["python", "scipy", "pytorch"],
        [*packages, torch, mkl],
        [channel(), hostile],
        {**names, "pytorch": 12},
    )
    return _on_two_threads(before), _on_two_threads(after)


def _on_two_threads(made: Run) -> Run:
    """Return a run whose packages are extracted two at a time."""
    spans, free = [], [0.0, 0.0]
    for each in made.packages.values():
        thread = free.index(min(free))
        end = free[thread] + each.stages["extract"].seconds
        more = {"what": f"{each}.conda", "start": free[thread], "end": end}
        free[thread] = end
        spans += spans_of({"extract": 0.0}, thread=thread, **more)
    rest = [dict(s) for s in made.spans if s["stage"] != "extract"]
    for span in rest:
        span["start"], span["end"] = span["start"] + 20, span["end"] + 20
    facts = made.facts.copy()
    facts["seconds"] = 30.0
    return Run(facts, [*spans, *rest])
