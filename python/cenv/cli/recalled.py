# SPDX-License-Identifier: BSD-3-Clause
"""What a command line led to before: known without loading all that a request takes.

It is known by its arguments, where and by whom it was given, and all variables. Of what
else has a say it is told what that was: files of the configuration, the machine, and the
repodata, which is looked at, or fetched, as for a solve. Where other specs stood in it,
what is told is all that a solve takes, and these are solved. Whatever is not as it was,
or fails, is left to the long way.
"""

from __future__ import annotations

import os
import sys

from cenv import __version__
from cenv._extension import extension
from cenv._quick_json import dumps, loads
from cenv.clones.view import Shown
from cenv.config.paths import store_path
from cenv.errors import CenvError
from cenv.specs.plain_specs import is_plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from cenv.templates.layered import LayeredEnvironment

_ASKED = ("channels", "override_channels", "platform", "channel_priority", "offline")
_OTHERS = ("files", "exclude_newer", "trace", "verbose", "json")  # go the long way
_OF_SHELLS = {"_", "SHLVL", "PWD", "OLDPWD", "COLUMNS", "LINES"}
_DAMAGE = (LookupError, TypeError, ValueError)  # of what the store's file says

_Identity = tuple[str, list[str] | None]


def find(options: argparse.Namespace) -> Shown | None:
    """Return the environment of a command line that is known and whole."""
    if any(getattr(options, name) for name in _OTHERS) or "CENV_TRACE" in os.environ:
        return None
    try:
        store = extension.Store(store_path(options.store))
        lease = store.lease()
        where = _where(options)
        made = _known(store, where, options.specs) or _solved(
            store, where, options.specs
        )
        if made is not None:
            path = made["path"]
            return Shown(made["prefix"], path, f"{path}/content", lease)
        lease.release()
    except (CenvError, OSError, *_DAMAGE):
        pass  # the long way tells
    return None


def _known(store: Any, where: str, specs: list[str]) -> dict[str, Any] | None:
    """Return what the command line led to, while that is there."""
    found = store.request_find(_request(where, specs))
    told = loads(found) if found else None
    if told is None or not isinstance(told["prefix"], str):
        return None
    if not _is_as_it_was(store, told):
        return None
    there = store.layered_find(extension.Task(None), told["path"])
    return told if there else None


def _solved(store: Any, where: str, specs: list[str]) -> dict[str, Any] | None:
    """Solve the specs as others were before; None where layers do not serve or are missing."""
    if not specs or not all(map(is_plain, specs)):
        return None
    found = store.request_find(_request(where, None))
    told = loads(found) if found else None
    if told is None or not _is_as_it_was(store, told):
        return None
    sources, cache, names, request, fetching = told["solving"]
    given = [(*source[:5], os.fsencode(source[5]), *source[6:]) for source in sources]
    index = extension.Index(extension.Task(None), given, os.fsencode(cache), names)
    asked = dumps({**request, "specs": specs})
    solution = index.solve(extension.Task(None), asked)
    asked = dumps({"specs": specs, "only_there": True, **fetching})
    made = loads(store.layered_open(extension.Task(None), solution, asked))
    if made["path"] is None:
        return None
    del told["solving"]
    led_to = {"path": made["path"], "prefix": made["prefix"], **told}
    store.request_put(_request(where, specs), dumps(led_to))
    return led_to


def keep(options: argparse.Namespace, made: LayeredEnvironment) -> None:
    """Remember what a command line led to, where no secret is in it."""
    if made.solved_on is None or any(getattr(options, name) for name in _OTHERS):
        return
    from cenv.config import config

    *solved_on, solving = made.solved_on
    told = {
        "solved_on": solved_on,
        "machine": _machine(),
        "files": [_identity(path) for path in config.places()],
    }
    text = dumps({**told, "solving": solving})
    if extension.redact(text.encode()) != text.encode():
        return
    store = extension.Store(made.store)
    led_to = dumps({"path": made.entry, "prefix": made.path, **told})
    where = _where(options)
    store.request_put(_request(where, options.specs), led_to)
    if solving is not None:
        store.request_put(_request(where, None), text)


def _request(where: str, specs: list[str] | None) -> str:
    return f"command {where} {dumps(specs)}"


def _where(options: argparse.Namespace) -> str:
    """Return all that has a say in what a command line leads to, but for its specs."""
    variables = {n: v for n, v in os.environ.items() if n not in _OF_SHELLS}
    asked = {name: getattr(options, name) for name in _ASKED}
    place = [sys.prefix, _directory(), os.geteuid()]
    return dumps([__version__, *place, asked, sorted(variables.items())])


def _directory() -> str | None:
    """Return the working directory, from where channels are told; None: it was removed."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return None


def _is_as_it_was(store: Any, told: dict[str, Any]) -> bool:
    files = [_identity(path) for path, _was in told["files"]]
    if files != [(path, was) for path, was in told["files"]]:
        return False
    if _machine() != told["machine"]:
        return False
    asked, identity = told["solved_on"]
    fetched = loads(store.fetch_repodata(extension.Task(None), asked))
    return [file and file["identity"] for file in fetched] == list(identity)


def _machine() -> str:
    """Return what solves see of the machine; what overrides it stands in the variables."""
    return extension.current_subdir() + extension.virtual_packages(None, [])


def _identity(path: str) -> _Identity:
    try:
        told = os.stat(path)
    except OSError:
        return path, None
    numbers = told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns
    return path, list(map(str, numbers))  # too large for numbers in JSON
