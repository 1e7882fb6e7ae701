# SPDX-License-Identifier: BSD-3-Clause
"""Traces that somebody else wrote, or broke: a report, or one message; never a fault."""

from __future__ import annotations

import contextlib
import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cenv.errors import CenvError
from cenv.reporting import advice, causes, difference, text
from cenv.reporting.page import one, two
from cenv.reporting.run import Run
from cenv.tracing import trace_file

VALUES = [None, True, -1, 0, 1e308, "1e999", "", "</style>", [], {}, 10**17, ["a"]]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each container of a document with each key into it."""
    keys = value if isinstance(value, dict) else range(len(value))
    for key in list(keys):
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from places(value[key])


def report(file: Path, other: Run) -> None:
    """Make all that is made of a trace."""
    run = Run.of(trace_file.read(file))
    found = causes.of_run(run)
    text.headline(run, found)
    text.stage_rows(run)
    one.page(run, found, advice.Trials())
    for pair in ((run, other), (other, run)):
        made = difference.between(*pair)
        text.difference_rows(made)
        text.headline_of_two(made)
        two.page(made, [])


def test_report__of_a_broken_trace_is_one_message(pair, tmp_path: Path) -> None:
    before, after = pair
    file = tmp_path / "trace.json"
    trace_file.write(file, list(after.spans), after.facts)
    report(file, before)
    whole = json.loads(file.read_text())
    rng = random.Random(13)
    refused = 0
    for _ in range(100):
        document = copy.deepcopy(whole)
        container, key = rng.choice(list(places(document)))
        value = rng.choice(VALUES)
        container[key] = value
        file.write_text(json.dumps(document).replace('"1e999"', "1e999"))
        with contextlib.suppress(CenvError):
            report(file, before)
            continue
        refused += 1
    assert 20 < refused < 100


def test_report__of_no_facts_tells_the_stages(pair, tmp_path: Path) -> None:
    trace_file.write(tmp_path / "old.json", list(pair[1].spans))
    run = Run.of(trace_file.read(tmp_path / "old.json"))
    found = causes.of_run(run)
    assert sum(cause.seconds for cause in found) == pytest.approx(run.seconds)
    assert text.headline(run, found).startswith("the run took ")
