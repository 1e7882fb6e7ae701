# SPDX-License-Identifier: BSD-3-Clause
"""Time, size and peak memory of solves over real repodata, against py-rattler.

Needs the shared repodata (CENV_SHARED or ../shared). What is timed, end to end, lies between
having the paths of repodata.json files and having the records, in a process of its own for
each problem and contender, in turn; starting the interpreter and importing are not timed,
for either. "cold": only the JSON files exist (the binary index is written meanwhile);
"known": their binary index is there, made for other problems; "warm": an earlier process
has solved this problem; "again": the median of more solves in one process. py-rattler,
where it is installed (pip install py-rattler), opens its sparse repodata and solves. The
random sets are seeded. `--end-to-end` leaves out the table of solves in one process.
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
import json, os, sys, time
from cenv import _native
from cenv.errors import UnsatisfiableError
sources, requests, rounds, cache = json.load(sys.stdin)
extension = _native.extension
cache = cache and os.fsencode(cache)
start = time.perf_counter()
sources = [(*s[:-1], os.fsencode(s[-1]), None, False) for s in sources]
index = _native.call(extension.Index, sources, cache)
opened = time.perf_counter() - start
replies = []
for request in requests:
    text = json.dumps(request)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        try:
            reply = _native.call(index.solve, text)
        except UnsatisfiableError:
            reply = None
        times.append(time.perf_counter() - start)
    replies.append([times, reply and reply["stats"], reply and len(reply["records"])])
with open("/proc/self/status") as status:  # ru_maxrss would count the parent's before exec
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024
print(json.dumps([opened, peak, replies]))
"""

RATTLER = """
import asyncio, json, os, sys, time
import rattler
from rattler.package.build_string import BuildString
sources, requests, rounds, _ = json.load(sys.stdin)
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
with open("/proc/self/status") as status:  # ru_maxrss would count the parent's before exec
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024
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
    for _ in range(3):  # the peer crashes now and then as it exits
        done = subprocess.run(
            command, input=json.dumps(job), capture_output=True, text=True, check=False
        )
        if done.stdout:
            result: list[Any] = json.loads(done.stdout)
            return result
    return None


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


# What one contender needed for one problem: seconds end to end, peak bytes, the reply.
Measure = tuple[float, float, list[Any]]


def end_to_end(code: str, job: list[Any]) -> Measure | None:
    """Return what opening and the first solve need; None where it cannot run."""
    result = run(code, job)
    if result is None:
        return None
    opened, peak, [[times, stats, records]] = result
    return opened + times[0], peak, [times, stats, records]


def contenders(
    directories: Sequence[str], request: dict[str, Any], root: Path, known: Path | None
) -> dict[str, Measure | None]:
    """Measure one problem each way, in turn; `known` holds binary indices."""
    files = sources(directories, root)
    with tempfile.TemporaryDirectory() as cold, tempfile.TemporaryDirectory() as half:
        found = {"cold": end_to_end(CENV, [files, [request], 1, cold])}
        found["rattler"] = end_to_end(RATTLER, [files, [request], 1, None])
        if known:
            shutil.copytree(known, half, dirs_exist_ok=True)
            found["known"] = end_to_end(CENV, [files, [request], 1, half])
        found["warm"] = end_to_end(CENV, [files, [request], 5, cold])
    return found


def row(name: str, found: dict[str, Measure | None]) -> str:
    """Return one line of the table of named problems."""
    cold, warm, peer = found["cold"], found["warm"], found["rattler"]
    if not cold or not warm:
        return f"{name:18} failed"
    times, stats, records = warm[2]
    stats = stats or {}
    sizes = [
        stats.get(key, "-") for key in ("variables", "clauses", "solves", "conflicts")
    ]
    cells = [f"{name:18}", ms(cold[0]), ms(warm[0]), ms(statistics.median(times[1:]))]
    cells += [f"{size:>9}" for size in sizes]
    cells += [f"{records or 'unsat':>7}"]
    cells += [f"{cold[1] / 1e6:7.0f}", f"{warm[1] / 1e6:7.0f}"]
    cells += [ms(peer[0]), f"{peer[1] / 1e6:7.0f}"] if peer else [f"{'-':>9}"]
    return " ".join(cells)


def named(root: Path) -> None:
    """Print the table of named problems."""
    heads = ["cold", "warm", "again", "variables", "clauses", "solves", "conflicts"]
    print(f"{'problem (ms, MB)':18}", " ".join(f"{head:>9}" for head in heads), end="")
    print(f" {'records':>7} {'peak':>7} {'warm':>7} {'rattler':>9} {'peak':>7}")
    for name, (directories, machine, specs) in PROBLEMS.items():
        request = {"specs": specs, "virtual_packages": machine}
        print(row(name, contenders(directories, request, root, None)), flush=True)


def known_index(root: Path, target: Path) -> None:
    """Leave in `target` the binary indices of the random sets' channels, and no more."""
    run(CENV, [sources(CONDA_FORGE, root), [], 1, os.fspath(target)])


def compare(name: str, all_found: list[dict[str, Measure | None]]) -> None:
    """Print one contender's figures over all sets, beside py-rattler's."""
    pairs = [(f[name], f["rattler"]) for f in all_found]
    ours = sorted(own[0] for own, _ in pairs if own)
    late = ours[int(len(ours) * 0.95)]
    peak = max(own[1] for own, _ in pairs if own)
    line = f"  {name:8} median {ms(statistics.median(ours))}  p95 {ms(late)}"
    line += f"  max {ms(ours[-1])}  peak {peak / 1e6:4.0f} MB"
    both = [(own[0], peer[0]) for own, peer in pairs if own and peer]
    if name != "rattler" and both:
        medians = [statistics.median(column) for column in zip(*both, strict=True)]
        slower = sum(own > peer for own, peer in both)
        line += f"  {medians[0] / medians[1]:.2f} x py-rattler, slower {slower} times"
    print(line, flush=True)


def random_end_to_end(root: Path, count: int) -> None:
    """Print the figures of random sets, each in processes of its own."""
    with tempfile.TemporaryDirectory() as known:
        known_index(root, Path(known))
        found = [
            contenders(CONDA_FORGE, request, root, Path(known))
            for request in random_sets(root, count)
        ]
    print(f"{count} random sets of 1 to 10 specs, end to end (ms)")
    for name in ("cold", "known", "warm", "rattler"):
        if any(f[name] for f in found):
            compare(name, found)
    verdicts = [
        [f[name][2][2] is None for name in ("cold", "known", "warm", "rattler")]  # type: ignore[index]
        for f in found
        if all(f.values())
    ]
    print(f"  verdicts that differ: {sum(len(set(v)) > 1 for v in verdicts)}")


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
    job = [sources(CONDA_FORGE, root), random_sets(root, count), rounds, None]
    ours, theirs = run(CENV, job), run(RATTLER, [*job[:2], 1, None])
    print(f"{count} random sets of 1 to 10 specs, in one process (ms)")
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
    parser.add_argument("--rounds", type=int, default=3, help="solves of each set")
    parser.add_argument("--sets", type=int, default=200, help="random sets, 0 for none")
    parser.add_argument("--fresh", type=int, default=60, help="of them, end to end")
    parser.add_argument("--end-to-end", action="store_true")
    options = parser.parse_args()
    shared = Path(os.environ.get("CENV_SHARED", "../shared"))
    if not (shared / "repodata").is_dir() or not shutil.which("zstd"):
        print("solver: needs the shared repodata and zstd; nothing measured")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        unpack({d for p in PROBLEMS.values() for d in p[0]}, shared, root)
        named(root)
        if options.fresh:
            random_end_to_end(root, options.fresh)
        if options.sets and not options.end_to_end:
            sets(root, options.sets, options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
