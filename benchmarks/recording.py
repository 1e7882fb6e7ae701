# SPDX-License-Identifier: BSD-3-Clause
"""What recording costs: its share of the instructions of the core, and of whole commands.

Recording cannot be switched off. valgrind counts the instructions below its functions in a
solve, a clone and a create; a command whose trace is neither assembled nor kept is set
beside one as it is.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from measure import compare, python, shared, table, workspace

SPECS = ["python", "pip", "setuptools"]
# What does nothing but record: those that no other of them calls.
SPANS = ("cenv_span_begin", "cenv_span_end")
SOLVING = tuple(
    f"cenv_solve_facts_{verb}" for verb in ("begin", "count", "add", "release")
)
OTHERS = ("cenv_task_fact",)
_LINE = re.compile(r"^ *([\d,]+) \( *[\d.]+%\)  .*?:(cenv_\w+)[ '\[]", re.M)

_SETUP = """
from cenv.cli import main
from cenv.tracing import assembly, kept
words = {words!r}
"""
_OFF = """
assembly.assemble = lambda *args, **more: {}
kept.keep = lambda *args, **more: None
"""


def main(rounds: int = 7) -> list[str]:
    place = shared()
    if place is None:
        return ["the shared folder of real packages is not here: nothing measured"]
    with workspace() as work:
        options = ["--store", str(work / "store"), "-c", str(place / "channel")]
        options.append("--override-channels")
        return [*instructions(work, options), *commands(work, options, rounds)]


def commands(work: Path, options: list[str], rounds: int) -> list[str]:
    """Time whole solves, as they are and without what recording adds at their end."""
    setup = _SETUP.format(words=["-q", "--json", "solve", *SPECS, *options])
    run = "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()): main(words)"
    made = {
        "cenv solve, its trace kept": python(setup, run),
        "cenv solve, no trace made": python(setup + _OFF, run),
    }
    found = compare(made, work, rounds)
    return table("a command", found, "cenv solve, no trace made")


def instructions(work: Path, options: list[str]) -> list[str]:
    """Return what part of the core's instructions is recording, for each operation."""
    if not (shutil.which("valgrind") and shutil.which("callgrind_annotate")):
        return ["valgrind is not installed: no instructions counted"]
    cenv = [sys.executable, "-m", "cenv", "-q"]
    build = [*cenv, "template", "build", *SPECS, *options]
    template = subprocess.run(build, check=True, capture_output=True, text=True)
    source = template.stdout.strip()
    store = options[:2]
    return [
        "instructions of the core",
        _share("cenv_solve", SOLVING, work, [*cenv, "solve", *SPECS, *options]),
        _share(
            "cenv_clone", OTHERS, work, [*cenv, "clone", source, f"{work}/c", *store]
        ),
        _share(
            "cenv_create",
            OTHERS,
            work,
            [*cenv, "create", "-p", f"{work}/e", *SPECS, *options],
        ),
    ]


def _share(
    operation: str, functions: tuple[str, ...], work: Path, words: list[str]
) -> str:
    """Run a command under callgrind and say what part of an operation records."""
    out = work / f"callgrind.{operation}"
    valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
    valgrind.append(f"--toggle-collect={operation}")
    subprocess.run([*valgrind, *words], check=True, capture_output=True)
    annotate = [
        "callgrind_annotate",
        "--inclusive=yes",
        "--threshold=100",
        "--auto=no",
        out,
    ]
    told = subprocess.run(annotate, check=True, capture_output=True, text=True).stdout
    costs = {name: int(cost.replace(",", "")) for cost, name in _LINE.findall(told)}
    spent = sum(costs.get(name, 0) for name in (*functions, *SPANS))
    whole = costs[operation]
    return f"  {operation:<14} {whole:>14,}  of these {spent:>9,} record: {spent / whole:.2%}"


if __name__ == "__main__":
    print("\n".join(main()))
