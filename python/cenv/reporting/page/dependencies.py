# SPDX-License-Identifier: BSD-3-Clause
"""The tree of dependencies, each requested spec with what it costs."""

from __future__ import annotations

from collections.abc import Mapping

from cenv.reporting import graph
from cenv.reporting.page.markup import Html, element
from cenv.reporting.run import Package, Run
from cenv.reporting.wording import counted, joined, seconds, size

_DEPTH = 40  # lists in each other; a tree that is deeper is cut

Tree = Mapping[str, tuple[str, ...]]


def tree(run: Run) -> Html:
    """Return the specs of a run, below each what it brings; a package stands out once."""
    below, alone = graph.children(run), graph.brought_alone(run)
    shown: set[str] = set()
    asked = {n: s for n, s in graph.asked_for(run).items() if n in run.packages}
    if not asked:
        return element("p", "The trace tells no packages of requested specs.")
    parts = [
        element(
            "details",
            element(
                "summary", element("b", spec), f": {_cost(run, spec, below, alone)}"
            ),
            element("ul", _item(run, name, below, shown, 1)),
        )
        for name, spec in asked.items()
    ]
    return element("div", parts, class_="tree")


def _cost(run: Run, spec: str, below: Tree, alone: Tree) -> str:
    own = [run.packages[name] for name in alone.get(spec, ())]
    reached = graph.reach([graph.spec_name(spec)], below)
    parts = [counted(len(reached), "package"), f"{len(own):,} only by it"]
    weight = size(sum(package.weight for package in own))
    return joined([*parts, weight, seconds(sum(package.seconds for package in own))])


def _item(run: Run, name: str, below: Tree, shown: set[str], depth: int) -> Html:
    package = run.packages[name]
    label = element("span", _label(package))
    needed = sorted(below[name], key=lambda n: (-run.packages[n].weight, n))
    if not needed:
        shown.add(name)
        return element("li", label)
    if name in shown or depth > _DEPTH:
        return element("li", label, element("i", " (what it needs stands above)"))
    shown.add(name)
    more = [_item(run, each, below, shown, depth + 1) for each in needed]
    return element("li", label, element("ul", more))


def _label(package: Package) -> str:
    took = seconds(package.seconds) if package.seconds else ""
    figures = joined([size(package.weight) if package.weight else "", took])
    return f"{package} ({figures})" if figures else str(package)
