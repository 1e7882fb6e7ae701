# SPDX-License-Identifier: BSD-3-Clause
"""Sizes as people write them, and how much of the disk clones may be remembered on."""

from __future__ import annotations

import os
import re

from cenv.errors import UsageError

MEMORY_VARIABLE = "CENV_MEMORY"
_MEMORY = 512 << 20
_UNITS = ["", "k", "m", "g", "t"]
_MOST = 2**53 - 1  # the core's numbers end there, and no disk has as much


def parse_size(text: str, what: str = "") -> int:
    """Return the bytes of "500M", "10G" or "2GiB"; `what` says in an error where it stands."""
    match = re.fullmatch(
        r"([0-9]+(?:\.[0-9]+)?)\s*(?:([kmgt])(i?))?b?", text.strip().lower()
    )
    if not match:
        raise UsageError(
            f"{what}'{text}' is not a size", hint="expected a number, or 500M, 10G"
        )
    unit = (1024 if match[3] else 1000) ** _UNITS.index(match[2] or "")
    return int(min(float(match[1]) * unit, _MOST))


def memory_bytes(given: int | str | None = None) -> int:
    """Return what memories of relocated files may take: as given, $CENV_MEMORY, else 512 MiB."""
    if given is not None:
        return parse_size(str(given), "memory: ")
    text = os.environ.get(MEMORY_VARIABLE)
    return parse_size(text, f"{MEMORY_VARIABLE}: ") if text else _MEMORY
