# SPDX-License-Identifier: BSD-3-Clause
"""Mode overlay for a whole run: the namespace entered early, or a fall-back said once."""

from __future__ import annotations

import pytest

from cenv.clones import overlay
from cenv.errors import CenvError

_PLUGIN = "cenv-overlay"


class OverlayRun:
    """A run whose clones are overlays, unless `refused` says why they cannot be."""

    def __init__(self) -> None:
        self.refused: str | None = None
        try:
            overlay.enter_overlay_namespace()
        except (CenvError, OSError) as error:
            hint = getattr(error, "hint", None)
            self.refused = f"{error} ({hint})" if hint else str(error)

    def pytest_report_header(self) -> str | None:
        """Say that another mode serves instead."""
        return self.refused and f"cenv: {self.refused}; mode auto serves"

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self) -> None:
        """Let xdist's workers mount; they keep it from what the tests start."""
        if self.refused is None:
            overlay.share_namespace()


def enter(config: pytest.Config) -> None:
    """Enter the namespace now: while this process has one thread."""
    if not config.pluginmanager.has_plugin(_PLUGIN):
        config.pluginmanager.register(OverlayRun(), _PLUGIN)


def is_refused(config: pytest.Config) -> bool:
    """Tell whether this run's overlays were refused, so that another mode serves."""
    run: OverlayRun | None = config.pluginmanager.get_plugin(_PLUGIN)
    return run is not None and run.refused is not None
