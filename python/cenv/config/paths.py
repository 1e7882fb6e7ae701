# SPDX-License-Identifier: BSD-3-Clause
"""Where things lie: the store, and what the environment says of it."""

from __future__ import annotations

import os
from pathlib import Path

STORE_VARIABLE = "CENV_STORE"


def store_path(path: str | os.PathLike[str] | None = None) -> str:
    """Return the store's directory: the argument, else $CENV_STORE, else the user's cache."""
    chosen = path or os.environ.get(STORE_VARIABLE)
    if chosen:
        return os.path.abspath(Path(chosen).expanduser())
    from platformdirs import user_cache_dir

    return user_cache_dir("cenv", appauthor=False)


def replace_file(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to `path` in one step: a reader sees the old file or the new one."""
    target = Path(path)
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        scratch.write_bytes(data)
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)


def register(prefix: str) -> None:
    """Add a prefix to ~/.conda/environments.txt, where conda lists environments from."""
    path = Path("~/.conda/environments.txt").expanduser()
    path.parent.mkdir(exist_ok=True)
    known = ""
    if path.exists():
        known = path.read_text(encoding="utf-8", errors="surrogateescape")
    if prefix not in known.splitlines():
        end = "" if not known or known.endswith("\n") else "\n"
        with path.open("a", encoding="utf-8", errors="surrogateescape") as file:
            file.write(f"{end}{prefix}\n")
