# SPDX-License-Identifier: BSD-3-Clause
"""Explanations of unsatisfiable requests on real repodata: time, size, and each claim checked.

Needs the shared repodata (CENV_SHARED or ../shared). Random requests with many version
constraints are solved. Of those without a solution the stage `explain` is timed (on the
processor, so that other work does not count), and by further solves it is checked that the
conflict is one, that it is minimal, and that what is said to work does. Exits with 1 when
a claim does not hold.
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
from pathlib import Path
from typing import Any

import judge
from solver import unpack
from verdicts import WORLDS, constrained, sources

EXPLAIN = """
import json, os, sys, time
from cenv import _native, trace
from cenv.errors import UnsatisfiableError
job = json.load(sys.stdin)
sources = [
    (s["channel"], s["url"], None, s["subdir"], f"{s['url']}/{s['subdir']}/repodata.json",
     os.fsencode(s["path"]), None, False)
    for s in job["sources"]
]
index = _native.call(_native.extension.Index, sources, None)
STRICT = "channel_priority=strict"

def solve(specs, priority=job["priority"]):
    request = {"specs": specs, "virtual_packages": job["machine"],
               "channel_priority": priority}
    wall, busy = time.perf_counter(), time.process_time()
    with trace.recording() as recorder:
        try:
            _native.call(index.solve, json.dumps(request))
        except UnsatisfiableError as error:
            share = sum(s.seconds for s in recorder.stages() if s.name == "explain")
            share /= time.perf_counter() - wall
            error.seconds = share * (time.process_time() - busy)
            return error
    return None

def check(specs, error):
    faults = []
    asked = [text for text in error.conflict if text in specs]
    if solve(asked) is None:
        faults.append("the conflict is none")
    for text in asked:
        rest = solve([other for other in asked if other != text])
        if rest is not None and len(asked) == len(error.conflict):
            faults.append(f"the conflict is one without {text}")
    for way in error.relax:
        rest = [text for text in specs if text not in way["items"]]
        if "works" in way:
            name, version = way["works"].split()
            rest.append(f"{name}=={version}")
        strict = job["priority"] == "strict" and STRICT not in way["items"]
        priority = "strict" if strict else "flexible"
        if not way.get("machine") and solve(rest, priority) is not None:
            faults.append(f"does not work: {way}")
    return faults

replies = []
for specs in job["requests"]:
    error = solve(specs)
    if error is not None:
        replies.append([specs, error.seconds, len(str(error).splitlines()),
                        str(error), error.hint, check(specs, error)])
print(json.dumps(replies))
"""


def requests(world: judge.World, count: int, chooser: random.Random) -> list[list[str]]:
    """Return requests of two to six specs, most of them with a version."""
    names = sorted(set(world.names) - world.machine)
    weights = [len(world.names[name]) for name in names]
    found = []
    for _ in range(count):
        chosen = chooser.choices(names, weights, k=chooser.randint(2, 6))
        specs = []
        for name in dict.fromkeys(chosen):
            record = chooser.choice(world.names[name])
            specs.append(constrained(name, record["version"], chooser))
        found.append(specs)
    return found


def measure(name: str, count: int, root: Path, show: int) -> int:
    """Print the figures of one world; return how many claims do not hold."""
    directories, machine, priority = WORLDS[name]
    listed = sources(directories, root)
    world = judge.World(listed, machine, priority)
    asked = requests(world, count, random.Random(name))
    job: dict[str, Any] = {"sources": listed, "machine": machine, "priority": priority}
    done = subprocess.run(
        [sys.executable, "-c", EXPLAIN],
        input=json.dumps({**job, "requests": asked}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    replies = json.loads(done.stdout)
    times = sorted(reply[1] * 1e3 for reply in replies)
    lines = sorted(reply[2] for reply in replies)
    late = int(len(times) * 0.95)
    print(
        f"{name}: {len(replies)} of {count} unsatisfiable; explained in"
        f" {statistics.median(times):.1f} ms (p95 {times[late]:.1f}, max {times[-1]:.1f});"
        f" lines {statistics.median(lines):.0f} (p95 {lines[late]}, max {lines[-1]});"
        f" claims that do not hold: {sum(len(reply[5]) for reply in replies)}"
    )
    for specs, _seconds, _lines, message, hint, faults in replies[:show]:
        print(f"\n$ {' '.join(specs)}\n{message}\nhint: {hint}")
        print("\n".join(f"FAULT {fault}" for fault in faults), end="")
    for reply in replies:
        for fault in reply[5]:
            print(f"  {reply[0]}: {fault}")
    return sum(len(reply[5]) for reply in replies)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=60, help="requests of each world")
    parser.add_argument("--show", type=int, default=0, help="print so many in full")
    parser.add_argument("--world", action="append", choices=sorted(WORLDS))
    options = parser.parse_args()
    shared = Path(os.environ.get("CENV_SHARED", "../shared"))
    if not (shared / "repodata").is_dir() or not shutil.which("zstd"):
        print("explanations: needs the shared repodata and zstd; nothing measured")
        return 0
    worlds = options.world or ["conda-forge", "defaults-2018", "bioconda strict"]
    with tempfile.TemporaryDirectory() as scratch:
        unpack({d for w in worlds for d in WORLDS[w][0]}, shared, Path(scratch))
        faults = [measure(w, options.sets, Path(scratch), options.show) for w in worlds]
    return 1 if any(faults) else 0


if __name__ == "__main__":
    sys.exit(main())
