# SPDX-License-Identifier: BSD-3-Clause
"""This machine as solves see it: its platform and its virtual packages (CEP 30)."""

from __future__ import annotations

import json
import os
from typing import cast

from cenv import _native

_OVERRIDE = "CONDA_OVERRIDE_"


def current_platform() -> str:
    """Return the subdir of this machine, or the one CONDA_SUBDIR asks for."""
    return os.environ.get("CONDA_SUBDIR") or str(_native.extension.current_subdir())


def virtual_packages(platform: str | None = None) -> list[list[str]]:
    """Return [name, version, build] of each virtual package, CONDA_OVERRIDE_* applied."""
    overrides = [
        text
        for key, value in sorted(os.environ.items())
        if key.startswith(_OVERRIDE)
        for text in (key[len(_OVERRIDE) :], value)
    ]
    found = json.loads(_native.extension.virtual_packages(platform, overrides))
    return cast("list[list[str]]", found)
