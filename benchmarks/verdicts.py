# SPDX-License-Identifier: BSD-3-Clause
"""Verdicts and versions of random requests over real repodata, against other solvers.

Needs the shared repodata (CENV_SHARED or ../shared). Every request is solved by cenv, by
py-rattler where it is installed, and by each `--peer CMD`. A peer reads one JSON object,
{"sources": [{"channel", "url", "subdir", "path"}], "priority", "machine", "requests":
[[spec, ...], ...]}, and prints a list, an item for each request: [seconds, [url, ...]], with
null for the list when there is no solution. Then, mechanically (judge.py):

- all give the same verdict;
- every solution is valid;
- where solutions differ, cenv's is the better one under the stated order, at the first
  decision in which they part; cenv finds the peer's solution too, when its records are locked.

Exits with 1 when one of these does not hold.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import judge
from solver import CONDA_FORGE, DEFAULTS, LINUX, OSX, unpack

AARCH = [["__archspec", "1", "aarch64"], *LINUX[1:]]
BIOCONDA = [
    f"{channel}/{subdir}"
    for channel in ("bioconda-2018", "conda-forge")
    for subdir in ("osx-64", "noarch")
]
WORLDS: dict[str, tuple[list[str], list[list[str]], str]] = {
    "conda-forge": (CONDA_FORGE, LINUX, "flexible"),
    "defaults-2018": (DEFAULTS, OSX, "flexible"),
    "main-2022": (["main-2022/linux-aarch64", "main-2022/noarch"], AARCH, "flexible"),
    "bioconda strict": (BIOCONDA, OSX, "strict"),
    "bioconda flexible": (BIOCONDA, OSX, "flexible"),
    "bioconda disabled": (BIOCONDA, OSX, "disabled"),
}

CENV = """
import json, os, sys, time
from cenv import _native
from cenv.errors import UnsatisfiableError
job = json.load(sys.stdin)
sources = [
    (s["channel"], s["url"], None, s["subdir"], f"{s['url']}/{s['subdir']}/repodata.json",
     os.fsencode(s["path"]), None, False)
    for s in job["sources"]
]
index = _native.call(_native.extension.Index, sources, None)
replies = []
for number, specs in enumerate(job["requests"]):
    request = {"specs": specs, "virtual_packages": job["machine"],
               "channel_priority": job["priority"]}
    if "locked" in job:
        request["locked"] = job["locked"][number]
    start = time.perf_counter()
    try:
        found = [r["url"] for r in _native.call(index.solve, json.dumps(request))["records"]]
    except UnsatisfiableError:
        found = None
    replies.append([time.perf_counter() - start, found])
print(json.dumps(replies))
"""

RATTLER = """
import asyncio, json, os, sys, time
import rattler
from rattler.exceptions import SolverError
from rattler.package.build_string import BuildString
job = json.load(sys.stdin)
data = [
    rattler.SparseRepoData(rattler.Channel(s["url"]), s["subdir"], s["path"])
    for s in job["sources"]
]
machine = [
    rattler.GenericVirtualPackage(rattler.PackageName(n), rattler.Version(v), BuildString(b))
    for n, v, b in job["machine"]
]
strict = rattler.ChannelPriority.Strict
priority = strict if job["priority"] == "strict" else rattler.ChannelPriority.Disabled
async def solve(specs):
    start = time.perf_counter()
    try:
        records = await rattler.solve_with_sparse_repodata(
            [rattler.MatchSpec(text) for text in specs], data,
            virtual_packages=machine, channel_priority=priority)
        found = [record.url for record in records]
    except SolverError:
        found = None
    return [time.perf_counter() - start, found]
async def main():
    return [await solve(specs) for specs in job["requests"]]
print(json.dumps(asyncio.run(main())), flush=True)
os._exit(0)  # its threads may bring the interpreter down at exit
"""

Reply = tuple[float, list[str] | None]


@dataclass
class Tally:
    """What the comparison with one peer found."""

    peer: str
    verdicts: int = 0
    unsatisfiable: int = 0
    same: int = 0
    versions: int = 0  # solutions that differ in a version, not only in builds
    requested: int = 0  # in a requested package
    older: collections.Counter[str] = field(default_factory=collections.Counter)
    others: list[tuple[list[str], list[str]]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        both = self.verdicts - self.unsatisfiable
        return (
            f"  {self.peer:12} {self.verdicts:4} verdicts, {self.unsatisfiable} unsat; of"
            f" {both} solutions {self.same} equal, {both - self.same - self.versions}"
            f" other builds, {self.versions} other versions ({self.requested} in a"
            f" requested package); {len(self.faults)} faults;"
            f" median {statistics.median(self.seconds or [0]) * 1e3:.1f} ms"
        )


def sources(directories: Sequence[str], root: Path) -> list[judge.Source]:
    """Return the sources of a job, from directories of repodata below `root`."""
    found = []
    for directory in directories:
        channel, _, subdir = directory.rpartition("/")
        url = f"https://conda.anaconda.org/{channel}"
        path = str(root / directory / "repodata.json")
        found.append({"channel": channel, "url": url, "subdir": subdir, "path": path})
    return found


def constrained(name: str, text: str, chooser: random.Random) -> str:
    """Return a spec on `name` around one of its versions."""
    short = ".".join(text.split(".")[:2])
    plain = [f"{name}={short}", f"{name}={text}"] if "!" not in text else []
    return chooser.choice([f"{name}>={text}", f"{name}<{text}", name, *plain])


def random_requests(
    world: judge.World, count: int, chooser: random.Random
) -> list[list[str]]:
    """Return requests of one to ten specs; names with many records are asked for more."""
    names = sorted(set(world.names) - world.machine)
    weights = [len(world.names[name]) for name in names]
    requests = []
    for _ in range(count):
        specs = []
        for name in chooser.choices(names, weights, k=chooser.randint(1, 10)):
            record = chooser.choice(world.names[name])
            spec = constrained(name, record["version"], chooser)
            specs.append(chooser.choice([name, name, spec]))
        if chooser.random() < 0.1:  # the same name once more, perhaps against the first
            record = chooser.choice(world.names[name])
            specs.append(constrained(name, record["version"], chooser))
        requests.append(specs)
    return requests


def ask(command: Sequence[str], job: dict[str, Any]) -> list[Reply] | None:
    """Let one solver answer all requests; None where it cannot run."""
    done = subprocess.run(
        command, input=json.dumps(job), capture_output=True, text=True, check=False
    )
    if done.returncode:
        print("  " + (done.stderr.strip().splitlines() or ["no reply"])[-1])
        return None
    return [(seconds, found) for seconds, found in json.loads(done.stdout)]


def compare(
    world: judge.World, specs: list[str], ours: list[str], theirs: list[str]
) -> tuple[str, list[str]]:
    """Return how two solutions differ, and what contradicts ours being the better one."""
    own, other = world.choose(ours), world.choose(theirs)
    faults = [f"cenv: {text}" for text in world.faults(specs, own)]
    faults += [f"peer: {text}" for text in world.faults(specs, other)]
    parted = None if faults else world.first_difference(specs, own, other)
    if not parted:
        return "same", faults
    depth, name = parted
    if not world.is_better(own[name], other[name]):
        faults.append(
            f"the peer's {name} is better: {other[name]['fn']}, not {own[name]['fn']}"
        )
    if all(own[n]["version"] == other[n]["version"] for n in own.keys() & other.keys()):
        return "build", faults
    return "requested" if depth == 0 else "version", faults


def older_names(world: judge.World, ours: list[str], theirs: list[str]) -> list[str]:
    """Return the names of which the peer's solution has a newer version."""
    own, other = world.choose(ours), world.choose(theirs)
    newer = judge.version
    return [
        name
        for name in own.keys() & other.keys()
        if newer(other[name]["version"]) > newer(own[name]["version"])
    ]


def tally_one(
    tally: Tally, world: judge.World, specs: list[str], ours: Reply, theirs: Reply
) -> None:
    """Compare one pair of replies."""
    tally.verdicts += 1
    tally.seconds.append(theirs[0])
    if ours[1] is None or theirs[1] is None:
        tally.unsatisfiable += ours[1] is None
        if ours[1] is not None or theirs[1] is not None:
            tally.faults.append(f"{specs}: verdicts differ, cenv's is {ours[1]}")
        return
    kind, faults = compare(world, specs, ours[1], theirs[1])
    tally.faults += [f"{specs}: {fault}" for fault in faults]
    tally.same += kind == "same"
    tally.versions += kind in ("version", "requested")
    tally.requested += kind == "requested"
    tally.older.update(older_names(world, ours[1], theirs[1]))
    if kind != "same":
        tally.others.append((specs, theirs[1]))


def check_locked(tally: Tally, world: judge.World, job: dict[str, Any]) -> None:
    """Let cenv solve with each other solution's records locked: it must find just that."""
    requests = [specs for specs, _ in tally.others]
    locked = [[world.by_url[url] for url in found] for _, found in tally.others]
    more = {"requests": requests, "locked": locked}
    replies = ask([sys.executable, "-c", CENV], {**job, **more}) or []
    for (specs, found), reply in zip(tally.others, replies, strict=True):
        if sorted(reply[1] or ()) != sorted(found):
            tally.faults.append(f"{specs}: cenv does not find the peer's solution")


def prepare(name: str, count: int, root: Path) -> tuple[judge.World, dict[str, Any]]:
    """Return a world for the judge, and the job that the solvers are given."""
    directories, machine, priority = WORLDS[name]
    listed = sources(directories, root)
    world = judge.World(listed, machine, priority)
    requests = random_requests(world, count, random.Random(name))
    job = {"sources": listed, "machine": machine, "priority": priority}
    return world, {**job, "requests": requests}


def judge_peer(
    peer: str,
    world: judge.World,
    job: dict[str, Any],
    ours: list[Reply],
    command: list[str],
) -> Tally | None:
    """Compare cenv's replies with those of one peer; None where it cannot run."""
    replies = ask(command, job)
    if replies is None:
        return None
    tally = Tally(peer)
    for specs, own, theirs in zip(job["requests"], ours, replies, strict=True):
        tally_one(tally, world, specs, own, theirs)
    if tally.others:
        check_locked(tally, world, job)
    return tally


def run(name: str, count: int, peers: dict[str, list[str]], root: Path) -> list[Tally]:
    """Compare all peers on one world."""
    world, job = prepare(name, count, root)
    ours = ask([sys.executable, "-c", CENV], job)
    if ours is None:
        return [Tally("cenv", faults=["did not run"])]
    median = statistics.median(seconds for seconds, _ in ours) * 1e3
    print(f"{name}: {count} requests, cenv's median {median:.1f} ms")
    tallies = []
    for peer, command in peers.items():
        tally = judge_peer(peer, world, job, ours, command)
        if tally is None:
            continue
        print(tally, flush=True)
        for fault in tally.faults[:20]:
            print(f"    {fault}")
        tallies.append(tally)
    return tallies


def main() -> int:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=30, help="requests of each world")
    parser.add_argument("--peer", action="append", default=[], metavar="CMD")
    parser.add_argument("--world", action="append", choices=sorted(WORLDS))
    options = parser.parse_args()
    shared = Path(os.environ.get("CENV_SHARED", "../shared"))
    if not (shared / "repodata").is_dir() or not shutil.which("zstd"):
        print("verdicts: needs the shared repodata and zstd; nothing compared")
        return 0
    peers = {"py-rattler": [sys.executable, "-c", RATTLER]}
    for text in options.peer:
        peers[Path(shlex.split(text)[0]).name] = shlex.split(text)
    worlds = options.world or list(WORLDS)
    with tempfile.TemporaryDirectory() as scratch:
        unpack({d for w in worlds for d in WORLDS[w][0]}, shared, Path(scratch))
        tallies = [
            t for w in worlds for t in run(w, options.sets, peers, Path(scratch))
        ]
    older = sum((t.older for t in tallies), collections.Counter())
    if older:
        listed = ", ".join(f"{name} {count}" for name, count in older.most_common(12))
        print(f"older than a peer's, most often: {listed}")
    return 1 if any(t.faults for t in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
