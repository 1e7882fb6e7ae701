# SPDX-License-Identifier: BSD-3-Clause
"""Derived templates: built over others, whose packages and state they keep."""

from __future__ import annotations

from pathlib import Path

import pytest

import cenv
from cenv.demo.package import PLACEHOLDER, Member, Package
from cenv.errors import UnsatisfiableError, UsageError


@pytest.fixture
def store(tmp_path: Path) -> cenv.TemplateStore:
    return cenv.TemplateStore(tmp_path / "store")


@pytest.fixture(scope="module")
def channel(make_channel) -> Path:
    text = f"top at {PLACEHOLDER}\n".encode()
    top = [
        Member("share/top.txt", text, 0o644, placeholder=PLACEHOLDER),
        Member("share/both.txt", b"top\n", 0o644),
    ]
    return make_channel(
        Package("low", "1", members=[Member("share/both.txt", b"low\n", 0o644)]),
        Package("low", "2", members=[Member("share/both.txt", b"low 2\n", 0o644)]),
        Package("top", "1", depends=["low"], members=top),
        Package("strict", "1", depends=["low >=2"], members=[]),
    )


def changed(draft: cenv.templates.environment.Draft) -> None:
    (draft / "share/state.txt").write_text(f"set up at {draft}\n")


def names(template: cenv.Template) -> list[str]:
    return sorted(f"{r.name} {r.version}" for r in template.records)


def test_derived__keeps_the_packages_and_the_state_of_its_base(
    store: cenv.TemplateStore, channel: Path, tmp_path: Path
) -> None:
    base = store.template(["low=1"], [channel], setup=changed, key="1")
    layer = store.template(["top"], [channel], base=base)
    assert layer.built
    assert names(layer) == ["low 1", "top 1"]
    assert len({base.id, layer.id, store.template(["top", "low=1"], [channel]).id}) == 3
    clone = layer.clone(tmp_path / "clone")
    assert (clone / "share/top.txt").read_text() == f"top at {clone}\n"
    assert (clone / "share/both.txt").read_text() == "top\n"  # as a link of both has it
    assert (clone / "share/state.txt").read_text() == f"set up at {clone}\n"
    assert (Path(base.path) / "share/both.txt").read_text() == "low\n"
    history = (clone / "conda-meta/history").read_text()
    assert history.index("::low-1") < history.index("::top-1")
    assert {p.name for p in Path(clone / "conda-meta").glob("*.json")} == {
        "low-1-0.json",
        "top-1-0.json",
    }
    again = store.template(["top"], [channel], base=base)
    assert (again.id, again.built) == (layer.id, False)


def test_derived__shares_no_inode_with_its_base(
    store: cenv.TemplateStore, channel: Path
) -> None:
    base = store.template(["low=1"], [channel])
    layer = store.template(["low"], [channel], base=base, setup=changed, key="2")
    ours, theirs = (Path(t.path) / "share/both.txt" for t in (layer, base))
    assert ours.stat().st_ino != theirs.stat().st_ino
    assert theirs.stat().st_nlink == 1
    assert not list(Path(store.path, "v1/clones").iterdir())


def test_derived__that_adds_nothing_is_its_base(
    store: cenv.TemplateStore, channel: Path
) -> None:
    base = store.template(["low=1"], [channel])
    assert store.template(["low"], [channel], base=base).id == base.id
    alone = store.template(base=base, channels=[channel], setup=changed, key="3")
    assert alone.id != base.id
    assert names(alone) == names(base)


def test_derived__conflict_with_its_base_is_explained(
    store: cenv.TemplateStore, channel: Path
) -> None:
    base = store.template(["low=1"], [channel])
    with pytest.raises(UnsatisfiableError, match=r"low") as caught:
        store.template(["strict"], [channel], base=base)
    assert "strict" in str(caught.value)
    assert len(store.templates()) == 1


def test_derived__over_what_is_no_template(
    store: cenv.TemplateStore, channel: Path, tmp_path: Path
) -> None:
    base = cenv.Template(path=str(tmp_path), id="")
    with pytest.raises(UsageError, match="no template of the store"):
        store.template(["top"], [channel], base=base)
    gone = cenv.Template(path=str(tmp_path), id="0" * 64)
    with pytest.raises(UsageError, match="base: no template"):
        store.template(["top"], [channel], base=gone)


def test_derived__of_real_packages(
    session_store: Path, python_channel: Path, tmp_path: Path
) -> None:
    store = cenv.TemplateStore(session_store)
    channel = [python_channel]
    base = store.template(["python"], channel)
    layer = store.template(["pip"], channel, base=base)
    direct = store.template(["python", "pip"], channel)
    assert names(layer) == names(direct)
    clone = layer.clone(tmp_path / "clone")
    assert cenv.verify(clone).ok
    done = clone.run("pip", "--version", capture_output=True, text=True, check=True)
    assert str(clone) in done.stdout
    ours = {p.relative_to(clone.path) for p in Path(clone.path).rglob("*")}
    other = direct.clone(tmp_path / "other")
    theirs = {p.relative_to(other.path) for p in Path(other.path).rglob("*")}
    assert {p for p in ours ^ theirs if "__pycache__" not in p.parts} == set()


@pytest.mark.parametrize("later", ["file", "directory"])
def test_derived__replaces_a_file_by_a_directory_and_back(
    store: cenv.TemplateStore, make_channel, later: str
) -> None:
    """What comes to the base has the say, as in one link."""
    below, above = ("a/b", "a") if later == "file" else ("a", "a/b")
    channel = make_channel(
        Package("low", "1", members=[Member(below, b"low"), Member("kept", b"low")]),
        Package("top", "1", depends=["low"], members=[Member(above, b"top")]),
    )
    base = store.template(["low"], channels=[channel])
    made = store.template(["top"], channels=[channel], base=base)
    assert (Path(made) / above).read_bytes() == b"top"
    assert (Path(made) / "kept").read_bytes() == b"low"
    assert (Path(base) / below).read_bytes() == b"low"
