# SPDX-License-Identifier: BSD-3-Clause
"""Time, size and peak memory of solves over real repodata, against py-rattler.

Needs the shared repodata (CENV_SHARED or ../shared). Every problem runs in a process of its
own: "open" scans the JSON files, "first" is the first solve, "solve" the median of the rest.
py-rattler is measured where it is installed (pip install py-rattler): its sparse repodata
is opened beforehand, as with cenv. The random sets are seeded.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LINUX = [["__archspec", "1", "x86_64_v3"], ["__glibc", "2.36", "0"]]
LINUX += [["__linux", "6.1", "0"], ["__unix", "0", "0"]]
OSX = [["__osx", "12.0", "0"], ["__unix", "0", "0"]]

CONDA_FORGE = ["conda-forge/linux-64", "conda-forge/noarch"]
ROBOSTACK = ["robostack-jazzy/linux-64", *CONDA_FORGE]
DEFAULTS = [
    f"defaults-2018/{name}/{subdir}"
    for name in ("main", "free", "r")
    for subdir in ("osx-64", "noarch")
]

# Name: repodata directories, virtual packages, specs.
PROBLEMS: dict[str, tuple[list[str], list[list[str]], list[str]]] = {
    "python": (CONDA_FORGE, LINUX, ["python"]),
    "data": (CONDA_FORGE, LINUX, ["python=3.12", "numpy", "pandas", "scipy"]),
    "jupyterlab": (CONDA_FORGE, LINUX, ["jupyterlab"]),
    "pytorch": (CONDA_FORGE, LINUX, ["pytorch"]),
    "tensorflow": (CONDA_FORGE, LINUX, ["tensorflow"]),
    "geo": (
        CONDA_FORGE,
        LINUX,
        ["gdal", "geopandas", "xarray", "dask", "jupyterlab"],
    ),
    "ros-jazzy-desktop": (ROBOSTACK, LINUX, ["ros-jazzy-desktop"]),
    "anaconda": (DEFAULTS, OSX, ["anaconda"]),
    "r-essentials": (DEFAULTS, OSX, ["r-essentials"]),
    "sudoku": (["sudoku/noarch"], [], ["sudoku_0_0 ==5"]),
    "python-scipy": (CONDA_FORGE, LINUX, ["python=3.13", "scipy=1.10"]),
    "numpy-pandas": (CONDA_FORGE, LINUX, ["numpy=1.21", "pandas>=3"]),
    "python-jupyterlab": (CONDA_FORGE, LINUX, ["python=3.9", "jupyterlab>=4.6"]),
    "unknown": (CONDA_FORGE, LINUX, ["asdfasdf", "python"]),
    "gdal-openssl": (CONDA_FORGE, LINUX, ["libgdal-core=3.13", "openssl<3"]),
}

CENV = """
import json, os, resource, sys, time
from cenv import core
from cenv.errors import UnsatisfiableError
sources, requests, rounds = json.load(sys.stdin)
extension = core.extension()
start = time.perf_counter()
index = core.call(extension.Index, [(*s[:-1], os.fsencode(s[-1])) for s in sources], None)
opened = time.perf_counter() - start
replies = []
for request in requests:
    text = json.dumps(request)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        try:
            reply = core.call(index.solve, text)
        except UnsatisfiableError:
            reply = None
        times.append(time.perf_counter() - start)
    replies.append([times, reply and reply["stats"], reply and len(reply["records"])])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps([opened, peak, replies]))
"""

RATTLER = """
import asyncio, json, os, resource, sys, time
import rattler
from rattler.package.build_string import BuildString
sources, requests, rounds = json.load(sys.stdin)
start = time.perf_counter()
data = [rattler.SparseRepoData(rattler.Channel(s[0]), s[3], s[-1]) for s in sources]
opened = time.perf_counter() - start
replies = []
async def solve(request):
    machine = [
        rattler.GenericVirtualPackage(rattler.PackageName(n), rattler.Version(v), BuildString(b))
        for n, v, b in request["virtual_packages"]
    ]
    specs = [rattler.MatchSpec(text) for text in request["specs"]]
    try:
        return len(await rattler.solve_with_sparse_repodata(specs, data, virtual_packages=machine))
    except Exception:  # its class for this is not part of its interface
        return None
async def main():
    for request in requests:
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            found = await solve(request)
            times.append(time.perf_counter() - start)
        replies.append([times, None, found])
asyncio.run(main())
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps([opened, peak, replies]))
"""


def sources(directories: Sequence[str], root: Path) -> list[list[Any]]:
    """Return what the core's Index takes, from directories of repodata below `root`."""
    found = []
    for directory in directories:
        channel, _, subdir = directory.rpartition("/")
        url = f"https://conda.anaconda.org/{channel}"
        path = root / directory / "repodata.json"
        found.append(
            [channel, url, None, subdir, f"{url}/{subdir}/repodata.json", str(path)]
        )
    return found


def unpack(directories: set[str], shared: Path, root: Path) -> None:
    """Unpack the shared repodata once, as a channel's cache would hold it."""
    for directory in directories:
        target = root / directory / "repodata.json"
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            packed = shared / "repodata" / directory / "repodata.json.zst"
            command = ["zstd", "-dqf", os.fspath(packed), "-o", os.fspath(target)]
            subprocess.run(command, check=True)


def run(code: str, job: list[Any]) -> list[Any] | None:
    """Run one measurement in a process of its own; None where it cannot run."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, input=json.dumps(job), capture_output=True, text=True, check=False
    )
    return json.loads(done.stdout) if done.returncode == 0 else None


def random_sets(root: Path, count: int) -> list[dict[str, Any]]:
    """Return requests of one to ten specs, a third of them with a version."""
    versions: dict[str, set[str]] = {}
    for directory in CONDA_FORGE:
        data = json.loads((root / directory / "repodata.json").read_bytes())
        for section in ("packages", "packages.conda"):
            for record in data.get(section, {}).values():
                versions.setdefault(record["name"], set()).add(record["version"])
    chooser = random.Random(20260822)
    names = sorted(versions)
    requests = []
    for _ in range(count):
        specs = []
        for name in chooser.choices(names, k=chooser.randint(1, 10)):
            version = chooser.choice(sorted(versions[name]))
            short = ".".join(version.split(".")[:2])
            plain = name if "!" in version else f"{name}={short}"
            specs.append(chooser.choice([name] * 4 + [plain, f"{name}>={version}"]))
        requests.append({"specs": specs, "virtual_packages": LINUX})
    return requests


def ms(seconds: float) -> str:
    """Return seconds as milliseconds in a column."""
    return f"{seconds * 1e3:9.2f}"


def row(name: str, result: list[Any], peer: list[Any] | None) -> str:
    """Return one line of the table of named problems."""
    opened, peak, [[times, stats, records]] = result
    stats = stats or {}
    sizes = [
        stats.get(key, "-") for key in ("variables", "clauses", "solves", "conflicts")
    ]
    cells = [f"{name:18}", ms(opened), ms(times[0]), ms(statistics.median(times))]
    cells += [f"{size:>9}" for size in sizes]
    cells += [f"{records or 'unsat':>7}", f"{peak / 1e6:7.0f}"]
    cells += [ms(statistics.median(peer[2][0][0])) if peer else f"{'-':>9}"]
    return " ".join(cells)


def named(root: Path, rounds: int) -> None:
    """Print the table of named problems."""
    heads = ["open", "first", "solve", "variables", "clauses", "solves", "conflicts"]
    print(f"{'problem (ms, MB)':18}", " ".join(f"{head:>9}" for head in heads), end="")
    print(f" {'records':>7} {'peak':>7} {'rattler':>9}")
    for name, (directories, machine, specs) in PROBLEMS.items():
        request = {"specs": specs, "virtual_packages": machine}
        job = [sources(directories, root), [request], rounds]
        result = run(CENV, job)
        peer = None if name == "sudoku" else run(RATTLER, [*job[:2], min(rounds, 3)])
        print(row(name, result, peer) if result else f"{name:18} failed", flush=True)


def summary(result: list[Any]) -> str:
    """Return the figures of many sets in one line."""
    times = sorted(statistics.median(times) for times, _, _ in result[2])
    unsat = sum(records is None for _, _, records in result[2])
    late = times[int(len(times) * 0.95)]
    return (
        f"open {ms(result[0])}  median {ms(statistics.median(times))}  p95 {ms(late)}"
        f"  max {ms(times[-1])}  unsat {unsat}  peak {result[1] / 1e6:.0f} MB"
    )


def sets(root: Path, count: int, rounds: int) -> None:
    """Print the figures of the random sets, and whether the verdicts agree."""
    job = [sources(CONDA_FORGE, root), random_sets(root, count), rounds]
    ours, theirs = run(CENV, job), run(RATTLER, [*job[:2], 1])
    print(f"{count} random sets of 1 to 10 specs (ms)")
    if ours:
        print(f"  cenv        {summary(ours)}")
    if ours and theirs:
        print(f"  py-rattler  {summary(theirs)}")
        pairs = zip(ours[2], theirs[2], strict=True)
        differ = sum((a[2] is None) != (b[2] is None) for a, b in pairs)
        print(f"  verdicts that differ: {differ}")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="solves of each problem")
    parser.add_argument("--sets", type=int, default=200, help="random sets, 0 for none")
    options = parser.parse_args()
    shared = Path(os.environ.get("CENV_SHARED", "../shared"))
    if not (shared / "repodata").is_dir() or not shutil.which("zstd"):
        print("solver: needs the shared repodata and zstd; nothing measured")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        unpack({d for p in PROBLEMS.values() for d in p[0]}, shared, root)
        named(root, options.rounds)
        if options.sets:
            sets(root, options.sets, options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
