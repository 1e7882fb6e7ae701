# SPDX-License-Identifier: BSD-3-Clause
"""Importing cenv costs nothing, and gives every public name when asked."""

from __future__ import annotations

import subprocess
import sys

import pytest

import cenv

HEAVY = ("cenv._cenv", "cenv.api", "cenv.errors", "platformdirs", "ruamel")


def modules_after(statement: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after `statement`."""
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import__loads_nothing_heavy():
    assert not modules_after("import cenv") & {*HEAVY, "importlib.metadata", "typing"}


def test_plugin_import__loads_nothing_heavy():
    heavy = {"cenv._cenv", "platformdirs", "ruamel.yaml"}
    assert not modules_after("import cenv.pytest_plugin") & heavy


@pytest.mark.parametrize("name", cenv.__all__)
def test_name__is_there(name):
    assert getattr(cenv, name) is not None
    assert name in dir(cenv)


def test_name__unknown_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = cenv.nonsense


def test_version__is_the_extensions_too():
    from cenv import _cenv

    assert _cenv.__version__ == cenv.__version__
