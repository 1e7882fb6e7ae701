# SPDX-License-Identifier: BSD-3-Clause
"""Texts of a trace without secrets: of what is written, and of what others wrote."""

from __future__ import annotations

from cenv.config.urls import redact


def clean_text(text: str) -> str:
    """Return a text without secrets; few have what a secret has, so that this is quick."""
    return redact(text) if "://" in text else text
