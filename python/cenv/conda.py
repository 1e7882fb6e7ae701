# SPDX-License-Identifier: BSD-3-Clause
"""Drop-in overrides of conda.testing's `tmp_env` and `session_tmp_env`: cloned, not created.

Last of a root conftest's plugins::

    pytest_plugins = ("conda.testing", "conda.testing.fixtures", "cenv.conda")

or with `cenv_patch_conda_testing = true` in ini and no line at all. What cenv does not do
(other options, package files, mocked caches, failing solves) goes to conda's own fixture
and is counted in the report.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from cenv.pytest_plugin.factories import EnvFactory, TemplateFactory

# Tests that bring a cache of their own look into it.
_PKGS_DIRS = os.environ.get("CONDA_PKGS_DIRS")


@pytest.fixture
def tmp_env(tmp_env: Any, cenv_template: TemplateFactory, cenv_env: EnvFactory) -> Any:
    """Give conda's tmp_env: a context manager that yields a new environment's Path."""
    return _over(tmp_env, cenv_template, cenv_env)


@pytest.fixture(scope="session")
def session_tmp_env(
    session_tmp_env: Any, cenv_template: TemplateFactory, cenv_session_env: EnvFactory
) -> Any:
    """Give conda's session_tmp_env, likewise."""
    return _over(session_tmp_env, cenv_template, cenv_session_env)


def _over(original: Any, templates: TemplateFactory, clones: EnvFactory) -> Any:
    """Return what stands in for conda's fixture; a suite's own stays as it is."""
    if not type(original).__module__.startswith("conda.testing"):
        return original
    from cenv.pytest_plugin.conda_testing import CondaTmpEnv

    return CondaTmpEnv(original, templates, clones, _PKGS_DIRS)
