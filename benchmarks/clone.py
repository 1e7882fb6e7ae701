# SPDX-License-Identifier: BSD-3-Clause
"""Clone in every mode against cp -a, cp -al and the bare floor, all in one run.

    python benchmarks/clone.py [--work DIR] [--rounds N] [--pip PACKAGE ...] [--channel DIR]
                               [--large PREFIX] [--foreign] [--filesystems xfs,btrfs,ext4,tmpfs]

Every round makes new directories, contenders take turns, and everything is deleted at the very
end: ext4 without a journal avoids inodes deleted in the last minutes and searches past them one
by one, which would make whoever comes after a deletion pay for it. Medians are printed, with the
fastest round beside them. Times of cenv are those of the call, without an interpreter's start,
as a test suite sees them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import stat
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cenv

HERE = Path(__file__).parent


def build_floor(work: Path) -> Path:
    """Compile the floor program."""
    out = work / "clone_floor"
    subprocess.run(
        ["cc", "-O2", "-pthread", "-D_GNU_SOURCE", "-o", out, HERE / "clone_floor.c"],
        check=True,
    )
    return out


def is_linked(origin: Path, facts: os.stat_result, remembered: bool) -> bool:
    """Whether a file of a clone is a second name of the source's, or of what its path remembers."""
    if remembered and stat.S_ISREG(facts.st_mode) and facts.st_nlink > 1:
        return origin.exists()
    return origin.exists() and origin.lstat().st_ino == facts.st_ino


def write_plan(
    source: Path, clone: Path, out: Path, *, remembered: bool = False
) -> dict[str, int]:
    """Say what makes `clone` of `source`: links where inodes are shared, writes elsewhere.

    What a path remembers has another inode, of which a second link costs the same.
    """
    counts = {"directories": 0, "links": 0, "written": 0, "bytes": 0}
    with out.open("w") as plan:
        for top, names, files in os.walk(clone):
            names.sort()
            plan.write(f"d\t{os.path.relpath(top, clone)}\n")
            counts["directories"] += 1
            links = [name for name in names if os.path.islink(os.path.join(top, name))]
            for name in sorted(files + links):
                path = Path(top, name)
                facts = path.lstat()
                origin = source / path.relative_to(clone)
                if is_linked(origin, facts, remembered):
                    plan.write(f"l\t{name}\n")
                    counts["links"] += 1
                elif path.is_symlink():
                    plan.write(f"s\t{name}\t{os.readlink(path)}\n")
                else:
                    plan.write(f"w\t{facts.st_mode & 0o777:o}\t{name}\n")
                    counts["written"] += 1
                    counts["bytes"] += facts.st_size
    return counts


def timed(call: Callable[[Path], object]) -> Callable[[Path], float]:
    """Measure a call from outside."""

    def run(dst: Path) -> float:
        start = time.perf_counter()
        call(dst)
        return time.perf_counter() - start

    return run


def command(*argv: object) -> Callable[[Path], float]:
    """Measure a program, its start included (about a millisecond)."""
    return timed(lambda dst: subprocess.run([*map(str, argv), str(dst)], check=True))


def bare(
    program: Path, plan: Path, source: Path, clone: Path, threads: int
) -> Callable[[Path], tuple[float, float]]:
    """Let the floor program measure itself: seconds by the clock, and of processors."""

    def run(dst: Path) -> tuple[float, float]:
        argv = [program, plan, source, clone, str(threads), dst]
        told = subprocess.run(argv, check=True, capture_output=True).stdout.split()
        return float(told[0]), float(told[1])

    return run


def floor(
    program: Path, plan: Path, source: Path, clone: Path, threads: int
) -> Callable[[Path], float]:
    """Seconds of the floor, by the clock."""
    run = bare(program, plan, source, clone, threads)
    return lambda dst: run(dst)[0]


def contenders(
    source: Path, store: Path, shared: Path, plan: Path, program: Path
) -> dict[str, Callable[[Path], float]]:
    """Name everything that is measured."""

    def clone(mode: str) -> Callable[[Path], float]:
        return timed(lambda dst: cenv.clone(source, dst, mode=mode, store=store))

    return {
        "floor, 1 thread": floor(program, plan, source, shared, 1),
        "floor, 2 threads": floor(program, plan, source, shared, 2),
        "cenv hardlink": clone("hardlink"),
        "cp -al": command("cp", "-al", source),
        "cenv copy": clone("copy"),
        "cp -a": command("cp", "-a", "--reflink=never", source),
    }


def measure(
    name: str, source: Path, store: Path, work: Path, rounds: int, program: Path
) -> None:
    """Print one table."""
    shared = work / "shared"
    cenv.clone(source, shared, mode="hardlink", store=store)
    counts = write_plan(source, shared, work / "plan")
    runs = contenders(source, store, shared, work / "plan", program)
    if cenv.clone(source, work / "probe", store=store).mode == "reflink":
        runs["cenv reflink"] = timed(
            lambda dst: cenv.clone(source, dst, mode="reflink", store=store)
        )
        runs["cp -a --reflink"] = command("cp", "-a", "--reflink=always", source)
    times: dict[str, list[float]] = {label: [] for label in runs}
    for number in range(rounds):
        for label, run in runs.items():
            times[label].append(
                run(work / f"r{number}-{len(label)}-{label.replace(' ', '')}")
            )
    print(f"\n{name}: " + ", ".join(f"{value} {key}" for key, value in counts.items()))
    best = min(
        statistics.median(times["floor, 1 thread"]),
        statistics.median(times["floor, 2 threads"]),
    )
    for label, values in times.items():
        middle = statistics.median(values)
        print(
            f"  {label:<18} median {middle * 1e3:8.1f} ms  fastest {min(values) * 1e3:8.1f} ms"
            f"  {middle / best:6.2f} x floor"
        )


def measure_removing(template: cenv.Template, work: Path, rounds: int) -> None:
    """Remove clones against rm -rf, in turn; then how long a hand-over takes."""
    times: dict[str, list[float]] = {}
    for number in range(rounds):
        for mode in ("hardlink", "copy"):
            ways = {"cenv.remove": timed(cenv.remove), "rm -rf": command("rm", "-rf")}
            for label, run in sorted(ways.items(), reverse=bool(number % 2)):
                made = template.clone(work / f"{mode}-{number}-{label[:2]}", mode=mode)
                times.setdefault(f"{label}, {mode}", []).append(run(Path(made.path)))
    behind = [template.clone(work / f"aside-{n}") for n in range(rounds + 1)]
    started = behind.pop().remove(background=True)  # the first one starts the helper
    assert started is not None
    started.wait()
    aside = iter(behind)
    times["remove, background"] = [
        timed(lambda _: next(aside).remove(background=True))(work) for _ in behind
    ]
    numbers = iter(range(rounds * 3))
    template.spares(rounds, new_path=lambda: str(work / f"spare-{next(numbers)}"))
    template._spares[0].settle()
    times["spare handed over"] = [
        timed(lambda _: template.clone())(work) for _ in range(rounds)
    ]
    template.spares(0)
    for label, values in times.items():
        middle, least = statistics.median(values) * 1e3, min(values) * 1e3
        print(f"  {label:<20} median {middle:8.2f} ms  fastest {least:8.2f} ms")


_FOREIGN = """
import json, resource, sys, time, cenv
source, store, first, second = sys.argv[1:]
told = []
for clone in (first, second):
    start = time.perf_counter()
    cenv.clone(source, clone, mode="hardlink", store=store)
    told += [time.perf_counter() - start,
             resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]
print(json.dumps(told))
"""


def measure_foreign(source: Path, work: Path, rounds: int) -> None:
    """Print what an environment costs whose manifest is still to be made, and the next clone."""
    told = []
    for number in range(rounds):
        names = [work / f"{what}-{number}" for what in ("store", "first", "next")]
        argv = [sys.executable, "-c", _FOREIGN, source, *names]
        done = subprocess.run(argv, check=True, capture_output=True)
        told.append(json.loads(done.stdout))
    first, first_peak, following, next_peak = map(statistics.median, zip(*told))
    print(
        f"  foreign, hardlink: first {first * 1e3:.1f} ms, peak {first_peak / 1e6:.0f} MB;"
        f" next {following * 1e3:.1f} ms, peak {next_peak / 1e6:.0f} MB"
    )


@contextmanager
def mounted(kind: str, work: Path) -> Iterator[Path]:
    """Mount a new file system of this kind, in a file unless it is tmpfs; root only."""
    top, image = work / kind, work / f"{kind}.image"
    top.mkdir()
    what: list[object] = ["-t", "tmpfs", "cenv"]
    if kind != "tmpfs":
        with image.open("wb") as file:
            file.truncate(24 << 30)
        force = "-F" if kind == "ext4" else "-f"
        subprocess.run([f"mkfs.{kind}", "-q", force, image], check=True)
        what = ["-o", "loop", image]
    subprocess.run(["mount", *what, top], check=True)
    try:
        yield top
    finally:
        subprocess.run(["umount", "-l", top], check=True)
        image.unlink(missing_ok=True)


def add_large(template: Path, store: Path, packages: list[str], work: Path) -> Path:
    """Make the large environment: a clone of the template, filled by pip."""
    large = work / "large"
    cenv.clone(template, large, mode="copy", store=store)
    pip = [large / "bin/python", "-m", "pip", "install", "-q", *packages]
    subprocess.run(pip, check=True)
    return large


def measure_place(place: Path, options: argparse.Namespace, large: Path | None) -> None:
    """Measure in one directory: a template there, and the large environment brought there."""
    work = Path(tempfile.mkdtemp(prefix="cenv-bench-", dir=place))
    try:
        store = work / "store"
        template = cenv.TemplateStore(store).template(
            ["python", "pip", "setuptools"], channels=[str(options.channel)]
        )
        program = build_floor(work)
        name = f"{place.name}: template"
        measure(name, template.path, store, work, options.rounds, program)
        measure_removing(template, work, options.rounds)
        if options.pip:
            large = add_large(template.path, store, options.pip, work)
        elif large:
            cenv.clone(large, work / "large", mode="copy", store=work / "other-store")
            large = work / "large"
        if large:
            deeper = work / "deeper"
            deeper.mkdir()
            measure(
                f"{place.name}: large", large, store, deeper, options.rounds, program
            )
            measure_foreign(large, deeper, min(options.rounds, 3))
        elif options.foreign:
            plain = work / "plain"
            cenv.clone(template.path, plain, mode="copy", store=store)
            measure_foreign(plain, work, min(options.rounds, 3))
    finally:
        shutil.rmtree(work, ignore_errors=True)


def main() -> None:
    """Build the environments, measure, delete."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, action="append")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--pip", nargs="*", default=[])
    parser.add_argument("--large", type=Path, help="an environment to measure too")
    parser.add_argument("--foreign", action="store_true")
    parser.add_argument("--filesystems", default="", help="tmpfs,ext4,xfs,btrfs (root)")
    parser.add_argument(
        "--channel", type=Path, default=HERE.parent.parent / "shared/channel"
    )
    options = parser.parse_args()
    places = options.work or [Path(tempfile.gettempdir())]
    kinds = [kind for kind in options.filesystems.split(",") if kind]
    for place in places if not kinds else []:
        measure_place(place, options, options.large)
    for kind in kinds:
        with (
            tempfile.TemporaryDirectory(dir=places[0]) as top,
            mounted(kind, Path(top)) as place,
        ):
            measure_place(place, options, options.large)


if __name__ == "__main__":
    main()
