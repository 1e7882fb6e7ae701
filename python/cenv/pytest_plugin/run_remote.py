# SPDX-License-Identifier: BSD-3-Clause
"""The remote of a test run: asked once whether it is there, whatever the number of workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cenv.pytest_plugin.recorder import Recorder
from cenv.pytest_plugin.settings import Settings
from cenv.templates.remote import Remote
from cenv.templates.setup import Run
from cenv.templates.store import TemplateStore


def of(settings: Settings, recorder: Recorder) -> Remote | None:
    """Return the remote of the settings; what is wrong with it is a line of the report."""
    if not settings.remote:
        return None
    push = settings.remote_push
    return Remote(settings.remote, push=push, tell=recorder.remote_trouble)


class RunContact:
    """What the processes of a run tell each other of the remote: that it is there, or away."""

    def __init__(self, store: TemplateStore, run: Run) -> None:
        self._store = store
        self._name = f"cenv run {run.uid} remote"

    def first(self, ask: Callable[[], str | None]) -> str | None:
        """Let one process ask; return why the remote is away, None where it is there."""
        told = self._told()
        if told is None:
            with self._store.lock(self._name):
                told = self._told()
                if told is None:
                    told = {"away": ask()}
                    self._store.remember(self._name, told)
        away = told.get("away")
        return away if isinstance(away, str) else None

    def lost(self, why: str) -> None:
        """Tell the others that it does not answer any more."""
        self._store.remember(self._name, {"away": why})

    def _told(self) -> dict[str, Any] | None:
        return self._store.recall(self._name)
