# SPDX-License-Identifier: BSD-3-Clause
"""Where the time goes: spans of the core, collected while it works and summed to stages."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from contextvars import ContextVar

from cenv._extension import extension

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from cenv.model import Stage
    from cenv.tracing.facts import Facts

    Progress = Callable[[str, int, int], None]


class Recorder:
    """Collects the spans of the operations that run while it is active.

    It is no dataclass: those load modules that take longer than small operations do.
    """

    def __init__(
        self,
        progress: Progress | None = None,
        spans: list[dict[str, Any]] | None = None,
        facts: Facts | None = None,
    ) -> None:
        self.progress = progress
        self.spans = [] if spans is None else spans
        self.notes: list[str] = []  # for --verbose
        self.facts: Facts = {} if facts is None else facts  # what was worked on
        # What the facts are completed of, when somebody reads them (tracing/assembly.py): the
        # core's of each call, as a function that gives JSON, and the records of what came of it.
        self.core_facts: list[Callable[[], str]] = []
        self.records: list[Mapping[str, Any]] = []
        self.memory: list[tuple[float, int]] = []  # see note_memory
        self.load = 0.0  # of the machine, when the outermost recorder began
        self.start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since the recorder was made."""
        return time.perf_counter() - self.start

    def note_memory(self) -> None:
        """Note the time, and how many bytes of memory the process has held at most."""
        with contextlib.suppress(ImportError):  # Windows
            import resource

            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            self.memory.append((time.perf_counter(), peak * _RSS_UNIT))

    def take(self, inner: Recorder) -> None:
        """Add what an enclosed recorder has collected."""
        self.spans.extend(inner.spans)
        self.notes.extend(inner.notes)
        self.core_facts.extend(inner.core_facts)
        self.memory.extend(inner.memory)
        channels = [*self.facts.get("channels", ()), *inner.facts.get("channels", ())]
        self.facts.update(inner.facts)
        if channels:
            self.facts["channels"] = channels
        if inner.records:
            self.records = inner.records

    def stages(self) -> tuple[Stage, ...]:
        """Sum the spans by stage, in the order of the core's table.

        A stage's seconds are those in which at least one thread was at it.
        """
        stages: dict[str, list[dict[str, Any]]] = {}
        for span in self.spans:
            stages.setdefault(span["stage"], []).append(span)
        return tuple(_stage(name, stages[name]) for name in in_order(stages))


def _stage(name: str, spans: list[dict[str, Any]]) -> Stage:
    from cenv.model import Stage

    counts = {count: sum(span[count] for span in spans) for count in COUNTS}
    return Stage(name=name, seconds=_covered(spans), **counts)


def _covered(spans: list[dict[str, Any]]) -> float:
    """Return the seconds that the spans of each process cover, overlaps counted once."""
    covered, process, until = 0.0, 0, 0.0
    for span in sorted(spans, key=lambda s: (s.get("pid", 0), s["start"])):
        if span.get("pid", 0) != process:
            process, until = span.get("pid", 0), 0.0
        covered += max(0.0, span["end"] - max(span["start"], until))
        until = max(until, span["end"])
    return covered


_RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes

COUNTS = ("items", "bytes", "hits", "misses")
_ACTIVE: ContextVar[Recorder | None] = ContextVar("cenv_recorder", default=None)


def in_order(names: Iterable[str]) -> list[str]:
    """Sort stages as the core lists them; those it does not know, by name, behind."""
    ranks = {name: rank for rank, name in enumerate(extension.STAGES)}
    return sorted(names, key=lambda name: (ranks.get(name, len(ranks)), name))


def unit(stage: str) -> str:
    """Return what the progress of a stage counts: bytes, files; "" for nothing."""
    units = dict(zip(extension.STAGES, extension.STAGE_UNITS))
    return units.get(stage, "")


@contextlib.contextmanager
def recording(progress: Progress | None = None) -> Iterator[Recorder]:
    """Collect the spans of the block; they reach the enclosing recorder too."""
    outer = _ACTIVE.get()
    inner = Recorder(progress or (outer.progress if outer else None))
    inner.load = outer.load if outer else _load()
    token = _ACTIVE.set(inner)
    try:
        yield inner
    finally:
        _ACTIVE.reset(token)
        if outer is not None:
            outer.take(inner)


def sum_of(value: object) -> str:
    """Return a check sum of a JSON value: traces tell by it what they do not name."""
    import zlib

    return f"{zlib.crc32(json.dumps(value, sort_keys=True).encode()):08x}"


def _load() -> float:
    """Return the load of the last minute; 0 where the system does not tell."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return 0.0


@contextlib.contextmanager
def stage(name: str, what: str = "") -> Iterator[None]:
    """Record the block as a span of the active recorder, and say that it begins."""
    recorder = active()
    if recorder.progress is not None:
        recorder.progress(name, 0, 0)
    start = time.perf_counter()
    try:
        yield
    finally:
        span = {"stage": name, "what": what, "thread": 0, "reason": ""}
        span |= dict.fromkeys(COUNTS, 0) | {"items": 1}
        recorder.spans.append({**span, "start": start, "end": time.perf_counter()})
        recorder.note_memory()


def active() -> Recorder:
    """Return the recorder of the enclosing block, or a new one nobody reads."""
    return _ACTIVE.get() or Recorder()
