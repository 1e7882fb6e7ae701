# SPDX-License-Identifier: BSD-3-Clause
"""Clones removed while tests go on, where a processor is free for it.

Not beside a benchmark, nor in a run's last test; nor for the first few, which do not pay
for the helper process.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path

from cenv.api import remove_tree
from cenv.clones import background_removal
from cenv.clones.background_removal import Removal
from cenv.templates.template import Clone

_FEW = 2
_MOST = 16  # on their way at once: they take space, and their answers a pipe

Tell = Callable[[str], object]


class RemovalPolicy:
    """The removals of a process; `tell` gets what went wrong."""

    def __init__(self, allowed: bool, tell: Tell) -> None:
        self._allowed = allowed
        self._tell = tell
        self._count = 0
        self._paused = False
        self._pending: deque[tuple[str, Removal]] = deque()

    def remove(self, clone: Clone) -> bool:
        """Remove a clone, now or soon; False: it cannot be, and lies there."""
        self._count += 1
        soon = self._allowed and not self._paused and self._count > _FEW
        try:
            removal = clone.remove(background=soon)
        except OSError as error:
            self._tell(_trouble(clone.path, error))
            return False
        if removal is not None:
            self._pending.append((clone.path, removal))
        self._finish(_MOST)
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
        self.pause()
        background_removal.end()

    def resume(self) -> None:
        """Let removals go on beside tests again."""
        self._paused = False

    def close(self) -> None:
        """Finish all."""
        self._finish(0)


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
