# SPDX-License-Identifier: BSD-3-Clause
"""Clones made while tests run, as many as the tests have lately asked for.

The helper that makes them also puts back those that passed tests give back. None is ordered
while a benchmark is measured, nor in a run's last test, nor for a template that was asked for
only once; nor soon where the clones that were given back do, for a helper has to pay.
"""

from __future__ import annotations

import functools
import os
from collections import deque
from collections.abc import Callable

from cenv._choices import CloneMode
from cenv.clones.spares import CloneJob, Spares
from cenv.model import CloneReport
from cenv.pytest_plugin.clone_dir import CloneDir
from cenv.pytest_plugin.recycling import MOST, Given, identity
from cenv.templates.template import Clone, Template

_LATELY = 4  # tests whose demand counts
_MOST = 4  # of one template, unless the user says otherwise
_MANY = 8  # requests that were met without a helper, before one is started


class Demand:
    """How many clones of one template the tests ask for, and those made ahead."""

    def __init__(self, template: Template, job: CloneJob) -> None:
        self.template = template
        self.job = job
        self.source = identity(job.path)
        self.now = 0
        self.total = 0
        self.lately: deque[int] = deque(maxlen=_LATELY)
        self.spares: Spares | None = None

    def wanted(self) -> int:
        """Return how many the next test is likely to ask for; 0 before a second request."""
        return max([1, *self.lately]) if self.total > 1 else 0

    def end_test(self) -> None:
        """Count what the test asked for, if anything."""
        if self.now:
            self.lately.append(self.now)
        self.now = 0


class SparePolicy:
    """The spares of a process, at most `limit` of each template."""

    def __init__(self, limit: int, clone_dir: CloneDir, mode: CloneMode) -> None:
        self._limit = limit
        self._dir = clone_dir
        self._mode = mode
        self._demands: list[Demand] = []
        self._paused = False

    def take(
        self, template: Template, job: CloneJob, *, recycled: bool
    ) -> tuple[CloneReport, str] | None:
        """Return a clone that is ready and what it is, if there is one; see to the next.

        `recycled` False: only one that no test had before.
        """
        demand = self._count(template, job)
        if demand is None:
            return None
        found = _take(demand, recycled)
        self._order(demand)
        return found

    def note(self, template: Template, job: CloneJob) -> None:
        """Count a request that was met with what this process had put back itself.

        After many a helper does that, with a clone more, so that no test waits for it.
        """
        demand = self._count(template, job)
        if demand is not None and demand.total > _MANY:
            self._order(demand)

    def _count(self, template: Template, job: CloneJob) -> Demand | None:
        """Count a request; None: no clones are made ahead for such."""
        if not self._limit or job.mode != self._mode:
            return None
        demand = self._demand(job)
        if demand is None:
            demand = Demand(template, job)
            self._demands.append(demand)
        demand.now += 1
        demand.total += 1
        return demand

    def _demand(self, job: CloneJob) -> Demand | None:
        return next((demand for demand in self._demands if demand.job == job), None)

    def give_back(self, given: Given) -> bool:
        """Have a clone put back for the next request; False: it is the caller's to do."""
        demand = self._demand(given.kind.job)
        if demand is None or demand.spares is None or self._paused or given.kind.even:
            return False
        if not demand.spares.has_answered():
            return False  # this process is sooner done than a helper that only starts
        report, kept = given.clone.report, len(demand.spares.paths)
        if report is None or kept >= self._dir.room(demand.template, MOST):
            return False
        return demand.spares.give_back(report)

    def _order(self, demand: Demand) -> None:
        room = self._dir.room(demand.template, self._limit)
        count = 0 if self._paused else min(demand.wanted(), room)
        if demand.spares is not None:
            demand.spares.keep(count)
        elif count:
            new_path = functools.partial(self._dir.new_path, demand.template)
            demand.spares = Spares(demand.job, count, new_path)

    def pause(self) -> None:
        """Order nothing from now on, and wait until nothing is being made."""
        self._paused = True
        for demand in self._demands:
            if demand.spares is not None:
                demand.spares.keep(0)
                demand.spares.drain()

    def end(self) -> None:
        """Order nothing, and let no helper process live, from now on."""
        self._paused = True
        for demand in self._demands:
            if demand.spares is not None:
                paths = demand.spares.paths
                demand.spares.close()
                demand.spares = None
                for path in paths:
                    self._dir.free(path)

    def resume(self) -> None:
        """Learn from the test that is over; orders go on with the next request."""
        self._paused = False
        for demand in self._demands:
            demand.end_test()

    def close(self, drop: Callable[[Clone], object]) -> None:
        """End: `drop` gets the clones that nobody took; what is being made, its helper removes."""
        for demand in self._demands:
            for report in demand.spares.take_all() if demand.spares else ():
                drop(Clone(report.prefix, demand.template, report.mode, report))
        self.end()
        self._demands.clear()


def _take(demand: Demand, recycled: bool) -> tuple[CloneReport, str] | None:
    """Return a clone of the environment that lies there now: it may have been built anew."""
    if demand.spares is None:
        return None
    source = identity(demand.job.path)
    if source != demand.source:
        demand.source = source
        demand.spares.renew()
    spare = demand.spares.take(recycled=recycled)
    if spare is None:
        return None
    return spare.report, "recycled" if spare.recycled else "spare"


def usual_limit(workers: int) -> int:
    """Return 0 where the workers alone keep all processors busy."""
    return _MOST if workers <= processors() else 0


def processors() -> int:
    """Return how many processors this process may use."""
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1
