# SPDX-License-Identifier: BSD-3-Clause
"""Link order: what a record needs stands before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cenv.config.urls import redact
from cenv.errors import SpecError


def link_order(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return `records` with dependencies first, by name where that leaves a choice.

    A cycle is entered at its first name; python stands before what is noarch python.
    SpecError for two packages of one name.
    """
    by_name: dict[str, dict[str, Any]] = {}
    for record in records:
        known = by_name.setdefault(str(record["name"]), dict(record))
        for key in ("fn", "url"):
            if known.get(key) != record.get(key):
                message = f"the package '{record['name']}' is listed twice: "
                message += f"{known.get(key)} and {record.get(key)}"
                raise SpecError(
                    redact(message), hint="take one of them out of the list"
                )
    placed: dict[str, dict[str, Any]] = {}
    waiting: set[str] = set()
    for name in sorted(by_name):
        _place(name, by_name, placed, waiting)
    return list(placed.values())


def _place(
    start: str,
    by_name: Mapping[str, dict[str, Any]],
    placed: dict[str, dict[str, Any]],
    waiting: set[str],
) -> None:
    stack = [(start, iter(_needs(by_name[start], by_name)))]
    waiting.add(start)
    while stack:
        name, needs = stack[-1]
        need = next((n for n in needs if n not in placed and n not in waiting), None)
        if need is None:
            placed.setdefault(name, by_name[name])
            stack.pop()
        else:
            waiting.add(need)
            stack.append((need, iter(_needs(by_name[need], by_name))))


def _needs(record: Mapping[str, Any], by_name: Mapping[str, Any]) -> list[str]:
    names = {
        str(spec).split(" ")[0].partition("[")[0]
        for spec in record.get("depends") or ()
    }
    if record.get("noarch") == "python":
        names.add("python")
    return sorted(name for name in names if name in by_name)
