# SPDX-License-Identifier: BSD-3-Clause
"""Removing in the background what an interrupted extraction leaves beside its place."""

from __future__ import annotations

import contextlib
import os
import sys

from cenv._extension import extension
from cenv.clones import helper


def start(dest: str) -> None:
    """Have a helper do it: an interrupt waits for no large tree.

    Where there is no room for a process the next extraction to `dest` removes it.
    """
    with contextlib.suppress(OSError):
        helper.start_alone("cenv.clones.extract_sweep", os.path.abspath(dest))


if __name__ == "__main__":
    os.nice(10)
    extension.extract_sweep(extension.Task(None), sys.argv[1])
