# SPDX-License-Identifier: BSD-3-Clause
"""Environments that nobody links: from the call to the first instruction of a program.

    python benchmarks/exec.py [--rounds N] [--packages 13 100]

The store is warm: all layers are there, but each round asks for a set that was never shown
together. In one process: the solve alone, then all of it, until the program's exec. Beside
them whole commands, what programs do in it and in a linked prefix, and py-rattler.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from chain import RATTLER, RATTLER_WORK
from measure import Sample, command, compare, python, shared, table, workspace

import cenv
from cenv.demo.package import Member, Package, write

_FILES = 200  # of a synthetic package: those of an environment have 300 in the mean
_PARTS = 10  # packages of a group, asked for by one spec
_SPARE = 3  # groups that a set leaves out
_QUIET = ["-W", "ignore", "-c"]
_MODULES = "[__import__(name) for name in {names!r}]"


def synthetic_channel(place: Path, groups: int) -> Path:
    """Write a channel of groups of packages, of which the first needs the others.

    All have files in directories that others have, too.
    """
    channel = place / "channel"
    (channel / "noarch").mkdir(parents=True)
    for group in range(groups):
        names = [
            f"group-{group:02d}",
            *(f"part-{group:02d}-{i}" for i in range(1, _PARTS)),
        ]
        for name in names:
            needs = names[1:] if name == names[0] else []
            write(
                Package(name, "1", depends=needs, members=_members(name)),
                channel,
                ".conda",
            )
    cenv.index(channel)
    return channel


def _members(name: str) -> list[Member]:
    place = f"lib/python3.12/site-packages/{name}"
    files = [f"{place}/m{file:03d}.py" for file in range(_FILES)]
    members = [Member(path, b"x = 1\n") for path in files]
    return [*members, Member(f"bin/{name}", b"#!/bin/sh\n", 0o755)]


# ---- from the call to the program ----


def started(work: Callable[[], object]) -> float:
    """Return the seconds until a program, which `work` starts, was there."""
    start = time.perf_counter()
    process = work()
    seconds = time.perf_counter() - start
    process.wait()
    return seconds


def from_python(
    title: str, channel: Path, store: Path, sets: Callable[[], list[str]], rounds: int
) -> list[str]:
    """Measure unseen sets: the solve, all until the program runs, and all asked for again."""
    names = ("solve", "unseen set", "the same again")
    samples = {name: Sample(name) for name in names}
    cenv.TemplateStore(store).layered(sets(), [channel])  # makes all layers
    cenv.TemplateStore(store).layered(sets(), [channel])

    def whole(specs: list[str]) -> object:
        shown = cenv.TemplateStore(store).layered(specs, [channel])
        return shown.popen("/bin/true")

    for number in range(rounds + 1):
        specs = sets()
        start = time.perf_counter()
        cenv.Index([channel], store=store).solve(specs)
        seconds = [time.perf_counter() - start]
        seconds += [started(lambda specs=specs: whole(specs)) for _again in range(2)]
        for name, value in zip(names, seconds):
            if number:
                samples[name].seconds.append(value)
    return table(title, samples.values(), "solve")


# ---- commands, and programs in it ----


def whole_commands(channel: Path, work: Path, rounds: int) -> list[str]:
    """Measure the command line, beside Python's start and py-rattler."""
    cenv_command = [sys.executable, "-m", "cenv"]
    options = ["--store", work / "store", "-c", channel, "--override-channels"]
    made = {
        "cenv --version": command(*cenv_command, "--version"),
        "cenv exec ... -- true": command(
            *cenv_command, "exec", "python", "pip", *options, "--", "true"
        ),
        "python -c pass": command(sys.executable, "-c", "pass"),
    }
    if importlib.util.find_spec("rattler"):
        cache = str(work / "rattler-cache")
        text = RATTLER_WORK.format(
            channel=str(channel), specs="python pip", cache=cache
        )
        ran = (
            'import subprocess; subprocess.run([target + "/bin/python", "-c", "pass"])'
        )
        made["py-rattler: solve, install, start"] = python(RATTLER, text + ran)
    return table("commands", compare(made, work, rounds), "cenv --version")


def in_it(channel: Path, work: Path, rounds: int) -> list[str]:
    """Measure a Python and its standard library, in layers and in a linked prefix."""
    store, linked = work / "store", work / "linked"
    specs = ["python", "pip", "setuptools"]
    shown = cenv.TemplateStore(store).layered(specs, [channel])
    cenv.create(linked, specs, [channel], store=store)
    code = _MODULES.format(names=standard_modules(linked / "bin/python"))
    plain = {"PATH": "/usr/bin:/bin"}
    lines = []
    for title, text in (("python -c pass", "pass"), ("standard library", code)):
        kinds = {
            "in a linked prefix": lambda text=text: subprocess.run(
                [linked / "bin/python", *_QUIET, text], check=True, env=plain
            ),
            "in layers": lambda text=text: shown.run(
                f"{shown.path}/bin/python", *_QUIET, text, env=plain, check=True
            ),
        }
        samples = compare({n: timed(run) for n, run in kinds.items()}, work, rounds)
        lines += table(title, samples, "in a linked prefix")
    return lines


def timed(run: Callable[[], object]) -> Callable[[Path], tuple[float, int]]:
    """Return a contender of a function."""

    def contender(_target: Path) -> tuple[float, int]:
        start = time.perf_counter()
        run()
        return time.perf_counter() - start, 0

    return contender


def standard_modules(interpreter: Path) -> list[str]:
    """Return the modules of the standard library that can be imported one after another."""
    text = (
        "import sys, json, importlib; found = []\n"
        "for n in sorted(sys.stdlib_module_names - {'antigravity', 'this', 'idlelib'}):\n"
        "    try: importlib.import_module(n); found.append(n)\n"
        "    except Exception: pass\n"
        "print(json.dumps(found))\n"
    )
    told = subprocess.run([interpreter, "-c", text], capture_output=True, check=True)
    found: list[str] = json.loads(told.stdout)
    return found


def of_size(size: int, work: Path, chosen: random.Random, rounds: int) -> list[str]:
    """Measure sets of so many synthetic packages."""
    groups = size // _PARTS
    channel = synthetic_channel(work / str(size), groups + _SPARE)
    every = [f"group-{group:02d}" for group in range(groups + _SPARE)]
    store = work / f"store-{size}"
    cenv.TemplateStore(store).layered(every, [channel])
    title = f"{size} packages, from Python"
    return from_python(
        title, channel, store, lambda: chosen.sample(every, groups), rounds
    )


def main(rounds: int, sizes: list[int]) -> list[str]:
    chosen = random.Random(1)
    lines: list[str] = []
    place = shared()
    with workspace() as work:
        if place is not None:
            names = ["python", "pip", "setuptools", "zlib", "xz", "sqlite", "openssl"]

            def some() -> list[str]:
                return ["python", "pip", *chosen.sample(names, len(names))]

            real = place / "channel"
            title = "13 packages, from Python"
            lines += from_python(title, real, work / "store", some, rounds)
            lines += whole_commands(real, work, rounds)
            lines += in_it(real, work, rounds)
        for size in sizes:
            lines += of_size(size, work, chosen, rounds)
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--packages", type=int, nargs="*", default=[100])
    given = parser.parse_args()
    print("\n".join(main(given.rounds, given.packages)))
