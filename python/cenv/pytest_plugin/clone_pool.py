# SPDX-License-Identifier: BSD-3-Clause
"""Slots for the clones of one process each, which come back from run to run.

pytest gives each run a directory of another name. So that a clone's path comes back all the
same, and with it what the store remembers of that path, clones lie beside these directories, in
`pytest-of-USER/cenv/NN`: a process has the first slot that no other one holds. With --basetemp
paths come back by themselves.

A run with many workers keeps clones in slots that later runs may never take. So a process that
is done clears those that nobody holds, too.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from pathlib import Path
from typing import IO

from cenv.pytest_plugin.removal_policy import Tell, remove_or_tell

try:
    import fcntl
except ImportError:  # pragma: no cover: Windows has no such locks
    fcntl = None  # type: ignore[assignment]

_MOST = 100  # names of equal length
_NAME = re.compile(r"\d\d")
_KEPT = (
    ".kept"  # a link for each clone that was kept, to its name in the run's directory
)


class CloneSlot:
    """A directory that this process holds, and what earlier runs kept there."""

    def __init__(self, path: Path, lock: IO[bytes], run: Path) -> None:
        self.path = path
        self._lock = lock
        self._run = run  # where pytest's retention finds what this run keeps

    def keep(self, name: str) -> None:
        """Let a clone stay as long as pytest keeps the directory of this run.

        A link in that directory leads to it: while the link is there, the clone is kept.
        """
        self._run.mkdir(exist_ok=True)
        (self.path / _KEPT).mkdir(exist_ok=True)
        link, note = self._run / name, self.path / _KEPT / name
        for place, target in ((link, self.path / name), (note, link)):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(place)
            os.symlink(target, place)

    def clear(self, tell: Tell) -> frozenset[str]:
        """Remove what no run keeps any more; return the names of what stays."""
        stay = frozenset(
            name
            for name in self._names()
            if self._is_kept(name) or not remove_or_tell(self.path / name, tell)
        )
        for name in self._noted() - stay:
            os.unlink(self.path / _KEPT / name)
        return stay

    def _names(self) -> frozenset[str]:
        """Return what lies there; what is just being removed has a dot, and goes by itself."""
        return frozenset(n for n in os.listdir(self.path) if not n.startswith("."))

    def _noted(self) -> frozenset[str]:
        try:
            return frozenset(os.listdir(self.path / _KEPT))
        except FileNotFoundError:
            return frozenset()

    def _is_kept(self, name: str) -> bool:
        with contextlib.suppress(OSError):
            link = os.readlink(self.path / _KEPT / name)
            return os.readlink(link) == str(self.path / name)
        return False

    def clear_free(self, tell: Tell) -> None:
        """Clear the slots that no process holds."""
        pool = self.path.parent
        for name in os.listdir(pool):
            slot = _take(pool / name, self._run) if _NAME.fullmatch(name) else None
            if slot:
                slot.clear(tell)
                slot.close()

    def close(self) -> None:
        """Let another process have it."""
        self._lock.close()


def take_slot(base: Path) -> CloneSlot | None:
    """Return the first free slot beside pytest's own directory `base` of a process.

    None: that was chosen by --basetemp, others may write there, or no slot can be had.
    """
    pool = _pool_beside(base)
    if pool is None or fcntl is None:
        return None
    for number in range(_MOST):
        slot = _take(pool / f"{number:02d}", base / "cenv")
        if slot:
            return slot
    return None


def _take(path: Path, run: Path) -> CloneSlot | None:
    """Return the slot at `path`, made where it is missing; None: it is held, or not ours."""
    with contextlib.ExitStack() as undo, contextlib.suppress(OSError):
        lock = undo.enter_context(open(f"{path}.lock", "ab"))
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.mkdir(mode=0o700, exist_ok=True)
        # What a link leads to is somebody's own, and would be cleared as old clones are.
        if _is_ours_alone(path) and not (path / _KEPT).is_symlink():
            undo.pop_all()
            return CloneSlot(path, lock, run)
    return None


def _pool_beside(base: Path) -> Path | None:
    """Return the pool, made where it is missing."""
    of_user = next(
        (
            run.parent
            for run in (base, base.parent)  # a worker of xdist has one in the run's
            if re.fullmatch(r"pytest-\d+", run.name)
            and run.parent.name.startswith("pytest-of-")
        ),
        None,
    )
    if of_user is None:
        return None
    pool = of_user / "cenv"
    with contextlib.suppress(OSError):
        pool.mkdir(mode=0o700, exist_ok=True)
        if all(_is_ours_alone(place) for place in (of_user, pool)):
            return pool
    return None


def _is_ours_alone(place: Path) -> bool:
    status = os.lstat(place)
    return (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid == os.geteuid()
        and not status.st_mode & 0o022
    )
