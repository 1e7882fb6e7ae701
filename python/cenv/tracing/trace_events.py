# SPDX-License-Identifier: BSD-3-Clause
"""Spans as events of the Trace Event format, which Perfetto and chrome://tracing open.

The format is that of "Trace Event Format" (Google, 2016, revised since). Beside a slice for
each span there are names of processes and threads, an arrow from a package's download to its
extraction and on to the link, and counters of bytes and memory.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cenv.tracing.recorder import COUNTS, unit

Event = dict[str, Any]
Span = dict[str, Any]

_ARGS = ("stage", "what", *COUNTS, "reason")
_LANE = 1000  # the number of the first lane (csrc/base/task.h): transfers, not threads
_ASIDE = 100_000  # a row beside that of a thread has its number and so much more
_FLOW = ("download", "extract")  # the stages of a package before the link


def of_process(
    pid: int, name: str, spans: Sequence[Span], memory: Sequence[tuple[float, int]] = ()
) -> list[Event]:
    """Return the events of one process; `memory` are (time, peak of resident bytes).

    A span without a stage only frames others: it is shown, and not counted by `read`.
    """
    rows = list(_in_rows(spans))
    slices = [_slice(pid, row, span) for row, span in rows]
    return [
        _named(pid, 0, "process_name", name),
        *(_named(pid, row, "thread_name", _row_name(row)) for row in _used(rows)),
        *slices,
        *_flows(pid, rows),
        *_bytes(pid, spans),
        *_memory(pid, memory),
    ]


def thread_of(row: int) -> int:
    """Return the thread that a row is of."""
    return max(0, row - 1) % _ASIDE


# ---- rows: threads, and what goes on beside them ----


def _in_rows(spans: Sequence[Span]) -> Iterator[tuple[int, Span]]:
    """Yield each span with its row, in which any two are apart or one within the other.

    Rows are numbered from 1: Perfetto takes thread 0 for the system's idle one. Calls of
    several threads of Python each have a thread 0; what overlaps goes to a row beside.
    """
    open_until: dict[int, list[float]] = {}
    for span in sorted(spans, key=lambda s: (s["start"], -s["end"])):
        row = span["thread"] + 1
        while not _fits(open_until.setdefault(row, []), span):
            row += _ASIDE
        open_until[row].append(span["end"])
        yield row, span


def _fits(ends: list[float], span: Span) -> bool:
    """Say whether the span lies in all that is open, once what has ended is closed."""
    while ends and ends[-1] <= span["start"]:
        ends.pop()
    return not ends or span["end"] <= ends[-1]


def _used(rows: Iterable[tuple[int, Span]]) -> list[int]:
    return sorted({row for row, _span in rows})


def _row_name(row: int) -> str:
    thread, beside = thread_of(row), (row - 1) // _ASIDE
    if thread >= _LANE:
        name = f"transfer {thread - _LANE + 1}"
    else:
        name = f"worker {thread}" if thread else "main"
    return f"{name} (beside {beside})" if beside else name


# ---- events ----


def _event(pid: int, row: int, kind: str, name: str, **more: Any) -> Event:
    return {"name": name, "ph": kind, "pid": pid, "tid": row, **more}


def _named(pid: int, row: int, what: str, name: str) -> Event:
    return _event(pid, row, "M", what, args={"name": name})


def _slice(pid: int, row: int, span: Span) -> Event:
    kind = span.get("stage") or span["kind"]
    return _event(
        pid,
        row,
        "X",
        f"{kind} {span['what']}".strip(),
        cat=kind,
        ts=span["start"] * 1e6,
        dur=(span["end"] - span["start"]) * 1e6,
        args={key: span[key] for key in _ARGS if key in span},
    )


def _flows(pid: int, rows: Sequence[tuple[int, Span]]) -> Iterator[Event]:
    """Yield the arrows of each package: they leave at an end, and arrive at a start."""
    stations: dict[str, list[tuple[int, Span]]] = {}
    for row, span in rows:
        if span.get("stage") in _FLOW and span["what"]:
            stations.setdefault(span["what"], []).append((row, span))
    links = [(row, span) for row, span in rows if span.get("stage") == "link"]
    starts = [span["start"] for _row, span in links]  # in order, as the rows are
    for number, (what, way) in enumerate(stations.items(), 1):
        at = bisect_left(starts, way[-1][1]["end"])
        way = [*way, *links[at : at + 1]]
        if len(way) > 1:
            yield from _flow(pid, number, what, way)


def _flow(
    pid: int, number: int, what: str, way: Sequence[tuple[int, Span]]
) -> Iterator[Event]:
    for place, (row, span) in enumerate(way):
        kind = "s" if place == 0 else "f" if place == len(way) - 1 else "t"
        at = span["start"]
        if kind == "s":  # just before the end, for it must lie within the slice
            at += 0.999 * (span["end"] - span["start"])
        more = {"bp": "e"} if kind == "f" else {}
        flow = {"cat": "package", "id": f"{pid}.{number}", "ts": at * 1e6}
        yield _event(pid, row, kind, what, **flow, **more)


def _bytes(pid: int, spans: Sequence[Span]) -> Iterator[Event]:
    """Yield what was received, unpacked and imported until then, in bytes."""
    counted = [
        span for span in spans if span.get("bytes") and unit(span["stage"]) == "bytes"
    ]
    sums = dict.fromkeys((span["stage"] for span in counted), 0)
    if counted:
        yield _counter(pid, "bytes", min(s["start"] for s in counted), dict(sums))
    for span in sorted(counted, key=lambda s: float(s["end"])):
        sums[span["stage"]] += span["bytes"]
        yield _counter(pid, "bytes", span["end"], dict(sums))


def _memory(pid: int, samples: Iterable[tuple[float, int]]) -> Iterator[Event]:
    for at, peak in samples:
        yield _counter(pid, "memory", at, {"peak": peak})


def _counter(pid: int, name: str, at: float, values: dict[str, int]) -> Event:
    return _event(pid, 0, "C", name, ts=at * 1e6, args=values)
