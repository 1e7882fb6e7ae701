# SPDX-License-Identifier: BSD-3-Clause
"""Who needs whom in a run: the specs of the request, and the packages they bring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from cenv._extension import extension
from cenv.errors import SpecError
from cenv.reporting.run import Run


def spec_name(spec: str) -> str:
    """Return the name of the packages that a spec asks for; "" where it names none."""
    with suppress(SpecError):
        return extension.MatchSpec(spec).name
    return ""


def asked_for(run: Run) -> Mapping[str, str]:
    """Return the specs of the request by the names they ask for."""
    found = {spec_name(spec): spec for spec in run.specs}
    return {name: spec for name, spec in found.items() if name}


def children(run: Run) -> Mapping[str, tuple[str, ...]]:
    """Return, by name, the packages of the run that each package needs."""
    found: dict[str, list[str]] = {name: [] for name in run.packages}
    for package in run.packages.values():
        for parent in package.needed_by:
            if parent in found:
                found[parent].append(package.name)
    return {name: tuple(needed) for name, needed in found.items()}


def reach(
    starts: Iterable[str], below: Mapping[str, tuple[str, ...]]
) -> dict[str, None]:
    """Return the names that are reached from some, these among them, nearest first."""
    found = dict.fromkeys(name for name in starts if name in below)
    queue = list(found)
    for name in queue:
        new = [child for child in below[name] if child not in found]
        found.update(dict.fromkeys(new))
        queue += new
    return found


def brought_alone(run: Run) -> Mapping[str, tuple[str, ...]]:
    """Return, by spec, the packages that nothing else asked for needs."""
    below = children(run)
    reached = {
        spec: reach([name], below)
        for name, spec in asked_for(run).items()
        if name in below
    }
    times: dict[str, int] = {}
    for names in reached.values():
        for name in names:
            times[name] = times.get(name, 0) + 1
    return {
        spec: tuple(name for name in names if times[name] == 1)
        for spec, names in reached.items()
    }
