# SPDX-License-Identifier: BSD-3-Clause
"""Set-ups of templates: what makes two of them the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePath
from types import CodeType
from typing import Any

from cenv._options import TemplateMarks
from cenv.errors import UsageError


@dataclass(frozen=True)
class Run:
    """Processes that belong together, such as a test run's: they share transient templates."""

    uid: str
    owner: int  # the process with whose end they go


@dataclass(frozen=True)
class Setup:
    """A callable run once in a new template, and the key of what it does."""

    call: Callable[[Any], object]
    key: str
    transient: bool
    owner: int = 0

    @classmethod
    def of(
        cls,
        call: Callable[[Any], object] | Setup | None,
        key: object,
        run: Run | None = None,
    ) -> Setup | None:
        """Return the set-up asked for; without a key it serves one run, or one process."""
        if isinstance(call, Setup):
            return call
        if call is None:
            if key is not None:
                raise UsageError("key= tells what setup= does: there is no setup=")
            return None
        if key is not None:
            return cls(call, digest(key), transient=False)
        known = identity(call) if run else None
        if run is None or known is None:
            return cls(call, os.urandom(16).hex(), transient=True)
        return cls(call, digest((run.uid, known)), transient=True, owner=run.owner)

    def after(self, first: Setup | None) -> Setup:
        """Return a set-up that does `first` before this one."""
        if first is None:
            return self

        def both(draft: Any) -> None:
            first.call(draft)
            self.call(draft)

        key = digest((first.key, self.key))
        transient = first.transient or self.transient
        return Setup(both, key, transient, self.owner or first.owner)

    def marks(self) -> TemplateMarks:
        """Return what sets its templates apart."""
        return {"key": self.key, "transient": self.transient, "owner": self.owner}


def identity(call: Callable[[Any], object]) -> str | None:
    """Return what makes two functions of two processes of a run the same; None: it is not known.

    That is the code, and the values it is bound to where these are plain.
    """
    code = getattr(call, "__code__", None)
    if code is None or getattr(call, "__self__", None) is not None:
        return None
    cells = [cell.cell_contents for cell in getattr(call, "__closure__", None) or ()]
    bound = [
        *cells,
        *(getattr(call, "__defaults__", None) or ()),
        *(getattr(call, "__kwdefaults__", None) or {}).items(),
    ]
    if not all(map(_is_plain, bound)):
        return None
    return repr((call.__module__, *_code(code), [repr(value) for value in bound]))


def _is_plain(value: object) -> bool:
    if isinstance(value, (tuple, list)):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (str, bytes, int, float, PurePath))


def _code(code: CodeType) -> tuple[object, ...]:
    """Return what tells one piece of code from another, the same in every process."""
    parts = (_code(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts)
    place = (code.co_filename, code.co_firstlineno, code.co_name)
    return (*place, code.co_code, code.co_names, *parts)


def digest(key: object) -> str:
    """Return the SHA-256 of a key: str, bytes, files (their content), or several of these."""
    import hashlib  # only here: OpenSSL is large

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
