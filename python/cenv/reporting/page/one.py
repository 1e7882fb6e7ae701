# SPDX-License-Identifier: BSD-3-Clause
"""The page of one run: why it took so long, and what would help."""

from __future__ import annotations

from collections.abc import Sequence

from cenv.reporting import tables, text
from cenv.reporting.advice import Trials
from cenv.reporting.cause import Cause
from cenv.reporting.page import dependencies, treemap, waterfall
from cenv.reporting.page.colours import class_of, legend
from cenv.reporting.page.document import document
from cenv.reporting.page.markup import Html, element, section, table
from cenv.reporting.run import Package, Run
from cenv.reporting.wording import seconds, share, size

_TOLD = 10  # causes
_ROWS = 200  # of a table of packages
_NAMES = 50  # of a table of names


def page(run: Run, causes: Sequence[Cause], trials: Trials) -> str:
    """Return the page of a run."""
    title = f"Why {text.titled(run)} took {seconds(run.seconds)}"
    return document(
        title,
        element("h1", title),
        element("p", text.headline(run, causes), class_="answer"),
        element("p", text.circumstances(run), class_="faint"),
        section("What took the time", causes_list(run, causes)),
        section("What would make it faster", advice(trials)),
        section("Stages", stack(run), stages(run)),
        section("Waterfall", waterfall.figure(run)),
        section("Packages", treemap.figure(run), packages(run)),
        section("What each spec brings", specs(run), dependencies.tree(run)),
        section("Channels", channels(run)),
        section("The solve", names(run)),
    )


def causes_list(run: Run, causes: Sequence[Cause]) -> Html:
    """Return the largest causes, with their share of the run."""
    items = [
        element(
            "li",
            element("b", seconds(cause.seconds)),
            f" ({share(cause.seconds, run.seconds)}) {cause.text}",
        )
        for cause in causes[:_TOLD]
    ]
    return element("ol", items, class_="causes")


def advice(trials: Trials) -> Html:
    """Return what was tried, and what came of it."""
    told = [
        element("li", element("b", f"saves {seconds(a.saves)}"), f": {a.text}")
        for a in trials.helps
    ]
    parts = [element("ul", told)] if told else []
    if trials.in_vain:
        items = [
            element("li", f"{a.text}: {seconds(max(0.0, a.saves))}")
            for a in trials.in_vain
        ]
        summary = element("summary", "Tried, and saves next to nothing")
        parts.append(element("details", summary, element("ul", items)))
    parts += [element("p", f"Not tried: {reason}.") for reason in trials.untried]
    return element("div", parts or element("p", "Nothing could be tried."))


def stack(run: Run) -> Html:
    """Draw the stages of a run as parts of one bar."""
    bars = [
        element(
            "span",
            class_=f"bar {class_of(name)}",
            style=f"width:{100 * took / (run.seconds or 1):.3f}%",
            title=f"{name}: {seconds(took)}",
        )
        for name, took in run.wall.items()
    ]
    bar = element("div", bars, class_="stack", aria_hidden="true")
    return element("div", bar, legend(run.wall))


def stages(run: Run) -> Html:
    """Return the table of stages."""
    return table("Each stage", text.STAGE_HEAD, text.stage_rows(run), " rrrr")


def packages(run: Run) -> Html:
    """Return the table of packages, those that took longest first."""
    names = [s for s in run.wall if any(s in p.stages for p in run.packages.values())]
    found = sorted(run.packages.values(), key=lambda p: (-p.seconds, -p.weight, p.name))
    rows = [_package_row(package, names) for package in found[:_ROWS]]
    head = ("package", "size", "files", "time", *names, "from")
    some = f"the {_ROWS} that took longest" if len(found) > _ROWS else "all"
    return table(f"Packages, {some}", head, rows, " rrr" + "r" * len(names))


def _package_row(package: Package, names: Sequence[str]) -> tuple[str, ...]:
    times = [package.stages[n].of_run if n in package.stages else 0.0 for n in names]
    return (
        str(package),
        size(package.weight) if package.weight else "",
        f"{package.files:,}" if package.files else "",
        seconds(package.seconds) if package.seconds else "",
        *(seconds(took) if took else "" for took in times),
        package.origin,
    )


def specs(run: Run) -> Html:
    """Return the table of what each requested spec costs."""
    rows = tables.spec_rows(run)
    return table("What each spec costs", tables.SPEC_HEAD, rows, " rrrrrr")


def names(run: Run) -> Html:
    """Return the table of the names that the solve considered most records of."""
    rows = tables.name_rows(run, _NAMES)
    most = f"the {_NAMES} with most candidates" if len(run.names) > _NAMES else "all"
    return table(
        f"Names that the solve reached, {most}", tables.NAME_HEAD, rows, " rrr"
    )


def channels(run: Run) -> Html:
    """Return the table of what was read of each channel."""
    rows = [
        (
            f"{c.channel}/{c.subdir}",
            f"{c.records:,}",
            size(c.bytes_transferred),
            f"{c.names_read:,}",
            f"{c.packages_taken:,}",
            seconds(c.seconds),
            f"{c.cache} {c.reason}".strip(),
        )
        for c in run.channels
    ]
    head = (
        "channel",
        "records",
        "transferred",
        "names read",
        "packages",
        "time",
        "cache",
    )
    return table("What was read of each channel", head, rows, " rrrrr")
