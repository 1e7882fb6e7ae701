# SPDX-License-Identifier: BSD-3-Clause
"""What one pytest process shares: its stores, its templates, its clones, its numbers."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from typing import Any

import pytest

from cenv.pytest_plugin import guard, progress, reports, settings
from cenv.pytest_plugin.clone_dir import Home
from cenv.pytest_plugin.recorder import Recorder
from cenv.pytest_plugin.removal_policy import Behind
from cenv.pytest_plugin.run_registry import RunMemory, this_run
from cenv.pytest_plugin.spare_policy import Ahead, processors, usual_limit
from cenv.templates.recipe import Recipe
from cenv.templates.setup import Setup
from cenv.templates.store import TemplateStore
from cenv.templates.template import Clone, Template


class EnvSession:
    """Made when the first fixture is used; one for each process."""

    def __init__(self, config: pytest.Config, factory: pytest.TempPathFactory) -> None:
        self.settings = settings.read(config)
        self.recorder = Recorder(
            progress.live(config), traced=reports.is_traced(config)
        )
        self._stores: dict[str, TemplateStore] = {}
        self._leases: list[Any] = []
        self._run = this_run(config)
        self.store = self._open(TemplateStore(self.settings.store))
        self.memory = RunMemory(self.store, self._run)
        self._home = Home(factory.getbasetemp(), self.store)
        workers = getattr(config, "workerinput", {"workercount": 1})["workercount"]
        # An overlay is as fast as a spare, which another process would have to mount.
        limit = 0 if self.settings.mode == "overlay" else self.settings.spares
        self.ahead = Ahead(
            usual_limit(workers) if limit is None else limit,
            self._home,
            self.settings.mode,
        )
        self.behind = Behind(workers < processors(), self.recorder.finding)
        self._templates: dict[str, Template] = {}
        self._failures: dict[str, Exception] = {}
        self._setups: dict[int, Setup] = {}
        self.base = self._home.base
        self.guard = guard.of_session(config, self)

    def _open(self, store: TemplateStore) -> TemplateStore:
        """Hold a store for this process, and clear what killed runs left in it."""
        if store.path not in self._stores:
            self._leases.append(store.lease())
            store.sweep()
            self._stores[store.path] = store
        return self._stores[store.path]

    # ---- templates ----

    def setup(self, call: Callable[[Any], object] | None, key: object) -> Setup | None:
        """Return the set-up asked for: of a callable without key the same as before."""
        if call is None or key is not None:
            return Setup.of(call, key)
        if id(call) not in self._setups:
            made = Setup.of(call, None, self._run)
            assert made is not None
            self._setups[id(call)] = made
        return self._setups[id(call)]

    def template(self, recipe: Recipe) -> Template:
        """Return the template of `recipe`; a failure is remembered for this run."""
        key = recipe.key()
        if key in self._failures:
            raise self._failures[key].with_traceback(None)
        if key not in self._templates:
            try:
                self._templates[key] = self._beside_clones(self._make(recipe))
            except Exception as error:
                self._failures[key] = error
                raise
        return self._templates[key]

    def _make(self, recipe: Recipe) -> Template:
        with self.recorder.timing(" ".join(recipe.specs)) as timed:
            made = self.memory.once(recipe)
        self.recorder.template(made, timed)
        return made

    def existing(self, path: str) -> Template:
        """Return an environment that others made, as what clones are made of."""
        return Template(path=path, id="", store=self.store.path)

    def _beside_clones(self, template: Template) -> Template:
        """Return it where clones can link to it: on their own file system."""
        if self.settings.mode in {"copy", "overlay"} or not template.id:
            return template
        place, base = tempfile.gettempdir(), self._home.base
        if os.stat(place).st_dev != base.stat().st_dev:
            place = str(base.parent)
        staged = self.store.stage(template, place)
        if staged is not template:
            self._open(TemplateStore(staged.store))
        return staged

    # ---- clones ----

    def clone(
        self, template: Template, dst: str | os.PathLike[str] | None, mode: str | None
    ) -> Clone:
        """Return a new clone: one made ahead if there is one, for a path of our own."""
        wanted = mode or self.settings.mode
        if self.guard and wanted != "copy":
            self.guard.before_clone(template)
        with self.recorder.timing() as timed:
            clone = self._clone(template, dst, wanted)
        self.recorder.clone(clone, timed)
        if self.guard:
            self.guard.after_clone(clone)
        return clone

    def _clone(
        self, template: Template, dst: str | os.PathLike[str] | None, mode: str | None
    ) -> Clone:
        if dst is None and mode == self.settings.mode:
            ready = self.ahead.take(template)
            if ready is not None:
                return Clone(ready.path, template, ready.mode, ready)
        target = self._home.new_path() if dst is None else dst
        return template.clone(target, mode=mode, owner=os.getpid())

    def keeps(self, *, failed: bool) -> bool:
        """Say whether a test's clones stay."""
        return self.settings.keep == "all" or (
            self.settings.keep == "failed" and failed
        )

    def keep(self, clone: Clone) -> None:
        """Leave a clone to pytest's retention: no sweep of ours takes it."""
        self._home.keep(clone.path)
        if clone.mode == "overlay":
            clone.materialize()
        if clone.template is not None and os.path.isdir(clone):
            self._stores[clone.template.store or self.store.path].give(clone)

    # ---- the run ----

    def begin(self, *, quiet: bool) -> None:
        """A test begins; `quiet`: nothing may be made beside it."""
        if quiet:
            self.ahead.hold()
            self.behind.hold()

    def end(self) -> None:
        """A test is over."""
        self.ahead.test_over()
        self.behind.go_on()

    def close(self) -> None:
        """Let go of everything."""
        self.ahead.close()
        self.behind.close()
        self._home.close()
        for lease in self._leases:
            lease.release()
