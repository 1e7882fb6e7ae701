# SPDX-License-Identifier: BSD-3-Clause
"""Where a process's clones lie, and who is told, so that nothing outlives a killed run."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from cenv.store import TemplateStore


class Home:
    """`<worker basetemp>/cenv`: paths in it are short, of equal length, known ahead."""

    def __init__(self, base: Path, store: TemplateStore) -> None:
        self.base = base
        self._path = base / "cenv"
        self._store = store
        self._numbers = itertools.count(1)

    def new_path(self) -> str:
        """Return the next clone's path."""
        number = next(self._numbers)
        if number == 1:
            self._path.mkdir(exist_ok=True)
            self._store.home(self._path, os.getpid())
        return str(self._path / f"{number:09d}")

    def close(self) -> None:
        """Leave it to pytest's retention, with what was kept in it."""
        self._store.home(self._path, 0)
