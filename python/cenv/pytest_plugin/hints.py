# SPDX-License-Identifier: BSD-3-Clause
"""Where a test fails by one of cenv's errors: what cenv advises is shown, its own frames are not.

Imported in every run, so it knows cenv's errors by their hint, not by their classes.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import Any

import pytest

NAME = "cenv_hints"
_MOST = 100  # errors of a chain that are looked at


def pytest_runtest_makereport(call: Any) -> None:
    """Add the hints before the report is made; unittest's plugin, first, brings its errors."""
    if call.excinfo:
        show(call.excinfo.value)
        for error in _chain(call.excinfo.value):
            _hide_frames(error)


def _hide_frames(error: BaseException) -> None:
    """Let a traceback end at the user's line; --full-trace shows all of it.

    pytest leaves out frames of modules that say so of the error.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_globals.get("__name__", "").startswith("cenv."):
            frame.f_globals.setdefault("__tracebackhide__", _is_for_users)


def _is_for_users(found: pytest.ExceptionInfo[Any] | None) -> bool:
    """Tell whether an error says all itself; others are faults whose place counts."""
    if found is None:
        return False
    return hasattr(found.value, "hint") and _is_ours(found.value)


def show(error: BaseException) -> None:
    """Add the hints of an error, and of those that it came from, as notes (PEP 678).

    Pythons before 3.11 show notes too: by exceptiongroup, which pytest needs there.
    """
    for one in _chain(error):
        hint = vars(one).get("hint")
        if not isinstance(hint, str) or not _is_ours(one):
            continue
        note = f"hint: {hint}"
        notes = getattr(one, "__notes__", [])
        if note not in notes:
            one.__notes__ = [*notes, note]  # type: ignore[attr-defined]


def _is_ours(error: BaseException) -> bool:
    module = type(error).__module__
    return module.startswith("cenv.") or isinstance(error, OSError)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, its causes, the members of groups and what doctests raised, each once."""
    seen: set[int] = set()
    left: list[Any] = [error]
    while left and len(seen) < _MOST:
        one = left.pop()
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            left += [one.__cause__, one.__context__]
            for members in ("exceptions", "failures"):
                left += getattr(one, members, ())
            left += getattr(one, "exc_info", ())[1:2]
