# SPDX-License-Identifier: BSD-3-Clause
"""The difference between two runs, by stage, and the causes that account for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from cenv.reporting.key import Key
from cenv.reporting.run import Run

OUTSIDE = "outside of stages"


@dataclass
class Group:
    """What one cause accounts for: seconds by stage, and the packages and names of it."""

    seconds: dict[str, float] = field(default_factory=dict)
    packages: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    @property
    def total(self) -> float:
        """All its seconds."""
        return sum(self.seconds.values())

    def add(self, other: Group, *, packages: bool = True) -> None:
        """Take over the seconds of another group, and its packages."""
        for stage, seconds in other.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds
        self.packages += other.packages if packages else []


class Ledger:
    """Gives each second of the difference to one cause, or to none."""

    def __init__(self, before: Run, after: Run) -> None:
        self.before = before
        self.after = after
        self._left = {
            stage: after.wall.get(stage, 0.0) - before.wall.get(stage, 0.0)
            for stage in dict.fromkeys([*before.wall, *after.wall])
        }
        self._left[OUTSIDE] = after.outside - before.outside
        self.groups: dict[Key, Group] = {}

    def group(self, key: Key) -> Group:
        """Return what is accounted for by a cause, which is known by `key`."""
        return self.groups.setdefault(key, Group())

    def take(self, key: Key, stage: str, seconds: float) -> None:
        """Account for some seconds of a stage."""
        group = self.group(key)
        group.seconds[stage] = group.seconds.get(stage, 0.0) + seconds
        self._left[stage] = self._left.get(stage, 0.0) - seconds

    def take_all(self, key: Key, stages: Iterable[str]) -> None:
        """Account for all that is left of some stages."""
        for stage in stages:
            if self._left.get(stage):
                self.take(key, stage, self._left[stage])

    def left(self, stages: Iterable[str]) -> float:
        """Return the seconds of some stages that have no cause yet."""
        return sum(self._left.get(stage, 0.0) for stage in stages)

    def unexplained(self) -> Mapping[str, float]:
        """Return the seconds without a cause, by stage, the largest first."""
        found = {stage: s for stage, s in self._left.items() if abs(s) > 1e-9}
        return dict(sorted(found.items(), key=lambda item: -abs(item[1])))

    def stages(self) -> Iterator[str]:
        """Yield the stages of the two runs."""
        yield from self._left
