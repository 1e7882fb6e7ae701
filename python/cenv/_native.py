# SPDX-License-Identifier: BSD-3-Clause
"""The one door to the C core: runs a call with a Task and decodes its JSON reply."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, overload

from cenv.config.paths import store_path
from cenv.errors import CenvError, UnsatisfiableError
from cenv.trace import active

if TYPE_CHECKING:
    from cenv import _cenv

    extension = _cenv
    from cenv._cenv import Store, Task
else:

    class _Extension:
        """The extension module, loaded at the first use: the package imports anywhere."""

        def __getattr__(self, name: str) -> object:
            value = getattr(_load(), name)
            setattr(self, name, value)
            return value

    extension = _Extension()

P = ParamSpec("P")
R = TypeVar("R")


def _load() -> object:
    """Return the extension module, or raise the one clear error where it cannot run."""
    try:
        return importlib.import_module("cenv._cenv")
    except ImportError as error:
        message = f"cenv's C core is not available on {sys.platform}: {error}"
        hint = "cenv runs on Linux and macOS; reinstall it there"
        raise CenvError(message, hint=hint) from None


@overload
def call(
    operation: Callable[Concatenate[Task, P], str], *args: P.args, **none: P.kwargs
) -> Any: ...
@overload
def call(
    operation: Callable[Concatenate[Task, P], R], *args: P.args, **none: P.kwargs
) -> R: ...
def call(operation: Callable[..., Any], *args: Any, **none: Any) -> Any:
    """Run one core operation; its spans go to the active recorder, JSON comes back decoded."""
    recorder = active()
    task = extension.Task(recorder.progress)
    try:
        reply = operation(task, *args, **none)
    except UnsatisfiableError as error:
        raise _with_detail(error) from None
    finally:
        recorder.spans.extend(json.loads(task.spans()))
    return json.loads(reply) if isinstance(reply, str) else reply


def _with_detail(error: UnsatisfiableError) -> UnsatisfiableError:
    """Return the error with all that the core knows of it."""
    detail = json.loads(error.__dict__.pop("detail", None) or "{}")
    return UnsatisfiableError(
        detail.get("message") or str(error),
        conflict=detail.get("conflict", ()),
        relax=detail.get("relax", ()),
        missing=[item["name"] for item in detail.get("not_found", ())],
        hint=error.hint,
    )


def dumps(options: Mapping[str, object]) -> str:
    """Return the options of a call as it takes them (cenv._options)."""
    return json.dumps(options)


def open_store(path: str | os.PathLike[str] | None = None) -> Store:
    """Open the core's store at `path`, or where the environment says."""
    return extension.Store(store_path(path))


def fspath(path: str | os.PathLike[str]) -> str:
    """Return `path` made absolute against the current directory, not resolved."""
    return os.path.abspath(os.fspath(path))
