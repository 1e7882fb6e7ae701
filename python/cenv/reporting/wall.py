# SPDX-License-Identifier: BSD-3-Clause
"""The seconds of a run, each given to one span, so that the parts add up to the whole.

Threads work at the same time, and a stage runs within another. At each moment the
innermost span of each thread is what that thread does, and the threads share the moment
equally. What no span covers is nobody's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

Span = dict[str, Any]
Thread = tuple[int, int]  # process, thread


def shares(spans: Sequence[Span]) -> list[float]:
    """Return the seconds of the run that are each span's."""
    found = [0.0] * len(spans)
    open_spans: dict[Thread, list[int]] = {}
    before = 0.0
    for moment, at, opens in _edges(spans):
        if open_spans and moment > before:
            part = (moment - before) / len(open_spans)
            for stack in open_spans.values():
                found[max(stack, key=lambda i: _depth(spans[i]))] += part
        _turn(open_spans, spans[at], at, opens)
        before = moment
    return found


def _edges(spans: Sequence[Span]) -> Iterator[tuple[float, int, bool]]:
    """Yield when each span opens and closes, in order of time."""
    edges = [(s["start"], i, True) for i, s in enumerate(spans)]
    edges += [(max(s["start"], s["end"]), i, False) for i, s in enumerate(spans)]
    yield from sorted(edges, key=lambda edge: (edge[0], not edge[2]))


def _depth(span: Span) -> tuple[float, float]:
    """Sort the innermost span of a thread last: it began last, or else ends first."""
    return span["start"], -span["end"]


def _turn(
    open_spans: dict[Thread, list[int]], span: Span, at: int, opens: bool
) -> None:
    thread = (span.get("pid", 0), span["thread"])
    if opens:
        open_spans.setdefault(thread, []).append(at)
        return
    stack = open_spans[thread]
    stack.remove(at)
    if not stack:
        del open_spans[thread]
