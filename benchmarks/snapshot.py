# SPDX-License-Identifier: BSD-3-Clause
"""Clones that are snapshots, against the other ways to have a tree on btrfs.

    python benchmarks/snapshot.py [--work DIR] [--rounds N] [--files 400,4000,40000]
                                  [--relocated 100]

On a new btrfs in a file, which is mounted, so this must run as root; or in a directory on one. The
template has the files of one package, the first ones of them with the prefix in it. Contenders take
turns within a round, in an order that changes, and find nothing on its way to the disk.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from measure import workspace

import cenv
from cenv.demo.package import PLACEHOLDER, Member, Package, write

IMAGE_BYTES = 16 << 30
PER_DIRECTORY = 25
MODES = ("snapshot", "reflink", "hardlink", "copy", "auto")


@contextmanager
def mounted(options: str = "noatime") -> Iterator[Path]:
    """Give a new btrfs, unmounted at the end."""
    with tempfile.TemporaryDirectory(prefix="cenv-btrfs-") as place:
        image, top = Path(place, "image"), Path(place, "mounted")
        top.mkdir()
        with image.open("wb") as file:
            file.truncate(IMAGE_BYTES)
        run("mkfs.btrfs", "-q", image)
        subprocess.run(["mount", "-o", f"loop,{options}", image, top], check=True)
        try:
            yield top
        finally:
            subprocess.run(["umount", top], check=True)


def template_of(files: int, relocated: int, work: Path) -> cenv.Template:
    """Build a template of so many files, the first ones of them relocated."""
    members = [
        Member(
            f"lib/{n // PER_DIRECTORY}/{n}",
            b"%d " % n * 400 + (PLACEHOLDER.encode() if n < relocated else b""),
            placeholder=PLACEHOLDER if n < relocated else None,
        )
        for n in range(files)
    ]
    channel = work / "channel"
    write(Package("files", "1", members=members), channel)
    cenv.index(channel)
    return cenv.TemplateStore(work / "store").template(["files"], [str(channel)])


def worked() -> float:
    """Return the seconds that processors worked for this process and its programs."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def measured(call: Callable[[], object], work: Path) -> tuple[float, float]:
    """Return the seconds that a call takes, and how much of them processors work."""
    run("sync", "-f", work)  # a snapshot writes out what others left to be written
    before, start = worked(), time.perf_counter()
    call()
    return time.perf_counter() - start, worked() - before


def run(*argv: object) -> None:
    subprocess.run([*map(str, argv)], check=True, capture_output=True)


def ways(template: cenv.Template, source: Path) -> dict[str, Callable[[Path], object]]:
    """Name every way to have the template's files somewhere else."""
    ways: dict[str, Callable[[Path], object]] = {
        f"cenv {mode}": lambda dst, mode=mode: template.clone(dst, mode=mode)  # type: ignore[misc]
        for mode in MODES
    }
    ways["cp -a --reflink"] = lambda dst: run("cp", "-a", "--reflink", source, dst)
    ways["btrfs snapshot"] = lambda dst: run(
        "btrfs", "subvolume", "snapshot", source, dst
    )
    return ways


def as_subvolume(template: cenv.Template, work: Path) -> Path:
    """Give the template's files in a subvolume, which programs can make snapshots of."""
    source = work / "source"
    run("btrfs", "subvolume", "create", source)
    run("cp", "-a", "--reflink", f"{template.path}/.", source)
    return source


def measure(files: int, relocated: int, work: Path, rounds: int) -> list[str]:
    """Return a line for each way."""
    template = template_of(files, relocated, work)
    contenders = ways(template, as_subvolume(template, work))
    first, _ = measured(lambda: template.clone(work / "first", mode="snapshot"), work)
    found: dict[str, list[tuple[float, float]]] = {}
    for number in range(rounds):
        names = list(contenders)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            dst = work / f"{number}-{name.replace(' ', '')}"
            found.setdefault(name, []).append(
                measured(lambda: contenders[name](dst), work)  # noqa: B023
            )
            found.setdefault(f"{name}, removed", []).append(
                measured(lambda: cenv.remove(dst), work)  # noqa: B023
            )
    modes = f"auto is {template.clone(work / 'auto').mode}"
    lines = [
        f"{files} files, {relocated} relocated ({modes}; the first snapshot {first * 1e3:.1f} ms)"
    ]
    for name, times in sorted(found.items()):
        took, busy = (statistics.median(each) * 1e3 for each in zip(*times))
        lines.append(f"  {name:<28} {took:9.2f} ms, of processors {busy:9.2f} ms")
    return lines


def main() -> list[str]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", help="a directory on a btrfs")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--relocated", type=int, default=100)
    parser.add_argument("--files", default="400,4000,40000")
    options = parser.parse_args()
    lines = []
    for files in map(int, options.files.split(",")):
        if options.work:
            with workspace(options.work) as work:
                lines += measure(files, options.relocated, work, options.rounds)
            continue
        with mounted() as top, workspace(str(top)) as work:
            lines += measure(files, options.relocated, work, options.rounds)
    return lines


if __name__ == "__main__":
    print("\n".join(main()))
