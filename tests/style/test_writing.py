# SPDX-License-Identifier: BSD-3-Clause
"""How C is written where neither the compiler nor the formatter looks."""

from __future__ import annotations

import re

WIDEST = 100  # columns; the formatter keeps code to fewer, and leaves comments alone

# `rc ? rc : f()`, `rc < 0 ? rc : f()`, `rc == 0 ? f() : rc`: a step in an expression.
CHAIN = re.compile(
    r"\brc (?:< 0 |!= 0 )?\? rc\s*:\s*[\w>.-]+\("
    r"|\brc (?:== 0|>= 0)\s*\? \w+\([^;?]*?\)\s*: rc\b"
)
# The formatter breaks a declaration between type and name when a comment stands behind it.
TORN = re.compile(
    r"(?m)^\s+(?:const |struct |enum )*\w+(?: \**)?\n\s+\**\w+[\w\[\]]*; +/\*"
)


def test_lines__are_no_wider_than_a_hundred_columns(sources):
    wrong = [
        f"csrc/{source.name}:{number}"
        for source in sources
        for number, line in enumerate(source.text.splitlines(), 1)
        if len(line) > WIDEST
    ]
    assert wrong == []


def test_chains__are_statements(sources):
    wrong = [
        f"csrc/{source.name}: {' '.join(found[0].split())}"
        for source in sources
        for found in CHAIN.finditer(source.code())
    ]
    assert wrong == []


def test_declarations__are_not_torn_by_comments(sources):
    wrong = [
        f"csrc/{source.name}: {' '.join(found[0].split())}"
        for source in sources
        for found in TORN.finditer(source.text)
    ]
    assert wrong == []
