# SPDX-License-Identifier: BSD-3-Clause
"""Suites of tests that each want a fresh environment: rate, waiting time, what stays behind.

`--conda COMMAND` adds `conda create` and `conda create --clone` (a conda set up by its
user for the real channel, such as "/opt/conda/bin/conda"); py-rattler's warm install is
beside it where it is installed (pip install py-rattler).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from measure import shared, workspace

SPECS = ["python", "pip", "setuptools"]
TESTS, WORKERS = 200, (0, 2, 4)
SLOW_TESTS = 8  # of what takes seconds for each environment

_CONFTEST = """
import json, os, shutil, subprocess, time
from pathlib import Path
import pytest

PLACE = Path({place!r})
{setup}

def note(start):
    with open(PLACE / f"times-{{os.getpid()}}", "a") as file:
        file.write(json.dumps([start, time.monotonic()]) + "\\n")
"""
_TESTS = """
import os, time
import pytest
from conftest import note

@pytest.mark.parametrize("n", range({tests}))
def test_one(fresh, n):
    start = time.monotonic()
    env = fresh()
    note(start)
    assert os.path.exists(os.path.join(env, "bin", "python"))
"""
CENV = """
@pytest.fixture
def fresh(cenv_env):
    return lambda: cenv_env(*{specs!r})
"""
# Each test removes what it made, as cenv's fixture does when a test has passed.
_REMOVING = """
@pytest.fixture
def fresh(tmp_path):
    yield lambda: make(tmp_path / "env")
    shutil.rmtree(tmp_path / "env")
"""
_COPY = """
def make(path):
    subprocess.run(["cp", "-a", {template!r}, path], check=True)
    return path
"""
_COMMAND = """
def make(path):
    subprocess.run([*{command!r}, "--prefix", str(path)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return path
"""
RATTLER = """
import asyncio
from rattler import Channel, Gateway, VirtualPackage, install, solve

CACHE = PLACE / "rattler"
gateway = Gateway(cache_dir=CACHE)
records = asyncio.run(solve([Channel({channel!r})], {specs!r}, gateway,
    ["linux-64", "noarch"], virtual_packages=VirtualPackage.detect()))

def make(path):
    asyncio.run(install(records, path, cache_dir=CACHE, show_progress=False))
    return path
"""
_FLAT = """
import json, os, sys
import cenv
template = cenv.TemplateStore({store!r}).template({specs!r}, [{channel!r}])

def now():
    with open("/proc/self/statm") as file:
        resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return resident, len(os.listdir("/proc/self/fd"))

seen = []
for n in range(1, 1001):
    template.clone(os.path.join({place!r}, str(n))).remove()
    if n in (100, 1000):
        seen.append(now())
print(json.dumps(seen))
"""


class Suite:
    """A directory of tests, run under pytest as its user would."""

    def __init__(self, work: Path, name: str, setup: str, store: Path, channel: Path):
        self.place = work / name
        self.place.mkdir()
        self.options = ["--cenv-store", str(store), "-o", f"cenv_channels={channel}"]
        text = _CONFTEST.format(place=str(self.place), setup=setup)
        (self.place / "conftest.py").write_text(text)

    def run(self, tests: int, workers: int) -> tuple[float, list[float]]:
        """Return tests a second, and how long each waited for its environment."""
        (self.place / "test_suite.py").write_text(_TESTS.format(tests=tests))
        base = self.place / f"base-{workers}"
        argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        argv += [f"--basetemp={base}", *self.options]
        argv += ["-n", str(workers)] if workers else ["-p", "no:xdist"]
        subprocess.run(argv, cwd=self.place, check=True, stdout=subprocess.DEVNULL)
        spans = [span for file in self._noted() for span in file]
        whole = max(end for _, end in spans) - min(start for start, _ in spans)
        return tests / whole, sorted(end - start for start, end in spans)

    def _noted(self) -> Iterator[list[list[float]]]:
        for path in self.place.glob("times-*"):
            yield [json.loads(line) for line in path.read_text().splitlines()]
            path.unlink()


def suites(work: Path, channel: Path, conda: list[str]) -> dict[str, tuple[Suite, int]]:
    """Return each way to make environments, and how many tests it can be asked."""
    import cenv

    store = work / "store"
    template = cenv.TemplateStore(store).template(SPECS, [channel])
    made = {
        "cenv": (CENV.format(specs=SPECS), TESTS),
        "cp -a": (_COPY.format(template=template.path) + _REMOVING, TESTS // 4),
    }
    if importlib.util.find_spec("rattler"):
        text = RATTLER.format(channel=channel.as_uri(), specs=SPECS)
        made["py-rattler"] = (text + _REMOVING, TESTS // 4)
    if conda:
        source = work / "conda-template"
        create = [*conda, "create", "--yes", "--quiet"]
        subprocess.run(
            [*create, "--prefix", source, *SPECS], check=True, stdout=subprocess.DEVNULL
        )
        clone = [*create, "--clone", str(source)]
        made["conda create --clone"] = (
            _COMMAND.format(command=clone) + _REMOVING,
            SLOW_TESTS,
        )
    return {
        name: (Suite(work, name.replace(" ", "-"), text, store, channel), tests)
        for name, (text, tests) in made.items()
    }


def rates(work: Path, channel: Path, conda: list[str]) -> list[str]:
    """A suite of tests, each with an environment of its own."""
    lines = [f"{TESTS} tests, each with a fresh environment of {' '.join(SPECS)}"]
    found = suites(work, channel, conda)
    for workers in WORKERS:
        for name, (suite, tests) in found.items():
            rate, waits = suite.run(tests, workers)
            middle, late = statistics.median(waits), waits[int(len(waits) * 0.95)]
            lines.append(
                f"  -n {workers}  {name:<22} {rate:8.2f} tests/s   waits: median "
                f"{middle * 1e3:8.1f} ms, p95 {late * 1e3:8.1f} ms   ({tests} tests)"
            )
    return lines


def flat(work: Path, channel: Path) -> list[str]:
    """A thousand clones by one process."""
    place = work / "flat"
    place.mkdir()
    text = _FLAT.format(
        store=str(work / "store"), specs=SPECS, channel=str(channel), place=str(place)
    )
    done = subprocess.run(
        [sys.executable, "-c", text], check=True, stdout=subprocess.PIPE
    )
    (early, early_fds), (late, late_fds) = json.loads(done.stdout)
    return [
        "1,000 clones made and removed by one process",
        f"  after 100: {early / 1e6:.1f} MB, {early_fds} descriptors",
        f"  after 1,000: {late / 1e6:.1f} MB, {late_fds} descriptors",
    ]


def job(work: Path, channel: Path, conda: list[str]) -> list[str]:
    """A job of five benchmarks that each make six environments."""
    import cenv

    place = work / "job"
    place.mkdir()
    start = time.perf_counter()
    template = cenv.TemplateStore(place / "store").template(SPECS, [channel])
    built = time.perf_counter() - start
    start = time.perf_counter()
    for n in range(30):
        template.clone(place / f"clone-{n}")
    cloned = time.perf_counter() - start
    lines = ["five benchmarks of six environments each: seconds for environments"]
    ways = {
        "cenv, new store": built + cloned,
        "cenv, template built before": cloned,
    }
    if conda:
        ways = {**_job_of_conda(place, conda), **ways}
    first = next(iter(ways.values()))
    for name, seconds in ways.items():
        share = f"  {seconds / first:8.2%}" if conda else ""
        lines.append(f"  {name:<34} {seconds:8.2f} s{share}")
    return lines


def _job_of_conda(place: Path, conda: list[str]) -> dict[str, float]:
    create = [*conda, "create", "--yes", "--quiet"]
    source = place / "conda-source"

    def seconds(*argv: object) -> float:
        start = time.perf_counter()
        subprocess.run(
            [*create, *map(str, argv)], check=True, stdout=subprocess.DEVNULL
        )
        return time.perf_counter() - start

    first = seconds("--prefix", source, *SPECS)
    creates = [seconds("--prefix", place / f"a{n}", *SPECS) for n in range(3)]
    clones = [seconds("--prefix", place / f"b{n}", "--clone", source) for n in range(3)]
    return {
        "conda create (30 x median of 3)": 30 * statistics.median(creates),
        "conda create --clone (likewise)": first + 30 * statistics.median(clones),
    }


def main() -> list[str]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conda", default=os.environ.get("CENV_PEER_CONDA", ""))
    parser.add_argument("--work", help="a directory on the file system to measure")
    options = parser.parse_args()
    place = shared()
    if place is None:
        return ["the shared folder of real packages is not here: nothing measured"]
    conda, channel = shlex.split(options.conda), place / "channel"
    with workspace(options.work) as work:
        return [
            *rates(work, channel, conda),
            *flat(work, channel),
            *job(work, channel, conda),
        ]


if __name__ == "__main__":
    print("\n".join(main()))
