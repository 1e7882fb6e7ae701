# SPDX-License-Identifier: BSD-3-Clause
"""Checkouts of git that environments lie in: worktrees and clones by .git, without running git.

The layout is that of gitrepository-layout(5): a worktree's .git is a file that names its
directory, whose commondir names the repository.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

_NOTE_MAX = 1 << 13  # bytes of a note of git that are read


@dataclass(frozen=True)
class Checkout:
    """A working tree, and the repository that it is of."""

    top: str
    repository: str


def checkout_of(path: str) -> Checkout | None:
    """Return the innermost checkout that a path lies in, which may not be there yet."""
    place = os.path.dirname(path)
    while True:
        git = os.path.join(place, ".git")
        if os.path.isdir(git):
            return Checkout(place, os.path.realpath(git))
        if os.path.isfile(git):
            return _linked(place, git)
        if place == os.path.dirname(place):
            return None
        place = os.path.dirname(place)


def _linked(top: str, git: str) -> Checkout | None:
    note = _read(git)
    if not note.startswith("gitdir: "):
        return None
    own = os.path.join(top, note[len("gitdir: ") :])
    common = os.path.join(own, "commondir")
    if os.path.isfile(common):
        own = os.path.join(own, _read(common))
    return Checkout(top, os.path.realpath(own))


def _read(path: str) -> str:
    """Return a note of git; nothing for one that is another user's: no move is a guess."""
    try:
        with open(path, "rb") as file:
            note = os.fsdecode(file.read(_NOTE_MAX)).strip()
    except OSError:
        return ""
    return "" if "\0" in note else note


def moves_between(src: str, dst: str) -> dict[str, str]:
    """Return {the checkout of src: that of dst} where both are of one repository."""
    old, new = checkout_of(src), checkout_of(dst)
    if old is None or new is None or old.repository != new.repository:
        return {}
    return {old.top: new.top} if old.top != new.top else {}
