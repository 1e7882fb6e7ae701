# SPDX-License-Identifier: BSD-3-Clause
"""Environments made and removed, against one that is put back, and the bare floor.

On an ext4 with a journal: a file that is mounted, for which this must run as root, or the
place that `--work DIR` names.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from clone import build_floor, floor, mounted, write_plan
from measure import shared, workspace
from suite import CENV, SPECS, Suite

import cenv
from cenv import api

JOB = 30  # environments of a job of benchmarks
TESTS, PAIRS = 200, 3


def seconds(call: Callable[[], object]) -> tuple[float, float]:
    """Return what a call takes, and how much of it processors work here and below."""
    before, start = os.times(), time.perf_counter()
    call()
    took, after = time.perf_counter() - start, os.times()
    return took, sum(after[:4]) - sum(before[:4])


def job(work: Path, channel: Path) -> list[str]:
    """Thirty environments, one after the other, each removed or given back."""
    template = cenv.TemplateStore(work / "store").template(SPECS, [channel])
    first = template.clone(work / "first")
    plan, program = work / "plan", build_floor(work)
    write_plan(Path(template.path), Path(first), plan)
    bare = floor(program, plan, Path(template.path), Path(first), 1)

    def make_bare() -> None:
        for n in range(JOB):
            bare(work / f"bare-{n}")
            subprocess.run(["rm", "-rf", work / f"bare-{n}"], check=True)

    def make_new() -> None:
        for _ in range(JOB):
            template.clone(work / "env").remove()

    def make_one() -> None:
        clone = template.clone(work / "env", owner=os.getpid())
        for _ in range(JOB - 1):
            (clone / "new").touch()
            api.recycle(clone, store=template.store)
        clone.remove()

    lines = [f"{JOB} environments of {' '.join(SPECS)}, removal included"]
    ways = {"floor": make_bare, "made anew": make_new, "used again": make_one}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(PAIRS):
        for name, way in ways.items():
            found[name].append(seconds(way))
    for name, times in found.items():
        took, worked = (statistics.median(each) for each in zip(*times))
        lines.append(f"  {name:<12} {took:7.2f} s, of processors {worked:7.2f} s")
    return lines


def suites(work: Path, channel: Path) -> list[str]:
    """A suite whose tests each want an environment, with and without, in pairs."""
    lines = [f"{TESTS} tests, each with a fresh environment"]
    text = CENV.format(specs=SPECS)
    suite = Suite(work, "suite", text, work / "store", channel)
    options = list(suite.options)
    for workers in (0, 2):
        rates: dict[str, list[float]] = {"auto": [], "off": []}
        for _ in range(PAIRS):
            for setting, found in rates.items():
                suite.options = [*options, f"--cenv-recycle={setting}"]
                found.append(suite.run(TESTS, workers)[0])
        auto, off = (statistics.median(found) for found in rates.values())
        lines.append(
            f"  -n {workers}: {auto:7.2f} tests/s used again, {off:7.2f} made anew: "
            f"{auto / off:.2f} x"
        )
    return lines


def main() -> list[str]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", help="a directory on the file system to measure")
    options = parser.parse_args()
    place = shared()
    if place is None:
        return ["the shared folder of real packages is not here: nothing measured"]
    with (
        tempfile.TemporaryDirectory(prefix="cenv-ext4-") as top,
        nullcontext(options.work) if options.work else mounted("ext4", Path(top)) as at,
        workspace(str(at)) as work,
    ):
        return [*job(work, place / "channel"), *suites(work, place / "channel")]


if __name__ == "__main__":
    print("\n".join(main()))
