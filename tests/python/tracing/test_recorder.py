# SPDX-License-Identifier: BSD-3-Clause
"""Stages of the trace: the core names them, in the order in which they are listed."""

from __future__ import annotations

import re
from pathlib import Path

import cenv
from cenv import _cenv
from cenv.tracing import comparison
from cenv.tracing import recorder as trace


def recorder(*names: str) -> trace.Recorder:
    """Return a recorder with one span of each of the stages `names`."""
    spans = [
        {"stage": name, "what": "", "start": 0.0, "end": 1.0, "thread": 0}
        | {"items": 1, "bytes": 0, "hits": 0, "misses": 0, "reason": ""}
        for name in names
    ]
    return trace.Recorder(spans=spans)


def test_stages__are_listed_in_the_order_of_the_core():
    shuffled = ["export", "unheard of", *reversed(_cenv.STAGES)]
    listed = [stage.name for stage in recorder(*shuffled).stages()]
    assert listed == [*_cenv.STAGES, "unheard of"]


def test_compare__lists_stages_in_the_order_of_the_core():
    before, after = recorder("publish", "solve"), recorder("guard", "extract")
    rows = comparison.compare(before, after)
    assert [row["name"] for row in rows] == ["solve", "extract", "publish", "guard"]


def test_stages__those_of_python_are_in_the_table():
    sources = Path(cenv.__file__).parent.rglob("*.py")
    named = re.compile(r'trace\.stage\("([^"]+)"')
    found = {name for path in sources for name in named.findall(path.read_text())}
    assert found
    assert found <= set(_cenv.STAGES)
