# SPDX-License-Identifier: BSD-3-Clause
"""What one pytest process shares: its settings, its templates, its clones, its numbers."""

from __future__ import annotations

import pytest

from cenv.pytest_plugin import guard, progress, settings
from cenv.pytest_plugin.clones import Clones
from cenv.pytest_plugin.recorder import Recorder
from cenv.pytest_plugin.run_registry import this_run
from cenv.pytest_plugin.stores import OpenStores
from cenv.pytest_plugin.templates import Templates


class EnvSession:
    """Made when the first fixture is used; one for each process."""

    def __init__(
        self, config: pytest.Config, factory: pytest.TempPathFactory, *, traced: bool
    ) -> None:
        base = factory.getbasetemp()
        worker = getattr(config, "workerinput", {"workercount": 1})
        self.settings = settings.read(config)
        self.recorder = Recorder(progress.live(config), traced=traced)
        self._stores = OpenStores(self.settings.store)
        self.store = self._stores.main
        self.templates = Templates(
            self._stores, this_run(config), self.recorder, base, self.settings.mode
        )
        self.clones = Clones(
            self.settings, self._stores, self.recorder, base, worker["workercount"]
        )
        if self.settings.guard != "off":
            self.clones.guard = guard.register(
                config, self.settings.guard == "test", base, self.recorder.finding
            )

    def begin_test(self, *, paused: bool) -> None:
        """A test begins; `paused`: nothing may go on beside it."""
        if paused:
            self.clones.pause()

    def end_test(self) -> None:
        """A test is over."""
        self.clones.resume()

    def close(self) -> None:
        """Let go of everything."""
        self.clones.close()
        self._stores.close()
