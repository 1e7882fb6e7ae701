# SPDX-License-Identifier: BSD-3-Clause
"""Tables of what a run worked on: what each spec brings, and what the solve looked at."""

from __future__ import annotations

from cenv.reporting import graph
from cenv.reporting.run import Run
from cenv.reporting.wording import number, seconds, size

Row = tuple[str, ...]

SPEC_HEAD = (
    "spec",
    "packages",
    "only by it",
    "bytes of these",
    "time of these",
    "names only by it",
    "candidates of these",
)
NAME_HEAD = ("name", "candidates", "clauses", "calls", "first named by", "as")


def spec_rows(run: Run) -> list[Row]:
    """Return each spec, what it reaches, and what only it brings."""
    below, alone = graph.children(run), graph.brought_alone(run)
    solved = {spec.get("spec"): spec for spec in run.facts.get("specs", ())}
    rows: list[Row] = []
    for name, spec in graph.asked_for(run).items():
        own = [run.packages[each] for each in alone.get(spec, ())]
        sole = solved.get(spec, {})
        rows.append(
            (
                spec,
                number(len(graph.reach([name], below))),
                number(len(own)),
                size(sum(package.weight for package in own)),
                seconds(sum(package.seconds for package in own)),
                number(sole.get("only_names", 0)),
                number(sole.get("only_candidates", 0)),
            )
        )
    return rows


def name_rows(run: Run, most: int) -> list[Row]:
    """Return the names that the solve considered most records of, and its work on them."""
    families = {
        f.get("name"): f for f in run.facts.get("solver", {}).get("families", ())
    }
    named = sorted(run.names.values(), key=lambda name: (-name.candidates, name.name))
    return [
        (
            name.name,
            number(name.candidates),
            number(families.get(name.name, {}).get("clauses", 0)),
            number(families.get(name.name, {}).get("calls", 0)),
            name.reached_through,
            name.requirement,
        )
        for name in named[:most]
    ]
