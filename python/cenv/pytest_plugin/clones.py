# SPDX-License-Identifier: BSD-3-Clause
"""The clones of a run: made, removed or kept, with what may go on beside the tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from cenv._choices import CloneMode
from cenv.clones import background_sweep, modes
from cenv.pytest_plugin.clone_dir import CloneDir
from cenv.pytest_plugin.guard import Guard
from cenv.pytest_plugin.recorder import Recorder
from cenv.pytest_plugin.removal_policy import RemovalPolicy
from cenv.pytest_plugin.settings import Settings
from cenv.pytest_plugin.spare_policy import SparePolicy, processors, usual_limit
from cenv.pytest_plugin.stores import OpenStores
from cenv.pytest_plugin.warm import Warm
from cenv.templates.template import Clone, Template


class Clones:
    """The clones of one of `workers` processes; `base` is its temporary directory."""

    def __init__(
        self,
        settings: Settings,
        stores: OpenStores,
        recorder: Recorder,
        base: Path,
        workers: int,
    ) -> None:
        self._settings = settings
        self._stores = stores
        self._recorder = recorder
        self._dir = CloneDir(base, stores.main)
        # An overlay is as fast as a spare, which another process would have to mount.
        limit = 0 if modes.is_mount(settings.mode) else settings.spares
        limit = usual_limit(workers) if limit is None else limit
        self._spares = SparePolicy(limit, self._dir, settings.mode)
        self._removals = RemovalPolicy(workers < processors(), recorder.finding)
        self._measured = False
        self._warm = Warm()
        self.guard: Guard | None = None
        self.counted: dict[Template, Template] = {}  # by what they were made of

    def make(
        self,
        template: Template,
        dst: str | os.PathLike[str] | None,
        mode: CloneMode | None,
    ) -> Clone:
        """Return a new clone: one made ahead if there is one, for a path of our own."""
        chosen = mode or self._settings.mode
        clone = self.noted(template, chosen, lambda: self._take(template, dst, chosen))
        self._dir.hold(clone)
        if self._measured:
            background_sweep.wait()
            self._warm.read(clone)
        return clone

    def noted(
        self, template: Template, mode: CloneMode, make: Callable[[], Clone]
    ) -> Clone:
        """Return what `make` gives, a clone of `template`, counted and guarded.

        Nothing that is done to a copy or a mount reaches the template.
        """
        guard = self.guard if modes.may_share(mode) else None
        if guard:
            guard.before_clone(template)
        with self._recorder.timing() as timed:
            clone = make()
        self._recorder.clone(clone, timed)
        if guard:
            guard.after_clone(clone)
        return clone

    def _take(
        self, template: Template, dst: str | os.PathLike[str] | None, mode: CloneMode
    ) -> Clone:
        if dst is None and mode == self._settings.mode and not self._measured:
            ready = self._spares.take(template)
            if ready is not None:
                return Clone(ready.prefix, template, ready.mode, ready)
        if dst is not None:
            return Template.clone(template, dst, mode=mode, owner=os.getpid())
        path = self._dir.new_path(template, even=self._measured)
        try:
            return Template.clone(template, path, mode=mode, owner=os.getpid())
        except BaseException:
            self._dir.free(path)
            raise

    def end(self, clone: Clone, *, failed: bool) -> None:
        """Remove a clone whose user is done, or keep it where the settings say so.

        A test that is run again ends those of its attempts before once more.
        """
        if self._dir.is_over(clone):
            return
        keep = self._settings.keep
        if keep == "all" or (keep == "failed" and failed):
            self._keep(clone)
        else:
            self._removals.remove(clone)
            self._dir.free(clone.path)

    def _keep(self, clone: Clone) -> None:
        """Leave a clone to pytest's retention: no sweep of ours takes it."""
        self._dir.keep(clone.path)
        if modes.is_mount(clone.mode):
            clone.materialize()
        if clone.template is not None and os.path.isdir(clone):
            store = clone.template.store or self._stores.main.path
            self._stores.open(store).set_owner(clone)

    def pause(self) -> None:
        """Do nothing beside the test that begins."""
        self._spares.pause()
        self._removals.pause()

    def measure(self) -> None:
        """Let nothing of ours live beside the benchmark that begins."""
        self._measured = True
        self._spares.end()
        self._removals.end()
        background_sweep.wait()

    def resume(self) -> None:
        """Learn from the test that is over, and go on."""
        self._measured = False
        self._spares.resume()
        self._removals.resume()

    def close(self) -> None:
        """Remove what nobody took, and finish what is under way."""
        self._spares.close()
        self._removals.close()
        self._dir.close()
