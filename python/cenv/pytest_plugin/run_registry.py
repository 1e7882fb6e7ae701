# SPDX-License-Identifier: BSD-3-Clause
"""What the workers of one test run tell each other of templates: which one makes it, what failed.

Without workers a process remembers for itself. What is told carries the run's uid, so no
other run hears it; the lock of a killed worker passes to the next one.
"""

from __future__ import annotations

import os
import uuid
from typing import Any

import pytest

from cenv import errors
from cenv.templates.recipe import Recipe
from cenv.templates.setup import Run
from cenv.templates.store import TemplateStore
from cenv.templates.template import Template


def this_run(config: pytest.Config) -> Run:
    """Return the test run that this process belongs to, alone or as a worker of xdist.

    Not by xdist's variables: a pytest that a test starts inherits them.
    """
    worker: dict[str, Any] | None = getattr(config, "workerinput", None)
    if worker is None:
        return Run(uuid.uuid4().hex, os.getpid())
    return Run(worker["testrunuid"], os.getppid())


class RunRegistry:
    """Lets one process of the run make a template; the others take it, or fail as it did."""

    def __init__(self, store: TemplateStore, run: Run) -> None:
        self._store = store
        self._run = run

    def once(self, recipe: Recipe, key: str) -> Template:
        """Return the template that the first process of this run made of `recipe`.

        `key` tells the request from others, in every process of the run.
        """
        if self._is_alone:
            return self._store.make(recipe)
        name = self._name(key)
        found = self._told(name, recipe)
        if found is not None:
            return found
        with self._store.lock(name):
            return self._told(name, recipe) or self._tell(name, recipe)

    def forget(self, key: str) -> None:
        """Let the next process that asks try again."""
        if not self._is_alone:
            self._store.remember(self._name(key), {})

    @property
    def _is_alone(self) -> bool:
        return self._run.owner == os.getpid()

    def _name(self, key: str) -> str:
        return f"cenv run {self._run.uid} {key}"

    def _told(self, name: str, recipe: Recipe) -> Template | None:
        told = self._store.recall(name) or {}
        if is_error(told.get("error")):
            raise restored(told["error"])
        made = told.get("id")
        return self._store.made(made, recipe) if isinstance(made, str) else None

    def _tell(self, name: str, recipe: Recipe) -> Template:
        try:
            made = self._store.make(recipe)
        except Exception as error:
            self._store.remember(name, {"error": as_json(error)})
            raise
        self._store.remember(name, {"id": made.id})
        return made


def as_json(error: Exception) -> dict[str, Any]:
    """Return what another process needs to raise the same error."""
    return {
        "type": type(error).__name__,
        "message": str(error),
        "hint": getattr(error, "hint", None),
        "conflict": list(getattr(error, "conflict", ())),
        "os": [error.errno, error.strerror, _text(error.filename)]
        if isinstance(error, OSError)
        else None,
    }


def _text(path: Any) -> str | None:
    return None if path is None else os.fsdecode(path)


def is_error(told: Any) -> bool:
    """Whether it is what `as_json` gives: a file of the store may be damaged."""
    return (
        isinstance(told, dict)
        and all(isinstance(told.get(key), str) for key in ("type", "message"))
        and isinstance(told.get("hint"), str | None)
        and isinstance(told.get("conflict"), list)
        and isinstance(told.get("os"), list | None)
    )


def restored(told: dict[str, Any]) -> Exception:
    """Return the error that `as_json` described; one of another package as a CenvError."""
    if told["os"]:
        return OSError(*told["os"][:3])
    kind = getattr(errors, told["type"], None)
    if not (isinstance(kind, type) and issubclass(kind, errors.CenvError)):
        return errors.CenvError(f"{told['type']}: {told['message']}")
    error = kind(told["message"], hint=told["hint"])
    if isinstance(error, errors.UnsatisfiableError):
        error.conflict = tuple(told["conflict"])
    return error
