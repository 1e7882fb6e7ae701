# SPDX-License-Identifier: BSD-3-Clause
"""Repodata of the shape that channels have: for machines without the real files.

A stack as conda-forge has it, with conflicts known beforehand, and many names of chance beside:
a build for each Python, pins to what a build was made against, noarch packages, virtual
packages, constraints, features, twins of .tar.bz2 and .conda.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]

# Name, kind, versions, what it depends on. Kinds: "lib" is compiled, "ext" compiled for each
# Python, "pure" for any Python, "data" for none. A plain name is pinned as its kind is.
STACK = """
ca-certificates data 2024.2.2 2024.8.30 2025.1.31:
tzdata data 2024a 2024b 2025a:
openssl lib 1.1.1w 3.0.9 3.3.2 3.5.4: ca-certificates
libzlib lib 1.2.13 1.3.1:
tk lib 8.6.12 8.6.13: libzlib
sqlite lib 3.40.0 3.46.1: libzlib
python lib (those of the channel): openssl libzlib tk sqlite, tzdata
libcurl lib 7.88.1 8.5.0 8.10.1: openssl libzlib
curl lib 7.88.1 8.5.0 8.10.1: libcurl openssl
blas lib 1.0 2.121 2.126:
gcc lib 12.4.0 13.3.0 14.2.0: libzlib, __glibc >=2.17,<3.0.a0
r-base lib 4.2.3 4.3.3 4.4.1: blas libcurl
libgdal-core lib 3.8.5 3.10.0: libcurl sqlite, openssl >=3.0.9,<4.0a0
libgdal-core lib 3.13.0: libcurl sqlite, openssl >=3.5.4,<4.0a0
numpy ext 1.21.6: blas, python <3.11
numpy ext 1.26.4 2.0.2 2.2.1: blas
scipy ext 1.10.1: blas numpy, python <3.12
scipy ext 1.13.1 1.15.0: blas numpy
pandas ext 1.5.3 2.2.3: numpy, python-dateutil >=2.8.2, pytz
pandas ext 3.0.0: numpy, numpy >=1.26, python-dateutil >=2.8.2
gdal ext 3.8.5 3.10.0: libgdal-core numpy
pytorch ext 2.4.1 2.5.1: numpy blas, filelock, __cuda
pytorch ext 2.4.1 2.5.1: numpy blas, filelock
six pure 1.16.0 1.17.0:
pytz pure 2024.1 2024.2:
filelock pure 3.15.4 3.16.1:
python-dateutil pure 2.8.2 2.9.0: six
certifi pure 2024.2.2 2024.8.30:
idna pure 3.6 3.10:
urllib3 pure 1.26.18 2.2.3: certifi
requests pure 2.28.2 2.31.0 2.32.3: urllib3 idna, certifi >=2017.4.17
werkzeug pure 2.3.7 3.1.3:
flask pure 2.3.3 3.1.0: werkzeug, __unix
traitlets pure 5.9.0 5.14.3:
tornado ext 6.3.3 6.4.1:
jupyter_server pure 2.10.0 2.14.2: tornado traitlets requests
jupyterlab pure 3.6.7 4.0.13 4.3.4: jupyter_server, tornado >=6.2.0
dask pure 2024.8.0 2024.12.1: numpy pandas
xarray pure 2024.7.0 2024.11.0: numpy pandas
geopandas pure 0.14.4 1.0.1: pandas gdal
"""
WORDS = (
    "core data net io plot geo bio stat graph cloud test doc async lib py web".split()
)
LICENSES = ("MIT", "BSD-3-Clause", "Apache-2.0", "GPL-3.0-or-later", 'Ünï "own"')


@dataclass
class Project:
    """All that is to be known of one name, to make its records from."""

    name: str
    kind: str
    versions: list[str]
    needs: list[str]  # names, pinned to a version as they are built against
    specs: list[str]  # as they stand


@dataclass
class Shape:
    """How the records of a channel look."""

    pythons: tuple[str, ...]
    old: bool  # .tar.bz2 alone, "python 3.6*", no noarch packages
    projects: int  # beside STACK


SHAPES = {
    "conda-forge": Shape(("3.10.16", "3.11.11", "3.12.8", "3.13.1"), False, 420),
    "defaults-2018/main": Shape(("2.7.15", "3.5.6", "3.6.8", "3.7.1"), True, 120),
    "defaults-2018/free": Shape(("2.7.13", "3.4.5", "3.5.4", "3.6.2"), True, 120),
    "defaults-2018/r": Shape(("2.7.15", "3.6.8"), True, 40),
    "bioconda-2018": Shape(("3.10.16", "3.11.11"), True, 200),
}
SMALL = Shape(("3.10.16", "3.12.8"), False, 40)


def text(channel: str, subdir: str) -> bytes:
    """Return repodata as the channel's server would give it; the same each time."""
    shape = SHAPES.get(channel, SMALL)
    chooser = random.Random(f"{channel}/{subdir}")
    sections: dict[str, dict[str, Record]] = {"packages": {}, "packages.conda": {}}
    for record in _records(channel, subdir, shape, chooser):
        stem = f"{record['name']}-{record['version']}-{record['build']}"
        twins = shape.old or chooser.random() < 0.05
        if twins:
            sections["packages"][f"{stem}.tar.bz2"] = record
        if not twins or (not shape.old and chooser.random() < 0.3):
            sections["packages.conda"][f"{stem}.conda"] = record
    removed = [f"{stem}-gone.tar.bz2" for stem in sections["packages"]][:30]
    info = {"subdir": subdir, **({"arch": "x86_64"} if shape.old else {})}
    found = {"info": info, **sections, "removed": removed, "repodata_version": 1}
    return json.dumps(found, ensure_ascii=False).encode()


def _records(
    channel: str, subdir: str, shape: Shape, chooser: random.Random
) -> Iterator[Record]:
    """Make the records of one subdir; those of noarch lie with the others where old."""
    projects = {}
    for project in _projects(channel, shape):
        known = projects.setdefault(project.name, project)
        if known is not project:  # a later line of the same name
            known.versions = [*known.versions, *project.versions]
        if shape.old:
            if subdir == "noarch":
                continue
        elif (project.kind in ("pure", "data")) != (subdir == "noarch"):
            continue
        yield from _builds(project, projects, shape, subdir, chooser)


def _projects(channel: str, shape: Shape) -> Iterator[Project]:
    """Name the projects of a channel, what others need before those that need it."""
    for line in STACK.strip().splitlines():
        head, _, tail = line.partition(":")
        name, kind, *versions = head.split()
        versions = [*shape.pythons] if name == "python" else versions
        plain, *specs = tail.split(", ")
        yield Project(name, kind, versions, plain.split(), [s.strip() for s in specs])
    chooser = random.Random(channel)
    names = list(dict.fromkeys(line.split()[0] for line in STACK.strip().splitlines()))
    for number in range(shape.projects):
        name = "-".join(chooser.sample(WORDS, 2)) + f"{number}"
        kind = chooser.choice(("lib", "ext", "ext", "pure", "pure", "pure", "data"))
        count = min(40, int(chooser.paretovariate(0.8)))
        versions = [f"{v // 5}.{v % 5}.{chooser.randint(0, 9)}" for v in range(count)]
        popular = [names[int(chooser.random() ** 2 * len(names))] for _ in range(4)]
        needs = sorted({*popular} - {"numpy" if kind == "data" else ""})
        needs = needs[: chooser.randint(0, 4)]
        specs = ["__unix"][: number % 2]
        yield Project(name, kind, list(dict.fromkeys(versions)), needs, specs)
        names.append(name)


def _builds(
    project: Project,
    projects: dict[str, Project],
    shape: Shape,
    subdir: str,
    chooser: random.Random,
) -> Iterator[Record]:
    """Make the records of a name: versions, each for its Pythons, each built again."""
    pythons = shape.pythons if project.kind == "ext" else ("",)
    for version in project.versions:
        for number in range(chooser.choice((1, 1, 2, 3))):
            for python in pythons:
                depends = [*project.specs, *_on_python(project, python, shape)]
                depends += [
                    _pin(projects[need], shape, chooser) for need in project.needs
                ]
                tag = f"py{''.join(python.split('.')[:2])}" if python else ""
                build = f"{tag}h{chooser.getrandbits(28):07x}_{number}"
                if project.name == "blas":
                    build = f"{number}_{'mkl' if version == '1.0' else 'openblas'}"
                yield _record(project, version, build, number, depends, subdir, chooser)


def _on_python(project: Project, python: str, shape: Shape) -> list[str]:
    """Return what a build asks of Python."""
    if project.kind == "pure":
        return ["python" if shape.old else "python >=3.9"]
    if not python:
        return []
    major, minor, _micro = python.split(".")
    if shape.old:
        return [f"python {major}.{minor}*"]
    return [f"python >={major}.{minor},<{major}.{int(minor) + 1}.0a0"]


def _pin(need: Project, shape: Shape, chooser: random.Random) -> str:
    """Return a dependency on one of a project's versions, as they are built against."""
    if need.kind == "data" or chooser.random() < 0.2:
        return need.name
    version = chooser.choice(need.versions)
    if need.kind != "lib":
        return f"{need.name} >={version}"
    if shape.old and chooser.random() < 0.5:
        return f"{need.name} {version.rpartition('.')[0]}*"
    return f"{need.name} >={version},<{int(version.split('.')[0]) + 1}.0a0"


def _record(
    project: Project,
    version: str,
    build: str,
    number: int,
    depends: list[str],
    subdir: str,
    chooser: random.Random,
) -> Record:
    record: Record = {
        "name": project.name,
        "version": version,
        "build": build,
        "build_number": number,
        "depends": depends,
        "subdir": subdir,
        "md5": f"{chooser.getrandbits(128):032x}",
        "sha256": f"{chooser.getrandbits(256):064x}",
        "size": chooser.randint(1000, 10**8),
        "timestamp": 1_500_000_000_000 + chooser.getrandbits(38),
        "license": chooser.choice(LICENSES),
    }
    if project.name == "numpy":
        record["license"] = "BSD-3-Clause"
    if subdir == "noarch":
        record["noarch"] = {"pure": "python"}.get(project.kind, "generic")
    if project.needs and chooser.random() < 0.12:
        record["constrains"] = [f"{chooser.choice(project.needs)} >=0.1"]
    if chooser.random() < 0.01:
        record["track_features"] = "debug"
    return record
