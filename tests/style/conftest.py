# SPDX-License-Identifier: BSD-3-Clause
"""The tree that the rules of style are checked on."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
GENERATED = re.compile(r"__pycache__|\.egg-info|\.so$")
LITERALS = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S
)


def read_rooms() -> dict[str, list[str]]:
    """Return the rooms of csrc/ROOMS in their order, each with the rooms it may use."""
    lines = (TOP / "csrc/ROOMS").read_text().splitlines()
    pairs = [line.partition("#")[0].partition(":") for line in lines]
    return {room.strip(): used.split() for room, colon, used in pairs if colon}


ROOMS = read_rooms()


def read_systems() -> dict[str, list[str]]:
    """Return the systems of csrc/os/SYSTEMS, each with its folders of csrc/os."""
    lines = (TOP / "csrc/os/SYSTEMS").read_text().splitlines()
    pairs = [line.partition("#")[0].partition(":") for line in lines]
    return {
        names.split()[0]: folders.split() for names, colon, folders in pairs if colon
    }


SYSTEMS = read_systems()


class Source:
    """One C or C++ file of the core."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.relative_to(TOP / "csrc").as_posix()
        self.room = self.name.split("/")[0]
        self.text = path.read_text()
        folders = self.name.split("/")[1:-1] if self.room == "os" else []
        self.systems = {
            system for system, named in SYSTEMS.items() if {*folders} <= {*named}
        }  # the systems that it is compiled for

    def includes(self) -> list[str]:
        """Return what the file includes, `"ours"` in quotes, `<theirs>` in angles."""
        return re.findall(r'(?m)^\s*#\s*include\s+([<"][^>"]+[>"])', self.text)

    def code(self) -> str:
        """Return the text without comments and literals, line numbers kept."""
        return LITERALS.sub(lambda found: "\n" * found[0].count("\n"), self.text)

    def calls(self, names: set[str]) -> list[str]:
        """Return `file:line: name` for each call of one of `names`."""
        pattern = re.compile(r"(?<![\w.>])(" + "|".join(sorted(names)) + r")\s*\(")
        return [
            f"csrc/{self.name}:{number}: {found[1]}"
            for number, line in enumerate(self.code().splitlines(), 1)
            for found in pattern.finditer(line)
        ]


@pytest.fixture(scope="session")
def sources() -> list[Source]:
    """Return every source and header of csrc, fuzzers apart."""
    found = [
        Source(path)
        for room in [*ROOMS, "include"]
        for path in sorted((TOP / "csrc" / room).rglob("*"))
        if path.suffix in (".c", ".h", ".cc")
    ]
    assert len(found) > 20
    return found


@pytest.fixture(scope="session")
def top() -> Path:
    """Return the root of the checkout."""
    return TOP


@pytest.fixture(scope="session")
def tracked(top: Path) -> list[Path]:
    """Return the files under version control; outside it, all that is shipped."""
    command = ["git", "-C", str(top), "ls-files", "-z", "-co", "--exclude-standard"]
    if shutil.which("git") and (top / ".git").exists():
        listed = subprocess.run(command, capture_output=True, text=True, check=True)
        found = [top / name for name in listed.stdout.split("\0") if name]
    else:
        parts = ("csrc", "python", "tests", ".ci")
        found = [path for part in parts for path in (top / part).rglob("*")]
    return [
        path for path in found if path.is_file() and not GENERATED.search(str(path))
    ]


@pytest.fixture(scope="session")
def systems() -> dict[str, list[str]]:
    """Return the systems that the core is built for, each with its folders of os."""
    return SYSTEMS


@pytest.fixture(scope="session")
def rooms() -> dict[str, list[str]]:
    """Return the rooms in their order, each with the rooms it may use."""
    return ROOMS
