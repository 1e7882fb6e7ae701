# SPDX-License-Identifier: BSD-3-Clause
"""The facts of a trace: written, read again, and refused where they are of another shape."""

from __future__ import annotations

import json

import pytest

from cenv.errors import CenvError
from cenv.tracing import trace_file
from cenv.tracing.facts import VERSION, Facts

FACTS: Facts = {
    "version": VERSION,
    "command": "create",
    "seconds": 1.5,
    "machine": {"load": 0.25, "file_systems": {"store": {"type": "xfs", "device": 3}}},
    "names": [{"name": "python", "candidates": 400, "reached_through": "pip"}],
    "packages": [{"name": "pip", "stages": {"link": {"seconds": 0.5, "files": 3}}}],
    "caches": {"template": {"hit": False, "reason": "the repodata has changed"}},
}


def test_facts__come_back_as_they_were_written(tmp_path):
    trace_file.write(tmp_path / "t.json", [], FACTS)
    assert trace_file.read(tmp_path / "t.json").facts == FACTS


def test_facts__of_a_trace_without_them_are_empty(tmp_path):
    trace_file.write(tmp_path / "t.json", [])
    assert trace_file.read(tmp_path / "t.json").facts == {}


def test_facts__leave_out_what_this_version_does_not_know(tmp_path):
    text = json.dumps({"traceEvents": [], "cenv": {**FACTS, "more": {"a": [1]}}})
    (tmp_path / "t.json").write_text(text)
    assert trace_file.read(tmp_path / "t.json").facts == FACTS


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ([], "cenv: expected a map"),
        ({"names": 7}, "cenv.names: expected a list"),
        (
            {"names": [{"candidates": "x"}]},
            r"cenv.names\[0\].candidates: expected a whole",
        ),
        ({"machine": {"load": None}}, "cenv.machine.load: expected a number"),
        (
            {"caches": {"template": {"hit": 1}}},
            "cenv.caches.template.hit: expected true",
        ),
    ],
)
def test_facts__of_another_shape_are_told_with_their_place(tmp_path, facts, told):
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"traceEvents": [], "cenv": facts}))
    with pytest.raises(CenvError, match=told):
        trace_file.read(path)
