# SPDX-License-Identifier: BSD-3-Clause
"""Channels by their URLs."""

from __future__ import annotations

import os
from pathlib import Path


class Channel:
    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def _alias(self) -> str:
        return os.environ.get("STANDIN_ALIAS", "https://conda.anaconda.org")

    def urls(self, with_credentials: bool, subdirs: tuple[str, ...]) -> list[str]:
        base = self.name if ":" in self.name else f"{self._alias}/{self.name}"
        if self.name.startswith("/"):
            base = Path(self.name).as_uri()
        return [f"{base}/{subdir}" for subdir in subdirs]
