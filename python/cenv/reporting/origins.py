# SPDX-License-Identifier: BSD-3-Clause
"""Why a package or name is in one run and not in another: a spec, or who needs it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from cenv.reporting import graph
from cenv.reporting.key import Key
from cenv.reporting.run import Run


class Origins:
    """Finds out why names and packages are in one of two runs alone."""

    def __init__(self, before: Run, after: Run) -> None:
        self.before = before
        self.after = after

    @cached_property
    def respecified(self) -> dict[str, tuple[str, str]]:
        """The names whose specs read otherwise: the earlier text and the later."""
        old, new = graph.asked_for(self.before), graph.asked_for(self.after)
        both = (name for name in new if name in old)
        return {n: (old[n], new[n]) for n in both if old[n] != new[n]}

    def of(self, name: str) -> Key:
        """Return the nearest cause above a name that one run has alone."""
        gone = not _has(self.after, name)
        this, other = (self.before, self.after) if gone else (self.after, self.before)
        mine, others = graph.asked_for(this), graph.asked_for(other)
        for at in _upwards(name, this, other):
            if at in mine and at not in others:
                return Key("spec", mine[at], gone)
            if at in self.respecified:
                return Key("respec", at)
            if _has(other, at):
                return Key("needs", at, gone)
        return Key("came", name, gone)


def _upwards(name: str, this: Run, other: Run) -> Iterator[str]:
    """Yield a name and those that need it, nearest first, up to those of both runs."""
    seen = {name: None}
    queue = [name]
    for at in queue:
        yield at
        if _has(other, at):
            continue
        new = [parent for parent in _parents(this, at) if parent not in seen]
        seen.update(dict.fromkeys(new))
        queue += new


def _has(run: Run, name: str) -> bool:
    return name in run.packages or name in run.names


def _parents(run: Run, name: str) -> Iterator[str]:
    if name in run.packages:
        yield from run.packages[name].needed_by
    if name in run.names:
        through = run.names[name].reached_through
        yield graph.spec_name(through) if through in run.specs else through
