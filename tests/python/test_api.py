# SPDX-License-Identifier: BSD-3-Clause
"""The whole chain on small packages: solve, create, clone, verify; and every bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import cenv


def cli(*argv: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user would."""
    return subprocess.run(
        [sys.executable, "-m", "cenv", *map(str, argv)],
        capture_output=True,
        text=True,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def snapshot(top: Path) -> dict[str, tuple[int, int, bytes | str]]:
    """Return mode, mtime and content of everything below `top`."""
    found: dict[str, tuple[int, int, bytes | str]] = {}
    for path in sorted(top.rglob("*")):
        facts = path.lstat()
        if path.is_symlink():
            content: bytes | str = os.readlink(path)
        else:
            content = path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(top))] = (facts.st_mode, facts.st_mtime_ns, content)
    return found


@pytest.fixture
def created(small_channel: Path, session_store: Path, tmp_path: Path) -> Path:
    prefix = tmp_path / "env"
    cenv.create(prefix, ["tool"], [small_channel], store=session_store)
    return prefix


def test_solve__prefers_the_newest(small_channel: Path, session_store: Path) -> None:
    solution = cenv.solve(["tool"], [small_channel], store=session_store)
    found = {record.name: record.version for record in solution.records}
    assert found == {"data": "3.0", "tool": "1.0"}
    assert solution.names() == ("data", "tool"), "what a record needs stands before it"
    stages = {stage.name for stage in solution.stages}
    assert {"process indices", "reduce", "express", "solve"} <= stages


def test_create__links_and_relocates(created: Path) -> None:
    assert (created / "etc/tool.conf").read_text() == f"here={created}/lib\n"
    library = (created / "lib/libtool.so").read_bytes()
    assert str(created).encode() + b"/share\0" in library
    assert b"placehold" not in library
    assert (created / "lib/plain.txt").stat().st_mtime_ns == 1_600_000_000_123_456_789
    assert (created / "lib/plain.txt").stat().st_mode & 0o777 == 0o640
    assert os.readlink(created / "lib/link.txt") == "plain.txt"
    assert os.readlink(created / "bin/sh-link") == "/bin/sh"
    done = subprocess.run(
        [created / "bin/tool"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(created)
    assert cenv.verify(created).ok


def test_create__writes_records_and_history(created: Path) -> None:
    record = json.loads((created / "conda-meta/tool-1.0-0.json").read_text())
    assert record["files"] == sorted(record["files"])
    entries = {entry["_path"]: entry for entry in record["paths_data"]["paths"]}
    assert entries["etc/tool.conf"]["file_mode"] == "text"
    assert entries["lib/libtool.so"]["file_mode"] == "binary"
    assert (
        entries["etc/tool.conf"]["sha256"]
        != entries["etc/tool.conf"]["sha256_in_prefix"]
    )
    history = (created / "conda-meta/history").read_text()
    assert "::tool-1.0-0" in history
    assert "# update specs: ['tool']" in history


def test_clone__equals_a_fresh_install(
    created: Path, small_channel: Path, session_store: Path, tmp_path: Path
) -> None:
    before = snapshot(created)
    for name in ("c", "env-of-another-length" * 3):
        target = tmp_path / name
        report = cenv.clone(created, target, store=session_store)
        assert Path(report.prefix) == target
        assert cenv.verify(target).ok
        fresh = tmp_path / "fresh"
        os.rename(target, tmp_path / "aside")
        cenv.create(target, ["tool"], [small_channel], store=session_store)
        os.rename(target, fresh)
        os.rename(tmp_path / "aside", target)
        for path, (mode, _mtime, content) in snapshot(fresh).items():
            if path.startswith("conda-meta/") and not path.endswith(".json"):
                continue
            cloned = snapshot(target)[path]
            if path.startswith("conda-meta/"):
                ours, theirs = json.loads(cloned[2]), json.loads(content)
                assert ours["paths_data"] == theirs["paths_data"]
            else:
                assert (cloned[0], cloned[2]) == (mode, content), path
        cenv.api.remove(fresh)
    assert snapshot(created) == before, "the source is never changed"


def test_template__is_built_once(
    small_channel: Path, session_store: Path, tmp_path: Path
) -> None:
    store = cenv.TemplateStore(session_store)
    first = store.template(["tool", "data=2"], [small_channel])
    second = store.template(["tool", "data=2"], [small_channel])
    assert first.id == second.id
    assert not second.built
    assert "solve" not in {stage.name for stage in second.stages}
    same = store.template(["data 2.0", "tool 1.0"], [small_channel])
    assert same.id == first.id, "the id depends on the solution, not on the wording"
    with first.clone(tmp_path / "x") as clone:
        assert (clone / "share/data.txt").read_text() == "2.0"
        assert clone.run("sh", "-c", "echo $CONDA_PREFIX", capture_output=True).stdout
    assert not (tmp_path / "x").exists()


def test_command_line__creates_clones_and_verifies(
    small_channel: Path, tmp_path: Path
) -> None:
    common = ("--store", tmp_path / "store")
    made = cli(
        "--json",
        "create",
        "-p",
        tmp_path / "e",
        "tool",
        "-c",
        small_channel,
        "--override-channels",
        *common,
    )
    assert made.returncode == 0, made.stderr
    reply = json.loads(made.stdout)
    assert [record["name"] for record in reply["records"]] == ["data", "tool"]
    assert reply["prefix"] == str(tmp_path / "e")
    cloned = cli("clone", tmp_path / "e", tmp_path / "f", *common)
    assert cloned.returncode == 0, cloned.stderr
    assert cloned.stdout.strip() == str(tmp_path / "f")
    checked = cli("verify", tmp_path / "f", "--json")
    assert checked.returncode == 0
    assert json.loads(checked.stdout)["ok"] is True
    (tmp_path / "f/lib/plain.txt").write_text("changed")
    altered = cli("verify", "--json", tmp_path / "f")
    assert altered.returncode == 1
    assert json.loads(altered.stdout)["altered"] == ["lib/plain.txt"]


def test_trace__is_written(small_channel: Path, tmp_path: Path) -> None:
    trace = tmp_path / "t.json"
    done = cli(
        "--trace",
        trace,
        "create",
        "-p",
        tmp_path / "e",
        "tool",
        "-c",
        small_channel,
        "--store",
        tmp_path / "store",
    )
    assert done.returncode == 0, done.stderr
    events = json.loads(trace.read_text())["traceEvents"]
    names = {event["cat"] for event in events if event["ph"] == "X"}
    assert {"solve", "extract", "link"} <= names
    report = cli("report", trace)
    assert report.returncode == 0
    assert "solve" in report.stdout


def create(
    channel: Path, tmp_path: Path, *specs: str
) -> subprocess.CompletedProcess[str]:
    return cli(
        "create",
        "--json",
        "-p",
        tmp_path / "e",
        *specs,
        "-c",
        channel,
        "--store",
        tmp_path / "store",
    )


def failure(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    assert done.returncode == 1, done.stdout + done.stderr
    error: dict[str, object] = json.loads(done.stdout)["error"]
    return error


def test_solve__names_a_near_package_for_an_unknown_one(
    small_channel: Path, tmp_path: Path
) -> None:
    error = failure(create(small_channel, tmp_path, "toool"))
    assert error["type"] == "UnsatisfiableError"
    assert "toool" in str(error["message"])
    assert "tool" in str(error["message"]).replace("toool", "") + str(error["hint"])
    assert not (tmp_path / "e").exists()


def test_spec__that_is_malformed_shows_the_position(
    small_channel: Path, tmp_path: Path
) -> None:
    error = failure(create(small_channel, tmp_path, "tool >>1"))
    assert error["type"] == "SpecError"
    assert "tool >>1" in str(error["message"])
    assert "column" in str(error["message"])


def test_channel__that_is_missing_is_one_message(tmp_path: Path) -> None:
    error = failure(create(tmp_path / "nowhere", tmp_path, "tool"))
    assert error["type"] == "ChannelError"
    assert "nowhere" in str(error["message"])
    assert not (tmp_path / "e").exists()


def test_channel__must_be_given(tmp_path: Path) -> None:
    done = cli(
        "create", "--json", "-p", tmp_path / "e", "tool", "--store", tmp_path / "s"
    )
    assert failure(done)["type"] == "ChannelError"


def copy_channel(channel: Path, target: Path) -> Path:
    subprocess.run(["cp", "-r", channel, target], check=True)
    return target


def test_repodata__that_is_not_json_is_one_message(
    small_channel: Path, tmp_path: Path
) -> None:
    channel = copy_channel(small_channel, tmp_path / "channel")
    for old in channel.glob("*/repodata.json*"):
        old.unlink()
    for subdir in ("noarch", "linux-64"):
        (channel / subdir / "repodata.json").write_text("<html>not here</html>")
    error = failure(create(channel, tmp_path, "tool"))
    assert error["type"] in ("ChannelError", "IntegrityError")
    assert "repodata.json" in str(error["message"])


@pytest.mark.parametrize("damage", ["truncated", "altered", "missing"])
def test_package__that_is_damaged_is_one_message(
    small_channel: Path, tmp_path: Path, damage: str
) -> None:
    channel = copy_channel(small_channel, tmp_path / "channel")
    package = next(channel.glob("*/tool-1.0-0.conda"))
    data = package.read_bytes()
    if damage == "truncated":
        package.write_bytes(data[: len(data) // 2])
    elif damage == "altered":
        package.write_bytes(data[:-30] + bytes([data[-30] ^ 1]) + data[-29:])
    else:
        package.unlink()
    error = failure(create(channel, tmp_path, "tool"))
    assert "tool-1.0-0" in str(error["message"])
    assert not (tmp_path / "e").exists()
    assert not list((tmp_path / "store/v1/tmp").iterdir())
    package.write_bytes(data)
    assert create(channel, tmp_path, "tool").returncode == 0


def test_destination__that_holds_something_is_refused(
    created: Path, session_store: Path, tmp_path: Path
) -> None:
    occupied = tmp_path / "occupied"
    occupied.mkdir()
    (occupied / "mine").write_text("keep me")
    with pytest.raises(cenv.PrefixError, match="occupied"):
        cenv.clone(created, occupied, store=session_store)
    assert (occupied / "mine").read_text() == "keep me"
    with pytest.raises(cenv.PrefixError):
        cenv.clone(created, created / "inside", store=session_store)
    assert not (created / "inside").exists()
    empty = tmp_path / "empty"
    empty.mkdir(0o700)
    cenv.clone(created, empty, store=session_store)
    assert empty.stat().st_mode & 0o777 == 0o700
    with pytest.raises((cenv.PrefixError, FileNotFoundError)):
        cenv.clone(tmp_path / "absent", tmp_path / "x", store=session_store)


def test_prefix__longer_than_the_placeholder_is_refused(
    small_channel: Path, session_store: Path, tmp_path: Path
) -> None:
    stem = str(tmp_path / "p")
    fits = stem + "x" * (255 - len(stem))
    cenv.create(fits, ["tool"], [small_channel], store=session_store)
    assert cenv.verify(fits).ok
    with pytest.raises(cenv.PrefixError, match="255"):
        cenv.create(fits + "x", ["tool"], [small_channel], store=session_store)
    assert not os.path.lexists(fits + "x")
    with pytest.raises(cenv.PrefixError, match="255"):
        cenv.clone(fits, fits + "x", store=session_store)
    assert not os.path.lexists(fits + "x")


def test_usage_errors__exit_with_two(tmp_path: Path) -> None:
    for argv in (
        (),
        ("frobnicate",),
        ("clone", "only-one"),
        ("solve", "--no-such", "x"),
    ):
        assert cli(*argv).returncode == 2
    assert cli("--version").stdout.startswith("cenv ")


def test_clone__keeps_gc_away(
    created: Path, session_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease is held while the core clones, and let go whatever happens."""
    from cenv import api

    held: list[str] = []

    class Watched:
        def __init__(self, core_store: object) -> None:
            self.core = core_store

        def lease(self) -> Watched:
            held.append("taken")
            return self

        def release(self) -> None:
            held.append("released")

    monkeypatch.setattr(api._native, "work_in_store", Watched)
    monkeypatch.setattr(api._native, "call", lambda *_args: held.append("cloned") or {})
    with pytest.raises(KeyError, match="mode"):  # such a reply says nothing
        api.clone(created, tmp_path / "x", store=session_store)
    assert held == ["taken", "cloned", "released"]
