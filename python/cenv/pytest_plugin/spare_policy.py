# SPDX-License-Identifier: BSD-3-Clause
"""Clones made while tests run, as many as the tests have lately asked for.

None is ordered while a benchmark is measured, nor in a run's last test, nor for a template
that was asked for only once.
"""

from __future__ import annotations

import functools
import os
from collections import deque

from cenv._choices import CloneMode
from cenv.clones.spares import CloneJob, Spares
from cenv.model import CloneReport
from cenv.pytest_plugin.clone_dir import CloneDir
from cenv.templates.template import Template

_LATELY = 4  # tests whose demand counts
_MOST = 4  # of one template, unless the user says otherwise
_SHARE = 0.05  # of the free space, at most, for the spares of one template


class Demand:
    """How many clones of one template the tests ask for, and those made ahead."""

    def __init__(self, template: Template) -> None:
        self.template = template
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
        self._demands: dict[str, Demand] = {}
        self._paused = False

    def take(self, template: Template) -> CloneReport | None:
        """Return a clone that is ready, if there is one, and see to the next."""
        if not self._limit:
            return None
        demand = self._demands.setdefault(template.path, Demand(template))
        demand.now += 1
        demand.total += 1
        found = demand.spares.take() if demand.spares else None
        self._order(demand)
        return found

    def _order(self, demand: Demand) -> None:
        count = 0 if self._paused else min(demand.wanted(), self._room(demand.template))
        if demand.spares is not None:
            demand.spares.keep(count)
        elif count:
            job = self._job(demand.template)
            new_path = functools.partial(self._dir.new_path, demand.template)
            demand.spares = Spares(job, count, new_path)

    def _job(self, template: Template) -> CloneJob:
        return CloneJob(template.path, template.store, self._mode, template.provenance)

    def _room(self, template: Template) -> int:
        if not template.size:
            return min(1, self._limit)
        disk = os.statvfs(self._dir.base)
        fits = disk.f_bavail * disk.f_frsize * _SHARE // template.size
        return min(self._limit, int(fits))

    def pause(self) -> None:
        """Order nothing from now on, and wait until nothing is being made."""
        self._paused = True
        for demand in self._demands.values():
            if demand.spares is not None:
                demand.spares.keep(0)
                demand.spares.drain()

    def end(self) -> None:
        """Order nothing, and let no helper process live, from now on."""
        self._paused = True
        for demand in self._demands.values():
            if demand.spares is not None:
                paths = demand.spares.paths
                demand.spares.close()
                demand.spares = None
                for path in paths:
                    self._dir.free(path)

    def resume(self) -> None:
        """Learn from the test that is over; orders go on with the next request."""
        self._paused = False
        for demand in self._demands.values():
            demand.end_test()

    def close(self) -> None:
        """Remove the spares that nobody took."""
        self.end()
        self._demands.clear()


def usual_limit(workers: int) -> int:
    """Return 0 where the workers alone keep all processors busy."""
    return _MOST if workers <= processors() else 0


def processors() -> int:
    """Return how many processors this process may use."""
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1
