# SPDX-License-Identifier: BSD-3-Clause
"""Clones made ahead, at the paths they will have, and handed over in no time.

Those that their users gave back are put back beside them, and handed over again.

A helper process makes them, not a thread: a thread in a test's process would make its
os.fork warn. The helper ends with its parent, whatever ends that, and removes what was
not handed over; were it killed as well, the store's sweep finds the clones by their owner.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary, WeakSet

from cenv._choices import CloneMode
from cenv._options import Provenance
from cenv.clones import helper
from cenv.model import CloneReport


@dataclass(frozen=True)
class CloneJob:
    """What clones are made of, and how: arguments of api.clone."""

    path: str
    store: str | None
    mode: CloneMode
    provenance: Provenance | None
    memory: int | None = None


class Spare(NamedTuple):
    """A clone that is ready; `recycled`: somebody had it, and gave it back."""

    report: CloneReport
    recycled: bool


class Spares:
    """Keeps up to `count` clones of one template ready; not for two threads at once."""

    def __init__(self, job: CloneJob, count: int, new_path: Callable[[], str]) -> None:
        self.job = job
        self.count = count
        self._new_path = new_path
        self._free: list[str] = []  # paths of those that could not be put back
        self._start()

    def _start(self) -> None:
        self._answered = False
        # By path: what is on its way; of one that was given back, how it was made.
        self._asked: dict[str, CloneReport | None] = {}
        self._ready: deque[Spare] = deque()
        self._helper = helper.start("cenv.clones.spares", _job_text(self.job))
        _all.add(self)
        self._ask()

    @property
    def helper(self) -> int:
        """The process id of the helper."""
        return self._helper.pid

    @property
    def paths(self) -> list[str]:
        """The paths of what is ready or on its way, and those that are free again."""
        ready = (spare.report.prefix for spare in self._ready)
        return [*self._asked, *ready, *self._free]

    def _ask(self) -> None:
        """Order as many clones as are wanting."""
        with contextlib.suppress(BrokenPipeError):
            while len(self._asked) + len(self._ready) < self.count:
                path = self._free.pop() if self._free else self._new_path()
                self._asked[path] = None
                self._helper.tell(_line({"make": path}))

    def give_back(self, report: CloneReport) -> bool:
        """Have a clone that was taken put back and kept ready, or removed if that cannot be.

        False: the helper is gone, and the clone remains the caller's.
        """
        try:
            self._helper.tell(_line({"recycle": report.prefix}))
        except BrokenPipeError:
            return False
        self._asked[report.prefix] = report
        return True

    def _collect(self, *, wait: bool = False) -> None:
        lines = self._helper.lines(wait=wait)
        if lines is None:  # the helper is gone
            self.count = 0
            self._asked.clear()
        for line in lines or ():
            self._note(json.loads(line))

    def has_answered(self) -> bool:
        """Tell whether the helper has done anything yet, and is at hand for more."""
        self._collect()
        return self._answered

    def _note(self, reply: dict[str, Any]) -> None:
        self._answered = True
        path = reply["prefix"]
        old = self._asked.pop(path)
        if reply.get("removed"):
            self._free.append(path)
        elif "error" not in reply and old is not None:
            self._ready.append(Spare(of_recycled(old, reply["seconds"]), True))
        elif "error" not in reply:
            self._ready.append(Spare(CloneReport.from_json(reply), False))

    def take(self, *, recycled: bool = True) -> Spare | None:
        """Hand over a clone that is ready, and order the next; None when there is none.

        One that was given back is waited for: it comes sooner than a new one is made.
        `recycled` False: only one that nobody had before.
        """
        self._collect()
        while recycled and not self._ready and any(self._asked.values()):
            self._collect(wait=True)
        fit = (spare for spare in self._ready if recycled or not spare.recycled)
        spare = next(fit, None)
        if spare is None:
            return None
        self._hand_over(spare)
        self._ask()
        return spare

    def take_all(self) -> list[CloneReport]:
        """Hand over all that are ready, and order no more."""
        self.count = 0
        self._collect()
        ready = list(self._ready)
        for spare in ready:
            self._hand_over(spare)
        return [spare.report for spare in ready]

    def _hand_over(self, spare: Spare) -> None:
        self._ready.remove(spare)
        with contextlib.suppress(BrokenPipeError):
            self._helper.tell(_line({"taken": spare.report.prefix}))

    def renew(self) -> None:
        """Give up what is ready or on its way, and make it anew."""
        paths = self.paths
        self.close()
        self._free = paths
        self._start()

    def keep(self, count: int) -> None:
        """Keep up to `count` from now on; what is ready already stays."""
        self.count = count
        self._ask()

    def drain(self) -> None:
        """Wait until none is being made."""
        while self._asked:
            self._collect(wait=True)

    def close(self) -> None:
        """End the helper, which removes what was not handed over."""
        _all.discard(self)
        self._helper.end()
        if self._helper.wait():  # it was killed
            self._collect()
            self._remove_all()
        self._helper.close()

    def _remove_all(self) -> None:
        """Remove what a helper that was killed left; what was half made, a sweep does."""
        from cenv import api

        for path in self.paths:
            api.remove_tree(path, store=self.job.store)


def of_recycled(made: CloneReport, seconds: float) -> CloneReport:
    """Return the report of a clone that was put back in so many seconds: it placed nothing."""
    nothing: dict[str, Any] = {"relocated": 0, "bytes_copied": 0, "bytes_shared": 0}
    return replace(made, seconds=seconds, fallbacks={}, stages=(), **nothing)


_all: WeakSet[Spares] = WeakSet()
_kept: WeakKeyDictionary[object, Spares] = WeakKeyDictionary()


def keep_for(
    holder: object, job: CloneJob, count: int, new_path: Callable[[], str]
) -> None:
    """Keep `count` clones ready for `holder`, as long as it lives; 0 ends it."""
    known = _kept.pop(holder, None)
    if known is not None:
        known.close()
    if count > 0:
        _kept[holder] = Spares(job, count, new_path)


def kept_for(holder: object) -> Spares | None:
    """Return what keep_for keeps."""
    return _kept.get(holder)


def take_for(holder: object) -> CloneReport | None:
    """Hand over a clone that is kept ready for `holder`, if there is one."""
    known = _kept.get(holder)
    spare = known.take() if known is not None else None
    return spare.report if spare is not None else None


def renew_all(path: str) -> None:
    """Make every spare clone of the environment at `path` anew: that was not as it should be."""
    for spares in list(_all):
        if spares.job.path == path:
            spares.renew()


def _line(message: dict[str, str]) -> bytes:
    return json.dumps(message).encode() + b"\n"


# ---- the helper process ----


def _job_text(job: CloneJob) -> str:
    return json.dumps({**asdict(job), "owner": os.getpid()})


def _serve(job: dict[str, Any], orders: Iterator[str]) -> None:
    """Make clones as they are ordered; at the end of orders remove those left."""
    from cenv import api

    left: set[str] = set()
    try:
        for line in orders:
            order = json.loads(line)
            if "taken" in order:
                left.discard(order["taken"])
                continue
            reply = _work(job, order)
            if "error" not in reply:
                left.add(reply["prefix"])
            print(json.dumps(reply), flush=True)
    except BrokenPipeError:
        pass  # the parent is gone
    finally:
        for path in left:
            api.remove_tree(path, store=job["store"])
        os.close(1)  # nothing more to flush to a parent that may be gone


def _work(job: dict[str, Any], order: dict[str, str]) -> dict[str, Any]:
    from cenv.errors import CenvError

    ((what, path),) = order.items()
    try:
        return _make(job, path) if what == "make" else _recycle(job, path)
    except (
        CenvError,
        OSError,
    ) as error:  # the parent makes its own clone, and fails aloud
        return {"prefix": path, "error": str(error)}


def _make(job: dict[str, Any], path: str) -> dict[str, Any]:
    from cenv import api

    report = api.clone(
        job["path"],
        path,
        mode=job["mode"],
        store=job["store"],
        owner=job["owner"],
        provenance=job["provenance"],
        memory=job["memory"],
    )
    return report.to_json()


def _recycle(job: dict[str, Any], path: str) -> dict[str, Any]:
    """Put a clone back; one that cannot be is removed."""
    from cenv import api
    from cenv.errors import CenvError

    try:
        report = api.recycle(path, store=job["store"])
    except (CenvError, OSError) as error:
        api.remove_tree(path, store=job["store"])
        return {"prefix": path, "error": str(error), "removed": True}
    return {"prefix": path, "seconds": report.seconds}


if __name__ == "__main__":
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _serve(json.loads(sys.argv[1]), iter(sys.stdin))
    os._exit(0)  # to take down what was loaded would take longer than all else
