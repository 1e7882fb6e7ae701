# SPDX-License-Identifier: BSD-3-Clause
"""Where the time goes: spans of the core, summed to stages or written as Trace Event JSON."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cenv.model import Stage

Progress = Callable[[str, int, int], None]

# The order in which the field names them: design of the trace, and of `cenv report`.
STAGES = (
    "download indices",
    "process indices",
    "reduce",
    "express",
    "solve",
    "download",
    "extract",
    "verify",
    "link",
    "directories",
    "files",
    "relocate",
    "records",
    "publish",
)


@dataclass
class Recorder:
    """Collects the spans of the operations that run while it is active."""

    progress: Progress | None = None
    spans: list[dict[str, Any]] = field(default_factory=list)
    start: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        """Seconds since the recorder was made."""
        return time.perf_counter() - self.start

    def stages(self) -> tuple[Stage, ...]:
        """Sum the spans by stage, in the order of the field."""
        sums: dict[str, dict[str, Any]] = {}
        for span in self.spans:
            stage = sums.setdefault(
                span["stage"], dict.fromkeys(_COUNTS, 0) | {"seconds": 0.0}
            )
            stage["seconds"] += span["end"] - span["start"]
            for count in _COUNTS:
                stage[count] += span[count]
        order = sorted(sums, key=lambda name: (_rank(name), name))
        return tuple(Stage(name=name, **sums[name]) for name in order)


_COUNTS = ("items", "bytes", "hits", "misses")
_ACTIVE: ContextVar[Recorder | None] = ContextVar("cenv_recorder", default=None)


def _rank(name: str) -> int:
    return STAGES.index(name) if name in STAGES else len(STAGES)


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


def active() -> Recorder:
    """Return the recorder of the enclosing block, or a new one nobody reads."""
    return _ACTIVE.get() or Recorder()


def to_trace_events(spans: list[dict[str, Any]]) -> dict[str, Any]:
    """Convert spans to the Trace Event format that Perfetto and chrome://tracing open."""
    pid = os.getpid()
    events = [
        {
            "name": f"{span['stage']} {span['what']}".strip(),
            "cat": span["stage"],
            "ph": "X",
            "ts": span["start"] * 1e6,
            "dur": (span["end"] - span["start"]) * 1e6,
            "pid": pid,
            "tid": span["thread"],
            "args": {key: span[key] for key in ("stage", "what", *_COUNTS, "reason")},
        }
        for span in spans
    ]
    return {"traceEvents": events, "displayTimeUnit": "ms"}


def write(path: str | os.PathLike[str], spans: list[dict[str, Any]]) -> None:
    """Write spans to `path` as Trace Event JSON, replacing the file in one step."""
    target = Path(path)
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        scratch.write_text(json.dumps(to_trace_events(spans)), encoding="utf-8")
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)


def read(path: str | os.PathLike[str]) -> Recorder:
    """Read a trace written by `write`."""
    from cenv.errors import CenvError

    try:
        events = json.loads(Path(path).read_text(encoding="utf-8"))["traceEvents"]
        spans = [
            {
                **event["args"],
                "start": event["ts"] / 1e6,
                "thread": event["tid"],
                "end": (event["ts"] + event["dur"]) / 1e6,
            }
            for event in events
        ]
    except (ValueError, KeyError, TypeError) as error:
        message = f"{os.fspath(path)} is not a trace of cenv: {error}"
        raise CenvError(
            message, hint="write one with: cenv --trace FILE COMMAND"
        ) from None
    return Recorder(spans=spans)


def compare(before: Recorder, after: Recorder) -> list[dict[str, Any]]:
    """Set the stages of two traces side by side, with what changed and why."""
    old = {stage.name: stage for stage in before.stages()}
    new = {stage.name: stage for stage in after.stages()}
    names = sorted({*old, *new}, key=lambda name: (_rank(name), name))
    return [_change(name, old.get(name), new.get(name), after) for name in names]


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
