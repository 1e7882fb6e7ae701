# SPDX-License-Identifier: BSD-3-Clause
"""The file of a trace: spans as Trace Event JSON, which Perfetto opens, and read again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cenv.config.paths import replace_file
from cenv.tracing import trace_events
from cenv.tracing.clean import clean_text
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
    from cenv.config.shape import Node, json_value, of_value
    from cenv.errors import CenvError, SpecError
    from cenv.tracing.facts import facts_of

    file = os.fspath(path)
    try:
        trace = json_value(Path(path).read_bytes(), file)
        members: dict[str, Any] = Node(trace, file).members()
        spans = list(_spans(members.get("traceEvents"), file))
        facts = of_value(members.get("cenv"), file, "cenv")
        return Recorder(
            spans=spans, facts=facts_of(facts) if facts.value is not None else {}
        )
    except SpecError as error:
        hint = "write one with: cenv --trace FILE COMMAND"
        raise CenvError(f"{error}: this is not a trace of cenv", hint=hint) from None


def _spans(events: Any, file: str) -> Iterator[dict[str, Any]]:
    from cenv.config.shape import of_value
    from cenv.errors import SpecError

    if not isinstance(events, list):
        raise of_value(events, file, "traceEvents").expected("a list of events")
    for number, event in enumerate(events):
        try:
            span = _span_of(event)
        except SpecError as error:
            raise SpecError(f"{file}: traceEvents[{number}].{error}") from None
        if span is not None:
            yield span


def _span_of(event: Any) -> dict[str, Any] | None:
    """Return the span of an event; None for one that is not of a stage."""
    args = _taken(event, "args") if _taken(event, "ph") == "X" else None
    if not args or not _taken(args, "stage"):
        return None
    start, length = (_number(event, key) / 1e6 for key in ("ts", "dur"))
    span: dict[str, Any] = {key: _whole(args, key) for key in COUNTS}
    for key in ("stage", "what", "reason"):
        span[key] = _written(args, key)
    span["pid"] = _whole(event, "pid")
    span["thread"] = trace_events.thread_of(_whole(event, "tid"))
    return {**span, "start": start, "end": start + length}


# ---- members of an event: thousands of spans have a dozen each, so that a node is made only of
# one that is not plainly right, to say what is wrong with it ----


def _taken(event: Any, key: str) -> Any:
    return event.get(key) if type(event) is dict else _node(event, "event").members()


def _whole(event: dict[str, Any], key: str) -> int:
    value: Any = event.get(key)
    right = type(value) is int and 0 <= value < _MOST
    return value if right else _node(value, key).integer()


def _number(event: dict[str, Any], key: str) -> float:
    value: Any = event.get(key)
    right = type(value) in (int, float) and -_MOST < value < _MOST
    return value if right else _node(value, key).number()


def _written(event: dict[str, Any], key: str) -> str:
    value: Any = event.get(key)
    return clean_text(value) if type(value) is str else _node(value, key).written()


_MOST = 10**18  # what Node takes for a whole number


def _node(value: Any, key: str) -> Node:
    from cenv.config.shape import of_value

    return of_value(value, key)
