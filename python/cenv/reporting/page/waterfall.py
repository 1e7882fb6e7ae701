# SPDX-License-Identifier: BSD-3-Clause
"""The waterfall: what each thread did, from left to right."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from cenv.reporting.page.colours import class_of, legend
from cenv.reporting.page.markup import Html, element, table
from cenv.reporting.run import Run
from cenv.reporting.wall import Span
from cenv.reporting.wording import counted, seconds

_NARROW = 0.001  # of the width: what is narrower is not drawn
_NAMED = 0.06  # of the width: a bar that is wide enough for its name
_BARS = 1500  # that are drawn at most
_ROWS = 200  # of the table at most
_TICKS = 5

Thread = tuple[int, int]


def figure(run: Run, width: float | None = None) -> Html:
    """Draw the spans of a run; `width` is the seconds of the whole width, else its own."""
    spans = [span for span in run.spans if span["end"] >= span["start"]]
    if not spans:
        return element("p", "The trace has no spans.")
    start = min(span["start"] for span in spans)
    last = max(span["end"] for span in spans) - start
    whole = max(width or 0.0, last) or 1e-9
    lanes = _lanes(spans)
    wide = [s for s in spans if s["end"] - s["start"] >= _NARROW * whole]
    drawn = set(map(id, sorted(wide, key=lambda s: s["start"] - s["end"])[:_BARS]))
    said = f"{counted(len(spans), 'span')} on {counted(len(lanes), 'thread')}"
    picture = element(
        "div",
        _axis(whole),
        [_lane(lane, spans_, start, whole, drawn) for lane, spans_ in lanes],
        class_="waterfall",
        role="img",
        aria_label=f"{said} within {seconds(whole)}; the table below has them",
    )
    left = len(spans) - len(drawn)
    note = f"{said}." + (
        f" {left:,} too short to be seen are not drawn." if left else ""
    )
    stages = [stage.name for stage in run.stages]
    return element(
        "figure",
        picture,
        legend(stages),
        element("figcaption", note),
        _table(spans, start),
    )


def _lanes(spans: Sequence[Span]) -> list[tuple[str, list[Span]]]:
    """Return the spans by thread, outer ones before what runs within them."""
    lanes: dict[Thread, list[Span]] = {}
    for span in sorted(spans, key=lambda s: (s["start"], -s["end"])):
        lanes.setdefault((span.get("pid", 0), span["thread"]), []).append(span)
    several = len({process for process, _ in lanes}) > 1
    return [
        (
            f"process {process}, thread {thread}" if several else f"thread {thread}",
            found,
        )
        for (process, thread), found in sorted(lanes.items())
    ]


def _axis(whole: float) -> Html:
    step = _step(whole)
    ticks = [
        element(
            "span",
            f"{step * at:g} s",
            class_="tick",
            style=f"left:{100 * step * at / whole:.3f}%",
        )
        for at in range(int(whole * 0.95 / step) + 1)
    ]
    return element("div", ticks, class_="axis")


def _step(whole: float) -> float:
    """Return the round number of seconds that divides a width into two to five parts."""
    power = 10.0 ** math.floor(math.log10(whole))
    return next(f * power for f in (0.2, 0.5, 1, 2) if f * power * _TICKS >= whole)


def _lane(
    name: str, spans: Iterable[Span], start: float, whole: float, drawn: set[int]
) -> Html:
    bars = [_bar(span, start, whole) for span in spans if id(span) in drawn]
    track = element("div", bars, class_="track")
    return element(
        "div", element("div", name, class_="lane-name"), track, class_="lane"
    )


def _bar(span: Span, start: float, whole: float) -> Html:
    length = span["end"] - span["start"]
    share = length / whole
    name = f"{span['stage']} {span['what']}".strip()
    return element(
        "span",
        name if share >= _NAMED else "",
        class_=f"bar {class_of(span['stage'])}",
        style=f"left:{100 * (span['start'] - start) / whole:.3f}%;width:{100 * share:.3f}%",
        title=f"{name}: {seconds(length)}",
    )


def _table(spans: Sequence[Span], start: float) -> Html:
    longest = sorted(spans, key=lambda s: s["start"] - s["end"])[:_ROWS]
    rows = [
        (
            f"{span['stage']} {span['what']}".strip(),
            seconds(span["start"] - start),
            seconds(span["end"] - span["start"]),
            str(span["thread"]),
        )
        for span in sorted(longest, key=lambda s: s["start"])
    ]
    some = f"the {_ROWS} longest" if len(spans) > _ROWS else "all"
    found = table(
        f"Spans, {some}", ("span", "began at", "took", "thread"), rows, " rrr"
    )
    return element("details", element("summary", "The spans as a table"), found)
