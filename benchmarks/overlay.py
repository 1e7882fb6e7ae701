# SPDX-License-Identifier: BSD-3-Clause
"""Overlay clones and views: what they cost, in a small environment and in a large one.

    python benchmarks/overlay.py [--rounds N] [--large FILES] [--channel DIR]

The large environment is the small one with as many more files as --large says, which need
no relocation: what a clone costs must not depend on them. Times are of the call, as a test
suite sees them; `written` is the part of it that writes the relocated files, which any
clone has to; `run` is the time from the call to the first instruction of the program.
Contenders take turns.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from measure import python, real_channel, workspace

import cenv

# Tells when it began by the clock that Python reads, and nothing else: no libraries to load.
_PROGRAM = r"""
#include <stdio.h>
#include <time.h>
int main(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return printf("%lld\n", now.tv_sec * 1000000000LL + now.tv_nsec) < 0;
}
"""

SPECS = ["python", "pip", "setuptools"]

Round = Callable[[Path], dict[str, float]]


def fill(count: int) -> Callable[[cenv.Draft], None]:
    """Return a set-up that adds files as packages have them: ten to a directory."""

    def add(draft: cenv.Draft) -> None:
        top = draft / "lib/large"
        for number in range(count):
            place = top / f"d{number // 300:03d}/m{number // 10 % 30:02d}"
            place.mkdir(parents=True, exist_ok=True)
            (place / f"f{number:05d}.py").write_text(f"value = {number}\n" * 20)

    return add


def two_templates(
    place: Path, channel: Path, count: int
) -> tuple[cenv.Template, cenv.Template]:
    """Build the small environment, and the large one with so many files more."""
    store = cenv.TemplateStore(place / "store")
    small = store.template(SPECS, [channel])
    return small, store.template(SPECS, [channel], setup=fill(count), key=str(count))


def of_overlay(template: cenv.Template) -> Round:
    """Time a clone, its reset after twenty changes, and its removal."""

    def run(target: Path) -> dict[str, float]:
        start = time.perf_counter()
        clone = template.clone(target, mode="overlay")
        made = time.perf_counter()
        changed = sorted((clone / "conda-meta").iterdir())[:10]
        for path in changed:
            path.write_text("changed")
        for number in range(20 - len(changed)):
            (clone / f"lib/new{number}").write_text("new")
        before = time.perf_counter()
        clone.reset()
        reset = time.perf_counter()
        clone.remove()
        end = time.perf_counter()
        assert clone.report
        written = sum(s.seconds for s in clone.report.stages if s.name == "relocate")
        return {
            "clone": made - start,
            "clone, written": written,
            "clone, the rest": made - start - written,
            "reset": reset - before,
            "remove": end - reset,
        }

    return run


def of_hardlink(template: cenv.Template) -> Round:
    """Time a clone by hard links, for comparison."""

    def run(target: Path) -> dict[str, float]:
        start = time.perf_counter()
        template.clone(target, mode="hardlink")
        return {"clone": time.perf_counter() - start}

    return run


def of_run(template: cenv.Template, program: Path) -> Round:
    """Time Template.run from the call to the program's first instruction, and in all."""

    def run(target: Path) -> dict[str, float]:
        start = time.monotonic_ns()
        done = template.run(program, capture_output=True)
        end = time.monotonic_ns()
        began = int(done.stdout)
        return {"run, to its start": (began - start) / 1e9, "run": (end - start) / 1e9}

    return run


def of_bare(program: Path) -> Round:
    """Time subprocess.run of the same program, without a view."""

    def run(target: Path) -> dict[str, float]:
        start = time.monotonic_ns()
        done = subprocess.run([program], capture_output=True, check=True)
        began = int(done.stdout)
        return {"run, to its start": (began - start) / 1e9}

    return run


_PEER = """
import asyncio
from pathlib import Path
from rattler import Channel, Gateway, VirtualPackage, install, solve
async def find():
    gateway = Gateway(cache_dir=Path({cache!r}))
    channel = Channel(Path({channel!r}).as_uri())
    return await solve([channel], {specs!r}, gateway, ["linux-64", "noarch"],
                       virtual_packages=VirtualPackage.detect())
records = asyncio.run(find())
"""
_PEER_WORK = (
    "asyncio.run(install(records, target, cache_dir={cache!r}, show_progress=False))"
)


def of_peer(channel: Path, place: Path) -> Round | None:
    """Time py-rattler's warm install of the same packages, where it is there."""
    if not importlib.util.find_spec("rattler"):
        return None
    names = {"cache": str(place / "peer"), "channel": str(channel), "specs": SPECS}
    contender = python(_PEER.format(**names), _PEER_WORK.format(**names))
    return lambda target: {"clone": contender(target)[0]}


def measure(contenders: dict[str, Round], place: Path, rounds: int) -> dict[str, float]:
    """Run all in turn, the first round uncounted; print and return the medians."""
    times: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        for name, run in contenders.items():
            target = place / f"{number:02d}-{list(contenders).index(name):02d}"
            for what, seconds in run(target).items():
                kept = times.setdefault(f"{name}: {what}", [])
                kept += [seconds] if number else []
    for name, values in times.items():
        low, high = min(values) * 1e3, max(values) * 1e3
        middle = statistics.median(values) * 1e3
        print(f"  {name:<34} {middle:9.2f} ms  ({low:.2f} .. {high:.2f})")
    return {name: statistics.median(values) for name, values in times.items()}


def compile_program(place: Path) -> Path:
    """Compile the program that tells when it began, statically where that works."""
    source, program = place / "began.c", place / "began"
    source.write_text(_PROGRAM)
    for static in (["-static"], []):
        command = ["cc", "-O1", *static, "-o", program, source]
        if (
            subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode
            == 0
        ):
            return program
    raise SystemExit("no C compiler here")


def main() -> None:
    """Build the two templates, measure, say how the sizes compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--large", type=int, default=34_000)
    parser.add_argument("--channel", type=Path)
    options = parser.parse_args()
    channel = real_channel(options.channel)
    cenv.enter_overlay_namespace()
    with workspace() as place:
        small, large = two_templates(place, channel, options.large)
        program = compile_program(place)
        contenders = {
            "small, overlay": of_overlay(small),
            "large, overlay": of_overlay(large),
            "small, hardlink": of_hardlink(small),
            "small, view": of_run(small, program),
            "large, view": of_run(large, program),
            "no view": of_bare(program),
        }
        peer = of_peer(channel, place)
        if peer:
            contenders["py-rattler, small"] = peer
        print(
            f"overlay: {options.large} files more in the large one; in {os.fspath(place)}"
        )
        median = measure(contenders, place, options.rounds)
    first, second = median["small, overlay: clone"], median["large, overlay: clone"]
    print(f"  large / small                      {second / first:9.2f} x")
    hard = median["small, hardlink: clone"]
    print(f"  overlay / hardlink                 {first / hard:9.2f} x")
    print(
        f"  reset / hardlink                   {median['small, overlay: reset'] / hard:9.2f} x"
    )
    if peer:
        warm = median["py-rattler, small: clone"]
        print(f"  overlay / py-rattler               {first / warm:9.2f} x")


if __name__ == "__main__":
    main()
