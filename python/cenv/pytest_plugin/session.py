# SPDX-License-Identifier: BSD-3-Clause
"""What one pytest process shares: its settings, its templates, its clones, its numbers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cenv.pytest_plugin import guard, progress, run_remote, settings
from cenv.pytest_plugin.clones import Clones
from cenv.pytest_plugin.mirrors import Mirrors
from cenv.pytest_plugin.recorder import Recorder
from cenv.pytest_plugin.run_registry import this_run
from cenv.pytest_plugin.stores import OpenStores
from cenv.pytest_plugin.templates import Templates
from cenv.templates.template import Clone


class EnvSession:
    """Made when the first fixture is used; one for each process."""

    def __init__(
        self, config: pytest.Config, factory: pytest.TempPathFactory, *, traced: bool
    ) -> None:
        base = factory.getbasetemp()
        worker = getattr(config, "workerinput", {"workercount": 1})
        self._config = config
        self.settings = settings.read(config)
        self.recorder = Recorder(progress.live(config), traced=traced)
        remote = run_remote.of(self.settings, self.recorder)
        self._stores = OpenStores(self.settings.store, self.recorder.left, remote)
        self.store = self._stores.main
        run = this_run(config)
        if remote is not None:
            remote.contact = run_remote.RunContact(self.store, run)
        self._mirrors = Mirrors(self.settings, self._stores, run, self.recorder, base)
        self.templates = Templates(self._stores, run, self.recorder, self._mirrors)
        self.clones = Clones(
            self.settings, self._stores, self.recorder, base, worker["workercount"]
        )
        if self.settings.guard != "off":
            self.clones.guard = guard.register(
                config, self.settings.guard == "test", base, self.recorder.finding
            )

    def begin_test(self, *, last: bool, measured: bool) -> None:
        """A test begins: `last`, so that nothing need go on beside it, or `measured`."""
        if last:
            self.clones.pause()
        if measured:
            self.clones.measure()

    def asked(self) -> settings.Settings:
        """Return the settings as they are now: a test may set some of what decides."""
        return settings.read(self._config)

    def end_test(self, ended: Sequence[Clone], outcome: str) -> None:
        """A test is over, and its outcome known: its clones are done with, then go on."""
        self.templates.end_test(failed=outcome == "failed")
        self.clones.end(ended, outcome)
        self.clones.resume()

    def close(self) -> None:
        """Let go of everything."""
        self.clones.close(wait=self._mirrors.used)
        self._stores.close()
        self._mirrors.end()
