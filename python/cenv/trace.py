# SPDX-License-Identifier: BSD-3-Clause
"""Where the time goes: spans of the core, summed to stages or written as Trace Event JSON."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cenv._extension import extension
from cenv.config.paths import replace_file
from cenv.model import Stage

Progress = Callable[[str, int, int], None]

if TYPE_CHECKING:
    from cenv.config.shape import Node


@dataclass
class Recorder:
    """Collects the spans of the operations that run while it is active."""

    progress: Progress | None = None
    spans: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # for --verbose
    start: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        """Seconds since the recorder was made."""
        return time.perf_counter() - self.start

    def stages(self) -> tuple[Stage, ...]:
        """Sum the spans by stage, in the order of the core's table.

        A stage's seconds are those in which at least one thread was at it.
        """
        stages: dict[str, list[dict[str, Any]]] = {}
        for span in self.spans:
            stages.setdefault(span["stage"], []).append(span)
        return tuple(_stage(name, stages[name]) for name in _in_order(stages))


def _stage(name: str, spans: list[dict[str, Any]]) -> Stage:
    counts = {count: sum(span[count] for span in spans) for count in _COUNTS}
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


_COUNTS = ("items", "bytes", "hits", "misses")
_ARGS = ("stage", "what", *_COUNTS, "reason")
_ACTIVE: ContextVar[Recorder | None] = ContextVar("cenv_recorder", default=None)


def _in_order(names: Iterable[str]) -> list[str]:
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
    token = _ACTIVE.set(inner)
    try:
        yield inner
    finally:
        _ACTIVE.reset(token)
        if outer is not None:
            outer.spans.extend(inner.spans)
            outer.notes.extend(inner.notes)


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
        span |= dict.fromkeys(_COUNTS, 0) | {"items": 1}
        recorder.spans.append({**span, "start": start, "end": time.perf_counter()})


def active() -> Recorder:
    """Return the recorder of the enclosing block, or a new one nobody reads."""
    return _ACTIVE.get() or Recorder()


def to_trace_events(
    spans: Iterable[dict[str, Any]], pid: int | None = None
) -> list[dict[str, Any]]:
    """Convert spans to the events that Perfetto and chrome://tracing open.

    A span without a stage only frames others: it is shown, and not counted by `read`.
    """
    process = os.getpid() if pid is None else pid
    return [
        {
            "name": f"{span.get('stage') or span['kind']} {span['what']}".strip(),
            "cat": span.get("stage") or span["kind"],
            "ph": "X",
            "ts": span["start"] * 1e6,
            "dur": (span["end"] - span["start"]) * 1e6,
            "pid": process,
            "tid": span["thread"],
            "args": {key: span[key] for key in _ARGS if key in span},
        }
        for span in spans
    ]


def write(path: str | os.PathLike[str], spans: list[dict[str, Any]]) -> None:
    """Write spans to `path` as Trace Event JSON, replacing the file in one step."""
    _write_events(path, to_trace_events(spans))


def write_all(
    path: str | os.PathLike[str],
    processes: Iterable[tuple[int, str, list[dict[str, Any]]]],
) -> None:
    """Write one trace of several processes: the id, name and spans of each."""
    events: list[dict[str, Any]] = []
    for pid, name, spans in processes:
        title = {"name": "process_name", "ph": "M", "pid": pid, "args": {"name": name}}
        events += [title, *to_trace_events(spans, pid)]
    _write_events(path, events)


def _write_events(path: str | os.PathLike[str], events: list[dict[str, Any]]) -> None:
    trace = {"traceEvents": events, "displayTimeUnit": "ms"}
    replace_file(path, json.dumps(trace).encode())


def read(path: str | os.PathLike[str]) -> Recorder:
    """Read a trace written by `write`."""
    from cenv.config.shape import of_json
    from cenv.errors import CenvError, SpecError

    try:
        tree = of_json(Path(path).read_bytes(), os.fspath(path))
        events = tree.need("traceEvents").items("a list of events")
        spans = [span for event in events if (span := _span_of(event))]
    except SpecError as error:
        hint = "write one with: cenv --trace FILE COMMAND"
        raise CenvError(f"{error}: this is not a trace of cenv", hint=hint) from None
    return Recorder(spans=spans)


def _span_of(event: Node) -> dict[str, Any] | None:
    """Return the span of an event; None for one that is not of a stage."""
    kind, args = event.get("ph"), event.get("args")
    if kind is None or kind.value != "X" or args is None or not args.get("stage"):
        return None
    start, length = (event.need(key).number() / 1e6 for key in ("ts", "dur"))
    span: dict[str, Any] = {key: args.need(key).integer() for key in _COUNTS}
    for key in ("what", "reason"):
        span[key] = args.need(key).written()
    for key in ("tid", "pid"):
        span["thread" if key == "tid" else key] = event.need(key).integer()
    stage = args.need("stage").text()
    return {**span, "stage": stage, "start": start, "end": start + length}


def compare(before: Recorder, after: Recorder) -> list[dict[str, Any]]:
    """Set the stages of two traces side by side, with what changed and why."""
    old = {stage.name: stage for stage in before.stages()}
    new = {stage.name: stage for stage in after.stages()}
    return [
        _change(name, old.get(name), new.get(name), after)
        for name in _in_order({*old, *new})
    ]


def _change(
    name: str, old: Stage | None, new: Stage | None, after: Recorder
) -> dict[str, Any]:
    was, now = (stage.seconds if stage else 0.0 for stage in (old, new))
    change = f"{now / was:.2f} x" if was and now else ("new" if now else "gone")
    reasons = [s["reason"] for s in after.spans if s["stage"] == name and s["reason"]]
    facts = [
        f"{count} {getattr(old, count)} -> {getattr(new, count)}"
        for count in _COUNTS
        if old and new and getattr(old, count) != getattr(new, count)
    ]
    why = "; ".join(dict.fromkeys([*reasons, *facts]))
    return {"name": name, "before": was, "after": now, "change": change, "why": why}
