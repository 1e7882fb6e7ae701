# SPDX-License-Identifier: BSD-3-Clause
"""The page of an explanation: why there is no solution, or why this one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from cenv.config.urls import redact
from cenv.errors import UnsatisfiableError
from cenv.model import Solution
from cenv.reporting.page.document import document
from cenv.reporting.page.markup import Html, element, section, table

_DEEPER = re.compile(r"((?:│  |   |├─ |└─ )*)(.*)")


@dataclass
class Branch:
    """A line of an explanation, and the lines that stand below it."""

    line: str
    below: list[Branch] = field(default_factory=list)


def conflict(specs: Sequence[str], error: UnsatisfiableError) -> str:
    """Return the page of a request that has no solution."""
    title = "Why the solve found no solution"
    parts = [section("What cannot go together", tree(str(error)))]
    if error.hint:
        parts.append(section("What would help, as tried", element("p", error.hint)))
    return document(title, element("h1", title), asked_for(specs), *parts)


def choice(solution: Solution, asked: str | None) -> str:
    """Return the page of a solution; `asked` is what it is explained for."""
    title = (
        f"Why the solve chose what it did of {asked}" if asked else "What was chosen"
    )
    parts = []
    if solution.explanation:
        parts.append(section("What decided", tree(solution.explanation)))
    rows = sorted((r.name, r.version, r.build, r.channel) for r in solution.records)
    chosen = table("Packages", ("name", "version", "build", "channel"), rows)
    parts.append(section("What was chosen", chosen))
    return document(title, element("h1", title), asked_for(solution.specs), *parts)


def asked_for(specs: Sequence[str]) -> Html:
    """Return the specs of a request, without secrets."""
    items = [element("li", redact(spec)) for spec in specs]
    return section("What was asked for", element("ul", items))


def tree(explanation: str) -> Html:
    """Return an explanation as lists in each other."""
    found = branches(explanation.splitlines())
    return element("div", _list(found), class_="tree")


def branches(lines: Sequence[str]) -> list[Branch]:
    """Return the lines of an explanation as the tree that they draw."""
    roots: list[Branch] = []
    path: list[tuple[int, list[Branch]]] = [(-1, roots)]
    for line in lines:
        depth, text = _depth(line)
        if not text:
            continue
        while path[-1][0] >= depth:
            path.pop()
        branch = Branch(text)
        path[-1][1].append(branch)
        path.append((depth, branch.below))
    return roots


def _depth(line: str) -> tuple[int, str]:
    match = _DEEPER.match(line)
    drawn, text = match.groups() if match else ("", line)
    indent = len(text) - len(text.lstrip(" "))
    return len(drawn) + indent, text.strip()


def _list(found: Sequence[Branch]) -> Html:
    items = [
        element("li", branch.line, _list(branch.below) if branch.below else "")
        for branch in found
    ]
    return element("ul", items)
