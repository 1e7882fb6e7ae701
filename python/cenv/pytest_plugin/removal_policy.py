# SPDX-License-Identifier: BSD-3-Clause
"""Clones removed while tests go on, where a processor is free for it, and behind a run.

Not beside a benchmark, nor in a run's last test; nor for the first few, which do not pay
for the helper process. What lies ready at the end of a run the helper removes while this
process ends. These are as new, so that nothing in them is in the way of that; they have
been renamed, so that nobody meets them; and the registry of the store has them, so that the
next sweep, which a run begins with, finds, or tells, what stays.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from pathlib import Path

from cenv.api import remove_tree
from cenv.clones import background_removal
from cenv.clones.background_removal import Removal
from cenv.templates.template import Clone

_FEW = 2
_MOST = 16  # on their way at once, beside tests: they take space
_LEFT = 128  # the same behind the last test: their orders and answers fill pipes

Tell = Callable[[str], object]


class RemovalPolicy:
    """The removals of a process; `tell` gets what went wrong."""

    def __init__(self, allowed: bool, tell: Tell) -> None:
        self._allowed = allowed
        self._tell = tell
        self._count = 0
        self._paused = self._measured = self._leaves = False
        self._pending: deque[tuple[str, Removal]] = deque()

    def remove(self, clone: Clone) -> bool:
        """Remove a clone, now or soon; False: it cannot be, and lies there."""
        self._count += 1
        soon = self._allowed and not self._paused and self._count > _FEW
        try:
            removal = clone.remove(background=soon or self._leaves)
        except OSError as error:
            self._tell(_trouble(clone.path, error))
            return False
        if removal is not None:
            self._pending.append((clone.path, removal))
        self._finish(_LEFT if self._leaves else _MOST)
        return True

    def _finish(self, left: int) -> None:
        while len(self._pending) > left:
            path, removal = self._pending.popleft()
            try:
                removal.wait()
            except OSError as error:
                self._tell(_trouble(path, error))

    def pause(self) -> None:
        """Finish what is on its way, and do the rest at once from now on."""
        self._paused = True
        self._finish(0)

    def end(self) -> None:
        """Finish what is on its way, and let no helper process live, from now on."""
        self._measured = True
        self.pause()
        background_removal.end()

    def resume(self) -> None:
        """Let removals go on beside tests again."""
        self._paused = False

    def may_leave(self) -> bool:
        """Tell whether a helper may go on when this process has ended.

        Not that of one that was measured, whose children a simulation would follow, nor
        where this process may end the container that it is in, and all that is in it.
        """
        return not self._measured and _may_be_outlived()

    def leave(self) -> None:
        """Finish what is on its way; what comes now is as new, and its removal not waited for."""
        self._finish(0)
        self._leaves = True

    def close(self) -> None:
        """Finish all, or, where that is left, tell what went wrong so far."""
        if not self._leaves:
            self._finish(0)
        while self._pending and self._pending[0][1].is_over():
            self._finish(len(self._pending) - 1)


def _may_be_outlived() -> bool:
    """Tell whether this is neither a container's first process, nor what that started.

    Nor what was started from outside: a step of a job, behind which its container is stopped.
    """
    return os.getpid() > 1 and os.getppid() > 1


def remove_or_tell(path: Path, tell: Tell) -> bool:
    """Remove a tree of ours; False: it cannot be, which is no reason to end a run."""
    try:
        remove_tree(path)
    except OSError as error:
        tell(_trouble(str(path), error))
        return False
    return True


def _trouble(path: str, error: OSError) -> str:
    return f"cannot remove the clone {path}: {error.strerror or error}"
