# SPDX-License-Identifier: BSD-3-Clause
"""conda.testing's `tmp_env` and `session_tmp_env`, cloned instead of created.

Among a root conftest's plugins, or with `-p cenv.conda`, in whatever order::

    pytest_plugins = ("conda.testing", "conda.testing.fixtures", "cenv.conda")

or with `cenv_patch_conda_testing = true` in ini (CENV_PATCH_CONDA_TESTING=true) and no line
at all. What cenv does not do (other options, failing solves) goes to conda's own fixture and
is counted in the report. CENV_PATCH_CONDA_TESTING=false switches it off, whatever asked for it.

The fixtures stay conda's: what they give is put in the hands of cenv as they are set up, so
it does not matter how a suite came by them: plugins of a conftest, early or late, an
import in a directory's conftest or in a test's module.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

# Tests that bring a cache of their own look into it.
_PKGS_DIRS = os.environ.get("CONDA_PKGS_DIRS")

_NAME = "cenv-conda-fixtures"
_FIXTURES = {"tmp_env", "session_tmp_env"}


class Override:
    """Puts what conda.testing's fixtures give into the hands of cenv."""

    def __init__(self) -> None:
        self._served: set[str] = set()  # nodes for which conda's own fixture was set up

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: Any, request: pytest.FixtureRequest
    ) -> Iterator[None]:
        """Replace what such a fixture gives; a suite's own of that name stays as it is."""
        name = getattr(fixturedef.func, "__name__", "")
        if name not in _FIXTURES and fixturedef.argname not in _FIXTURES:
            yield
            return
        # Set up before the fixture, they end after it.
        templates = request.getfixturevalue("cenv_template")
        own = "cenv_env" if fixturedef.scope == "function" else "cenv_session_env"
        clones = request.getfixturevalue(own)
        outcome: Any = yield
        if outcome.excinfo is not None:
            return
        given = outcome.get_result()
        if not type(given).__module__.startswith("conda.testing"):
            nodes = {request.node.nodeid, request.session.nodeid}
            if nodes.isdisjoint(self._served):
                templates.session.recorder.passed_through(
                    f"{fixturedef.argname} is a fixture of the suite itself"
                )
            return
        from cenv.pytest_plugin.conda_testing import CondaTmpEnv

        self._served.add(request.node.nodeid)
        ours = CondaTmpEnv(given, templates, clones, _PKGS_DIRS)
        fixturedef.cached_result = (ours, *fixturedef.cached_result[1:])
        outcome.force_result(ours)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Load the engine before tests that may mock what it is made of."""
        asked = (getattr(item, "fixturenames", ()) for item in session.items)
        if not session.config.option.collectonly and any(
            map(_FIXTURES.intersection, asked)
        ):
            from cenv.pytest_plugin import preload

            preload.bind()


def override(plugins: pytest.PytestPluginManager) -> None:
    """Let cenv serve conda.testing's fixtures from now on."""
    if not plugins.has_plugin(_NAME):
        plugins.register(Override(), _NAME)


def pytest_configure(config: pytest.Config) -> None:
    """Override as soon as the plugin is there, and it may be brought while tests are collected."""
    from cenv.pytest_plugin import options

    plugins = config.pluginmanager
    if not any(
        getattr(plugin, "__name__", "") == "cenv.pytest_plugin"
        for plugin in plugins.get_plugins()
    ):
        message = (
            "cenv.conda needs the plugin cenv, which is off: -p cenv.pytest_plugin"
        )
        raise pytest.UsageError(message)
    if not options.is_switched_off(config, "patch_conda_testing"):
        override(plugins)
