# SPDX-License-Identifier: BSD-3-Clause
"""Channels by their URLs."""

from __future__ import annotations

from pathlib import Path


class Channel:
    def __init__(self, name: str) -> None:
        self.name = name

    def urls(self, with_credentials: bool, subdirs: tuple[str, ...]) -> list[str]:
        base = self.name if ":" in self.name else Path(self.name).as_uri()
        return [f"{base}/{subdir}" for subdir in subdirs]
