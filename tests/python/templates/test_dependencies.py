# SPDX-License-Identifier: BSD-3-Clause
"""Templates of a part of a solution, and of packages that a package cache has."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import cenv
from cenv.demo.package import Package
from cenv.templates.recipe import Deps, Recipe


@pytest.fixture
def store(tmp_path: Path) -> cenv.TemplateStore:
    return cenv.TemplateStore(tmp_path / "store")


@pytest.fixture(scope="module")
def chain(make_channel) -> Path:
    """Return a channel where top needs middle, which needs bottom."""
    return make_channel(
        Package("bottom", "1"),
        Package("middle", "1", depends=["bottom >=1"]),
        Package("top", "1", depends=["middle", "__unix"]),
    )


@pytest.mark.parametrize(
    ("specs", "deps", "names"),
    [
        (("top",), "all", {"top", "middle", "bottom"}),
        (("top",), "none", {"top"}),
        (("top",), "only", {"middle", "bottom"}),
        (("top", "bottom"), "none", {"top", "bottom"}),
        (("top", "middle"), "only", {"middle", "bottom"}),
        (("bottom",), "only", set()),
    ],
)
def test_dependencies__are_kept_as_conda_keeps_them(
    store: cenv.TemplateStore,
    chain: Path,
    specs: tuple[str, ...],
    deps: Deps,
    names: set[str],
) -> None:
    recipe = Recipe(specs=specs, channels=(chain,), deps=deps)
    whole = store.make(Recipe(specs=specs, channels=(chain,)))
    made, again = store.make(recipe), store.make(recipe)
    assert {record.name for record in made.records} == names
    assert (made.id, again.built, again.specs) == (again.id, False, specs)
    assert (made.id == whole.id) is (deps == "all")


def test_package_cache__spares_the_download_and_nothing_else(
    store: cenv.TemplateStore, small_channel: Path, tmp_path: Path, serve
) -> None:
    server = serve(small_channel)
    cache = tmp_path / "pkgs"
    cache.mkdir()
    (found,) = small_channel.glob("*/tool-*.conda")
    shutil.copy(found, cache)
    recipe = Recipe(
        specs=("tool",), channels=(server.url,), pkgs_dirs=(str(cache), "/nowhere")
    )
    made = store.make(recipe)
    fetched = [path for path in server.paths() if path.endswith(".conda")]
    assert [path.rpartition("/")[2] for path in fetched] == ["data-3.0-0.conda"]
    other = cenv.TemplateStore(tmp_path / "other")
    (cache / found.name).write_bytes(b"damaged")
    assert other.make(recipe).id == made.id
    assert cenv.verify(made).ok
    assert f"/linux-64/{found.name}" in server.paths()


def test_package_cache__serves_records_too(
    store: cenv.TemplateStore, small_channel: Path, tmp_path: Path
) -> None:
    (found,) = small_channel.glob("*/data-1.0-0.conda")
    cache = tmp_path / "pkgs"
    cache.mkdir()
    record = cenv.solve(["data=1"], [small_channel]).records[0].to_json()
    gone = {**record, "url": (tmp_path / "gone" / found.name).as_uri()}
    recipe = Recipe(records=(gone,), pkgs_dirs=(str(cache),))
    with pytest.raises(FileNotFoundError):
        store.make(recipe)
    shutil.copy(found, cache)
    assert store.make(recipe).records[0].name == "data"
