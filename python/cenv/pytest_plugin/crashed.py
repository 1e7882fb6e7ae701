# SPDX-License-Identifier: BSD-3-Clause
"""What workers of pytest-xdist left that crashed: the controller takes it away."""

from __future__ import annotations

import os

import pytest

from cenv.config.paths import store_path
from cenv.pytest_plugin import settings
from cenv.templates.store import TemplateStore


def clear(config: pytest.Config) -> None:
    """Remove clones, work and copies of workers that are gone, at the end of their run.

    What was kept for a failed test is nobody's, and stays.
    """
    place = store_path(settings.read(config).store)
    if not os.path.isdir(place):
        return
    store = TemplateStore(place)
    for mirror in store.mirrors():
        TemplateStore(mirror["path"]).sweep()
    store.sweep()
    store.end_mirrors(os.getpid())
