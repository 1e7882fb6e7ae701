# SPDX-License-Identifier: BSD-3-Clause
"""The directory of a process's clones, known to the store: nothing outlives a killed run."""

from __future__ import annotations

import os
from pathlib import Path

from cenv._digest import sha256_hex
from cenv.config import environments
from cenv.pytest_plugin.clone_pool import CloneSlot, take_slot
from cenv.pytest_plugin.recycling import Given
from cenv.pytest_plugin.removal_policy import Tell, remove_or_tell
from cenv.templates.store import TemplateStore
from cenv.templates.template import Clone, Template

_DIGITS = 9
_PLACES = 1_000_000_000  # names of so many digits
_SLOTS = 1000  # of a template, before it goes on in another's
_SHARE = 0.05  # of the free space, at most, for those of one template that lie ready
_EVEN = 64  # characters of a benchmark's path: pytest-9 and pytest-10 shall not differ


class CloneDir:
    """A slot of the pool, or `<worker basetemp>/cenv`: paths of equal length, known ahead.

    They come back: a template has places of its own, the same in every run, and the first
    that is free is given.
    """

    def __init__(self, base: Path, store: TemplateStore, tell: Tell) -> None:
        self.base = base
        self._tell = tell
        self._path = base / "cenv"
        self._slot: CloneSlot | None = None
        self._store = store
        self._made = False
        self._registered: frozenset[str] = frozenset()  # conda would list a new one
        self._held: dict[str, object] = {}  # by path: what lies there, or is to
        self._kept: set[str] = set()

    def new_path(self, template: Template, *, even: bool = False) -> str:
        """Return the first free place of a template; `even`: of one length in every run.

        That is, wherever the directory's own path leaves room.
        """
        if not self._made:
            self._make()
        digits = max(_DIGITS, _EVEN - len(f"{self._path}/")) if even else _DIGITS
        place, number = object(), _first_slot(template)
        while True:  # threads may ask at once
            path = str(self._path / f"{number % _PLACES:0{digits}d}")
            if path in self._registered:
                self._held.setdefault(path, None)
            if self._held.setdefault(path, place) is place:
                return path
            number += 1

    def _make(self) -> None:
        self._registered = _registered()
        self._slot = take_slot(self.base)
        if self._slot:
            self._path = self._slot.path
            for name in self._slot.clear(self._tell):
                self._held[str(self._path / name)] = None
                self._kept.add(name)
        else:
            self._path.mkdir(exist_ok=True)
        self._store.set_clone_dir_owner(self._path, os.getpid())
        self._made = True

    @property
    def is_of_pool(self) -> bool:
        """Tell whether it is a slot: else it is the user's, who may look at it, or delete it."""
        return self._slot is not None

    def room(self, template: Template, most: int) -> int:
        """Return how many of a template may lie ready; one where its size is not known."""
        if not template.size:
            return min(1, most)
        disk = os.statvfs(self.base)
        fits = disk.f_bavail * disk.f_frsize * _SHARE // template.size
        return min(most, int(fits))

    def hold(self, given: Given) -> None:
        """Know what was handed over."""
        self._held[given.clone.path] = given

    def given(self, clone: Clone) -> Given | None:
        """Return what is known of a clone that was handed over, and not taken back since."""
        found = self._held.get(clone.path)
        return found if isinstance(found, Given) and found.clone is clone else None

    def is_over(self, clone: Clone) -> bool:
        """Tell whether its place was taken back: what lies there by now is another."""
        return clone.path in self._held and self.given(clone) is None

    def take_back(self, path: str) -> None:
        """Know that a clone lies ready there, in nobody's hands."""
        self._held[path] = None

    def free(self, path: str) -> None:
        """Let the path be given again: nothing lies there."""
        self._held.pop(path, None)
        self._kept.discard(os.path.basename(path))

    def keep(self, path: str) -> None:
        """Let what lies at `path` stay when this process ends."""
        where, name = os.path.split(path)
        self._kept.add(name)
        if self._slot and where == str(self._path):
            self._slot.keep(name)

    def close(self) -> None:
        """Leave it to pytest's retention, with what was kept in it.

        A clone that nobody knows of is removed: a timeout's signal may come when it is
        complete and its caller has not heard of it yet.
        """
        if self._slot:
            self._slot.clear(self._tell)
            self._slot.clear_free(self._tell)
        elif self._path.is_dir():
            for name in set(os.listdir(self._path)) - self._kept:
                remove_or_tell(self._path / name, self._tell)
        self._store.set_clone_dir_owner(self._path, 0)
        if self._slot:
            self._slot.close()


def _registered() -> frozenset[str]:
    try:
        return frozenset(environments.registered())
    except OSError:  # it is closed to us
        return frozenset()


def _first_slot(template: Template) -> int:
    digest = sha256_hex(os.fsencode(template.origin))
    return int(digest[:12], 16) % (_PLACES // _SLOTS) * _SLOTS
