# SPDX-License-Identifier: BSD-3-Clause
"""What one pytest process shares: its store, its templates, its failures, its numbers."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cenv.pytest_plugin import guard, progress, reports, settings
from cenv.pytest_plugin.record import Recorder
from cenv.store import Clone, Template, TemplateStore


class EnvSession:
    """Made when the first fixture is used; one for each process."""

    def __init__(self, config: pytest.Config, factory: pytest.TempPathFactory) -> None:
        self.settings = settings.read(config)
        self.recorder = Recorder(
            progress.live(config), traced=reports.is_traced(config)
        )
        self.store = TemplateStore(self.settings.store)
        self._lease: Any = self.store.lease()
        self.base = factory.getbasetemp()
        self._home = self.base / "cenv"
        self._numbers = itertools.count(1)
        self._templates: dict[Any, Template] = {}
        self._failures: dict[Any, BaseException] = {}
        self.guard = guard.of_session(config, self)

    def new_path(self) -> Path:
        """Return the next clone's path: short, of equal length, known ahead."""
        self._home.mkdir(exist_ok=True)
        return self._home / f"{next(self._numbers):09d}"

    def template(
        self, key: Any, make: Callable[[], Template], what: str = ""
    ) -> Template:
        """Return what `make` gave for `key`; a failure is remembered for this run.

        `what` names it to who waits.
        """
        if key in self._failures:
            raise self._failures[key]
        if key not in self._templates:
            try:
                self._templates[key] = self._make(make, what)
            except Exception as error:
                self._failures[key] = error
                raise
        return self._templates[key]

    def _make(self, make: Callable[[], Template], what: str) -> Template:
        return self._beside_clones(self.recorder.template(make, what))

    def _beside_clones(self, template: Template) -> Template:
        """Return it where clones can link to it: on their own file system."""
        if self.settings.mode == "copy":
            return template
        place = tempfile.gettempdir()
        if os.stat(place).st_dev != self.base.stat().st_dev:
            place = str(self.base.parent)
        return self.store.stage(template, place)

    def clone(
        self, template: Template, dst: str | os.PathLike[str], mode: str | None
    ) -> Clone:
        """Make a clone, and have its template guarded."""
        mode = mode or self.settings.mode
        if self.guard and mode != "copy":
            self.guard.before_clone(template)
        clone = self.recorder.clone(lambda: template.clone(dst, mode=mode))
        if self.guard:
            self.guard.after_clone(clone)
        return clone

    def keeps(self, *, failed: bool) -> bool:
        """Say whether a test's clones stay."""
        return self.settings.keep == "all" or (
            self.settings.keep == "failed" and failed
        )

    def close(self) -> None:
        """Let go of the store."""
        self._lease.release()


def prefix_key(prefix: str | os.PathLike[str]) -> tuple[str, str]:
    """Return the key of a template made of an existing environment."""
    return ("prefix", os.path.abspath(prefix))
