# SPDX-License-Identifier: BSD-3-Clause
"""The templates of a run: each made once, a failure remembered, near its clones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cenv import api
from cenv.pytest_plugin.decisive import Deciders
from cenv.pytest_plugin.mirrors import Mirrors
from cenv.pytest_plugin.recorder import Recorder
from cenv.pytest_plugin.run_registry import RunRegistry
from cenv.pytest_plugin.stores import OpenStores
from cenv.templates.recipe import Recipe
from cenv.templates.setup import Run, Setup
from cenv.templates.template import Template


class Templates:
    """What one process makes clones of."""

    def __init__(
        self, stores: OpenStores, run: Run, recorder: Recorder, mirrors: Mirrors
    ) -> None:
        self._stores = stores
        self._run = run
        self._registry = RunRegistry(stores.main, run)
        self._recorder = recorder
        self._mirrors = mirrors
        self._made: dict[str, Template] = {}
        self._failures: dict[str, Exception] = {}
        self._fresh: list[str] = []  # keys of those that the test at work has met first
        self._deciders = Deciders()
        self._setups: dict[int, Setup] = {}

    def setup(self, call: Callable[[Any], object] | None, key: object) -> Setup | None:
        """Return the set-up asked for: of a callable without key the same as before."""
        if call is None or key is not None:
            return Setup.of(call, key)
        if id(call) not in self._setups:
            made = Setup.of(call, None, self._run)
            assert made is not None
            self._setups[id(call)] = made
        return self._setups[id(call)]

    def of(self, recipe: Recipe) -> Template:
        """Return the template of `recipe`; a failure is remembered for this run."""
        key = self._deciders.key(recipe)
        if key in self._failures:
            raise self._failures[key].with_traceback(None)
        if key not in self._made:
            try:
                made = self._make(recipe, key)
                self._made[key] = self._mirrors.beside_clones(made)
            except Exception as error:
                self._failures[key] = error
                self._fresh.append(key)
                raise
        return self._made[key]

    def _make(self, recipe: Recipe, key: str) -> Template:
        with self._recorder.timing(" ".join(recipe.specs)) as timed:
            made = self._registry.once(recipe, key)
        self._recorder.template(made, timed)
        return made

    def end_test(self, *, failed: bool) -> None:
        """Forget the failures that a test had and expected: another one may not have them."""
        for key in self._fresh if not failed else ():
            del self._failures[key]
            self._registry.forget(key)
        self._fresh.clear()

    def existing(self, path: str) -> Template:
        """Return an environment that others made, as what clones are made of."""
        api.check_source(path)
        return Template(path=path, id="", store=self._stores.main.path)
