# SPDX-License-Identifier: BSD-3-Clause
"""The file of a trace: spans as Trace Event JSON, which Perfetto opens, and read again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cenv.config.paths import replace_file
from cenv.tracing import trace_events
from cenv.tracing.recorder import COUNTS, Recorder

if TYPE_CHECKING:
    from cenv.config.shape import Node
    from cenv.tracing.facts import Facts

Process = tuple[int, str, Sequence[dict[str, Any]]]  # its id, name and spans


def write(
    path: str | os.PathLike[str],
    spans: Sequence[dict[str, Any]],
    facts: Facts | None = None,
    memory: Sequence[tuple[float, int]] = (),
) -> None:
    """Write spans and facts to `path` as Trace Event JSON, replacing the file in one step."""
    replace_file(path, to_text(spans, facts, memory).encode())


def to_text(
    spans: Sequence[dict[str, Any]],
    facts: Facts | None = None,
    memory: Sequence[tuple[float, int]] = (),
) -> str:
    """Return spans and facts as Trace Event JSON; `memory` as a Recorder has it."""
    name = f"cenv {facts['command']}" if facts and "command" in facts else "cenv"
    return _text(trace_events.of_process(os.getpid(), name, spans, memory), facts)


def write_all(
    path: str | os.PathLike[str],
    processes: Iterable[Process],
    facts: Facts | None = None,
) -> None:
    """Write one trace of several processes."""
    events: list[dict[str, Any]] = []
    for process in processes:
        events += trace_events.of_process(*process)
    replace_file(path, _text(events, facts).encode())


def _text(events: list[dict[str, Any]], facts: Facts | None) -> str:
    trace: dict[str, Any] = {"traceEvents": events, "displayTimeUnit": "ms"}
    if facts is not None:
        trace["cenv"] = facts
    return json.dumps(trace)


def read(path: str | os.PathLike[str]) -> Recorder:
    """Read a trace written by `write`; its `facts` are empty where it has none."""
    from cenv.config.shape import of_json
    from cenv.errors import CenvError, SpecError
    from cenv.tracing.facts import facts_of

    try:
        tree = of_json(Path(path).read_bytes(), os.fspath(path))
        events = tree.need("traceEvents").items("a list of events")
        spans = [span for event in events if (span := _span_of(event))]
        facts = tree.get("cenv")
        return Recorder(spans=spans, facts=facts_of(facts) if facts else {})
    except SpecError as error:
        hint = "write one with: cenv --trace FILE COMMAND"
        raise CenvError(f"{error}: this is not a trace of cenv", hint=hint) from None


def _span_of(event: Node) -> dict[str, Any] | None:
    """Return the span of an event; None for one that is not of a stage."""
    kind, args = event.get("ph"), event.get("args")
    if kind is None or kind.value != "X" or args is None or not args.get("stage"):
        return None
    start, length = (event.need(key).number() / 1e6 for key in ("ts", "dur"))
    span: dict[str, Any] = {key: args.need(key).integer() for key in COUNTS}
    for key in ("what", "reason"):
        span[key] = args.need(key).written()
    span["pid"] = event.need("pid").integer()
    span["thread"] = trace_events.thread_of(event.need("tid").integer())
    stage = args.need("stage").text()
    return {**span, "stage": stage, "start": start, "end": start + length}
