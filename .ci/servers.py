# SPDX-License-Identifier: BSD-3-Clause
"""Servers that tests of remotes talk with, unpacked into build/servers: none is installed.

Debian's packages would start a service each. What the machine has is used as it is; where
apt knows no package, or there is no network, the tests that need it say so and skip.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAMS = ("nginx", "docker-registry", "skopeo")
PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))


def find(name: str, where: Path) -> Path | None:
    """Return a program of the machine, or the one unpacked in `where`."""
    if found := shutil.which(name, path=PATH):
        return Path(found)
    places = (where / "usr/sbin" / name, where / "usr/bin" / name)
    return next((path for path in places if path.exists()), None)


def libraries(where: Path) -> list[Path]:
    """Return the directories that hold what unpacked programs need."""
    return sorted({path.parent for path in where.glob("usr/lib/*/*.so*")})


def apt(*words: str, cwd: Path) -> str:
    """Run an apt command as the user we are, and return what it says."""
    argv = ["apt-get", "-qq", "-o", "Acquire::Retries=1", *words]
    done = subprocess.run(
        argv,
        cwd=cwd,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=True,
    )
    return done.stdout


def missing_packages(name: str, cwd: Path) -> list[str]:
    """Return a package and all of what it depends on that is not installed."""
    told = apt("install", "-s", "--no-install-recommends", name, cwd=cwd)
    return re.findall(r"^Inst (\S+)", told, re.M)


def unpack(name: str, where: Path) -> None:
    """Download a package with its dependencies, and unpack them into `where`."""
    with tempfile.TemporaryDirectory() as scratch:
        here = Path(scratch)
        apt("download", *missing_packages(name, here), cwd=here)
        for package in sorted(here.glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", package, where], check=True)


def provide(where: Path) -> list[str]:
    """Unpack what is not there; return the names of what cannot be had."""
    lacking = []
    for name in PROGRAMS:
        if find(name, where):
            continue
        try:
            where.mkdir(parents=True, exist_ok=True)
            unpack(name, where)
        except (OSError, subprocess.CalledProcessError):
            lacking.append(name)
    return lacking


if __name__ == "__main__":
    sys.exit(" ".join(provide(Path(sys.argv[1]))) or None)
