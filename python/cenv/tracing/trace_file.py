# SPDX-License-Identifier: BSD-3-Clause
"""The file of a trace: spans as Trace Event JSON, which Perfetto opens, and read again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cenv.config.paths import replace_file
from cenv.tracing.facts import Facts, facts_of
from cenv.tracing.recorder import COUNTS, Recorder

if TYPE_CHECKING:
    from cenv.config.shape import Node

_ARGS = ("stage", "what", *COUNTS, "reason")


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


def write(
    path: str | os.PathLike[str],
    spans: list[dict[str, Any]],
    facts: Facts | None = None,
) -> None:
    """Write spans and facts to `path` as Trace Event JSON, replacing the file in one step."""
    replace_file(path, to_text(spans, facts).encode())


def to_text(spans: list[dict[str, Any]], facts: Facts | None = None) -> str:
    """Return spans and facts as Trace Event JSON."""
    return _text(to_trace_events(spans), facts)


def write_all(
    path: str | os.PathLike[str],
    processes: Iterable[tuple[int, str, list[dict[str, Any]]]],
    facts: Facts | None = None,
) -> None:
    """Write one trace of several processes: the id, name and spans of each."""
    events: list[dict[str, Any]] = []
    for pid, name, spans in processes:
        title = {"name": "process_name", "ph": "M", "pid": pid, "args": {"name": name}}
        events += [title, *to_trace_events(spans, pid)]
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

    try:
        tree = of_json(Path(path).read_bytes(), os.fspath(path))
        events = tree.need("traceEvents").items("a list of events")
        spans = [span for event in events if (span := _span_of(event))]
        facts = tree.get("cenv")
        return Recorder(spans=spans, facts=facts_of(facts) if facts else Facts())
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
    for key in ("tid", "pid"):
        span["thread" if key == "tid" else key] = event.need(key).integer()
    stage = args.need("stage").text()
    return {**span, "stage": stage, "start": start, "end": start + length}
