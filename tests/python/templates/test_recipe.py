# SPDX-License-Identifier: BSD-3-Clause
"""Recipes: values that tell one wish for a template from another, in every process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import cenv
from cenv.templates.recipe import Recipe
from cenv.templates.setup import Setup

RECORD = {"name": "tool", "version": "1.0", "build": "0", "sha256": "aa"}


def test_recipe_key__is_the_same_in_every_process(tmp_path: Path) -> None:
    make = (
        "Recipe(specs=('a', 'b'), channels=('c',), options={'x': 1, 'pinned': ('p',)})"
    )
    probe = f"from cenv.templates.recipe import Recipe; print({make}.key())"
    told = subprocess.check_output([sys.executable, "-c", probe], text=True)
    recipe = Recipe(
        specs=("a", "b"), channels=("c",), options={"pinned": ("p",), "x": 1}
    )
    assert recipe.key() == told.strip()


@pytest.mark.parametrize(
    "other",
    [
        Recipe(specs=("b",)),
        Recipe(specs=("a",), channels=("c",)),
        Recipe(specs=("a",), records=(RECORD,)),
        Recipe(specs=("a",), platform="osx-64"),
        Recipe(specs=("a",), deps="only"),
        Recipe(specs=("a",), options={"pinned": ("b",)}),
        Recipe(specs=("a",), setup=Setup(print, "key", transient=False)),
        Recipe(specs=("a",), base=cenv.Template(path="/b", id="b")),
    ],
)
def test_recipe_key__tells_what_is_asked(other: Recipe) -> None:
    assert other.key() != Recipe(specs=("a",)).key()


def test_recipe_key__does_not_tell_package_caches() -> None:
    assert Recipe(specs=("a",), pkgs_dirs=("/p",)).key() == Recipe(specs=("a",)).key()


def test_recipe_key__takes_records_of_either_kind() -> None:
    record = cenv.PackageRecord.from_json(RECORD)
    whole = record.to_json()
    assert Recipe(records=(record,)).key() == Recipe(records=(whole,)).key()


def test_recipe_base__must_be_of_a_store() -> None:
    with pytest.raises(cenv.UsageError, match="no template of the store: /somewhere"):
        Recipe(base=cenv.Template(path="/somewhere", id=""))


def test_recipe_records__keep_those_of_the_base() -> None:
    below = cenv.PackageRecord.from_json(RECORD)
    base = cenv.Template(path="/b", id="b", records=(below,))
    other = {**RECORD, "name": "other"}
    recipe = Recipe(records=(RECORD, other), base=base)
    assert recipe.whole_records() == [below, other]
    assert recipe.adds_nothing([RECORD])
    assert not recipe.adds_nothing([RECORD, {**other, "sha256": "bb"}])
    changed = Recipe(records=({**RECORD, "sha256": "bb"},), base=base)
    with pytest.raises(cenv.UsageError, match="another tool"):
        changed.whole_records()


def test_made__can_be_built_anew_where_another_process_built_it(
    small_channel: Path, tmp_path: Path
) -> None:
    calls: list[str] = []

    def prepare(draft: object) -> None:
        calls.append(str(draft))

    store = cenv.TemplateStore(tmp_path / "store")
    recipe = Recipe(
        specs=("tool",),
        channels=(small_channel,),
        setup=Setup(prepare, "a key", transient=False),
    )
    first = store.make(recipe)
    told = cenv.TemplateStore(store.path).made(first.id, recipe)
    assert told is not None
    assert told.specs == first.specs
    (told / "share/data.txt").chmod(0o644)
    (told / "share/data.txt").write_text("altered")
    assert told.repair(content=True)
    assert len(calls) == 2
    assert told.check(content=True).ok


def test_made__is_the_base_where_nothing_is_added(
    small_channel: Path, tmp_path: Path
) -> None:
    store = cenv.TemplateStore(tmp_path / "store")
    base = store.template(["tool"], [small_channel])
    recipe = Recipe(specs=("data",), channels=(small_channel,), base=base)
    assert store.make(recipe).id == base.id
    told = store.made(base.id, recipe)
    assert told is not None
    assert (told.path, told.specs, told.plan) == (base.path, ("data",), base.plan)
    assert store.made("0" * 64, recipe) is None
