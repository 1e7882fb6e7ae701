# SPDX-License-Identifier: BSD-3-Clause
"""The clones of a run: made, removed or kept, with what may go on beside the tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from cenv._choices import CloneMode
from cenv.clones import background_sweep, modes
from cenv.clones.spares import CloneJob
from cenv.config import environments
from cenv.errors import CenvError
from cenv.pytest_plugin.clone_dir import CloneDir
from cenv.pytest_plugin.guard import Guard
from cenv.pytest_plugin.left_running import has_left, running
from cenv.pytest_plugin.recorder import Recorder
from cenv.pytest_plugin.recycling import MOST, Given, Kind, Recycled
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
        self._dir = CloneDir(base, stores.main, recorder.left)
        # An overlay is as fast as a spare, which another process would have to mount.
        limit = 0 if modes.is_mount(settings.mode) else settings.spares
        limit = usual_limit(workers) if limit is None else limit
        self._spares = SparePolicy(limit, self._dir, settings.mode)
        self._removals = RemovalPolicy(workers < processors(), recorder.left)
        self._recycled = Recycled(self._remove)
        self._measured = self._last = False
        self._warm = Warm()
        self.guard: Guard | None = None
        self.counted: dict[Template, Template] = {}  # by what they were made of

    def make(
        self,
        template: Template,
        dst: str | os.PathLike[str] | None,
        mode: CloneMode | None,
        recycle: str | None = None,
    ) -> Clone:
        """Return a new clone: one that is ready if there is one, for a path of our own."""
        chosen = mode or self._settings.mode
        again = (recycle or self._settings.recycle) == "auto"
        clone = self.noted(
            template, chosen, lambda: self._give(template, dst, chosen, again)
        )
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
        given = self._dir.given(clone)
        self._recorder.clone(clone, timed, given.origin if given else "made")
        if guard:
            guard.after_clone(clone)
        return clone

    def _give(
        self,
        template: Template,
        dst: str | os.PathLike[str] | None,
        mode: CloneMode,
        again: bool,
    ) -> Clone:
        if dst is not None:
            return self._clone(template, dst, mode)
        memory = self._settings.memory
        job = CloneJob(template.path, template.store, mode, template.provenance, memory)
        kind = Kind(job, self._measured)
        clone, origin = self._ready(template, kind, again) or self._new(template, kind)
        again = (
            again and self._settings.keep != "all" and not modes.is_mount(clone.mode)
        )
        self._dir.hold(Given(clone, kind, origin, running() if again else None))
        return clone

    def _ready(
        self, template: Template, kind: Kind, again: bool
    ) -> tuple[Clone, str] | None:
        """Return a clone that is ready, and what it is; `again`: a test may have had it."""
        report = self._recycled.take(kind) if again else None
        found = (report, "recycled") if report else None
        if found is not None and not kind.even:
            self._spares.note(template, kind.job)
        elif found is None and not kind.even:
            found = self._spares.take(template, kind.job, recycled=again)
        if found is None:
            return None
        report, origin = found
        return Clone(report.prefix, template, report.mode, report), origin

    def _new(self, template: Template, kind: Kind) -> tuple[Clone, str]:
        path = self._dir.new_path(template, even=kind.even)
        try:
            clone = self._clone(template, path, kind.job.mode)
        except CenvError:  # another's, a timeout's, may come when the clone is whole
            self._dir.free(path)
            raise
        return clone, "made"

    def _clone(
        self, template: Template, dst: str | os.PathLike[str], mode: CloneMode
    ) -> Clone:
        return Template.clone(
            template, dst, mode=mode, owner=os.getpid(), memory=self._settings.memory
        )

    def end(self, clones: Iterable[Clone], outcome: str) -> None:
        """Keep, use again or remove clones of a test with this outcome, or of a wider scope.

        A test that is run again ends those of its attempts before once more.
        """
        keep = self._settings.keep
        for clone in clones:
            if self._dir.is_over(clone):
                continue
            if keep == "all" or (keep == "failed" and outcome == "failed"):
                self._keep(clone)
            elif (
                outcome != "passed"
                or not self._is_of_use()
                or not self.give_back(clone)
            ):
                self._remove(clone)

    def _is_of_use(self) -> bool:
        """Whether a clone as new is: to a later test, or as one whose removal needs no care."""
        return not self._last or self._leaves()

    def _leaves(self) -> bool:
        """Whether removals may go on behind this run: in a place of our own."""
        return self._dir.is_of_pool and self._removals.may_leave()

    def give_back(self, clone: Clone) -> bool:
        """Have a clone ready for the next request, if it can be; its test may go on."""
        given = self._dir.given(clone)
        if given is None or given.running is None or clone.permanent:
            return False
        if has_left(given.running) or _is_registered(clone):
            return False
        if not (self._spares.give_back(given) or self._put_back(given)):
            return False
        self._dir.take_back(clone.path)
        return True

    def _put_back(self, given: Given) -> bool:
        """Keep it without a helper."""
        return self._has_room(given) and self._recycled.give(given)

    def _has_room(self, given: Given) -> bool:
        """Whether one more of its kind may wait: a copy takes space, others share files."""
        template = given.clone.template
        if template is None or given.clone.mode != "copy":
            return True
        return self._recycled.count(given.kind) < self._dir.room(template, MOST)

    def _remove(self, clone: Clone) -> None:
        if self._removals.remove(clone) and not _is_registered(clone):
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
        """Do nothing beside the test that begins, the last one."""
        self._last = True
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

    def close(self, *, wait: bool) -> None:
        """Remove what nobody took; in our own place that goes on behind this run, unless `wait`."""
        if self._leaves() and not wait:
            self._removals.leave()
        self._recycled.close()
        self._spares.close(self._remove)
        self._removals.close()
        self._dir.close()


def _is_registered(clone: Clone) -> bool:
    """Tell whether conda lists it: at its path no environment would pass for a new one."""
    try:
        return clone.path in environments.registered()
    except OSError:
        return True
