# SPDX-License-Identifier: BSD-3-Clause
"""The seconds of a run, each given to one span."""

from __future__ import annotations

import itertools
import random

import pytest

from cenv.reporting import wall


def span(start: float, end: float, thread: int = 0, pid: int = 0) -> dict[str, object]:
    return {"start": start, "end": end, "thread": thread, "pid": pid}


@pytest.mark.parametrize(
    ("spans", "shares"),
    [
        ([], []),
        ([span(0, 2), span(2, 3)], [2, 1]),
        ([span(0, 4), span(1, 2)], [3, 1]),  # one runs within the other
        ([span(0, 4), span(0, 1)], [3, 1]),
        ([span(0, 2, 0), span(0, 2, 1)], [1, 1]),  # two threads share the time
        ([span(0, 2, 0), span(0, 2, 0, pid=7)], [1, 1]),
        ([span(0, 4, 0), span(2, 6, 1)], [3, 3]),
        ([span(0, 1), span(5, 6)], [1, 1]),  # what no span covers is nobody's
        ([span(3, 3), span(3, 1)], [0, 0]),
    ],
)
def test_shares__give_each_moment_once(spans, shares) -> None:
    assert wall.shares(spans) == pytest.approx(shares)


def test_shares__add_up_to_what_is_covered() -> None:
    rng = random.Random(7)
    for _ in range(50):
        spans = []
        for _ in range(rng.randrange(1, 40)):
            start = rng.uniform(0, 10)
            spans.append(span(start, start + rng.uniform(0, 3), rng.randrange(3)))
        points = sorted({s[key] for s in spans for key in ("start", "end")})
        covered = sum(
            b - a
            for a, b in itertools.pairwise(points)
            if any(s["start"] <= a and s["end"] >= b for s in spans)
        )
        assert sum(wall.shares(spans)) == pytest.approx(covered)
