# SPDX-License-Identifier: BSD-3-Clause
"""Arguments of the API: one for a list of it, and errors that name what the user called."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

import cenv
from cenv import _native

WRONG: list[tuple[str, str, Callable[[Any], object]]] = [
    ("clone()", "src", lambda _: cenv.clone(None, "b")),
    ("clone()", "dst", lambda _: cenv.clone("a", 5)),
    ("clone()", "mode", lambda _: cenv.clone("a", "b", mode=5)),
    ("clone()", "modus", lambda _: cenv.clone("a", "b", modus="copy")),
    ("create()", "prefix", lambda _: cenv.create(5, ["a"])),
    ("create()", "link_mode", lambda _: cenv.create("p", ["a"], link_mode=5)),
    ("create()", "link_mod", lambda _: cenv.create("p", ["a"], link_mod="copy")),
    ("create()", "explains", lambda _: cenv.create("p", ["a"], explains="x")),
    ("solve()", "platform", lambda _: cenv.solve("a", platform=5)),
    ("solve()", "store", lambda _: cenv.solve("a", store=5)),
    ("solve()", "channel_priorty", lambda _: cenv.solve("a", channel_priorty="x")),
    ("solve()", "exclude_newer", lambda _: cenv.solve("a", exclude_newer=5)),
    ("reset()", "clone", lambda _: cenv.reset(5)),
    ("verify()", "prefix", lambda _: cenv.verify(None)),
    ("extract()", "package", lambda _: cenv.extract(5, "x")),
    ("extract()", "sha256", lambda _: cenv.extract("a", "x", sha256=5)),
    ("index()", "directory", lambda _: cenv.index(5)),
    ("remove()", "path", lambda _: cenv.remove(b"x")),
    ("Index()", "platform", lambda _: cenv.Index("c", platform=5)),
    ("TemplateStore()", "path", lambda _: cenv.TemplateStore(5)),
    ("TemplateStore.template()", "pinnd", lambda s: s.template("a", pinnd="x")),
    ("TemplateStore.find()", "id", lambda s: s.find(5)),
    ("TemplateStore.gc()", "max_size", lambda s: s.gc("10G")),
    ("Template.clone()", "mode", lambda s: cenv.Template("p", "").clone(mode=5)),
    ("Template.clone()", "dest", lambda s: cenv.Template("p", "").clone(dest="x")),
    ("Template.spares()", "count", lambda s: cenv.Template("p", "").spares("x")),
    ("Version()", "a str, not int", lambda _: cenv.Version(5)),
    ("Version.matches()", "a str, not", lambda _: cenv.Version("1").matches(None)),
    ("MatchSpec()", "a str, not int", lambda _: cenv.MatchSpec(5)),
    ("MatchSpec.matches()", "record", lambda _: cenv.MatchSpec("a").matches(5)),
]


@pytest.mark.parametrize(("function", "argument", "call"), WRONG)
def test_type_error__names_the_public_function(
    function: str, argument: str, call: Callable[[Any], object], tmp_path: Path
) -> None:
    store = cenv.TemplateStore(tmp_path)
    with pytest.raises(TypeError) as caught:
        call(store)
    assert str(caught.value).startswith(f"{function} ")
    assert argument in str(caught.value)


def test_misspelt_option__is_told_with_the_near_one() -> None:
    with pytest.raises(TypeError, match="did you mean channel_priority"):
        cenv.solve("a", channel_priorty="strict")  # type: ignore[call-arg]


LISTS: dict[str, Callable[[Path, Any], object]] = {
    "channels": lambda channel, wrong: cenv.solve("tool", wrong),
    "specs": lambda channel, wrong: cenv.solve(wrong, channel),
    "pinned": lambda channel, wrong: cenv.solve("tool", channel, pinned=wrong),
    "locked": lambda channel, wrong: cenv.solve("tool", channel, locked=wrong),
    "favored": lambda channel, wrong: cenv.solve("tool", channel, favored=wrong),
    "records": lambda channel, wrong: cenv.create("p", records=wrong),
}


@pytest.mark.parametrize("argument", LISTS)
@pytest.mark.parametrize("wrong", [5, b"x", [None]], ids=repr)
def test_list__that_is_none_names_the_argument(
    argument: str, wrong: Any, small_channel: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("CENV_STORE", str(tmp_path / "store"))
    with pytest.raises(cenv.UsageError, match=f"^{argument}= "):
        LISTS[argument](small_channel, wrong)


@pytest.mark.parametrize("argument", ["locked", "favored", "records"])
@pytest.mark.parametrize("wrong", ["tool", [5]], ids=repr)
def test_records__are_records(
    argument: str, wrong: Any, small_channel: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("CENV_STORE", str(tmp_path / "store"))
    with pytest.raises(cenv.UsageError, match=f"^{argument}= has .* as its item 0"):
        LISTS[argument](small_channel, wrong)


def test_text__is_a_list_of_one(small_channel: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    one = cenv.solve("tool", str(small_channel), store=store)
    many = cenv.solve(["tool"], [str(small_channel)], store=store)
    index = cenv.Index(small_channel, store=store)
    assert one.records == many.records == index.solve("tool").records
    pinned = cenv.solve("tool", small_channel, store=store, pinned="tool <9")
    assert pinned.records == one.records


@pytest.mark.parametrize("make", [cenv.Version, cenv.MatchSpec])
def test_value__is_copied_pickled_and_hashed(make: Callable[[str], object]) -> None:
    value = make("1.10.0")
    for again in (
        copy.copy(value),
        copy.deepcopy(value),
        *(pickle.loads(pickle.dumps(value, protocol)) for protocol in range(2, 6)),
    ):
        assert (again, str(again), hash(again)) == (value, str(value), hash(value))
    assert {make("1.10.0"), value} == {value}


def test_remove__takes_environments_alone(tmp_path: Path, small_channel: Path) -> None:
    mine = tmp_path / "mine"
    (mine / "data").mkdir(parents=True)
    with pytest.raises(cenv.PrefixError, match="is no environment"):
        cenv.remove(mine)
    assert (mine / "data").is_dir()
    cenv.remove(tmp_path / "nothing")
    prefix = tmp_path / "env"
    cenv.create(prefix, "tool", small_channel, store=tmp_path / "store")
    cenv.remove(prefix)
    (mine / "pyvenv.cfg").write_text("home = /usr/bin\n")
    cenv.remove(mine)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["store"]
    (tmp_path / "empty").mkdir()  # as a removal leaves it that fails at its last step
    cenv.remove(tmp_path / "empty")
    assert not (tmp_path / "empty").exists()


# ---- types ----

SAMPLE = """\
import cenv

store = cenv.TemplateStore()
mode: cenv.CloneMode = "reflink"
cenv.clone("a", "b", mode=mode)
cenv.clone("a", "b", mode="hardlnk")
cenv.create("p", "numpy", "conda-forge", link_mode="overlay")
cenv.solve(["a"], channel_priority="loose")
cenv.solve(["a"], channel_priorty="strict")
store.template("a", explains="a")
store.template("a").clone(mode="fast")
cenv.solve("numpy", channels="conda-forge", pinned="python 3.12", add_pip=True)
"""


def test_mypy__catches_wrong_modes_and_options(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    sample = tmp_path / "sample.py"
    sample.write_text(SAMPLE)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", "cache"]
    done = subprocess.run(
        [*command, "sample.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": ""},
    )
    lines = {
        int(line.split(":")[1]) for line in done.stdout.splitlines() if "error:" in line
    }
    assert lines == {6, 7, 8, 9, 10, 11}, done.stdout + done.stderr


def test_types__are_the_modes_of_the_core() -> None:
    assert get_args(cenv.CloneMode) == _native.extension.CLONE_MODES
    assert get_args(cenv.LinkMode) == _native.extension.LINK_MODES
    from cenv.config.merging import PRIORITIES

    assert get_args(cenv.ChannelPriority) == PRIORITIES
