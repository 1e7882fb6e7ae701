# SPDX-License-Identifier: BSD-3-Clause
"""Build wheels that need nothing of the machine but its C library; `make wheel` runs it.

    python .ci/wheel.py [TAG ...]

Each is built from the sdist, which is made first, for a tag of TARGETS: by default for
all. The libraries go into the extension (.ci/libraries.py), so that what it needs at run
time is the C library: libc, libm, libpthread, libdl, the loader. Free-threaded Pythons
have no stable interface: their wheels are built where such a one runs this script.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

import libraries
from libraries import TARGETS, TOP
from minisat import BuildError

DIST = TOP / "dist"
WORK = TOP / "build" / "wheel"


def say(text: str) -> None:
    """Tell what takes long."""
    print(f"cenv: {text}", file=sys.stderr, flush=True)


def run(argv: list[str], cwd: Path, **variables: str) -> None:
    """Run a command, its output shown where it fails."""
    done = subprocess.run(
        argv,
        cwd=cwd,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stdout.decode(errors="replace"))
        raise BuildError(f"this failed: {' '.join(argv)}")


def extension_suffix(target: libraries.Target) -> str:
    """Return the end of the extension's name that a target's Python looks for."""
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        return ".so"  # setuptools makes .abi3.so of it
    python = "-".join(sysconfig.get_config_var("SOABI").split("-")[:2])
    return f".{python}-{target.machine}-linux-{target.libc}.so"


def lacking_symbols(wheel: Path, work: Path) -> list[str]:
    """Return what the extension needs that the oldest C library of the tag has not.

    The linker takes such a name without a version; only loading the extension would fail.
    """
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".so"))
        extension = archive.extract(name, work)
    argv = ["readelf", "-W", "--dyn-syms", extension]
    listed = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    needed = [row[7] for row in rows if row[4:7:2] == ["GLOBAL", "UND"]]
    return [
        name
        for name in needed
        if "@" not in name and not name.startswith(("Py", "_Py"))
    ]


def build_sdist() -> Path:
    """Build the sdist into dist/, and return its path."""
    made = WORK / "sdist"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    run([sys.executable, "setup.py", "-q", "sdist", "--dist-dir", str(made)], TOP)
    (path,) = made.glob("*.tar.gz")
    DIST.mkdir(exist_ok=True)
    return Path(shutil.move(path, DIST / path.name))


def build_wheel(tag: str, sdist: Path) -> Path:
    """Build the wheel of one tag into dist/, and return its path."""
    prefix = WORK / tag
    prefix.mkdir(parents=True, exist_ok=True)
    say(f"building the libraries for {tag}")
    libraries.build(TARGETS[tag], prefix)
    say(f"building the wheel for {tag}")
    cc, cxx = (str(prefix / "bin" / name) for name in ("cc", "c++"))
    with tempfile.TemporaryDirectory(dir=WORK) as name:
        source = libraries.unpack(sdist, Path(name) / "source")
        shutil.copytree(prefix / "licenses", source / "licenses")
        run(
            [
                *(sys.executable, "setup.py", "-q", "bdist_wheel"),
                *("--plat-name", tag, "--dist-dir", str(Path(name) / "dist")),
            ],
            source,
            CC=cc,
            CXX=cxx,
            LDSHARED=f"{cc} -shared",
            LDCXXSHARED=f"{cxx} -shared",
            CFLAGS="",
            CENV_LIBRARIES=str(prefix),
            SETUPTOOLS_EXT_SUFFIX=extension_suffix(TARGETS[tag]),
            _PYTHON_HOST_PLATFORM=f"linux-{TARGETS[tag].machine}",
        )
        (wheel,) = (Path(name) / "dist").iterdir()
        lacking = lacking_symbols(wheel, source) if TARGETS[tag].libc == "gnu" else []
        if lacking:
            raise BuildError(f"{tag} has no {', '.join(lacking)}: {wheel.name}")
        return Path(shutil.move(wheel, DIST / wheel.name))


def main(tags: list[str]) -> None:
    """Build the sdist, then the wheels."""
    unknown = [tag for tag in tags if tag not in TARGETS]
    if unknown:
        sys.exit(f"cenv: unknown wheel {unknown[0]}: one of {', '.join(TARGETS)}")
    WORK.mkdir(parents=True, exist_ok=True)
    sdist = build_sdist()
    for tag in tags or TARGETS:
        wheel = build_wheel(tag, sdist)
        say(f"{wheel.relative_to(TOP)}: {wheel.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BuildError as error:
        sys.exit(f"cenv: {error}")
