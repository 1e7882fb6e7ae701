# SPDX-License-Identifier: BSD-3-Clause
"""Environments that nobody links: from the call to the first instruction of a program.

    python benchmarks/exec.py [--rounds N] [--packages 100 250] [--at DIR] [--rattler PYTHON]

The store is warm: all layers are there, but each round asks for a set that was never shown
together. In one process: the solve alone, then all of it, until the program's exec. Beside
them whole commands, what programs do in it and in a linked prefix, memory, and what
py-rattler does, where PYTHON is an interpreter that has it. Processor time is of all threads
and of the child process until it is the program. DIR should be on a file system with a
journal: /tmp of many machines has none.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from chain import RATTLER, RATTLER_WORK
from measure import compare, python, shared, table, workspace

import cenv
from cenv.demo.package import Member, Package, write

_FILES = 200  # of a synthetic package: those of an environment have 300 in the mean
_PARTS = 10  # packages of a group, asked for by one spec
_LIBRARY = "lib/python3.12"
_SPARE = 3  # groups that a set leaves out
_BESIDE = 9  # groups beside a Python
_QUIET = ["-W", "ignore", "-c"]
_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
_MODULES = "[__import__(name) for name in {names!r}]"


def synthetic_channel(place: Path, groups: int, library: str = _LIBRARY) -> Path:
    """Write a channel of groups of packages, of which the first needs the others.

    All have files in directories that others have, too: below `library` of a Python.
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
                Package(name, "1", depends=needs, members=_members(name, library)),
                channel,
                ".conda",
            )
    cenv.index(channel)
    return channel


def _members(name: str, library: str) -> list[Member]:
    place = f"{library}/site-packages/{name}"
    files = [f"{place}/m{file:03d}.py" for file in range(_FILES)]
    members = [Member(path, b"x = 1\n") for path in files]
    return [*members, Member(f"bin/{name}", b"#!/bin/sh\n", 0o755)]


# ---- from the call to the program ----


@dataclass
class Calls:
    """Wall and processor time of the calls of one kind, in milliseconds."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def told(self) -> str:
        wall, cpu = statistics.median(self.wall), statistics.median(self.cpu)
        return f"{wall:9.2f} ms, {cpu:7.2f} ms of processors"


def measured(work: Callable[[], object], into: Calls) -> None:
    """Time what returns nothing, or a program that has just begun."""
    wall, cpu = time.perf_counter(), time.process_time()
    begun = work()
    cpu = time.process_time() - cpu
    if isinstance(begun, subprocess.Popen):
        cpu += spent(begun.pid)
    into.wall.append((time.perf_counter() - wall) * 1e3)
    into.cpu.append(cpu * 1e3)
    if isinstance(begun, subprocess.Popen):
        begun.communicate()


def spent(pid: int) -> float:
    """Return the seconds that a process was on a processor."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def from_python(
    title: str, channel: Path, store: Path, sets: Callable[[], list[str]], rounds: int
) -> list[str]:
    """Measure unseen sets: the solve, all until the program runs, and all asked for again."""
    calls = {name: Calls() for name in ("solve", "unseen set", "the same again")}
    for _twice in range(2):  # makes all layers, then loads all code
        cenv.TemplateStore(store).layered(sets(), [channel])

    def begin(specs: list[str]) -> subprocess.Popen[bytes]:
        shown = cenv.TemplateStore(store).layered(specs, [channel])
        return shown.popen(["/bin/cat"], stdin=subprocess.PIPE)

    for _round in range(rounds):
        specs = sets()
        measured(partial(solve_alone, channel, store, specs), calls["solve"])
        for kind in ("unseen set", "the same again"):
            measured(partial(begin, specs), calls[kind])
    lines = [title, *(f"  {name:<34} {kind.told()}" for name, kind in calls.items())]
    pairs = zip(calls["unseen set"].cpu, calls["solve"].cpu)
    beyond = statistics.median(whole - part for whole, part in pairs)
    return [*lines, f"  {'beyond the solve':<34} {beyond:26.2f} ms of processors"]


def solve_alone(channel: Path, store: Path, specs: list[str]) -> None:
    cenv.Index([channel], store=store).solve(specs)


# ---- commands, and programs in it ----


def command_line(
    channel: Path, store: Path, sets: Callable[[], list[str]], rounds: int
) -> list[str]:
    """Measure whole commands: processor time, and the memory they take at most."""
    cenv_command = [sys.executable, "-m", "cenv"]
    options = ["--store", store, "-c", channel, "--override-channels"]

    def exec_of(specs: list[str]) -> list[object]:
        return [*cenv_command, "exec", *specs, *options, "--", "true"]

    known = exec_of(sets())
    kinds: dict[str, Callable[[], list[object]]] = {
        "python -c pass": lambda: [sys.executable, "-c", "pass"],
        "cenv --version": lambda: [*cenv_command, "--version"],
        "cenv exec, a known command line": lambda: known,
        "cenv exec, an unseen set": lambda: exec_of(sets()),
    }
    calls = {name: Calls() for name in kinds}
    peaks = dict.fromkeys(kinds, 0)
    for number in range(rounds + 1):
        for name, words in kinds.items():
            told = in_small_process(words())
            if number:
                calls[name].wall.append(told[0] * 1e3)
                calls[name].cpu.append(told[1] * 1e3)
                peaks[name] = max(peaks[name], told[2])
    lines = [
        f"  {name:<34} {kind.told()}, {peaks[name] / 1e6:5.1f} MB"
        for name, kind in calls.items()
    ]
    for name in list(kinds)[2:]:
        pairs = zip(calls[name].cpu, calls["cenv --version"].cpu)
        beyond = statistics.median(whole - part for whole, part in pairs)
        title = f"{name.removeprefix('cenv exec, ')}, beyond --version"
        lines.append(f"  {title:<34} {beyond:26.2f} ms of processors")
    return ["commands", *lines]


# What a child of this process takes at most is no less than this process does.
_SMALL = """
import json, os, sys, time
start = time.perf_counter()
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(process, 0)
seconds = time.perf_counter() - start
print(json.dumps([status, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024]))
"""


def in_small_process(words: list[object]) -> tuple[float, float, int]:
    """Return a command's seconds, those on processors, and its peak of memory in bytes."""
    argv = [sys.executable, "-I", "-S", "-c", _SMALL, *map(str, words)]
    environment = {k: v for k, v in os.environ.items() if k != _NO_BYTECODE}
    done = subprocess.run(argv, stdout=subprocess.PIPE, check=True, env=environment)
    status, seconds, cpu, peak = json.loads(done.stdout.splitlines()[-1])
    if status:
        raise SystemExit(f"{' '.join(map(str, words))} failed")
    return seconds, cpu, peak


def beside_rattler(
    channel: Path, work: Path, rattler: str | None, rounds: int
) -> list[str]:
    """Measure from the solve to the end of the program, beside py-rattler's warm install."""
    specs = ["python", "pip"]
    store = str(work / "store")
    run = f'cenv.exec(specs, "python", "-c", "pass", channels=[{str(channel)!r}], store={store!r})'
    unseen = f"import cenv, os\nspecs = {specs!r} + [f'pip >{{os.getpid()}}.0|*']"
    name = "cenv.exec, an unseen set"
    made = {name: python(unseen, run)}
    if not rattler:
        return [
            "py-rattler: not measured, since no --rattler PYTHON has it",
            *table("solve, show, start", compare(made, work, rounds), name),
        ]
    cache = str(work / "rattler-cache")
    text = RATTLER_WORK.format(channel=str(channel), specs=" ".join(specs), cache=cache)
    ran = 'import subprocess; subprocess.run([target + "/bin/python", "-c", "pass"])'
    made["py-rattler, warm cache"] = python(RATTLER, text + ran, rattler)
    title = "solve, show or install, start"
    return table(title, compare(made, work, rounds), "py-rattler, warm cache")


# In a view there is one mount for all of them, as for a program that starts others.
_AGAIN = """
import json, os, sys, time
def run():
    start = time.perf_counter()
    process = os.posix_spawn(sys.argv[2], sys.argv[2:], {"PATH": "/usr/bin:/bin"})
    _, status, used = os.wait4(process, 0)
    return status, time.perf_counter() - start, used.ru_utime + used.ru_stime
print(json.dumps([run() for _ in range(int(sys.argv[1]))][1:]))
"""
_A_TURN = 3  # programs, of which the first warms the caches of the mount


def in_it(channel: Path, work: Path, rounds: int, groups: int = 0) -> list[str]:
    """Measure a Python and its standard library, in layers and in a linked prefix.

    Beside it groups of packages that have files in the same directories as all others.
    """
    store, linked = work / "store", work / f"linked-python-{groups}"
    specs, channels = ["python", "pip", "setuptools"], [channel]
    if groups:
        library = next((work / "linked-python-0/lib").glob("python3.*"))
        below = str(library.relative_to(work / "linked-python-0"))
        channels.append(synthetic_channel(work / f"beside-{groups}", groups, below))
        specs += [f"group-{group:02d}" for group in range(groups)]
    shown = cenv.TemplateStore(store).layered(specs, channels)
    cenv.create(linked, specs, channels, store=store)
    modules = _MODULES.format(names=standard_modules(linked / "bin/python"))
    places: dict[str, tuple[str, Callable[..., Any]]] = {
        "in a linked prefix": (str(linked), subprocess.run),
        "in layers": (shown.path, shown.run),
    }
    lines = [f"a Python, and {groups * _PARTS} packages beside what it needs"]
    for title, text in (("python -c pass", "pass"), ("standard library", modules)):
        calls = {name: Calls() for name in places}
        for _turn in range(rounds):
            for name, (prefix, run) in places.items():
                take_turn(run, f"{prefix}/bin/python", text, calls[name])
        kinds = zip(*(kind.cpu for kind in calls.values()))
        ratio = statistics.median(layers / linked for linked, layers in kinds)
        lines += [
            title,
            *(f"  {name:<34} {kind.told()}" for name, kind in calls.items()),
        ]
        lines.append(f"  {'in layers':<34} {ratio:26.3f} x of processors")
    return lines


def take_turn(run: Callable[..., Any], python: str, text: str, into: Calls) -> None:
    """Run a program some times, and note the quickest: others are at work, too."""
    words = [sys.executable, "-I", "-S", "-c", _AGAIN, str(_A_TURN)]
    done = run([*words, python, *_QUIET, text], stdout=subprocess.PIPE, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    if any(status for status, _wall, _cpu in told):
        raise SystemExit(f"{python} failed")
    into.wall.append(min(wall for _status, wall, _cpu in told) * 1e3)
    into.cpu.append(min(cpu for _status, _wall, cpu in told) * 1e3)


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

    def sets() -> list[str]:
        return chosen.sample(every, groups)

    title = f"{size} packages, from Python"
    return [
        *from_python(title, channel, store, sets, rounds),
        *names_in(channel, work, store, every[:groups]),
    ]


# The directory, and how often; a name is missing for the first time each time.
_NAMES = """
import os, sys, time
def quickest(work):
    times = []
    for number in range(int(sys.argv[2])):
        start = time.perf_counter()
        work(number)
        times.append(time.perf_counter() - start)
    return min(times) * 1e6
missing = quickest(lambda number: os.path.exists(f"{sys.argv[1]}/missing-{number}"))
listed = quickest(lambda number: os.listdir(sys.argv[1]))
print(f"{missing:9.1f} us, {listed:7.1f} us to list")
"""
_LOOKS = 30


def names_in(channel: Path, work: Path, store: Path, specs: list[str]) -> list[str]:
    """Measure a name that is missing from a directory of all packages, and its listing."""
    shown = cenv.TemplateStore(store).layered(specs, [channel])
    linked = work / f"linked-{len(specs)}"
    cenv.create(linked, specs, [channel], store=store)
    places: dict[str, tuple[str, Callable[..., Any]]] = {
        "in a linked prefix": (str(linked), subprocess.run),
        "in layers": (shown.path, shown.run),
    }
    lines = ["a name that is missing in site-packages"]
    for name, (prefix, run) in places.items():
        words = [sys.executable, "-I", "-S", "-c", _NAMES]
        words += [f"{prefix}/lib/python3.12/site-packages", str(_LOOKS)]
        done = run(words, stdout=subprocess.PIPE, check=True)
        lines.append(f"  {name:<34} {done.stdout.decode().rstrip()}")
    return lines


def of_real_packages(
    channel: Path, work: Path, chosen: random.Random, rattler: str | None, rounds: int
) -> list[str]:
    """Measure a Python and what it needs."""
    names = ["python", "pip", "setuptools", "zlib", "xz", "sqlite", "openssl"]
    store = work / "store"

    def sets() -> list[str]:
        return ["python", "pip", *chosen.sample(names, len(names))]

    return [
        *from_python("13 packages, from Python", channel, store, sets, rounds),
        *command_line(channel, store, sets, rounds),
        *in_it(channel, work, rounds),
        *in_it(channel, work, rounds, groups=_BESIDE),
        *beside_rattler(channel, work, rattler, rounds),
    ]


def main(options: argparse.Namespace) -> None:
    os.environ.pop(_NO_BYTECODE, None)
    chosen = random.Random(1)
    place = shared()
    with workspace(options.at) as work:
        if place is not None:
            channel = place / "channel"
            given = channel, work, chosen, options.rattler, options.rounds
            print("\n".join(of_real_packages(*given)))
        for size in options.packages:
            print("\n".join(of_size(size, work, chosen, options.rounds)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--packages", type=int, nargs="*", default=[100])
    parser.add_argument("--at")
    parser.add_argument("--rattler", metavar="PYTHON")
    main(parser.parse_args())
