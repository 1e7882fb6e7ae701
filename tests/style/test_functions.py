# SPDX-License-Identifier: BSD-3-Clause
"""How long functions and files may be, measured by Universal Ctags."""

from __future__ import annotations

import json
import statistics
import subprocess
from pathlib import Path

import pytest

LONGEST, MEDIAN, P90 = 40, 12, 25
FILE = 700


def functions(paths: list[Path]) -> dict[str, int]:
    """Return the length in lines of every function, by `file:line name`."""
    command = ["ctags", "--output-format=json", "--fields=+ne", "-f", "-"]
    command += ["--kinds-C=f", "--kinds-C++=f", "--kinds-Python=fm", "--languages"]
    command[-1] += "=C,C++,Python"
    command += ["--langmap=C:.c.h", *map(str, paths)]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    tags = [json.loads(line) for line in listed.splitlines()]
    return {
        f"{tag['path']}:{tag['line']} {tag['name']}": tag["end"] - tag["line"] + 1
        for tag in tags
        if "end" in tag
    }


def sources_of(part: Path) -> list[Path]:
    """Return the C and Python files below `part`."""
    suffixes = (".c", ".h", ".cc", ".py")
    return sorted(path for path in part.rglob("*") if path.suffix in suffixes)


@pytest.fixture(params=["csrc", "python"])
def tree(request, top: Path) -> list[Path]:
    """Return the sources of one part of what is shipped."""
    return sources_of(top / request.param)


def test_functions__none_is_long(tree):
    lengths = functions(tree)
    assert lengths
    assert {name: size for name, size in lengths.items() if size > LONGEST} == {}


def test_functions__most_are_short(tree):
    lengths = sorted(functions(tree).values())
    assert statistics.median(lengths) <= MEDIAN
    assert lengths[len(lengths) * 9 // 10] <= P90


@pytest.mark.parametrize("part", ["csrc", "python", "tests", "benchmarks"])
def test_files__none_is_long(top, part):
    lines = {
        path.relative_to(top).as_posix(): len(path.read_text().splitlines())
        for path in sources_of(top / part)
    }
    assert lines
    long = {name for name, count in lines.items() if count > FILE}
    assert long == set()
