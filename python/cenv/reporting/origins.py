# SPDX-License-Identifier: BSD-3-Clause
"""Why a package or name is in one run and not in another: a spec, or who needs it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
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

    def of_package(self, name: str) -> Key:
        """Return the nearest cause above a package that one run has alone."""
        gone = name not in self.after.packages
        this, other = self._sides(gone)

        def parents(at: str) -> Sequence[str]:
            return this.packages[at].needed_by if at in this.packages else ()

        return self._nearest(name, gone, parents, other.packages)

    def of_name(self, name: str) -> Key:
        """Return the nearest cause above a name that only one run's solve reached."""
        gone = name not in self.after.names
        this, other = self._sides(gone)

        def parents(at: str) -> Sequence[str]:
            through = this.names[at].reached_through if at in this.names else ""
            return (graph.spec_name(through) if through in this.specs else through,)

        return self._nearest(name, gone, parents, other.names)

    def _sides(self, gone: bool) -> tuple[Run, Run]:
        return (self.before, self.after) if gone else (self.after, self.before)

    def _nearest(
        self,
        name: str,
        gone: bool,
        parents: Callable[[str], Sequence[str]],
        others: Container[str],
    ) -> Key:
        this, other = self._sides(gone)
        mine, theirs = graph.asked_for(this), graph.asked_for(other)
        for at in _upwards(name, parents, others):
            if at in mine and at not in theirs:
                return Key("spec", mine[at], gone)
            if at in self.respecified:
                return Key("respec", at)
            if at in others:
                return Key("needs", at, gone)
        return Key("came", name, gone)


def _upwards(
    name: str, parents: Callable[[str], Sequence[str]], others: Container[str]
) -> Iterator[str]:
    """Yield a name and those that need it, nearest first, up to those of both runs."""
    seen = {name: None}
    queue = [name]
    for at in queue:
        yield at
        if at not in others:
            new = [parent for parent in parents(at) if parent and parent not in seen]
            seen.update(dict.fromkeys(new))
            queue += new
