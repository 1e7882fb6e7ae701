# SPDX-License-Identifier: BSD-3-Clause
"""Set-ups of templates: what makes two of them the same."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from cenv.errors import UsageError


@dataclass(frozen=True)
class Setup:
    """A callable run once in a new template, and the key of what it does."""

    call: Callable[[Any], object]
    key: str
    transient: bool

    @classmethod
    def of(cls, call: Callable[[Any], object] | None, key: object) -> Setup | None:
        """Return the set-up asked for; without a key it serves this process only."""
        if call is None:
            if key is not None:
                raise UsageError("key= tells what setup= does: there is no setup=")
            return None
        if key is None:
            return cls(call, uuid.uuid4().hex, transient=True)
        return cls(call, digest(key), transient=False)

    def meta(self) -> dict[str, object]:
        """Return what the core is told."""
        return {"key": self.key, "transient": self.transient}


def digest(key: object) -> str:
    """Return the SHA-256 of a key: str, bytes, files (their content), or several of these."""
    found = hashlib.sha256()
    for part in _parts(key):
        found.update(hashlib.sha256(part).digest())
    return found.hexdigest()


def _parts(key: object) -> Iterable[bytes]:
    if isinstance(key, str):
        yield b"s" + key.encode()
    elif isinstance(key, (bytes, bytearray)):
        yield b"b" + bytes(key)
    elif isinstance(key, os.PathLike):
        with open(key, "rb") as file:
            yield b"f" + file.read()
    elif isinstance(key, Iterable):
        for item in key:
            yield from _parts(item)
    else:
        hint = "give a str, bytes, a Path whose content counts, or several of these"
        raise UsageError(f"key= cannot be a {type(key).__name__}", hint=hint)
