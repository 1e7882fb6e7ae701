# SPDX-License-Identifier: BSD-3-Clause
"""The embedded default: the whole chain on the running Python, with nothing from outside."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cenv import api
from cenv.errors import CenvError
from cenv.solving.virtual_packages import current_platform
from cenv.templates.store import TemplateStore
from cenv.templates.template import Clone, Template

Say = Callable[[str], None]

_SPECS = ("python", "pip")


@dataclass
class Row:
    """One line of the table: what was done, how long it took, how many, how much."""

    name: str
    seconds: float
    items: int = 0
    bytes: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the row as a JSON object."""
        return dict(self.__dict__)


@dataclass
class Outcome:
    """What the demonstration did and measured."""

    python: str
    clones: list[str] = field(default_factory=list)
    stages: list[Row] = field(default_factory=list)
    compared: list[Row] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as a JSON object."""
        return {
            "python": self.python,
            "clones": self.clones,
            "stages": [row.to_json() for row in self.stages],
            "compared": [row.to_json() for row in self.compared],
        }

    def lines(self) -> list[str]:
        """Lay out the two tables."""
        from cenv.cli.output import human, seconds, table

        def cells(row: Row) -> tuple[str, ...]:
            size = human(row.bytes) if row.bytes else ""
            return (row.name, seconds(row.seconds), str(row.items or ""), size)

        return [
            f"cenv demo: {self.python}",
            "",
            *table(
                ("stage", "time", "items", "bytes"), map(cells, self.stages), " rrr"
            ),
            "",
            *table(
                ("one environment by", "time", "files", "bytes"),
                map(cells, self.compared),
                " rrr",
            ),
        ]


def demonstrate(clones: int, keep: str | None, say: Say) -> Outcome:
    """Pack, index, solve, link and clone; run Python and pip in each clone; verify each."""
    with _workspace(keep, say) as work:
        outcome = Outcome(python=f"Python {sys.version.split()[0]} at {sys.prefix}")
        channel = work / "channel"
        _pack(channel, outcome, say)
        store = TemplateStore(work / "store")
        template = _build(store, channel, outcome, say)
        made = [
            _clone(template, work / "clones" / f"{n:02d}", outcome)
            for n in range(clones)
        ]
        for clone in made:
            _check(clone, template, outcome, say)
        _compare(template, work, outcome, say)
    return outcome


@contextmanager
def _workspace(keep: str | None, say: Say) -> Iterator[Path]:
    if keep:
        path = Path(keep).absolute()
        if path.exists() and any(path.iterdir()):
            raise CenvError(f"{path} is not empty", hint="name a new directory")
        path.mkdir(parents=True, exist_ok=True)
        yield path
        return
    path = Path(tempfile.mkdtemp(prefix="cenv-demo-"))
    try:
        yield path
    finally:
        say("removing what was made (--keep DIR leaves it) ...")
        api.remove_tree(path)


@contextmanager
def _timed(rows: list[Row], name: str) -> Iterator[Row]:
    row = Row(name, 0.0)
    start = time.perf_counter()
    yield row
    row.seconds = time.perf_counter() - start
    rows.append(row)


def _pack(channel: Path, outcome: Outcome, say: Say) -> None:
    from cenv.demo import interpreter, package, python_package, wheel_package
    from cenv.solving.index_dir import index

    say("packing the running interpreter into a channel ...")
    with _timed(outcome.stages, "pack") as row:
        made = [python_package.make(interpreter.running(), current_platform())]
        made += [p for p in map(wheel_package.make, ("pip", "setuptools")) if p]
        files = [package.write(p, channel) for p in made]
        row.items, row.bytes = len(files), sum(f.stat().st_size for f in files)
    with _timed(outcome.stages, "index") as row:
        row.items = sum(index(channel).values())


def _build(store: TemplateStore, channel: Path, outcome: Outcome, say: Say) -> Template:
    say(f"solving {' '.join(_SPECS)} and linking the template ...")
    template = store.template(_SPECS, [channel])
    outcome.stages += [
        Row(s.name, s.seconds, s.items, s.bytes) for s in template.stages
    ]
    return template


def _clone(template: Template, place: Path, outcome: Outcome) -> Clone:
    place.parent.mkdir(exist_ok=True)
    with _timed(outcome.stages, f"clone {place.name}") as row:
        clone = template.clone(place)
    if clone.report:
        row.items, row.bytes = clone.report.files, clone.report.bytes_copied
    outcome.clones.append(clone.path)
    return clone


def _check(clone: Clone, template: Template, outcome: Outcome, say: Say) -> None:
    """Run Python and pip in a clone: each must know its own prefix, and no other."""
    with _timed(outcome.stages, f"python and pip in {Path(clone.path).name}"):
        script = f"import {_modules()}; print(sys.prefix)"
        shown = _output(clone, "python", "-I", "-c", script)
        version = _output(clone, "pip", "--version")
    if shown != os.path.realpath(clone.path) and shown != clone.path:
        raise CenvError(f"Python in {clone.path} says it lives in {shown}")
    if clone.path not in version:
        raise CenvError(f"pip in {clone.path} says: {version}")
    _check_loaded(clone, template)
    with _timed(outcome.stages, f"verify {Path(clone.path).name}") as row:
        report = api.verify(clone)
        row.items = report.checked
    if not report.ok:
        wrong = ", ".join((report.missing + report.altered)[:5])
        raise CenvError(f"{clone.path} is not what its records say: {wrong}")
    say(f"{clone.path}: {version.split(' from ')[0]}, {report.checked} files verified")


def _output(clone: Clone, *argv: str) -> str:
    done = clone.run(
        *argv, capture_output=True, text=True, env={}, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise CenvError(
            f"{argv[0]} failed in {clone.path}: {done.stderr.strip()[-500:]}"
        )
    return str(done.stdout).strip()


def _modules() -> str:
    """Return what to import: sys, and what loads libraries, as far as this Python has it."""
    import importlib.util

    loading = ("ssl", "sqlite3", "ctypes")
    there = [name for name in loading if importlib.util.find_spec(f"_{name}")]
    return ", ".join(["sys", *there])


def _check_loaded(clone: Clone, template: Template) -> None:
    """No library may come from the template, nor from the interpreter that was packed."""
    script = f"import {_modules()}; print(open('/proc/self/maps').read())"
    maps = _output(clone, "python", "-I", "-c", script)
    strangers = [template.path]
    if not sys.base_prefix.startswith("/usr"):
        strangers.append(os.path.join(sys.base_prefix, "lib", "libpython"))
    for stranger in strangers:
        if stranger in maps:
            raise CenvError(f"Python in {clone.path} loads files of {stranger}")


def _compare(template: Template, work: Path, outcome: Outcome, say: Say) -> None:
    say("the same by other means ...")
    rows = outcome.compared
    clones = sorted(
        (r for r in outcome.stages if r.name.startswith("clone ")),
        key=lambda r: r.seconds,
    )
    middle = clones[len(clones) // 2]
    rows.append(Row("cenv clone (median)", middle.seconds, middle.items, middle.bytes))
    with _timed(rows, "cp -a (paths not relocated)"):
        subprocess.run(["cp", "-a", template.path, str(work / "cp")], check=True)
    with _timed(rows, "python -m venv (no packages of its own)"):
        _venv(work / "venv")


def _venv(place: Path) -> None:
    """Make a venv with pip, or without where this Python lacks ensurepip."""
    import importlib.util

    pip = [] if importlib.util.find_spec("ensurepip") else ["--without-pip"]
    command = [sys.executable, "-m", "venv", *pip, str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        shutil.rmtree(place, ignore_errors=True)
        raise CenvError(
            f"python -m venv failed: {(done.stderr or done.stdout).strip()[-300:]}"
        )
