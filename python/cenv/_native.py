# SPDX-License-Identifier: BSD-3-Clause
"""The one door to the C core: runs a call with a Task and decodes its JSON reply."""

from __future__ import annotations

import json
import os
from contextlib import suppress

from cenv._extension import extension as extension
from cenv.config.paths import store_path
from cenv.errors import UnsatisfiableError
from cenv.tracing.recorder import active

TYPE_CHECKING = False  # every command loads this module: it does without typing
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType
    from typing import Any, Concatenate, ParamSpec, TypeVar, overload

    from cenv._cenv import Store, Task
    from cenv.tracing.recorder import Recorder

    P = ParamSpec("P")
    R = TypeVar("R")

    @overload
    def call(
        operation: Callable[Concatenate[Task, P], str], *args: P.args, **none: P.kwargs
    ) -> Any: ...
    @overload
    def call(
        operation: Callable[Concatenate[Task, P], R], *args: P.args, **none: P.kwargs
    ) -> R: ...
    def call(operation: Callable[..., Any], *args: Any, **none: Any) -> Any: ...

else:

    def call(operation, *args, **none):
        """Run one core operation; its spans go to the active recorder, JSON comes back decoded."""
        __tracebackhide__ = True
        return call_as(extension.Task(active().progress), operation, *args, **none)


def call_as(task: Task, operation: Callable[..., Any], *args: Any, **none: Any) -> Any:
    """The same as a task that another thread may cancel."""
    __tracebackhide__ = True
    recorder = active()
    try:
        reply = operation(task, *args, **none)
    except UnsatisfiableError as error:
        raise _with_detail(error) from None
    except KeyboardInterrupt:
        _background_sweep().look_again()
        raise
    finally:
        _collect_spans(recorder, task)
    return json.loads(reply) if isinstance(reply, str) else reply


def _collect_spans(recorder: Recorder, task: Task) -> None:
    """Hand the call's spans and facts on; without the memory for them, what was done stays done."""
    with suppress(MemoryError):
        recorder.spans.extend(json.loads(task.spans()))
        recorder.note_memory()
        recorder.core_facts.append(task.facts)


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


def work_in_store(path: str | os.PathLike[str] | None = None) -> Store:
    """Open the core's store; what processes that died left in it goes in the background."""
    found = store_path(path)
    store = extension.Store(found)
    _background_sweep().look(found, store)
    return store


def _background_sweep() -> ModuleType:
    from cenv.clones import background_sweep  # only here: it starts processes

    return background_sweep


def fspath(path: str | os.PathLike[str]) -> str:
    """Return `path` made absolute against the current directory, not resolved."""
    return os.path.abspath(os.fspath(path))
