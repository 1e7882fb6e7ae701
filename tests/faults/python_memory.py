# SPDX-License-Identifier: BSD-3-Clause
"""Makes allocations of Python itself fail, one at a time, while cenv works.

    python tests/faults/python_memory.py [--step N] [--only create,clone]

Each operation runs in a fork of this process, in which the n-th allocation of the interpreter fails
(_testcapi.set_nomemory), for n = STEP, 2 STEP, ... until none is left. It must succeed, or end in
a MemoryError: what it makes is then not there, or there as a whole, and told to be, where memory
ran out after the work; nothing else is left; and the operation succeeds once its place is clear.
Python 3.12 and later do not survive it themselves: they crash, or say that a Path is no path.
"""

from __future__ import annotations

import _testcapi
import argparse
import importlib
import os
import pkgutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import faults
from forks import Outcome, run_in_fork

NOT_LOADED = ("__main__", "cenv.conda")  # it needs pytest
MISSED = 3  # successes in a row: no allocation was left to fail
# CPython's own words for it, where a lock of the import system cannot be had, and where the
# `__fspath__` of a Path, which is a PathLike, cannot be looked up.
ALSO_MEMORY = (
    "RuntimeError: can't allocate lock",
    "TypeError: expected str, bytes or os.PathLike object, not PosixPath",
)


def fail_nth(operation: faults.Operation, n: int) -> Outcome:
    """Run it in a child whose n-th allocation fails."""

    def disarm() -> int:
        _testcapi.remove_mem_hooks()
        return 0

    def arm() -> None:
        _testcapi.set_nomemory(n, n + 1)

    return run_in_fork(operation.run, faults.SECONDS, arm, disarm)


def complaints(trial: faults.Trial, outcome: Outcome) -> Iterator[str]:
    """Say what is wrong with an outcome, and when it is run again."""
    operation = trial.operation
    memory = any(words in outcome.message for words in ALSO_MEMORY)
    if outcome.kind not in ("", "MemoryError") and not memory:
        yield f"{outcome.kind}: {outcome.message}"
    there = operation.result is not None and os.path.lexists(operation.result)
    if (there or not outcome.kind) and trial.look() != trial.want:
        yield "what lies there is not what it makes"
    said = (f"'{operation.result}' was made", "`cenv template list` tells")
    if outcome.kind and there and not any(text in outcome.message for text in said):
        yield f"told as not made, though it lies there: {outcome.message}"
    if trial.left():
        yield f"left behind: {trial.left()}"
    faults.remove(*map(Path, trial.left()))
    if operation.result:
        faults.remove(operation.result)
    if outcome.kind and trial.repeat() != trial.want:
        yield "run again, it makes something else"


def succeed(run: object, what: str) -> None:
    """Run it undisturbed, in a child, without the library of failing calls."""
    assert callable(run)
    outcome = run_in_fork(run, faults.SECONDS)
    if outcome.kind:
        raise AssertionError(f"{what}: {outcome.kind}: {outcome.message}")


def try_all(trial: faults.Trial, step: int) -> tuple[int, int]:
    """Try every so many points; return how many there were, and at how many it was wrong."""
    points = wrong = missed = n = 0
    while missed < MISSED:
        n += step
        trial.operation.prepare()
        outcome = fail_nth(trial.operation, n)
        missed = 0 if outcome.kind else missed + 1
        points += bool(outcome.kind)
        found = list(complaints(trial, outcome))
        wrong += bool(found)
        for complaint in found:
            print(f"{trial.name}, allocation {n}: {complaint}", flush=True)
    print(f"{trial.name}: {points} points, {wrong} wrong", flush=True)
    return points, wrong


def load_modules() -> None:
    """Load all that the children would: CPython's compilers do not survive failed allocations."""
    import cenv
    from cenv.config import condarc

    faults.load_all()
    for module in pkgutil.walk_packages(cenv.__path__, "cenv."):
        if not module.name.endswith(NOT_LOADED) and "pytest" not in module.name:
            importlib.import_module(module.name)
    condarc.expand("$HOME", {})  # its pattern is compiled now


def main() -> int:
    """Try what was asked for; return whether anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--step", type=int, default=31)
    parser.add_argument("--only", default="create,clone,template,import,remove")
    asked = parser.parse_args()
    faults.succeed = succeed
    load_modules()
    memory = Path("/dev/shm")
    place = memory if os.access(memory, os.W_OK) else None
    points = wrong = 0
    with tempfile.TemporaryDirectory(prefix="cenv-memory-", dir=place) as top:
        os.environ |= {"HOME": top, "CENV_STORE": top + "/store"}
        world = faults.World(Path(top))
        for operation in world.operations():
            if operation.name in asked.only.split(","):
                tried, bad = try_all(faults.Trial(world, operation), asked.step)
                points, wrong = points + tried, wrong + bad
    print(f"all: {points} points, {wrong} wrong")
    return 1 if wrong or not points else 0


if __name__ == "__main__":
    sys.exit(main())
