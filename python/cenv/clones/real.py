# SPDX-License-Identifier: BSD-3-Clause
"""Calls of the system, bound when this is imported, where no test's mock finds them.

What replaces functions of os and time looks through the names of modules: these stand in
a tuple.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple


class _System(NamedTuple):
    getcwd: Callable[[], str]
    killpg: Callable[[int, int], None]
    listdir: Callable[[str], list[str]]
    lstat: Callable[[str], os.stat_result]
    mkdir: Callable[..., None]
    open: Callable[..., Any]
    realpath: Callable[[str], str]
    rmdir: Callable[[str], None]
    scandir: Callable[[str], Any]
    sleep: Callable[[float], None]
    symlink: Callable[[str, str], None]
    unlink: Callable[[str], None]


system = _System(
    getcwd=os.getcwd,
    killpg=os.killpg,
    listdir=os.listdir,
    lstat=os.lstat,
    mkdir=os.mkdir,
    open=open,
    realpath=os.path.realpath,
    rmdir=os.rmdir,
    scandir=os.scandir,
    sleep=time.sleep,
    symlink=os.symlink,
    unlink=os.unlink,
)
