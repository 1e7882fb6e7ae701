# SPDX-License-Identifier: BSD-3-Clause
"""Header and source agree, and no file of the core needs one that needs it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

LARGEST = 0.10  # of the core as one system has it, in one room


def tags(paths: list[Path], kinds: str) -> list[dict]:
    """Return the tags of `kinds` (f definitions, p prototypes) in C files."""
    command = ["ctags", "--output-format=json", "--fields=+nK", "-f", "-"]
    command += [f"--kinds-C={kinds}", f"--kinds-C++={kinds}", "--langmap=C:.c.h"]
    command += ["--languages=C,C++", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def definitions(sources) -> dict[str, str]:
    """Return the file, "room/stem", in which each function is defined."""
    bodies = [s.path for s in sources if s.path.suffix != ".h"]
    return {tag["name"]: stem(Path(tag["path"])) for tag in tags(bodies, "f")}


def stem(path: Path) -> str:
    """Return "room/name" of a source or a header."""
    room = path.parent.parent if path.parent.parent.name == "os" else path.parent
    return f"{room.name}/{path.stem}"


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Return the names of one circle of the graph, empty when there is none."""
    done: set[str] = set()

    def walk(node: str, way: list[str]) -> list[str]:
        if node in way:
            return [*way[way.index(node) :], node]
        if node in done:
            return []
        for following in sorted(graph.get(node, ())):
            if found := walk(following, [*way, node]):
                return found
        done.add(node)
        return []

    for node in sorted(graph):
        if found := walk(node, []):
            return found
    return []


def test_header__declares_what_its_source_defines(sources, definitions):
    headers = [
        s.path
        for s in sources
        if s.path.suffix == ".h" and s.room not in {"include", "binding"}
    ]
    wrong = [
        f"{tag['name']}: declared in {stem(Path(tag['path']))}.h, "
        f"defined in {definitions.get(tag['name'])}"
        for tag in (tags(headers, "p") if headers else [])
        if tag["name"].startswith("cenv_")
        and definitions.get(tag["name"]) != stem(Path(tag["path"]))
    ]
    assert wrong == []


def test_os__has_each_header_once_in_each_system(sources, systems):
    files = [source for source in sources if source.room == "os"]
    wrong = []
    for system in systems:
        here = [source.path for source in files if system in source.systems]
        made = [path.stem for path in here if path.suffix == ".c"]
        wrong += [
            f"{system}: {path.name} has {made.count(path.stem)} sources"
            for path in here
            if path.suffix == ".h" and made.count(path.stem) != 1
        ]
    assert "linux" in systems
    assert wrong == []


def test_os__has_no_folder_but_those_of_systems(top, systems):
    named = {folder for folders in systems.values() for folder in folders}
    there = {path.name for path in (top / "csrc/os").iterdir() if path.is_dir()}
    assert there == named


def test_include__goes_in_no_circle(sources):
    graph: dict[str, set[str]] = {}
    for source in sources:
        names = [
            include.strip('"') for include in source.includes() if include[0] == '"'
        ]
        ours = {stem(source.path.parent.parent / name) for name in names if "/" in name}
        graph.setdefault(stem(source.path), set()).update(ours - {stem(source.path)})
    assert circle(graph) == []


def test_rooms__are_of_a_size(sources, systems):
    wrong = {}
    for system in systems:
        lines: dict[str, int] = {}
        for source in sources:
            count = len(source.text.splitlines()) if system in source.systems else 0
            lines[source.room] = lines.get(source.room, 0) + count
        limit = sum(lines.values()) * LARGEST
        wrong |= {(system, r): count for r, count in lines.items() if count > limit}
    assert wrong == {}


def test_rooms__name_just_what_they_use(sources, definitions, rooms):
    used: dict[str, set[str]] = {room: set() for room in rooms}
    for source in sources:
        if source.room not in used or source.room == "binding":
            continue
        homes = {
            definitions[name].partition("/")[0]
            for name in re.findall(r"(?<![\w.>])(cenv_\w+)\s*\(", source.code())
            if name in definitions
        }
        for include in source.includes():
            homes.add(include.strip('"').partition("/")[0])
        used[source.room] |= homes & set(rooms) - {source.room}
    wrong = {
        room: f"names {' '.join(rooms[room])}; uses {' '.join(sorted(used[room]))}"
        for room in rooms
        if room != "binding" and set(rooms[room]) != used[room]
    }
    assert wrong == {}
