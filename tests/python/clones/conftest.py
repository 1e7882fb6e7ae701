# SPDX-License-Identifier: BSD-3-Clause
"""Scripts in processes of their own, which may enter a namespace, as this and another user."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_PREAMBLE = """
import json, os, shutil, stat, subprocess, sys, threading
import cenv

work, channel = sys.argv[1:3]
here = os.path.join(work, "environment")
store = cenv.TemplateStore(os.path.join(work, "store"))

def make():
    return store.template(["tool", "data>=2,<3"], channels=[channel])

def seen(top):
    found = {}
    for place, names, files in os.walk(top):
        for name in ["", *files, *(n for n in names if os.path.islink(f"{place}/{n}"))]:
            path = os.path.join(place, name) if name else place
            facts = os.lstat(path)
            what = stat.S_IFMT(facts.st_mode), stat.S_IMODE(facts.st_mode), facts.st_mtime_ns
            if stat.S_ISLNK(facts.st_mode):
                what += (os.readlink(path),)
            elif stat.S_ISREG(facts.st_mode):
                what += (open(path, "rb").read(),)
            found[os.path.relpath(path, top)] = what
    return found

def same(a, b):
    assert sorted(a) == sorted(b), set(a) ^ set(b)
    different = {path: (a[path], b[path]) for path in a if a[path] != b[path]}
    assert not different, different

def mounts():
    return open("/proc/self/mountinfo").read().splitlines()
"""


_NOBODY: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": []}


@dataclass(frozen=True)
class Scenario:
    """Runs scripts in processes of their own, as this user or as somebody else."""

    work: Path
    command: tuple[str, ...]
    environment: dict[str, str]
    keywords: dict[str, Any]

    @property
    def here(self) -> Path:
        return self.work / "environment"

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *self.command,
                _PREAMBLE + textwrap.dedent(script),
                self.work,
                self.work / "channel",
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=self.environment,
            **self.keywords,
        )

    def __call__(self, script: str) -> None:
        done = self.run(script)
        assert done.returncode == 0, done.stderr
        assert not os.path.ismount(self.here)


NO_USERS = " to ordinary users, as in a chroot: run the tests outside of it"


@pytest.fixture
def _user_namespaces() -> None:
    """Skip where none can be made, which root in a namespace of mounts needs for a second."""
    command = ["unshare", "-Ur", "true"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this machine refuses user namespaces" + NO_USERS)


@pytest.fixture(scope="session")
def place() -> Iterator[str]:
    """Copy cenv and what it needs to where everybody may read: a checkout lies in a home."""
    with tempfile.TemporaryDirectory(prefix="cenv-overlay-") as top:
        os.chmod(top, 0o755)
        for name in ("cenv", "platformdirs", "ruamel"):
            found = importlib.util.find_spec(name)
            assert found is not None
            (source,) = found.submodule_search_locations or ()
            without = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, Path(top) / name, ignore=without)
        yield top


def _interpreter(
    keywords: dict[str, Any], place: str
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return a Python that this user may start, and the variables that show it cenv."""
    environment = {**os.environ, "PYTHONPATH": place}
    probe = "from cenv import _native; _native.extension.namespace_enter()"
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            done = subprocess.run(
                [python, "-c", probe],
                check=False,
                cwd="/",
                env=environment,
                capture_output=True,
                text=True,
                **keywords,
            )
        except OSError:
            continue
        if done.returncode and "LinkError" in done.stderr:
            pytest.skip(
                "this machine refuses mount namespaces" + NO_USERS * bool(keywords)
            )
        if done.returncode == 0:
            return (python, "-c"), environment
    pytest.skip("no Python here that another user may start (apt install python3)")


@pytest.fixture(params=["self", "somebody"])
def scenario(
    request: pytest.FixtureRequest, small_channel: Path, place: str
) -> Iterator[Scenario]:
    """Give scripts a directory, a channel and a store; as root also to an ordinary user."""
    keywords = _NOBODY if request.param == "somebody" else {}
    if keywords and os.getuid() != 0:
        pytest.skip("needs root to become somebody else")
    command, environment = _interpreter(keywords, place)
    with tempfile.TemporaryDirectory(prefix="cenv-overlay-") as work:
        os.chmod(work, 0o755)
        shutil.copytree(small_channel, Path(work) / "channel")
        if keywords:
            subprocess.run(["chown", "-R", "65534:65534", work], check=True)
        environment |= {"HOME": work, "XDG_CACHE_HOME": work}
        yield Scenario(Path(work), command, environment, keywords)
