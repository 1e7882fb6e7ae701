# SPDX-License-Identifier: BSD-3-Clause
"""Arguments of the API that take several things: one of them stands for a list of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from cenv.errors import UsageError


def listed(value: Any, argument: str) -> list[Any]:
    """Return the items of an argument; a text, path or record is one item, None is none.

    A text would else be taken apart into its letters. Raises UsageError, naming the
    argument, for what is no list and for an item that is None.
    """
    if value is None:
        return []
    if isinstance(value, (str, os.PathLike, Mapping)) or _is_record(value):
        return [value]
    if isinstance(value, (bytes, bytearray)) or not hasattr(value, "__iter__"):
        given = type(value).__name__
        raise UsageError(f"{argument}= takes a list, not {given}: {value!r}")
    items = list(value)
    if any(item is None for item in items):
        at = items.index(None)
        raise UsageError(f"{argument}= has None as its item {at}")
    return items


def _is_record(value: Any) -> bool:
    from cenv.model import PackageRecord

    return isinstance(value, PackageRecord)
