# SPDX-License-Identifier: BSD-3-Clause
"""Environments read before a benchmark, so that all of them are in memory when it begins.

A template that was just built is, one that was taken from a cache of CI is not.
"""

from __future__ import annotations

import contextlib
import os
import stat

from cenv.clones import modes
from cenv.templates.template import Clone

_BUFFER = 1 << 20


class Warm:
    """What was read: each template once, and clones whose pages are their own."""

    def __init__(self) -> None:
        self._read: set[str] = set()

    def read(self, clone: Clone) -> None:
        """Read what a new clone's files are made of, unless that was done."""
        place = clone.path
        if modes.has_pages_of_source(clone.mode) and clone.template is not None:
            place = clone.template.path
        if place not in self._read:
            self._read.add(place)
            _read_tree(place)


def _read_tree(top: str) -> None:
    for where, _, names in os.walk(top):
        for name in names:
            with contextlib.suppress(OSError):  # it may be closed to us
                _read_file(os.path.join(where, name))


def _read_file(path: str) -> None:
    """Read a file; a link, or what is no file, is not opened for it."""
    if not stat.S_ISREG(os.lstat(path).st_mode):
        return
    with open(path, "rb", buffering=0) as file:
        while file.read(_BUFFER):
            pass
