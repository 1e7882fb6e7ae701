# SPDX-License-Identifier: BSD-3-Clause
"""pip and setuptools as noarch python packages, from what this Python has of them."""

from __future__ import annotations

import configparser
import glob
import importlib.metadata as metadata
import io
import os
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path

from cenv.demo.package import Member, Package

_WHEELS = "/usr/share/python-wheels"


def make(name: str) -> Package | None:
    """Return the package `name`, from the installed distribution or a bundled wheel."""
    found = _installed(name) or _bundled(name)
    if found is None:
        return None
    version, members, entry_points = found
    return Package(
        name=name,
        version=version.replace("-", "_"),
        build="pyh0000_0",
        subdir="noarch",
        depends=["python >=3"],
        members=members,
        noarch="python",
        entry_points=entry_points,
    )


Found = tuple[str, list[Member], list[str]]


def _installed(name: str) -> Found | None:
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None
    members = list(_distribution_members(distribution))
    if not any(m.path.endswith(f"{name}/__init__.py") for m in members):
        return None  # an editable or stripped installation: its files are elsewhere
    return distribution.version, members, _scripts(distribution)


def _distribution_members(distribution: metadata.Distribution) -> Iterator[Member]:
    for file in distribution.files or ():
        source = Path(str(distribution.locate_file(file)))
        if ".." in file.parts or file.suffix == ".pyc" or not source.is_file():
            continue
        facts = source.stat()
        path = f"site-packages/{file.as_posix()}"
        yield Member(
            path, source.read_bytes(), facts.st_mode & 0o777, facts.st_mtime_ns
        )


def _scripts(distribution: metadata.Distribution) -> list[str]:
    points = (p for p in distribution.entry_points if p.group == "console_scripts")
    return sorted(f"{point.name} = {point.value}" for point in points)


def _bundled(name: str) -> Found | None:
    stdlib = sysconfig.get_path("stdlib")
    for folder in (os.path.join(stdlib, "ensurepip", "_bundled"), _WHEELS):
        wheels = sorted(glob.glob(os.path.join(folder, f"{name}-*.whl")))
        if wheels:
            return _wheel(name, Path(wheels[-1]))
    return None


def _wheel(name: str, wheel: Path) -> Found:
    version = wheel.name.split("-")[1]
    members = []
    scripts: list[str] = []
    with zipfile.ZipFile(io.BytesIO(wheel.read_bytes())) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            data = archive.read(info)
            mtime = 315532800 * 10**9  # 1980: wheels' own epoch, the same every time
            members.append(Member(f"site-packages/{info.filename}", data, 0o644, mtime))
            if info.filename.endswith(".dist-info/entry_points.txt"):
                scripts = _console_scripts(data.decode())
    return version, members, scripts


def _console_scripts(text: str) -> list[str]:
    parser = configparser.ConfigParser(delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    if not parser.has_section("console_scripts"):
        return []
    return sorted(
        f"{name} = {value}" for name, value in parser["console_scripts"].items()
    )
