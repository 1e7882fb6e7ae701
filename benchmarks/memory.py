# SPDX-License-Identifier: BSD-3-Clause
"""The memory of relocated files: clones at a path that comes back, with it and without.

    python benchmarks/memory.py [--rounds N] [--large FILES] [--at DIR] [--channel DIR]

Clones of one mode are made at one path, in turn with and without what the path remembers, each
moved aside when it is there and deleted at the very end. `written` is what the call wrote, by the
clone's own count. The large environment has as many more files as --large says, which need no
relocation. DIR should be on a file system with a journal: /tmp of many machines has none.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

from measure import real_channel, workspace
from overlay import two_templates

import cenv
from cenv.config.sizes import MEMORY_VARIABLE

WITHOUT, WITH = "0", "2G"


@dataclass
class Clones:
    """Wall and processor time of the clones of one kind, and what the last one wrote."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    written: int = 0

    def told(self) -> str:
        wall, cpu = (statistics.median(times) * 1e3 for times in (self.wall, self.cpu))
        return f"{wall:8.2f} ms, {cpu:8.2f} ms of processors, {self.written:12,} bytes written"


def clone_once(template: cenv.Template, place: Path, mode: str, into: Clones) -> None:
    """Clone to `env` below the place, and move the clone aside."""
    target = place / "env"
    began, used = time.perf_counter(), time.process_time()
    clone = template.clone(target, mode=mode, remember=True)
    into.wall.append(time.perf_counter() - began)
    into.cpu.append(time.process_time() - used)
    assert clone.report
    into.written = clone.report.bytes_copied
    if mode == "overlay":
        clone.remove()
    else:
        target.rename(place / f"aside-{time.monotonic_ns()}")


def compare(template: cenv.Template, place: Path, mode: str, rounds: int) -> None:
    """Take turns; the first clone with a memory, which writes it, is a kind of its own."""
    kinds = {"without": Clones(), "the first": Clones(), "with": Clones()}
    for number in range(rounds + 1):
        for name, limit in (("without", WITHOUT), ("with", WITH)):
            os.environ[MEMORY_VARIABLE] = limit
            kind = "the first" if name == "with" and number == 0 else name
            clone_once(template, place, mode, kinds[kind])
    del kinds["without"].wall[0], kinds["without"].cpu[0]
    base = kinds["without"]
    for name, clones in kinds.items():
        wall = statistics.median(clones.wall) / statistics.median(base.wall)
        cpu = statistics.median(clones.cpu) / statistics.median(base.cpu)
        print(f"  {mode:>9}, {name:<9} {clones.told()}  {wall:5.2f} x, {cpu:5.2f} x")


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
        small, large = two_templates(place, channel, options.large)
        for name, template in (("small", small), ("large", large)):
            files = sum(len(names) for _, _, names in os.walk(template.path))
            home = place / name
            home.mkdir()
            print(f"{name}, {files:,} files")
            for mode in ("overlay", "snapshot", "hardlink", "reflink", "copy"):
                if mode == "copy" and template is large:
                    continue
                try:
                    compare(template, home, mode, options.rounds)
                except cenv.LinkError as error:
                    print(f"  {mode:>9}: {error}")


if __name__ == "__main__":
    main()
