# SPDX-License-Identifier: BSD-3-Clause
"""Real packages: Python, OpenSSL and pip, created, cloned, run and verified."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import cenv
from cenv import _native

SPECS = ("python", "pip", "setuptools")
CHECK = (
    "import sys, ssl, ctypes, sqlite3, zlib, bz2, lzma, readline;"
    "print(sys.prefix); print(ssl.OPENSSL_VERSION)"
)
_ARGUMENT = {"c_rehash": "-h", "pydoc3": "sys", "pydoc3.11": "sys", "pydoc": "sys"}
_STRIPPED = ("2to3", "idle")
CLEAN = {"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture(scope="module")
def environment(
    python_channel: Path, session_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    prefix = tmp_path_factory.mktemp("real") / "env"
    cenv.create(prefix, SPECS, [python_channel], store=session_store)
    return prefix


@pytest.fixture(scope="module")
def cloned(environment: Path, session_store: Path) -> Path:
    target = environment.with_name("clone-of-it")
    cenv.clone(environment, target, store=session_store)
    return target


def run(prefix: Path, *argv: str) -> str:
    done = subprocess.run(
        [prefix / "bin" / argv[0], *argv[1:]],
        env=CLEAN,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def console_scripts(prefix: Path) -> list[str]:
    """Return the scripts of bin/, but for those whose modules the package left out."""
    scripts = (p for p in sorted((prefix / "bin").iterdir()) if p.is_file())
    starts = ((p.name, p.read_bytes()[:64]) for p in scripts)
    return [
        n for n, text in starts if text[:2] == b"#!" and not n.startswith(_STRIPPED)
    ]


def test_real_layers__are_an_environment(
    environment: Path, python_channel: Path, session_store: Path
) -> None:
    """Python, pip, its script and the libraries; what lies there is what a link makes."""
    if not _native.call(_native.extension.doctor, str(session_store))["overlay"][
        "works"
    ]:
        pytest.skip("this machine refuses mount namespaces")
    store = cenv.TemplateStore(session_store)
    shown = store.layered(SPECS, [python_channel])
    lines = shown.run("python", "-c", CHECK, capture_output=True, text=True).stdout
    assert lines.splitlines()[0] == shown.path
    pip = shown.run("pip", "--version", capture_output=True, text=True).stdout
    assert f"from {shown.path}/lib" in pip
    verify = [sys.executable, "-m", "cenv", "--json", "verify", shown.path]
    told = json.loads(shown.run(verify, capture_output=True).stdout)
    assert (told["missing"], told["altered"], told["unmanaged"]) == ([], [], [])
    listed = shown.run(
        "find", shown.path, "-mindepth", "1", capture_output=True, text=True
    )
    seen = {os.path.relpath(path, shown.path) for path in listed.stdout.splitlines()}
    linked = {str(path.relative_to(environment)) for path in environment.rglob("*")}
    bytecode = "__pycache__"  # the clones' tests leave some of imported modules
    assert {p for p in seen ^ linked if bytecode not in p} == set()


@pytest.mark.parametrize("which", ["environment", "cloned"])
def test_real_environment__runs_python_and_scripts(
    which: str, request: pytest.FixtureRequest
) -> None:
    prefix: Path = request.getfixturevalue(which)
    lines = run(prefix, "python", "-c", CHECK).splitlines()
    assert lines[0] == str(prefix)
    assert str(prefix) in run(prefix, "pip", "--version")
    assert "PASS" not in run(prefix, "python", "-m", "pip", "check")
    for script in console_scripts(prefix):
        run(prefix, script, _ARGUMENT.get(script, "--help"))
    assert cenv.verify(prefix).ok


def test_real_clone__mentions_its_source_nowhere(
    environment: Path, cloned: Path
) -> None:
    needle = os.fsencode(environment) + b"/"
    guilty = [
        path
        for path in cloned.rglob("*")
        if path.is_file()
        and not path.is_symlink()
        and path.suffix != ".pyc"
        and needle in path.read_bytes()
    ]
    assert guilty == []
    links = [p for p in cloned.rglob("*") if p.is_symlink()]
    assert links
    assert not [p for p in links if os.readlink(p).startswith(str(environment))]


def test_real_clone__compiles_nothing_again(cloned: Path) -> None:
    """Bytecode of the template is fresh in the clone: mtimes are kept."""
    done = subprocess.run(
        [cloned / "bin/python", "-v", "-c", "import json, ssl, pip"],
        env=CLEAN,
        capture_output=True,
        text=True,
        check=True,
    )
    stale = [line for line in done.stderr.splitlines() if "bytecode is stale" in line]
    assert stale == []


@pytest.mark.parametrize("length", [20, 100, 200, 255])
def test_real_clone__works_at_every_length_of_prefix(
    length: int, python_channel: Path, session_store: Path, environment: Path
) -> None:
    stem = f"/tmp/cenv{os.getpid()}-{length}-"
    prefix = Path((stem + "x" * length)[:length])
    try:
        cenv.create(prefix, SPECS, [python_channel], store=session_store)
        assert run(prefix, "python", "-c", CHECK).splitlines()[0] == str(prefix)
        assert str(prefix) in run(prefix, "pip", "--version")
        assert cenv.verify(prefix).ok
        cenv.api.remove(prefix)
        cenv.clone(environment, prefix, store=session_store)
        assert run(prefix, "python", "-c", CHECK).splitlines()[0] == str(prefix)
        assert str(prefix) in run(prefix, "pip", "--version")
        assert cenv.verify(prefix).ok
    finally:
        cenv.api.remove(prefix)


def test_real_clone__refuses_a_prefix_too_long(
    python_channel: Path, session_store: Path, environment: Path
) -> None:
    prefix = Path(f"/tmp/cenv{os.getpid()}-".ljust(256, "y"))
    with pytest.raises(cenv.PrefixError, match="255"):
        cenv.create(prefix, SPECS, [python_channel], store=session_store)
    with pytest.raises(cenv.PrefixError, match="255"):
        cenv.clone(environment, prefix, store=session_store)
    assert not prefix.exists()
