# SPDX-License-Identifier: BSD-3-Clause
"""The modes in which clones are made, by the names that the core gives them."""

from __future__ import annotations

_OVERLAY = "overlay"


def names() -> tuple[str, ...]:
    """Return all modes, auto first."""
    return ("auto", "reflink", "hardlink", "copy", _OVERLAY)


def lasting() -> tuple[str, ...]:
    """Return the modes of clones that outlive their process: an overlay is a mount."""
    return tuple(name for name in names() if name != _OVERLAY)
