# SPDX-License-Identifier: BSD-3-Clause
"""Package files: to extract one takes no channel, store or configuration, so it loads none."""

from __future__ import annotations

import os

from cenv import _native
from cenv._arguments import checked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Path = str | os.PathLike[str]


@checked(makes="dest")
def extract(package: Path, dest: Path, *, sha256: str | None = None) -> dict[str, Any]:
    """Extract one .conda or .tar.bz2 into `dest`, absent or an empty directory.

    Raises IntegrityError for an archive that is not what it should be.
    """
    operation = _native.extension.extract
    where = _native.fspath(dest)
    try:
        found: dict[str, Any] = _native.call(
            operation, _native.fspath(package), where, sha256
        )
    except KeyboardInterrupt:
        from cenv.clones import extract_sweep  # only here: it starts a process

        extract_sweep.start(where)
        raise
    return found
