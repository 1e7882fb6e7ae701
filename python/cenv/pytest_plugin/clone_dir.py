# SPDX-License-Identifier: BSD-3-Clause
"""The directory of a process's clones, known to the store: nothing outlives a killed run."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from cenv.api import remove_tree
from cenv.templates.store import TemplateStore

_DIGITS = 9
_EVEN = 64  # characters of a benchmark's path: pytest-9 and pytest-10 shall not differ


class CloneDir:
    """`<worker basetemp>/cenv`: paths in it are short, of equal length, known ahead."""

    def __init__(self, base: Path, store: TemplateStore) -> None:
        self.base = base
        self._path = base / "cenv"
        self._store = store
        self._numbers = itertools.count(1)
        self._kept: set[str] = set()

    def new_path(self, *, even: bool = False) -> str:
        """Return the next clone's path; `even`: of the same length in every run.

        That is, wherever the directory's own path leaves room.
        """
        number = next(self._numbers)
        digits = max(_DIGITS, _EVEN - len(f"{self._path}/")) if even else _DIGITS
        if number == 1:
            self._path.mkdir(exist_ok=True)
            self._store.set_clone_dir_owner(self._path, os.getpid())
        return str(self._path / f"{number:0{digits}d}")

    def keep(self, path: str) -> None:
        """Let what lies at `path` stay when this process ends."""
        self._kept.add(os.path.basename(path))

    def close(self) -> None:
        """Leave it to pytest's retention, with what was kept in it.

        A clone that nobody knows of is removed: a timeout's signal may come when it is
        complete and its caller has not heard of it yet.
        """
        if self._path.is_dir():
            for name in set(os.listdir(self._path)) - self._kept:
                remove_tree(self._path / name)
        self._store.set_clone_dir_owner(self._path, 0)
