# SPDX-License-Identifier: BSD-3-Clause
"""This machine as solves see it: its platform and its virtual packages (CEP 30)."""

from __future__ import annotations

import json
import os
from typing import cast

from cenv import _native
from cenv.config.channels import KNOWN_SUBDIRS
from cenv.config.config import Config, load
from cenv.config.policy import said
from cenv.errors import UsageError

_OVERRIDE = "CONDA_OVERRIDE_"


def current_platform(config: Config | None = None) -> str:
    """Return the subdir of this machine, or the one that the configuration asks for."""
    config = config or load()
    if config.subdir:
        return checked_platform(config.subdir, said(config, "subdir"))
    return str(_native.extension.current_subdir())


def checked_platform(platform: str, where: str = "platform") -> str:
    """Return the platform; UsageError, naming `where`, for one that nobody has."""
    platforms = sorted(KNOWN_SUBDIRS - {"noarch"})
    if platform in platforms:
        return platform
    from difflib import get_close_matches

    near = get_close_matches(platform, platforms, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(platforms)}"
    raise UsageError(f"{where}: '{platform}' is no platform", hint=hint)


def virtual_packages(
    platform: str | None = None, config: Config | None = None
) -> list[list[str]]:
    """Return [name, version, build] of each virtual package, overrides applied.

    Those of the configuration, and of CONDA_OVERRIDE_NAME, which come first.
    """
    configured = (config or load()).override_virtual_packages
    overrides = {
        name.removeprefix("__").upper(): value for name, value in configured.items()
    }
    for key, value in os.environ.items():
        if key.startswith(_OVERRIDE):
            overrides[key[len(_OVERRIDE) :]] = value
    flat = [text for item in sorted(overrides.items()) for text in item]
    found = json.loads(_native.extension.virtual_packages(platform, flat))
    return cast("list[list[str]]", found)
