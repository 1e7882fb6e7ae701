# SPDX-License-Identifier: BSD-3-Clause
"""The memory of relocated files: clones at a path that comes back, with it and without.

    python benchmarks/memory.py [--rounds N] [--large FILES] [--at DIR] [--channel DIR]

Clones of one mode are made in turn: at a path without a memory and with one, at paths where no
clone was before, as by default, and at such paths with the memory written at once. Each is moved
aside when it is there and deleted at the very end. `written` is what the call wrote, by the clone's
own count. `bare` is the floor of a hard-linked one with it: mkdirat, linkat, and what is always
copied, on two threads, in C. The large environment has as many more files as --large says,
which need no relocation.
DIR should be on a file system with a journal: /tmp of many machines has none.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from clone import bare, build_floor, write_plan
from measure import real_channel, workspace
from overlay import two_templates

import cenv
from cenv.config.sizes import MEMORY_VARIABLE

COPIES = 3  # rounds, for they take space
# What may be remembered, and whether that is asked for.
KINDS = {
    "without": ("0", False),
    "new path": ("2G", False),
    "keeping": ("2G", True),
    "with": ("2G", True),
}


@dataclass
class Clones:
    """Wall and processor time of the clones of one kind, and what the last one wrote."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    written: int = 0

    def told(self) -> str:
        wall, cpu = (statistics.median(times) * 1e3 for times in (self.wall, self.cpu))
        return f"{wall:8.2f} ms, {cpu:8.2f} ms of processors, {self.written:12,} bytes written"


def clone_once(
    template: cenv.Template, target: Path, mode: str, ask: bool
) -> tuple[float, float, int]:
    """Clone, and move the clone aside; return the times, and what was written."""
    target.parent.mkdir(exist_ok=True)
    began, used = time.perf_counter(), time.process_time()
    clone = template.clone(target, mode=mode, remember=ask)
    wall, cpu = time.perf_counter() - began, time.process_time() - used
    if mode == "overlay":
        clone.remove()
    else:
        target.rename(target.with_name(f"aside-{time.monotonic_ns()}"))
    assert clone.report
    return wall, cpu, clone.report.bytes_copied


def floor_of(
    template: cenv.Template, place: Path, program: Path
) -> Callable[[Path], tuple[float, float]]:
    """Return what makes a hard-linked clone as one at a known path is, by bare calls."""
    target, plan = place / "planned/env", place / "plan"
    os.environ[MEMORY_VARIABLE] = "2G"
    for _ in range(2):  # the second has the links to what the first one left
        clone_once(template, target, "hardlink", ask=True)
    last = max(target.parent.iterdir(), key=lambda aside: aside.name)
    write_plan(Path(template.path), last, plan, remembered=True)
    return bare(program, plan, Path(template.path), last, 2)


def compare(
    template: cenv.Template,
    place: Path,
    mode: str,
    rounds: int,
    floor: Callable[[Path], tuple[float, float]] | None = None,
) -> None:
    """Take turns; the first round makes caches warm, and the memory of the path."""
    kinds = {kind: Clones() for kind in [*KINDS, *(["bare"] if floor else [])]}
    for number in range(rounds + 1):
        for kind, (limit, ask) in KINDS.items():
            os.environ[MEMORY_VARIABLE] = limit
            comes_back = kind in ("with", "without")
            where = mode if comes_back else f"{mode}-{kind[0]}{number}"
            wall, cpu, written = clone_once(template, place / where / "env", mode, ask)
            if number:
                kinds[kind].wall.append(wall)
                kinds[kind].cpu.append(cpu)
                kinds[kind].written = written
        if floor:
            wall, cpu = floor(place / f"bare-{number}")
            kinds["bare"].wall.append(wall)
            kinds["bare"].cpu.append(cpu)
    base = kinds["without"]
    for kind, clones in kinds.items():
        wall = statistics.median(clones.wall) / statistics.median(base.wall)
        cpu = statistics.median(clones.cpu) / statistics.median(base.cpu)
        print(f"  {mode:>9}, {kind:<9} {clones.told()}  {wall:5.2f} x, {cpu:5.2f} x")


def main() -> None:
    """Build two templates; compare every mode that works there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--large", type=int, default=34_000)
    parser.add_argument("--at")
    parser.add_argument("--channel", type=Path)
    options = parser.parse_args()
    channel = real_channel(options.channel)
    cenv.enter_overlay_namespace()
    with workspace(options.at) as place:
        program = build_floor(place)
        small, large = two_templates(place, channel, options.large)
        for name, template in (("small", small), ("large", large)):
            files = sum(len(names) for _, _, names in os.walk(template.path))
            home = place / name
            home.mkdir()
            print(f"{name}, {files:,} files")
            for mode in ("overlay", "snapshot", "hardlink", "reflink", "copy"):
                if mode == "copy" and template is large:
                    continue
                rounds = (
                    min(options.rounds, COPIES) if mode == "copy" else options.rounds
                )
                floor = (
                    floor_of(template, home, program) if mode == "hardlink" else None
                )
                try:
                    compare(template, home, mode, rounds, floor)
                except cenv.LinkError as error:
                    print(f"  {mode:>9}: {error}")


if __name__ == "__main__":
    main()
