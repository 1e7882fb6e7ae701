# SPDX-License-Identifier: BSD-3-Clause
"""Taking away in the background what processes left that died while they used a store.

A helper process does it, so that no command waits for it, and an interrupt never does.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from cenv._extension import extension
from cenv.clones import helper
from cenv.errors import CenvError

if TYPE_CHECKING:
    from cenv._cenv import Store

_looked_at: set[str] = set()
_running: list[int] = []  # process ids of helpers


def _begin_anew() -> None:
    """Take no part in what the parent process looked at and started."""
    _looked_at.clear()
    _running.clear()


os.register_at_fork(after_in_child=_begin_anew)


def look(path: str, store: Store) -> None:
    """Have a helper sweep the store if that is due; asked once a process for each store."""
    if path not in _looked_at:
        _looked_at.add(path)
        _sweep(path, store)


def look_again() -> None:
    """The same for every store this process used: it was interrupted at work."""
    for path in _looked_at:
        with contextlib.suppress(OSError, CenvError):
            _sweep(path, extension.Store(path))


def wait() -> None:
    """Wait until no helper of this process sweeps."""
    while _running:
        with contextlib.suppress(OSError):  # somebody else has waited for it
            helper.wait_for(_running.pop())


def _sweep(path: str, store: Store) -> None:
    if not store.has_leftovers():
        return
    with contextlib.suppress(
        OSError
    ):  # no room for a process: the next command does it
        _running.append(helper.start_alone("cenv.clones.background_sweep", path))


def _serve(path: str) -> None:
    store = extension.Store(path)
    turn = store.lock(extension.Task(None), "cenv sweep")
    try:
        if store.has_leftovers():
            store.sweep(extension.Task(None))
    finally:
        turn.release()


if __name__ == "__main__":
    os.nice(10)
    _serve(sys.argv[1])
