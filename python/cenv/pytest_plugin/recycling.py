# SPDX-License-Identifier: BSD-3-Clause
"""Clones that passed tests gave back, as new: kept for the next that asks for one like it.

They are put back at once, in this process, until a helper makes clones ahead of their template:
then it does that, too, beside the tests (spare_policy.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from cenv import api
from cenv.clones.spares import CloneJob, of_recycled
from cenv.errors import CenvError
from cenv.model import CloneReport
from cenv.pytest_plugin.left_running import Running
from cenv.templates.template import Clone

MOST = 16  # kept at once, of a template and of all: they take space


class Kind(NamedTuple):
    """What can be handed over for one another: of one source and request, at such a path."""

    job: CloneJob
    even: bool


@dataclass
class Given:
    """A clone at a path of ours, in a test's hands."""

    clone: Clone
    kind: Kind
    origin: str  # made, recycled, or spare
    running: Running | None  # when it was handed over; None: it is not used again


class _Ready(NamedTuple):
    given: Given
    report: CloneReport
    source: tuple[int, int]  # what lay at the source's path when it was put back


class Recycled:
    """Clones that are ready; `drop` gets those that are kept no longer."""

    def __init__(self, drop: Callable[[Clone], object]) -> None:
        self._ready: list[_Ready] = []
        self._drop = drop

    def give(self, given: Given) -> bool:
        """Put a clone back and keep it; False: it is no new one, and the caller's."""
        job, report = given.kind.job, given.clone.report
        if report is None:
            return False
        try:
            done = api.recycle(report.prefix, store=job.store)
            source = identity(job.path)
        except (CenvError, OSError):
            return False
        self._ready.append(_Ready(given, of_recycled(report, done.seconds), source))
        self._shrink(MOST)
        return True

    def count(self, kind: Kind) -> int:
        """Return how many of a kind are kept."""
        return sum(ready.given.kind == kind for ready in self._ready)

    def take(self, kind: Kind) -> CloneReport | None:
        """Hand over the last one of a kind; what a template built anew left is none."""
        for ready in reversed(self._ready):
            if ready.given.kind == kind:
                self._ready.remove(ready)
                if ready.source == identity(kind.job.path):
                    return ready.report
                self._drop(ready.given.clone)
        return None

    def _shrink(self, most: int) -> None:
        while len(self._ready) > most:
            self._drop(self._ready.pop(0).given.clone)

    def close(self) -> None:
        """Keep none."""
        self._shrink(0)


def identity(path: str) -> tuple[int, int]:
    """Return what tells the directory at a path from another that is there later."""
    try:
        status = os.lstat(path)
    except OSError:
        return 0, 0
    return status.st_dev, status.st_ino
