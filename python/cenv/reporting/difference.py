# SPDX-License-Identifier: BSD-3-Clause
"""Two runs set side by side: the causes of the difference, whose seconds add up to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cenv.reporting import comparing, machine, sentences
from cenv.reporting.cause import Cause
from cenv.reporting.key import Key
from cenv.reporting.ledger import Group, Ledger
from cenv.reporting.origins import Origins
from cenv.reporting.run import Run

_MUCH = 0.25  # of a difference: what a cause must account for to be the reason
_MORE = 1.5  # of it: a cause that accounts for more is offset by others
_OF_ITS_OWN = 0.05  # of the longer run: what a release must cost to be told alone


@dataclass(frozen=True)
class Difference:
    """What an earlier and a later run differ by.

    The seconds of `causes` and of `unexplained`, which is by stage, add up to `seconds`.
    """

    before: Run
    after: Run
    causes: tuple[Cause, ...]
    unexplained: Mapping[str, float]

    @property
    def seconds(self) -> float:
        """By how much the later run took longer."""
        return self.after.seconds - self.before.seconds

    @property
    def left(self) -> float:
        """The seconds that nothing recorded explains."""
        return sum(self.unexplained.values())

    @property
    def reason(self) -> Cause | None:
        """The cause that accounts for much of it, and not for far more than all."""
        for cause in self.causes[:1]:
            if _MUCH <= cause.seconds / (self.seconds or 1e-9) <= _MORE:
                return cause
        return None

    @property
    def is_much(self) -> bool:
        """Whether it is more than runs of the same work differ by."""
        return comparing.matters(Ledger(self.before, self.after), self.seconds)

    @property
    def is_noise(self) -> bool:
        """Whether nothing differs but the time, and that by no more than it does anyway."""
        return not self.causes and not self.is_much

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that reports print."""
        return {
            "before": self.before.seconds,
            "after": self.after.seconds,
            "seconds": self.seconds,
            "causes": [cause.to_json() for cause in self.causes],
            "unexplained": self.left,
            "unexplained_stages": dict(self.unexplained),
        }


def between(before: Run, after: Run) -> Difference:
    """Compare two runs."""
    ledger, origins = Ledger(before, after), Origins(before, after)
    comparing.account(ledger, origins)
    if not comparing.is_of_template(ledger):
        machine.account(ledger)
    found = [
        Cause(
            key.kind,
            key.subject,
            sentences.of(key, group, ledger, origins),
            group.total,
            dict(group.seconds),
            sentences.weight(key, group, ledger),
        )
        for key, group in _merged(ledger)
    ]
    return Difference(
        before,
        after,
        tuple(_sorted(found, after.seconds - before.seconds)),
        ledger.unexplained(),
    )


def _sorted(causes: list[Cause], seconds: float) -> list[Cause]:
    """Sort causes by their seconds, those that took none by their weight.

    What goes the way of the difference comes first, where it accounts for much of it.
    """
    told = sum(cause.seconds for cause in causes if cause.seconds * seconds > 0)
    explains = abs(told) >= _MUCH * abs(seconds)

    def rank(cause: Cause) -> tuple[bool, float, int]:
        took = round(cause.seconds, 4)
        return explains and took * seconds < 0, -abs(took), -cause.weight

    return sorted(causes, key=rank)


def _merged(ledger: Ledger) -> list[tuple[Key, Group]]:
    """Put a release to what it newly needs, and the releases that cost little together."""
    groups = dict(ledger.groups)
    for key in [key for key in groups if key.kind == "release"]:
        needs = groups.get(Key("needs", key.subject))
        if needs is not None:
            needs.add(groups.pop(key), packages=False)
    enough = _OF_ITS_OWN * max(ledger.before.seconds, ledger.after.seconds)
    small = [
        k for k, g in groups.items() if k.kind == "release" and abs(g.total) < enough
    ]
    if len(small) > 1:
        whole = groups.setdefault(Key("release"), Group())
        for key in small:
            whole.add(groups.pop(key))
    return list(groups.items())
