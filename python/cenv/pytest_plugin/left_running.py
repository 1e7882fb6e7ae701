# SPDX-License-Identifier: BSD-3-Clause
"""What runs in this process and below it: a test that left some of it may still write.

What the system tells of a process (its directory, open files, arguments) is looked at before
a clone is put back; a path that it has in its memory alone, as a fork does, nobody sees.
"""

from __future__ import annotations

import threading

from cenv.clones import helper
from cenv.clones.real import system

_TASKS = "/proc/self/task"

Running = frozenset[object]


def running() -> Running | None:
    """Return this process's threads and children but for our helpers; None: who can tell?"""
    try:
        children = set().union(*map(_children, system.listdir(_TASKS)))
    except OSError:
        return None
    return frozenset({*threading.enumerate(), *(children - helper.running)})


def _children(task: str) -> set[int]:
    with system.open(f"{_TASKS}/{task}/children") as file:
        return set(map(int, file.read().split()))


def has_left(before: Running) -> bool:
    """Tell whether something runs that did not before, or that cannot be told."""
    now = running()
    return now is None or not now <= before
