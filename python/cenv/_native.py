# SPDX-License-Identifier: BSD-3-Clause
"""The one door to the C core: runs a call with a Task and decodes its JSON reply."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from cenv.config.paths import store_path
from cenv.errors import CenvError, UnsatisfiableError
from cenv.trace import active


def extension() -> Any:
    """Return the extension module, or raise the one clear error where it cannot run.

    The package imports anywhere; only calls need the extension.
    """
    try:
        return importlib.import_module("cenv._cenv")
    except ImportError as error:
        message = f"cenv's C core is not available on {sys.platform}: {error}"
        hint = "cenv runs on Linux and macOS; reinstall it there"
        raise CenvError(message, hint=hint) from None


def open_store(path: str | os.PathLike[str] | None = None) -> Any:
    """Open the core's store at `path`, or where the environment says."""
    return extension().Store(store_path(path))


def call(operation: Callable[..., Any], *args: Any) -> Any:
    """Run one core operation; its spans go to the active recorder, JSON comes back decoded."""
    recorder = active()
    task = extension().Task(recorder.progress)
    try:
        reply = operation(*args, task)
    except UnsatisfiableError as error:
        raise _with_detail(error) from None
    finally:
        recorder.spans.extend(json.loads(task.spans()))
    return json.loads(reply) if isinstance(reply, str) and reply else reply


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


def fspath(path: str | os.PathLike[str]) -> str:
    """Return `path` made absolute against the current directory, not resolved."""
    return os.path.abspath(os.fspath(path))
