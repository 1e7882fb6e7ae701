# SPDX-License-Identifier: BSD-3-Clause
"""Traces against the Trace Event format, as Perfetto reads it: a validator, and what we write."""

from __future__ import annotations

import json
import math
import os
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from cenv.cli import main
from cenv.demo.package import Member, Package
from cenv.tracing import trace_events, trace_file

NEEDED = {
    "X": {"name", "cat", "ts", "dur", "pid", "tid"},
    "M": {"name", "pid", "tid", "args"},
    "C": {"name", "ts", "pid", "args"},
    "s": {"name", "cat", "id", "ts", "pid", "tid"},
    "t": {"name", "cat", "id", "ts", "pid", "tid"},
    "f": {"name", "cat", "id", "ts", "pid", "tid", "bp"},
}


def _faults_of_event(event: Any) -> list[str]:
    """Return what is wrong with an event by itself."""
    if not isinstance(event, dict) or event.get("ph") not in NEEDED:
        return [f"no event of a known kind: {event}"]
    faults = [f"no {key}: {event}" for key in NEEDED[event["ph"]] - set(event)]
    if faults:
        return faults
    for key in {"ts", "dur"} & set(event):
        value = event[key]
        if type(value) not in (int, float) or not math.isfinite(value) or value < 0:
            faults.append(f"{key} is {value!r}")
    faults += [
        f"{key} is no int" for key in ("pid", "tid") if type(event[key]) is not int
    ]
    if not isinstance(event["name"], str) or not event["name"]:
        faults.append(f"no name: {event}")
    if event["ph"] == "C" and not all(type(v) is int for v in event["args"].values()):
        faults.append(f"a counter of no numbers: {event}")
    if event["ph"] == "M" and not isinstance(event["args"].get("name"), str):
        faults.append(f"a name that is none: {event}")
    return faults


def _slices(events: list[dict[str, Any]]) -> dict[tuple[int, int], list[Any]]:
    rows: dict[tuple[int, int], list[Any]] = {}
    for event in events:
        if event["ph"] == "X":
            at = (event["ts"], event["ts"] + event["dur"])
            rows.setdefault((event["pid"], event["tid"]), []).append(at)
    return rows


def _faults_of_rows(events: list[dict[str, Any]]) -> list[str]:
    """Slices of a thread are apart or nested; every thread has a name, and every process."""
    faults = []
    for row, slices in _slices(events).items():
        opened: list[tuple[float, float]] = []
        for start, end in sorted(slices, key=lambda at: (at[0], -at[1])):
            while opened and opened[-1][1] <= start:
                opened.pop()
            if opened and end > opened[-1][1]:
                faults.append(f"slices overlap in {row}: {opened[-1]}, {(start, end)}")
            opened.append((start, end))
    named = [(e["name"], e["pid"], e["tid"]) for e in events if e["ph"] == "M"]
    faults += [f"named twice: {name}" for name in set(named) if named.count(name) > 1]
    for pid, tid in _slices(events):
        if ("thread_name", pid, tid) not in named:
            faults.append(f"thread {tid} of {pid} has no name")
        if ("process_name", pid, 0) not in named or tid == 0:
            faults.append(f"process {pid} has no name, or a thread 0")
    return faults


def _faults_of_flows(events: list[dict[str, Any]]) -> list[str]:
    """A flow starts once, ends once, goes forward, and each of its points lies in a slice."""
    faults, flows = [], {}
    for event in events:
        if event["ph"] in "stf":
            flows.setdefault((event["cat"], event["name"], event["id"]), []).append(
                event
            )
    for key, points in flows.items():
        kinds = "".join(point["ph"] for point in points)
        if kinds[0] + kinds[-1] != "sf" or set(kinds[1:-1]) > {"t"}:
            faults.append(f"flow {key} is {kinds}")
        if any(a["ts"] > b["ts"] for a, b in pairwise(points)):
            faults.append(f"flow {key} goes back in time")
        for point in points:
            row = _slices(events).get((point["pid"], point["tid"]), [])
            if not any(start <= point["ts"] <= end for start, end in row):
                faults.append(f"flow {key} has a point in no slice: {point}")
    ids = [key[2] for key in flows]
    return faults + [f"id {i} serves two flows" for i in set(ids) if ids.count(i) > 1]


def _faults_of_counters(events: list[dict[str, Any]]) -> list[str]:
    values: dict[Any, list[int]] = {}
    for event in sorted((e for e in events if e["ph"] == "C"), key=lambda e: e["ts"]):
        for series, value in event["args"].items():
            values.setdefault((event["pid"], event["name"], series), []).append(value)
    return [f"{key} falls: {v}" for key, v in values.items() if v != sorted(v)]


def faults_of(path: Path) -> list[str]:
    """Return what a trace has against the format."""
    trace = json.loads(path.read_text())
    if not isinstance(trace, dict) or not isinstance(trace.get("traceEvents"), list):
        return ["it is no object with traceEvents"]
    events = trace["traceEvents"]
    faults = [fault for event in events for fault in _faults_of_event(event)]
    if faults:
        return faults
    checks = (_faults_of_rows, _faults_of_flows, _faults_of_counters)
    return [fault for check in checks for fault in check(events)]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def trace(tmp_path_factory, make_channel) -> Path:
    """Return the trace of a create whose packages come over the network."""
    top = tmp_path_factory.mktemp("trace")
    when = 1_600_000_000_000_000_000
    made = [
        Package(n, "1.0", members=[Member(f"share/{n}", n.encode(), 0o644, when)])
        for n in ("one", "two", "three")
    ]
    served = partial(_Quiet, directory=str(make_channel(*made)))
    server = ThreadingHTTPServer(("127.0.0.1", 0), served)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    words = ["create", "-p", str(top / "env"), "one", "two", "three", "-c", url]
    place = ["--override-channels", "--store", str(top / "store"), "-q"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(top))
        assert main([*words, *place, "--trace", str(top / "trace.json")]) == 0
    server.shutdown()
    server.server_close()
    return top / "trace.json"


def events_of(path: Path, kind: str) -> list[dict[str, Any]]:
    return [e for e in json.loads(path.read_text())["traceEvents"] if e["ph"] == kind]


def test_trace__keeps_to_the_format(trace):
    assert faults_of(trace) == []


def test_trace__names_its_process_and_threads(trace):
    names = {(e["name"], e["args"]["name"]) for e in events_of(trace, "M")}
    expected = {("process_name", "cenv create"), ("thread_name", "main")}
    assert expected | {("thread_name", "transfer 1")} <= names


def test_trace__has_a_flow_for_each_package(trace):
    flows: dict[str, list[tuple[str, int]]] = {}
    for kind in "stf":
        for event in events_of(trace, kind):
            flows.setdefault(event["name"], []).append(kind)
    assert flows == {
        f"{n}-1.0-0.conda": ["s", "t", "f"] for n in ("one", "two", "three")
    }


def test_trace__counts_bytes_and_memory(trace):
    counters = events_of(trace, "C")
    last = [e["args"] for e in counters if e["name"] == "bytes"][-1]
    assert last["download"] > 0
    assert last["extract"] > 0
    assert [e["args"]["peak"] > 1 << 20 for e in counters if e["name"] == "memory"]


def test_trace__is_read_as_it_was_written(trace):
    spans = trace_file.read(trace).spans
    transfers = [s for s in spans if s["stage"] == "download" and s["what"]]
    assert len(transfers) == 3
    assert all(s["thread"] >= 1000 and s["bytes"] > 0 for s in transfers)
    assert {s["pid"] for s in spans} == {os.getpid()}


def _span(start: float, end: float, thread: int = 0, **more: Any) -> dict[str, Any]:
    counts = {"items": 0, "bytes": 0, "hits": 0, "misses": 0}
    whole = {"stage": "files", "what": "", "start": start, "end": end, "reason": ""}
    return {**whole, **counts, "thread": thread, **more}


def test_rows__spans_that_overlap_lie_beside_each_other(tmp_path):
    spans = [_span(0, 4), _span(1, 2), _span(3, 5), _span(4.5, 6), _span(3.5, 9)]
    frame = {"kind": "clone", "what": "t", "start": 0, "end": 9, "thread": 1}
    path = tmp_path / "t.json"
    trace_file.write_all(path, [(7, "gw0", [*spans, frame]), (8, "gw1", spans)])
    assert faults_of(path) == []
    names = {e["args"]["name"] for e in events_of(path, "M") if e["pid"] == 7}
    assert {"gw0", "main", "main (beside 1)", "worker 1"} <= names
    assert len(trace_file.read(path).spans) == 2 * len(spans)
    assert {s["thread"] for s in trace_file.read(path).spans} == {0}


def test_flows__a_package_that_goes_nowhere_has_none():
    spans = [_span(0, 1, stage="extract", what="a.conda", bytes=3)]
    events = trace_events.of_process(1, "cenv", spans)
    assert {event["ph"] for event in events} == {"M", "X", "C"}


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ([{"ph": "X", "name": "a"}], "no "),
        ([{"ph": "B", "name": "a", "pid": 1, "tid": 1}], "no event of a known kind"),
        (
            [
                {
                    "ph": "X",
                    "name": "a",
                    "cat": "a",
                    "ts": at,
                    "dur": 2,
                    "pid": 1,
                    "tid": 1,
                }
                for at in (0, 1)
            ],
            "slices overlap",
        ),
        (
            [
                {
                    "ph": "s",
                    "name": "a",
                    "cat": "p",
                    "id": 1,
                    "ts": 0,
                    "pid": 1,
                    "tid": 1,
                }
            ],
            "flow",
        ),
    ],
)
def test_validator__finds_what_is_wrong(tmp_path, events, told):
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"traceEvents": events}))
    assert any(told in fault for fault in faults_of(path))
