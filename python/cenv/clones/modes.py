# SPDX-License-Identifier: BSD-3-Clause
"""The modes in which clones are made, as the core names them.

Nothing of the core is loaded before somebody asks which modes there are.
"""

from __future__ import annotations

from cenv import _native
from cenv._choices import CloneMode, LinkMode

_OVERLAY: CloneMode = "overlay"
_COPY: CloneMode = "copy"
_HARDLINK: CloneMode = "hardlink"
_REFLINK: CloneMode = "reflink"
_SNAPSHOT: CloneMode = "snapshot"


def names() -> tuple[CloneMode, ...]:
    """Return all modes, auto first."""
    return _native.extension.CLONE_MODES


def linking() -> tuple[LinkMode, ...]:
    """Return the modes that `create` has too, which go file by file."""
    return _native.extension.LINK_MODES


def lasting() -> tuple[CloneMode, ...]:
    """Return the modes whose clones are there for all processes, and stay."""
    return tuple(mode for mode in names() if not is_mount(mode))


def automatic(
    *, reflink: bool, hardlink: bool, is_template: bool, snapshot: bool = False
) -> CloneMode:
    """Return what auto takes where the file system of source and clone can do these.

    `snapshot`: it can, and the source is not so small that reflinks take less time.
    """
    if snapshot and is_template:
        return _SNAPSHOT
    if reflink:
        return _REFLINK
    return _HARDLINK if hardlink and is_template else _COPY


def is_mount(mode: str | None) -> bool:
    """Tell whether clones of the mode are mounts, which end with their processes."""
    return mode == _OVERLAY


def is_linked(mode: str | None) -> bool:
    """Tell whether clones of the mode have inodes of their source."""
    return mode == _HARDLINK


def has_pages_of_source(mode: str | None) -> bool:
    """Tell whether a clone's files are in memory as soon as its source's are read.

    Reflinks and snapshots have extents of their source, and pages of their own.
    """
    return mode not in {_REFLINK, _SNAPSHOT}


def may_share(mode: str) -> bool:
    """Tell whether clones of the mode share with a source on their file system alone."""
    return mode not in {_COPY, _OVERLAY}
