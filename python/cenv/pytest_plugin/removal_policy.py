# SPDX-License-Identifier: BSD-3-Clause
"""Clones removed while tests go on, where a processor is free for it.

Not beside a benchmark, nor in a run's last test; nor for the first few, which do not pay
for the helper process.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from cenv.clones import background_removal
from cenv.clones.background_removal import Removal
from cenv.templates.template import Clone

_FEW = 2
_MOST = 16  # on their way at once: they take space, and their answers a pipe


class RemovalPolicy:
    """The removals of a process; `tell` gets what went wrong."""

    def __init__(self, allowed: bool, tell: Callable[[str], object]) -> None:
        self._allowed = allowed
        self._tell = tell
        self._count = 0
        self._paused = False
        self._pending: deque[tuple[str, Removal]] = deque()

    def remove(self, clone: Clone) -> None:
        """Remove a clone, now or soon."""
        self._count += 1
        if self._paused or not self._allowed or self._count <= _FEW:
            clone.remove()
            return
        removal = clone.remove(background=True)
        if removal is not None:
            self._pending.append((clone.path, removal))
        self._finish(_MOST)

    def _finish(self, left: int) -> None:
        while len(self._pending) > left:
            path, removal = self._pending.popleft()
            try:
                removal.wait()
            except OSError as error:
                self._tell(f"cannot remove the clone {path}: {error}")

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
