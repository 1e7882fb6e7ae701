# SPDX-License-Identifier: BSD-3-Clause
"""The template store: requests, set-ups, staging, gc."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import cenv
from cenv.errors import CenvError, UsageError


@pytest.fixture
def store(tmp_path: Path) -> cenv.TemplateStore:
    return cenv.TemplateStore(tmp_path / "store")


def test_template__is_built_once(
    store: cenv.TemplateStore, small_channel: Path
) -> None:
    first = store.template(["tool"], [small_channel])
    again = store.template(["tool"], [small_channel])
    other_words = store.template(["tool >=0", "data"], [small_channel])
    assert first.built
    assert not again.built
    assert {first.id, again.id, other_words.id} == {first.id}
    assert [item["id"] for item in store.templates()] == [first.id]
    assert cenv.verify(first).ok


def test_setup__runs_once_and_stays(
    store: cenv.TemplateStore, small_channel: Path, tmp_path: Path
) -> None:
    calls = []

    def setup(draft: cenv.store.Draft) -> None:
        calls.append(draft.path)
        draft.run("tool", check=True)
        (draft / "added").write_text(f"at {draft}\n")

    def template(key: object) -> cenv.Template:
        return store.template(["tool"], [small_channel], setup=setup, key=key)

    plain = store.template(["tool"], [small_channel])
    first, again = template("one"), template("one")
    assert first.built
    assert not again.built
    assert first.path == again.path == calls[0]
    assert len(calls) == 1
    assert len({plain.id, first.id, template("two").id}) == 3
    with first.clone(tmp_path / "clone") as clone:
        assert (clone / "added").read_text() == f"at {clone}\n"


def test_setup__keys_are_contents(tmp_path: Path) -> None:
    from cenv.setup import digest

    (tmp_path / "a").write_text("x")
    (tmp_path / "b").write_text("x")
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    assert digest(["x", "y"]) == digest(("x", "y"))
    assert len({digest(k) for k in ("x", b"x", tmp_path / "a", "xy", ["x", "y"])}) == 5
    with pytest.raises(UsageError, match="key= cannot be a int"):
        digest(3)


def test_setup__failure_leaves_nothing(
    store: cenv.TemplateStore, small_channel: Path
) -> None:
    def fails(draft: cenv.store.Draft) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        store.template(["tool"], [small_channel], setup=fails, key="k")
    assert store.templates() == []
    assert not os.listdir(Path(store.path) / "v1/templates")
    with pytest.raises(UsageError, match="there is no setup="):
        store.template(["tool"], [small_channel], key="k")


def test_setup__without_key_ends_with_its_process(
    store: cenv.TemplateStore, small_channel: Path
) -> None:
    code = (
        "import cenv, sys\n"
        "store = cenv.TemplateStore(sys.argv[1])\n"
        "t = store.template(['tool'], [sys.argv[2]], setup=lambda draft: None)\n"
        "store.sweep()\n"
        "print(t.id, store.find(t.id) is not None)\n"
    )
    argv = [sys.executable, "-c", code, store.path, small_channel]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    found, there = done.stdout.split()
    assert there == "True", "its own sweep leaves it"
    assert store.find(found) is not None
    store.sweep()
    assert store.find(found) is None


def test_stage__gives_a_template_where_the_clones_are(
    store: cenv.TemplateStore, small_channel: Path, tmp_path: Path
) -> None:
    template = store.template(["tool"], [small_channel])
    assert store.stage(template, tmp_path) is template
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        return
    place = Path(
        subprocess.check_output(["mktemp", "-d", "-p", other], text=True).strip()
    )
    try:
        staged = store.stage(template, place)
        assert staged.id == template.id
        assert Path(staged.path).is_relative_to(place)
        assert place.joinpath(f"cenv-{os.getuid()}").stat().st_mode & 0o77 == 0
        clone = staged.clone(place / "clone", mode="hardlink")
        plain = clone / "lib/plain.txt"
        assert (
            plain.stat().st_ino == (Path(staged.path) / "lib/plain.txt").stat().st_ino
        )
        assert str(clone) in (clone / "etc/tool.conf").read_text()
        assert cenv.verify(clone).ok
    finally:
        cenv.remove(place)


def test_gc__respects_leases(store: cenv.TemplateStore, small_channel: Path) -> None:
    template = store.template(["tool"], [small_channel])
    lease = store.lease()
    with pytest.raises(CenvError, match="in use"):
        store.gc()
    with pytest.raises(CenvError, match="in use"):
        store.remove(template.id)
    lease.release()
    assert store.gc()["removed"] >= 1
    assert store.templates() == []
