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


def test_version_option__loads_next_to_nothing():
    statement = "import cenv.cli; cenv.cli.main(['--version'])"
    heavy = {"cenv._cenv", "cenv.api", "cenv.tracing", "json", "typing"}
    assert not modules_after(statement) & {*heavy, "argparse", "re", "shutil"}


def test_exec__loads_next_to_nothing_for_what_is_known():
    statement = (
        "import cenv.clones.view\nfrom cenv.cli import output, plain, recalled\n"
        "recalled.find(plain.read(['exec', 'x', '--store', '/proc', '--', 'true']))"
    )
    heavy = {"cenv.model", "cenv.config.config", "dataclasses", "shutil", "typing"}
    heavy |= {"enum", "json", "re", "signal"}
    usual = modules_after(statement.replace("'--store', '/proc', ", ""))
    assert not usual & {"platformdirs", "pathlib"}
    loaded = modules_after(statement)
    assert not loaded & {
        *heavy,
        "argparse",
        "gettext",
        "locale",
        "pathlib",
        "subprocess",
    }
    assert len({name for name in loaded if name.startswith("cenv")}) <= 24


def test_extract__loads_what_its_work_needs():
    statement = (
        "import contextlib, cenv\n"
        "with contextlib.suppress(OSError): cenv.extract('/no/file', '/no/place')"
    )
    heavy = {"cenv.api", "cenv.model", "cenv.config.config", "dataclasses", "typing"}
    assert not modules_after(statement) & heavy


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


@pytest.mark.parametrize(
    ("system", "reason", "advice"),
    [
        (
            "linux",
            "libzstd.so.1: cannot open shared object file: No such file or directory",
            "install the package of your system that has libzstd.so.1, or a wheel",
        ),
        ("linux", "No module named 'cenv._cenv'", "build or install it anew"),
        ("win32", "No module named 'cenv._cenv'", "cenv runs on Linux and macOS"),
    ],
)
def test_extension__that_is_missing_says_what_to_do(
    monkeypatch, system, reason, advice
):
    from cenv import _extension
    from cenv.errors import CenvError  # before nothing can be imported

    def refuse(name: str) -> None:
        raise ImportError(reason)

    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(_extension.importlib, "import_module", refuse)
    with pytest.raises(CenvError, match=reason) as raised:
        _ = _extension._Extension().anything
    assert raised.value.hint.startswith(advice)
