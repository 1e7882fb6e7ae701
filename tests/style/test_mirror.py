# SPDX-License-Identifier: BSD-3-Clause
"""Tests lie and are named as what they test, so that one leads to the other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

# tests/c/<room>/test_<file>[__<aspect>].c
FILE = re.compile(r"test_(?P<file>[a-z0-9_]+?)(?:__(?P<aspect>[a-z0-9_]+))?\.c")
NAME = re.compile(r"test_(?P<subject>[a-z0-9_]+?)__[a-z0-9_]+")


@pytest.fixture(scope="module")
def c_tests(top: Path) -> dict[str, re.Match]:
    """Return the C tests by "room/name", each with the parts of its name."""
    found = {
        f"{path.parent.name}/{path.name}": FILE.fullmatch(path.name)
        for path in sorted((top / "tests/c").glob("*/*.c"))
    }
    assert found
    return found


def test_c_tests__stand_beside_their_source(top, c_tests):
    wrong = []
    for name, parts in c_tests.items():
        room = name.partition("/")[0]
        sources = (top / "csrc" / room).rglob(f"{parts['file']}.*")
        if not any(source.suffix in (".c", ".cc", ".h") for source in sources):
            wrong.append(name)
    assert wrong == []


def test_c_tests__are_named_by_subject_and_behaviour(top, c_tests):
    wrong = []
    for name, parts in c_tests.items():
        text = (top / "tests/c" / name).read_text()
        subjects = {parts["file"], parts["aspect"]}
        names = re.findall(r"(?m)^static void (test_\w+)\(void\)", text)
        assert names or "RUN(" not in text, name
        for found in names:
            match = NAME.fullmatch(found)
            if not match or match["subject"] not in subjects:
                wrong.append(f"{name}: {found}")
    assert wrong == []
