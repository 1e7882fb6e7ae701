# SPDX-License-Identifier: BSD-3-Clause
"""The demonstration on this Python, and on the distribution's own."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import cenv
from cenv import demo as demonstration
from cenv.demo import elf, interpreter

DISTRIBUTION = "/usr/bin/python3"


def other_python() -> str | None:
    """Return the distribution's Python, unless it is the one that runs."""
    there = os.path.exists(DISTRIBUTION) and sys.base_prefix != "/usr"
    return DISTRIBUTION if there else None


def demo(python: str, tmp_path: Path, *option: str, **environment: str) -> str:
    """Run the demonstration in a process of `python` and return what it prints."""
    variables = {**os.environ, "TMPDIR": str(tmp_path), **environment}
    done = subprocess.run(
        [python, "-m", "cenv", *option, "demo", "--clones", "2"],
        capture_output=True,
        text=True,
        check=False,
        env=variables,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"
    return done.stdout


STAGES = ("pack", "index", "solve", "extract", "link", "clone 00", "verify 01")
COMPARED = ["cenv clone", "cp -a", "python -m venv"]


def check(found: dict[str, Any]) -> None:
    names = [row["name"] for row in found["stages"]]
    assert {*STAGES} <= {*names}
    assert [row["name"].split(" (")[0] for row in found["compared"]] == COMPARED


def test_demo__runs_on_this_python(tmp_path: Path) -> None:
    said = demo(sys.executable, tmp_path)
    for name in (*STAGES, *COMPARED):
        assert f"\n{name}" in said, said
    if other_python() is None:
        check(json.loads(demo(sys.executable, tmp_path, "--json")))


def test_demo__runs_on_the_distributions_python(tmp_path: Path) -> None:
    """Its site-packages is dist-packages, it is managed by apt, its files link into /etc."""
    python = other_python()
    if python is None:
        pytest.skip(
            "no other /usr/bin/python3 is here (apt install python3, run with another)"
        )
    packages = [p for p in sys.path if p.endswith("site-packages")]
    path = os.pathsep.join([str(Path(cenv.__file__).parents[1]), *packages])
    options = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    found = json.loads(demo(python, tmp_path, "--json", **options))
    assert "at /usr" in str(found["python"])
    check(found)


def test_demo__imports_what_this_python_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that was built where no SQLite was has no module of it."""
    there = {"_ssl", "_ctypes"}
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name in there or None)
    assert demonstration._modules() == "sys, ssl, ctypes"


def test_interpreter__free_threaded_has_a_library_of_its_own() -> None:
    running = interpreter.running()
    assert os.path.basename(running.lib) == running.stdlib.name
    threads = dataclasses.replace(running, threads="t")
    assert threads.lib == f"lib/python{running.short}t"


def test_elf_run_paths__are_read_and_overwritten() -> None:
    data = Path(sys.executable).resolve().read_bytes()
    dynamic = elf.read_dynamic(data)
    assert dynamic is not None
    assert any(name.startswith("libc.") for name in dynamic.needed)
    for slot in dynamic.run_paths:
        assert data[slot.offset :].startswith(slot.text + b"\0")
        changed = elf.read_dynamic(elf.with_run_path(data, b"$ORIGIN"))
        assert changed is not None
        assert {s.text for s in changed.run_paths} == {b"$ORIGIN"}
    assert elf.read_dynamic(b"#!/bin/sh\n") is None
