# SPDX-License-Identifier: BSD-3-Clause
"""What the compiled files hold: no writable globals, one exported name."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from cenv import _cenv

# Writable by need: cJSON writes a global at each parse; curl is loaded and starts once.
PERMITTED = {
    "codec/json.c": r"parse_lock",
    "net/curl.c": r"library|library_lock",
    "solve/sat.cc": r"DW\.ref\.__gxx_personality_v0|_Z(GV|ZN7Minisat|N7Minisat).*",
}
# Tables that CPython's interface takes as pointers to non-const.
BINDING = r"\w*(_def|_slots|_spec|_methods|_getset|_members|names|keywords)(\.\d+)?"
# The linker exports its marks where a library (libmpack) does so too.
LINKERS_OWN = {"__bss_start", "_edata", "_end"}
WRITABLE = re.compile(r"\.(data|bss|tdata|tbss)(?!\.rel\.ro)\b|\*COM\*")
SYMBOL = re.compile(r"^[0-9a-f]+ .{7} (\S+)\t[0-9a-f]+ (?:\.hidden )?(\S+)$", re.M)


@pytest.fixture(scope="module")
def objects(top: Path, sources) -> dict[str, Path]:
    """Return the object file of each source, as setup.py compiled it."""
    trees = sorted((top / "build").glob("ext-*"), key=lambda p: p.stat().st_mtime)
    assert trees, "no objects: run `make build`"
    found = {}
    for source in sources:
        made = (trees[-1] / "csrc" / source.name).with_suffix(".o")
        if source.path.suffix != ".h" and "linux" in source.systems:
            assert made.exists(), f"{source.name} is not compiled: run `make build`"
            found[source.name] = made
    return found


def writable(path: Path) -> list[str]:
    """Return the names of the writable objects in an object file."""
    command = ["objdump", "-t", str(path)]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [
        name
        for section, name in SYMBOL.findall(table)
        if WRITABLE.match(section) and name != section
    ]


def test_objects__hold_no_writable_globals(objects):
    wrong = []
    for name, path in objects.items():
        permitted = BINDING if name.startswith("binding/") else PERMITTED.get(name, "$")
        wrong += [
            f"{name}: {x}" for x in writable(path) if not re.fullmatch(permitted, x)
        ]
    assert wrong == []


def test_extension__exports_its_start_alone():
    command = ["nm", "-D", "--defined-only", "--format=posix", _cenv.__file__]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = {line.split()[0] for line in listed.splitlines()}
    assert found - LINKERS_OWN == {"PyInit__cenv"}
