# SPDX-License-Identifier: BSD-3-Clause
"""Overlay clones: mounts that only this process and its children see.

An overlay clone shows the template itself, under the clone's path; the files that name
the path are written to memory, and so is what is changed. It costs one mount and the
relocated files, whatever the size of the environment. A few things differ from other
clones, as on every overlay: files and directories may have different st_dev; a file's
inode number changes when it is first written to; renaming a directory that came from
the template gives EXDEV, upon which shutil.move, mv and pip copy; a hard link between
two files of the template is cut by writing to one. The clone's directory is empty for
other processes, and the clone ends with the process: Clone.materialize keeps it.
"""

from __future__ import annotations

import atexit
import contextlib
import os
from typing import TYPE_CHECKING

from cenv import _native

if TYPE_CHECKING:
    from cenv._cenv import Lease, Store

_VARIABLE = "CENV_OVERLAY_NAMESPACE"
_entered: list[str] = []  # the name of the namespace, once this process is in it
_mounted: dict[
    str, tuple[int, Lease]
] = {}  # by path: the process that made it, and the store's lease


def enter_overlay_namespace() -> None:
    """Move this process into a mount namespace of its own, for clones of mode overlay.

    Call it early: the process must have one thread. The first overlay clone does it
    otherwise. Children inherit the namespace; in them, and a second time, this does
    nothing. As root, or where user namespaces are allowed; there the user stays the
    same, but set-user-ID programs lose their power. LinkError says why where it cannot
    work.
    """
    namespace()


def namespace() -> str:
    """Return the name of the namespace, entered now unless the process is in it."""
    here = _native.extension.namespace_name()
    if here in _entered:
        return str(here)
    if os.environ.get(_VARIABLE) == here:  # inherited
        _native.extension.namespace_settle()
    else:
        here = _native.extension.namespace_enter()
        os.environ[_VARIABLE] = here
    _entered.append(here)
    return str(here)


def share_namespace() -> None:
    """Let programs that this process starts from now on make overlay clones too."""
    _native.extension.namespace_share()


def mounted(path: str, lease: Lease) -> None:
    """Note a clone, which is unmounted at the latest when this process exits.

    `lease` keeps gc away from the template, which shows through, as long.
    """
    if not _mounted:
        atexit.register(_unmount_all)
    _mounted[path] = os.getpid(), lease


def is_mounted(path: str) -> bool:
    """Say whether this process (or its parent, before a fork) made a clone at `path`."""
    return path in _mounted


def remove(path: str, store: Store | None = None) -> None:
    """Unmount a clone and remove its directory; `store` forgets it."""
    _native.extension.overlay_remove(store, path)
    forget(path)


def forget(path: str) -> None:
    """Drop the note of a clone that is no mount any more."""
    _process, lease = _mounted.pop(path, (0, None))
    if lease is not None:
        lease.release()


def _unmount_all() -> None:
    """Leave no directory behind; children of a fork leave those of their parent."""
    for path, (process, _lease) in list(_mounted.items()):
        if process == os.getpid():
            with contextlib.suppress(Exception):  # at exit nobody could be told
                remove(path)
