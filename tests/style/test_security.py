# SPDX-License-Identifier: BSD-3-Clause
"""Each promise of SECURITY.md names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path


def section(text: str, heading: str) -> str:
    return text.split(f"## {heading}\n")[1].split("\n## ")[0]


def rows(text: str) -> dict[str, list[str]]:
    """Return the tests, files and directories of each row of the table."""
    found = {}
    for line in section(text, "What holds it").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and cells[0] != "what":
            found[cells[0]] = re.findall(r"`([^`]+)`", cells[1])
    return found


def promises(text: str) -> list[str]:
    """Return what is said to be checked and promised, a line each."""
    said = section(text, "What is checked") + "\n" + section(text, "What is promised")
    return [line[2:].lstrip("*") for line in said.splitlines() if line[:2] == "- "]


def test_promises__are_all_held(top: Path) -> None:
    text = (top / "SECURITY.md").read_text()
    table = rows(text)
    said = promises(text)
    assert [p for p in said if sum(p.startswith(key) for key in table) != 1] == []
    assert len(table) == len(said)


def test_tests__that_hold_promises_are_there(top: Path, tracked: list[Path]) -> None:
    tests = [
        p for p in tracked if p.name.startswith("test_") and p.suffix in (".c", ".py")
    ]
    there = set(re.findall(r"\b(test_\w+)\(", "".join(p.read_text() for p in tests)))
    for key, named in rows((top / "SECURITY.md").read_text()).items():
        assert named, key
        missing = [n for n in named if n not in there and not (top / n).exists()]
        assert missing == [], key
