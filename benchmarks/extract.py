# SPDX-License-Identifier: BSD-3-Clause
"""Extraction of real packages, as whole processes: what they take by the clock and of processors.

cenv reads the ZIP, hashes the archive and every file and checks the package's own list.
Beside it: a bare loop that decodes and writes (extract_floor.c), `zstd -dc | tar x` on inner
archives taken out beforehand, and, where a Python has them (`--peers PYTHON`), py-rattler and
conda-package-streaming. `--large DIR` adds a package of PyTorch's size, made there once
(large_package.py; `--wheel FILE` makes it from a wheel). `--work` says where to extract to: the
figures are of ext4 with a journal.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import large_package
from measure import ROOT, shared, workspace

PACKAGES = ("python-3.*.conda", "ncurses-*.conda", "tzdata-*.conda")
PEERS = {
    "py-rattler": (
        "rattler",
        "import pathlib\nfrom rattler.package_streaming import extract",
        "extract(pathlib.Path({!r}), pathlib.Path({!r}))",
    ),
    "conda-package-streaming": (
        "conda_package_streaming",
        "import os\nfrom conda_package_streaming.extract import extract",
        "extract({!r}, {!r})",
    ),
}


@dataclass(frozen=True)
class Contender:
    """A command, in whose words {} stands for the round's new path, and where it runs."""

    words: tuple[str, ...]
    makes_target: bool = True

    def run(self, target: Path) -> tuple[float, float, int]:
        """Return seconds by the clock and of processors, and the peak memory in bytes."""
        if not self.makes_target:
            target.mkdir()
        words = [word.replace("{}", str(target)) for word in self.words]
        start = time.perf_counter()
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        _pid, _status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = 0  # a peer may crash at its exit, when the work is done
        if not any(target.iterdir()):
            raise SystemExit(f"{words} extracted nothing")
        spent = usage.ru_utime + usage.ru_stime
        return seconds, spent, usage.ru_maxrss * 1024


def statement(python: str, setup: str, work: str) -> Contender:
    """Return a Python process of one statement."""
    return Contender((python, "-c", f"{setup}\n{work}"))


def has(python: str, module: str) -> bool:
    """Whether a Python has a module."""
    argv = [python, "-c", f"import {module}"]
    return subprocess.run(argv, check=False, capture_output=True).returncode == 0


def unzip(package: Path, place: Path) -> list[Path]:
    """Return the inner archives, taken out of the ZIP."""
    with zipfile.ZipFile(package) as outer:
        names = [name for name in outer.namelist() if name.endswith(".tar.zst")]
        return [Path(outer.extract(name, place)) for name in names]


def floor(place: Path) -> Path | None:
    """Return the bare loop, compiled; None without a compiler or libzstd's headers."""
    out = place / "extract_floor"
    source = ROOT / "benchmarks/extract_floor.c"
    argv = ["cc", "-O2", "-D_GNU_SOURCE", "-o", str(out), str(source), "-lzstd"]
    try:
        done = subprocess.run(argv, check=False, capture_output=True)
    except FileNotFoundError:
        return None
    return None if done.returncode else out


def contenders(package: Path, place: Path, peers: str) -> dict[str, Contender]:
    """Return who extracts `package` how."""
    setup, work = "import cenv", f"cenv.extract({str(package)!r}, '{{}}')"
    own = statement(sys.executable, setup, work)
    twice = ["import threading"] + [
        f"t{n} = threading.Thread(target=cenv.extract, args=({str(package)!r}, '{{}}/{n}'))"
        for n in range(2)
    ]
    twice += ["t0.start(); t1.start(); t0.join(); t1.join()"]
    found = {
        "cenv.extract": own,
        "the same, twice at once": Contender(
            (sys.executable, "-c", "\n".join([setup, *twice])), makes_target=False
        ),
        "cenv extract": Contender(
            (sys.executable, "-m", "cenv", "-q", "extract", str(package), "{}")
        ),
    }
    bare = floor(place)
    if bare:
        found["bare loop: decode and write"] = Contender(
            (str(bare), str(package), "{}")
        )
    for name, (module, imports, call) in PEERS.items():
        if has(peers, module):
            found[name] = statement(peers, imports, call.format(str(package), "{}"))
    if shutil.which("zstd"):
        inner = unzip(package, place)
        piped = " && ".join(f"zstd -dqc '{one}' | tar x -C '{{}}'" for one in inner)
        found["zstd -dc | tar x"] = Contender(("sh", "-c", piped), makes_target=False)
    return found


def compare(package: Path, options: argparse.Namespace) -> Iterator[str]:
    """Run the contenders in turn, a first round uncounted; give lines of a table."""
    with workspace(options.work) as place:
        found = contenders(package, place, options.peers)
        taken: dict[str, list[tuple[float, float, int]]] = {name: [] for name in found}
        for number in range(options.rounds + 1):
            for index, (name, contender) in enumerate(found.items()):
                target = place / f"{number:02d}-{index:02d}"
                sample = contender.run(target)
                if number:
                    taken[name].append(sample)
                if options.large:  # there is no room for all
                    shutil.rmtree(target)
                    os.sync()
    yield f"extract {package.name}: by the clock, and of processors"
    units = [medians(taken[next(iter(taken))])]
    units += [medians(taken["py-rattler"])] if "py-rattler" in taken else []
    for name, samples in taken.items():
        wall, spent = medians(samples)
        ratios = "".join(f"  {wall / u:5.2f} x {spent / v:5.2f} x" for u, v in units)
        peak = max(sample[2] for sample in samples) / 1e6
        yield (
            f"  {name:<28} {wall * 1e3:8.1f} ms {spent * 1e3:8.1f} ms"
            f"{ratios}  {peak:7.1f} MB"
        )


def medians(samples: list[tuple[float, float, int]]) -> tuple[float, float]:
    """Return the medians of both times."""
    return (
        statistics.median(sample[0] for sample in samples),
        statistics.median(sample[1] for sample in samples),
    )


def packages(options: argparse.Namespace) -> list[Path]:
    """Return what is extracted."""
    if options.large:
        return [large_package.make(Path(options.large), options.wheel)]
    place = shared()
    if place is None:
        return []
    found = [sorted((place / "channel").glob(f"*/{one}"))[0] for one in PACKAGES]
    return [one for one in found if options.only in one.name]


def main() -> None:
    """Print a table for each package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", help="a directory of the file system to measure")
    parser.add_argument("--peers", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--large", metavar="DIR")
    parser.add_argument("--wheel", type=Path, metavar="FILE")
    parser.add_argument("--only", default="", metavar="TEXT")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    found = packages(options)
    if not found:
        print("the shared folder of real packages is not here: nothing measured")
    for package in found:
        for line in compare(package, options):
            print(line, flush=True)


if __name__ == "__main__":
    main()
