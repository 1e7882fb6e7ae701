# SPDX-License-Identifier: BSD-3-Clause
"""Drop-in overrides of conda.testing's `tmp_env` and `session_tmp_env`: cloned, not created.

Among a root conftest's plugins, or with `-p cenv.conda`, in whatever order::

    pytest_plugins = ("conda.testing", "conda.testing.fixtures", "cenv.conda")

or with `cenv_patch_conda_testing = true` in ini (CENV_PATCH_CONDA_TESTING=true) and no line
at all. What cenv does not do (other options, failing solves) goes to conda's own fixture and
is counted in the report.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from cenv.pytest_plugin.factories import EnvFactory, TemplateFactory

# Tests that bring a cache of their own look into it.
_PKGS_DIRS = os.environ.get("CONDA_PKGS_DIRS")

_NAME = "cenv-conda-fixtures"


class Fixtures:
    """The overriding fixtures: of two of one name pytest takes the one registered last."""

    @pytest.fixture
    def tmp_env(
        self, tmp_env: Any, cenv_template: TemplateFactory, cenv_env: EnvFactory
    ) -> Any:
        """Give conda's tmp_env: a context manager that yields a new environment's Path."""
        return _over(tmp_env, cenv_template, cenv_env)

    @pytest.fixture(scope="session")
    def session_tmp_env(
        self,
        session_tmp_env: Any,
        cenv_template: TemplateFactory,
        cenv_session_env: EnvFactory,
    ) -> Any:
        """Give conda's session_tmp_env, likewise."""
        return _over(session_tmp_env, cenv_template, cenv_session_env)


def _over(original: Any, templates: TemplateFactory, clones: EnvFactory) -> Any:
    """Return what stands in for conda's fixture; a suite's own stays as it is."""
    if not type(original).__module__.startswith("conda.testing"):
        return original
    from cenv.pytest_plugin.conda_testing import CondaTmpEnv

    return CondaTmpEnv(original, templates, clones, _PKGS_DIRS)


def override(plugins: pytest.PytestPluginManager) -> None:
    """Register the fixtures now, behind all that are there."""
    if plugins.has_plugin(_NAME):
        plugins.unregister(name=_NAME)
    plugins.register(Fixtures(), _NAME)


def _has_started(config: pytest.Config) -> bool:
    return config.pluginmanager.has_plugin("funcmanage")  # pytest's keeper of fixtures


def pytest_configure(config: pytest.Config) -> None:
    """Come last also when a conftest brings this plugin while tests are collected."""
    if _has_started(config):
        override(config.pluginmanager)


@pytest.hookimpl(trylast=True)  # conftests' plugins have brought their fixtures
def pytest_sessionstart(session: pytest.Session) -> None:
    """Come last whatever the order in which plugins were named."""
    override(session.config.pluginmanager)


@pytest.hookimpl(trylast=True)
def pytest_plugin_registered(
    plugin: object, manager: pytest.PytestPluginManager
) -> None:
    """Come last again when conda's fixtures are brought while tests are collected."""
    brought = getattr(plugin, "__name__", "").startswith("conda.testing")
    if brought and manager.has_plugin(_NAME):
        override(manager)
