# SPDX-License-Identifier: BSD-3-Clause
"""Specs that say nothing of where packages come from; in few lines, for what starts fast."""

from __future__ import annotations


def is_plain(text: str) -> bool:
    """Say whether a spec has neither a channel, a path nor a URL in it."""
    return not any(mark in text for mark in ("/", "@", "::", "channel"))
