# SPDX-License-Identifier: BSD-3-Clause
"""Environments by name, as conda looks them up (base/context.py: envs_dirs, locate_prefix_by_name).

A bare word, without a slash, is first the name of an environment: `base`, a directory of
envs_dirs, or the last part of a path in ~/.conda/environments.txt. Else it is a path.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from cenv.errors import PrefixError, UsageError

_BASE = ("base", "root")
_NOT_IN_NAMES = "/ :#"  # conda's rule for the names of new environments
_LISTED = "~/.conda/environments.txt"
_LISTED_MAX = 1 << 22  # bytes of that file that are read


@dataclass(frozen=True)
class Found:
    """The place of an environment, and the one of its name in this directory, not taken."""

    path: str
    passed_over: str | None = None


def existing(word: str | os.PathLike[str]) -> Found:
    """Return where the environment lies that a name or a path means.

    Raises UsageError for a name that means several, PrefixError for a bare word that is
    neither the name of one nor a path.
    """
    text = os.fspath(word)
    if not _is_bare(text):
        return Found(text)
    found = _of_name(text)
    if found is None and not os.path.lexists(text):
        places = ", ".join(_envs_dirs()) + f", and {_LISTED}"
        message = (
            f"there is no environment named '{text}', and no '{text}' in {os.getcwd()}"
        )
        raise PrefixError(message, hint=f"names are looked for in {places}")
    if found is None:
        return Found(text)
    here = os.path.abspath(text)
    is_other = _is_environment(here) and not os.path.samefile(here, found)
    return Found(found, here if is_other else None)


def place_for(name: str) -> str:
    """Return where an environment of that name is to be made: in the first of envs_dirs.

    That is the first that can be written, as conda has it; it is made when it is used.
    """
    bad = next((letter for letter in _NOT_IN_NAMES if letter in name), None)
    if bad is not None or not name or name.startswith("."):
        why = f"it has '{bad}'" if bad else "it is empty or hidden"
        raise UsageError(
            f"'{name}' is no name: {why}", hint="give a path with -p PREFIX"
        )
    if name in _BASE:
        raise UsageError(f"'{name}' is the name of conda's own environment")
    known = _of_name(name)
    if known is not None:
        raise PrefixError(f"there is an environment named '{name}': {known}")
    places = _envs_dirs()
    for place in places:
        if _can_be_written(place):
            return os.path.join(place, name)
    message = f"none of envs_dirs can be written: {', '.join(places)}"
    raise PrefixError(
        message, hint="add one to envs_dirs in ~/.condarc, or give -p PREFIX"
    )


def _is_bare(text: str) -> bool:
    return bool(text) and os.sep not in text and text not in {".", ".."}


def _of_name(name: str) -> str | None:
    if name in _BASE:
        return next(filter(_is_environment, _roots(os.environ)), None)
    for place in _envs_dirs():
        path = os.path.join(place, name)
        if _is_environment(path):
            return path
    listed = [path for path in registered() if os.path.basename(path) == name]
    several = {os.path.realpath(path): path for path in listed if _is_environment(path)}
    if len(several) > 1:
        paths = ", ".join(several.values())
        hint = "give the path of the one that is meant"
        raise UsageError(f"several environments are named '{name}': {paths}", hint=hint)
    return next(iter(several.values()), None)


def _is_environment(path: str) -> bool:
    """Say whether a path is an environment: of conda, or a venv."""
    return any(
        os.path.exists(os.path.join(path, mark))
        for mark in ("conda-meta", "pyvenv.cfg")
    )


def _envs_dirs() -> list[str]:
    from cenv.config.config import load

    own = [os.path.join(root, "envs") for root in _roots(os.environ)]
    usual = [*load().envs_dirs, *own, os.path.expanduser("~/.conda/envs")]
    known = (os.path.abspath(place) for place in usual if not place.startswith("~"))
    return list(dict.fromkeys(known))


def _roots(environ: Mapping[str, str]) -> list[str]:
    """Return the base environments that the variables of conda and mamba tell of."""
    found = [
        environ.get("CONDA_ROOT"),
        _two_above(environ.get("CONDA_EXE")),
        environ.get("MAMBA_ROOT_PREFIX"),
        _root_of(environ.get("CONDA_PREFIX")),
    ]
    there = (os.path.abspath(path) for path in found if path and os.path.isdir(path))
    return list(dict.fromkeys(there))


def _root_of(active: str | None) -> str | None:
    """Return the base environment of an active one, which may be the base itself."""
    if active and os.path.basename(os.path.dirname(active)) == "envs":
        return _two_above(active)
    return active if active and os.path.isdir(os.path.join(active, "envs")) else None


def _two_above(path: str | None) -> str | None:
    return os.path.dirname(os.path.dirname(path)) if path else None


def _can_be_written(place: str) -> bool:
    """Say whether a directory can be written, or made if it is not there."""
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    return os.path.isdir(place) and os.access(place, os.W_OK)


def registered() -> list[str]:
    """Return the paths of environments that conda lists, as its file has them."""
    path = os.path.expanduser(_LISTED)
    if not os.path.isfile(path):
        return []
    with open(path, "rb") as file:
        text = os.fsdecode(file.read(_LISTED_MAX))
    return [line.strip() for line in text.splitlines() if line.strip()]
