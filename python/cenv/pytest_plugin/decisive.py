# SPDX-License-Identifier: BSD-3-Clause
"""What decides a request beside its arguments: conda's configuration and the overrides.

Tests set these by monkeypatch; two requests that differ in them are two requests.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace

from cenv.config import condarc
from cenv.config.config import SEARCH_PATH, load
from cenv.templates.recipe import Recipe

_OVERRIDE = "CONDA_OVERRIDE_"
_OF_PYTEST = "PYTEST_"  # PYTEST_CURRENT_TEST differs at each call

Stamp = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, tuple[int, ...]], ...]]


class Deciders:
    """Keys of requests; the configuration is read anew when something of it changed."""

    def __init__(self) -> None:
        self._known: dict[Stamp, str] = {}

    def key(self, recipe: Recipe) -> str:
        """Return a text that tells this request from others, the same in all workers."""
        text = f"{recipe.key()} {self._configuration()}"
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()

    def _configuration(self) -> str:
        stamp = _stamp()
        if stamp not in self._known:
            said = replace(load(), where={})
            overrides = [item for item in stamp[0] if item[0].startswith(_OVERRIDE)]
            self._known = {stamp: repr((said, overrides))}
        return self._known[stamp]


def _stamp() -> Stamp:
    """Return what changes whenever the configuration may have."""
    variables = dict(os.environ)
    files = (
        (str(path), _identity(path))
        for search in SEARCH_PATH
        for path in condarc.candidates(search, variables)
    )
    said = (item for item in variables.items() if not item[0].startswith(_OF_PYTEST))
    return tuple(sorted(said)), tuple(files)


def _identity(path: os.PathLike[str]) -> tuple[int, ...]:
    found = os.stat(path)
    return (
        found.st_dev,
        found.st_ino,
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
    )
