# SPDX-License-Identifier: BSD-3-Clause
"""Where a package that is missing here is: the same channels for other platforms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cenv.errors import CenvError, UnsatisfiableError

if TYPE_CHECKING:
    from cenv.solving.index import Index

PLATFORMS = ("linux-64", "linux-aarch64", "osx-64", "osx-arm64", "win-64")


def hint(index: Index, error: UnsatisfiableError) -> str | None:
    """Say for which platforms the channels have what is missing; None: for no other one.

    Looks only at repodata that is on this machine: a failure fetches nothing.
    """
    found: dict[str, list[str]] = {name: [] for name in error.missing}
    for platform in PLATFORMS if found else ():
        if platform != index.platform:
            for name in _names_on(index, platform, list(found)):
                found[name].append(platform)
    told = [
        f"{name} is there for {_listed(platforms)}, not for {index.platform}"
        for name, platforms in found.items()
        if platforms
    ]
    if told and len(told) < len(found) and error.hint:
        told.append(error.hint)
    return "; ".join(told) or None


def _names_on(index: Index, platform: str, names: list[str]) -> list[str]:
    try:
        other = index.for_platform(platform)
        return [name for name in names if other.has(name)]
    except (CenvError, OSError):
        return []  # nothing of this platform is here


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
