# SPDX-License-Identifier: BSD-3-Clause
"""The file of a trace, read again: what is wrong with it is told, and large ones cost little."""

from __future__ import annotations

import cProfile
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cenv.errors import CenvError
from cenv.tracing import trace_events, trace_file

COUNTS = {"items": 1, "bytes": 2, "hits": 0, "misses": 0}
ARGS = {"stage": "link", "what": "p", "reason": "", **COUNTS}


def _span(number: int, stage: str) -> dict[str, Any]:
    place = {"thread": 0, "start": float(number), "end": number + 0.5}
    return {"stage": stage, "what": f"p{number}", "reason": "", **COUNTS, **place}


def _event() -> dict[str, Any]:
    return {"ph": "X", "ts": 1, "dur": 2.5, "pid": 1, "tid": 1, "args": ARGS}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "expected a map of keys to values, not a list"),
        ("{}", "traceEvents: expected a list of events, not nothing"),
        (
            '{"traceEvents": 3}',
            "traceEvents: expected a list of events, not the number",
        ),
        ('{"traceEvents": [3]}', r"traceEvents\[0\].event: expected a map .* number 3"),
        ('{"traceEvents": [' + "1" * 5000 + "]}", "too many digits|expected a map"),
        ('{"traceEvents": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
        ('{"traceEvents": [', "line 1, column 18: not JSON"),
    ],
)
def test_read__of_what_is_no_trace_says_what_is_wrong(
    tmp_path: Path, text: str, told: str
) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(CenvError, match=f"{told}.*this is not a trace of cenv"):
        trace_file.read(tmp_path / "t.json")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"ts": "x"}, "ts: expected a number, not the text"),
        ({"ts": 10**400}, "ts: expected a number"),
        ({"dur": float("nan")}, "dur: expected a number, not the number nan"),
        ({"tid": -1}, "tid: expected a whole number, not the number -1"),
        ({"pid": True}, "pid: expected a whole number, not true"),
        ({"args": ["link"]}, "event: expected a map of keys to values, not a list"),
        (
            {"args": {**ARGS, "items": 1.5}},
            "items: expected a whole number, not the number 1.5",
        ),
        ({"args": {**ARGS, "bytes": 10**18}}, "bytes: expected a whole number"),
        ({"args": {**ARGS, "what": ["a"]}}, "what: expected a text, not a list"),
        ({"args": {**ARGS, "stage": {"a": 1}}}, "stage: expected a text, not a map"),
    ],
)
def test_read__of_an_odd_event_tells_its_place(
    tmp_path: Path, more: dict[str, Any], told: str
) -> None:
    events = [_event(), {**_event(), **more}]
    (tmp_path / "t.json").write_text(json.dumps({"traceEvents": events}))
    with pytest.raises(CenvError, match=rf"traceEvents\[1\]\.{told}"):
        trace_file.read(tmp_path / "t.json")


def _calls(file: Path, many: int) -> Counter[str]:
    """Return how often each function of Python is called to write and read some spans."""
    spans = [_span(number, ("extract", "link")[number % 2]) for number in range(many)]
    calls: Counter[str] = Counter()
    profile = cProfile.Profile()
    profile.enable()
    trace_file.write(file, spans)
    read = trace_file.read(file)
    profile.disable()
    assert len(read.spans) == many
    for entry in profile.getstats():
        if not isinstance(entry.code, str):
            calls[entry.code.co_name] += entry.callcount
    return calls


def test_read__makes_no_node_of_an_event_that_is_right(tmp_path: Path) -> None:
    few, many = (_calls(tmp_path / "t.json", spans) for spans in (100, 400))
    assert few["_span_of"] < many["_span_of"]
    assert few["_plain"] == many["_plain"] < 5


def test_write__looks_for_the_link_of_a_package_without_going_through_all() -> None:
    """Each start of a link is read a number of times that does not grow with the packages."""
    reads: Counter[int] = Counter()

    class Span(dict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            reads[many] += key == "start"
            return super().__getitem__(key)

    for many in (100, 400):
        spans = [Span(_span(n, ("extract", "link")[n % 2])) for n in range(many)]
        assert trace_events.of_process(1, "cenv", spans)
    assert reads[400] < 5 * reads[100]


def test_read__takes_the_secrets_out_of_what_another_wrote(tmp_path):
    url = "https://login:pass-word@host/t/to-ken-123/channel"
    event = {**_event(), "args": {**ARGS, "what": url}}
    forged = {"traceEvents": [event], "cenv": {"channels": [{"channel": url}]}}
    (tmp_path / "trace").write_text(json.dumps(forged))
    read = trace_file.read(tmp_path / "trace")
    told = json.dumps([read.spans, read.facts])
    assert told.count("host/") == 2
    assert "pass-word" not in told
    assert "to-ken-123" not in told
