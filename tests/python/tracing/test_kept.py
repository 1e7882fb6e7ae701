# SPDX-License-Identifier: BSD-3-Clause
"""The traces that a store keeps: few, small, private, whole, and never in a command's way."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from cenv.tracing import kept
from cenv.tracing.facts import Facts


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "v1").mkdir()
    return tmp_path


def facts(command: str = "create", *specs: str) -> Facts:
    return {"command": command, "request": {"specs": list(specs)}, "seconds": 1.0}


def test_keep__holds_the_last_few_of_each_command(store):
    for number in range(kept.KEPT + 3):
        kept.keep(facts("create", str(number)), [], store)
    kept.keep(facts("clone"), [], store)
    found = kept.kept(store, "create")
    newest = [trace.read().facts["request"]["specs"] for trace in found]
    assert newest == [[str(n)] for n in range(kept.KEPT + 2, 2, -1)]
    assert [trace.command for trace in kept.kept(store, "clone")] == ["clone"]
    assert len(kept.kept(store)) == kept.KEPT + 1


def test_keep__is_bounded_in_bytes(store, monkeypatch):
    monkeypatch.setattr(kept, "MAX_BYTES", 1000)
    for _ in range(5):
        kept.keep(facts("create", "x" * 300), [], store)
    assert 1 <= len(kept.kept(store)) < 5
    assert sum(Path(t.path).stat().st_size for t in kept.kept(store)) <= 1000
    monkeypatch.setattr(kept, "MAX_TRACE", 100)
    kept.keep(facts("solve", "x" * 300), [], store)
    assert not kept.kept(store, "solve")


def test_keep__is_for_its_user_alone(store):
    kept.keep(facts(), [], store)
    modes = [(store / "v1/traces").stat(), Path(kept.kept(store)[0].path).stat()]
    assert [stat.S_IMODE(mode.st_mode) for mode in modes] == [0o700, 0o600]


@pytest.mark.parametrize(
    "there", ["nothing", "a file", "a link", "an unwritable place"]
)
def test_keep__fails_nobody_and_follows_no_link(tmp_path, there):
    store, outside = tmp_path / "store", tmp_path / "outside"
    outside.mkdir()
    if there != "nothing":
        (store / "v1").mkdir(parents=True)
    if there == "a file":
        (store / "v1/traces").write_text("mine")
    if there == "a link":
        (store / "v1/traces").symlink_to(outside)
    if there == "an unwritable place":
        (store / "v1").rmdir()
        (store / "v1").symlink_to("/proc/self")
    kept.keep(facts(), [], store)
    assert kept.kept(store) == []
    assert list(outside.iterdir()) == []
    assert store.exists() == (there != "nothing")


def test_kept__passes_over_what_is_no_trace(store):
    kept.keep(facts(), [], store)
    (store / "v1/traces/notes.txt").write_text("x")
    (store / "v1/traces/20260101T000000.000000-create-zz-1.json").write_text("x")
    no_time = store / "v1/traces/20261399T000000.000000-create-00000000-1.json"
    no_time.write_text("{}")
    (store / "elsewhere.json").write_text("{}")
    link = store / "v1/traces/20990101T000000.000000-create-00000000-1.json"
    link.symlink_to(store / "elsewhere.json")
    os.mkfifo(store / "v1/traces/20990102T000000.000000-create-00000000-1.json")
    assert len(kept.kept(store)) == 1


def test_last__goes_back_to_the_same_request(store):
    for specs in (["a"], ["b"], ["a"], ["a"]):
        kept.keep(facts("create", *specs), [], store)
    kept.keep(facts("solve", "a"), [], store)
    assert [t.command for t in kept.last(2, store)] == ["solve"]
    asked = [t.read().facts["request"]["specs"] for t in kept.last(9, store, "create")]
    assert asked == [["a"]] * 3
    assert len(kept.last(2, store, "create")) == 2
    assert kept.last(1, store / "nowhere") == []


def test_before__gives_those_asked_for_the_same(store):
    for specs in (["a"], ["b"]):
        kept.keep(facts("pytest", *specs), [], store)
    found = list(kept.before(facts("pytest", "a"), store))
    assert [t.read().facts["request"]["specs"] for t in found] == [["a"]]
    assert not list(kept.before(facts("create", "a"), store))


def test_keep__takes_no_other_command(store):
    kept.keep(facts("doctor"), [], store)
    assert not os.path.exists(store / "v1/traces")


def test_keep__removes_what_a_killed_process_was_writing(store):
    kept.keep(facts(), [], store)
    (whole,) = kept.kept(store)
    scratch = Path(whole.path).with_name(f".{Path(whole.path).name}")
    scratch.write_text("half")
    kept.keep(facts(), [], store)
    assert scratch.exists()  # as far as anybody knows it is still written
    os.utime(scratch, (0, 0))
    kept.keep(facts(), [], store)
    assert not scratch.exists()
