# SPDX-License-Identifier: BSD-3-Clause
"""What a command line led to before: known without loading all that a solve takes.

It is known by its arguments, where and by whom it was given, and all variables. Of what
else has a say it is told what that was: files of the configuration, the machine, and the
repodata, which is looked at, or fetched, as for a solve. Whatever is not as it was, or
fails, is left to the long way.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from cenv import __version__
from cenv._extension import extension
from cenv.clones.view import Shown
from cenv.config.paths import store_path
from cenv.errors import CenvError

if TYPE_CHECKING:
    import argparse

    from cenv.templates.layered import LayeredEnvironment

_ASKED = ("specs", "channels", "override_channels", "platform", "channel_priority")
_OTHERS = ("files", "exclude_newer", "trace", "verbose", "json")  # go the long way
_OF_SHELLS = {"_", "SHLVL", "PWD", "OLDPWD", "COLUMNS", "LINES"}
_DAMAGE = (LookupError, TypeError, ValueError)  # of what the store's file says

_Identity = tuple[str, list[int] | None]


def find(options: argparse.Namespace) -> Shown | None:
    """Return the environment of a command line that is known and whole."""
    if any(getattr(options, name) for name in _OTHERS) or "CENV_TRACE" in os.environ:
        return None
    try:
        store = extension.Store(store_path(options.store))
        found = store.request_find(_request(options))
        return _shown(store, json.loads(found)) if found else None
    except (CenvError, OSError, *_DAMAGE):
        return None  # the long way tells


def _shown(store: Any, told: dict[str, Any]) -> Shown | None:
    path, prefix = told["path"], told["prefix"]
    lease = store.lease()
    if isinstance(prefix, str) and _is_as_it_was(store, told):
        return Shown(prefix, path, f"{path}/content", lease)
    lease.release()
    return None


def keep(options: argparse.Namespace, made: LayeredEnvironment) -> None:
    """Remember what a command line led to, where no secret is in it."""
    if made.solved_on is None or any(getattr(options, name) for name in _OTHERS):
        return
    from cenv.config import config

    asked = os.fsencode(made.solved_on.options)
    if extension.redact(asked) != asked:
        return
    told = {
        "path": made.entry,
        "prefix": made.path,
        "solved_on": made.solved_on,
        "machine": _machine(),
        "files": [_identity(path) for path in config.places()],
    }
    store = extension.Store(made.store)
    store.request_put(_request(options), json.dumps(told))


def _request(options: argparse.Namespace) -> str:
    variables = {n: v for n, v in os.environ.items() if n not in _OF_SHELLS}
    asked = {name: getattr(options, name) for name in (*_ASKED, "offline")}
    place = [sys.prefix, os.getcwd(), os.geteuid()]
    whole = [__version__, *place, asked, sorted(variables.items())]
    return f"command {json.dumps(whole)}"


def _is_as_it_was(store: Any, told: dict[str, Any]) -> bool:
    files = [_identity(path) for path, _was in told["files"]]
    if files != [(path, was) for path, was in told["files"]]:
        return False
    if _machine() != told["machine"]:
        return False
    asked, identity = told["solved_on"]
    fetched = json.loads(store.fetch_repodata(extension.Task(None), asked))
    if [file and file["identity"] for file in fetched] != identity:
        return False
    there: bool = store.layered_find(extension.Task(None), told["path"])
    return there


def _machine() -> str:
    """Return what solves see of the machine; what overrides it stands in the variables."""
    return extension.current_subdir() + extension.virtual_packages(None, [])


def _identity(path: str) -> _Identity:
    try:
        told = os.stat(path)
    except OSError:
        return path, None
    return path, [told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns]
