# SPDX-License-Identifier: BSD-3-Clause
"""The page of two runs side by side: what made the difference."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cenv.reporting import comparing, text
from cenv.reporting.difference import Difference
from cenv.reporting.page import dependencies, one, treemap, waterfall
from cenv.reporting.page.document import document
from cenv.reporting.page.markup import Html, Part, element, section, table
from cenv.reporting.run import Package, Run
from cenv.reporting.wording import difference, seconds, size

_ROWS = 200


def page(found: Difference, replayed: Iterable[str]) -> str:
    """Return the page of a difference; `replayed` is what came of trials."""
    told = seconds(abs(found.seconds))
    more = "longer" if found.seconds >= 0 else "shorter"
    title = f"Why {text.titled(found.after)} took {told} {more}"
    return document(
        title,
        element("h1", title),
        element("p", text.headline_of_two(found), class_="answer"),
        element("p", f"Before: {text.circumstances(found.before)}", class_="faint"),
        element("p", f"Now: {text.circumstances(found.after)}", class_="faint"),
        *(element("p", doubt) for doubt in text.doubts(found)),
        section("What made the difference", causes(found)),
        *_replayed(replayed),
        section("Stages", stages(found)),
        section("Waterfalls", _waterfalls(found)),
        section("Packages", _tree_maps(found), packages(found)),
        section("What each spec brings", beside(found, one.specs, dependencies.tree)),
        section("Channels", beside(found, one.channels)),
    )


def causes(found: Difference) -> Html:
    """Return the causes and what has none; the seconds add up."""
    rows = [(_signed(told), sentence) for told, sentence in text.difference_rows(found)]
    head = ("seconds", "what made the difference")
    return table("Causes, whose seconds add up to the difference", head, rows, "r")


def _signed(told: str) -> Html:
    took = float(told.split()[0])
    kind = "more" if took > 0 else "less" if took < 0 else None
    return element("span", told, class_=kind)


def _replayed(lines: Iterable[str]) -> list[Html]:
    items = [element("li", line) for line in lines]
    if not items:
        return []
    return [section("Replayed on the repodata that is here", element("ul", items))]


def stages(found: Difference) -> Html:
    """Return the table of the stages of both runs."""
    rows = text.compared_rows(found)
    return table("Each stage of both runs", text.COMPARED_HEAD, rows, " rrr")


def beside(found: Difference, *draw: Callable[[Run], Part]) -> Html:
    """Return the same of both runs, side by side where there is room."""
    return element(
        "div",
        element("div", element("h3", "Before"), *(each(found.before) for each in draw)),
        element("div", element("h3", "Now"), *(each(found.after) for each in draw)),
        class_="both",
    )


def _waterfalls(found: Difference) -> Html:
    longer = max(found.before.seconds, found.after.seconds)
    return beside(found, lambda run: waterfall.figure(run, longer))


def _tree_maps(found: Difference) -> Html:
    weights = [
        sum(package.weight for package in run.packages.values())
        for run in (found.before, found.after)
    ]
    return beside(found, lambda run: treemap.figure(run, max(weights)))


def packages(found: Difference) -> Html:
    """Return the table of packages that are others, or took another time."""
    before, after = found.before.packages, found.after.packages
    pairs = [(before.get(n), after.get(n)) for n in dict.fromkeys([*after, *before])]
    other = [(was, now) for was, now in pairs if _differ(was, now)]
    other.sort(key=_rank)
    rows = [_row(was, now) for was, now in other[:_ROWS]]
    head = ("package", "before", "now", "size before", "size now", "difference")
    return table("Packages that are others, or took another time", head, rows, "   rrr")


def _took(package: Package | None) -> float:
    return package.seconds if package else 0.0


def _rank(pair: tuple[Package | None, Package | None]) -> tuple[float, int]:
    """Sort by how much longer they took, then by how much larger they are."""
    was, now = pair
    larger = (now.weight if now else 0) - (was.weight if was else 0)
    return -abs(round(_took(now) - _took(was), 4)), -abs(larger)


def _differ(was: Package | None, now: Package | None) -> bool:
    if was is None or now is None or comparing.is_another(was, now):
        return True
    return abs(now.seconds - was.seconds) >= 0.001


def _row(was: Package | None, now: Package | None) -> tuple[Part, ...]:
    name = (now or was or Package()).name
    return (
        name,
        *(f"{p.version} {p.build}" if p else "not there" for p in (was, now)),
        *(size(p.weight) if p and p.weight else "" for p in (was, now)),
        difference(_took(now) - _took(was)),
    )
