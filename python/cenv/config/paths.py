# SPDX-License-Identifier: BSD-3-Clause
"""Where things lie: the store, and what the environment says of it."""

from __future__ import annotations

import os
import sys

from cenv.errors import UsageError

STORE_VARIABLE = "CENV_STORE"


def store_path(path: str | os.PathLike[str] | None = None) -> str:
    """Return the store's directory: the argument, else $CENV_STORE, else the user's cache.

    UsageError where none of them says a place: a user may have no home directory.
    """
    chosen = path or os.environ.get(STORE_VARIABLE)
    if not chosen:
        return _usual_store()
    found = os.path.expanduser(os.fspath(chosen))
    if found.startswith("~") and not os.path.exists(found):
        raise _no_home(found)
    return os.path.abspath(found)


def _usual_store() -> str:
    given, home = (os.environ.get(name, "") for name in ("XDG_CACHE_HOME", "HOME"))
    if sys.platform == "linux":  # platformdirs tells the same, and takes long to load
        if os.path.isabs(given):
            return os.path.join(given, "cenv")
        if os.path.isabs(home):
            return os.path.join(home, ".cache", "cenv")
    from platformdirs import user_cache_dir

    try:
        found = user_cache_dir("cenv", appauthor=False)
    except RuntimeError:
        raise _no_home("~/.cache") from None
    if not os.path.isabs(found):  # an older platformdirs
        raise _no_home(found)
    return found


def _no_home(path: str) -> UsageError:
    message = f"no place for the store: {path} has no meaning, as this user has no home"
    return UsageError(message, hint=f"set {STORE_VARIABLE} to a directory for it")


def replace_file(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to `path` in one step: a reader sees the old file or the new one."""
    from pathlib import Path  # the store's path is wanted without

    target = Path(path)
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        scratch.write_bytes(data)
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)


def register(prefix: str) -> None:
    """Add a prefix to ~/.conda/environments.txt, where conda lists environments from."""
    from pathlib import Path

    path = Path("~/.conda/environments.txt").expanduser()
    path.parent.mkdir(exist_ok=True)
    known = ""
    if path.exists():
        known = path.read_text(encoding="utf-8", errors="surrogateescape")
    if prefix not in known.splitlines():
        end = "" if not known or known.endswith("\n") else "\n"
        with path.open("a", encoding="utf-8", errors="surrogateescape") as file:
            file.write(f"{end}{prefix}\n")
