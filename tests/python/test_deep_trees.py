# SPDX-License-Identifier: BSD-3-Clause
"""Long names, long paths and deep trees: every command has the same limits, and says the same."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import cenv

NAME, PATH = (
    255,
    4095,
)  # bytes of a component, of a path within an environment or package
DEEP, COMPONENTS = 400, 256  # directories in an environment; components in a package


def long_path(size: int) -> list[str]:
    """Return components of a path of `size` bytes, few of them."""
    names = ["n" * 199] * ((size - 1) // 200)
    return [*names, "k" * (size - 200 * len(names))]


ENVIRONMENTS = {
    "a long name": (["m" * NAME], ["m" * NAME], ""),
    "as deep as can be": (["d"] * DEEP, ["f"], ""),
    "too deep": (["d"] * (DEEP + 1), ["f"], "nested too deep: in over 400 directories"),
    "as long as can be": (long_path(PATH - 2), ["f"], ""),
    "too long": (long_path(PATH - 2), ["ff"], "too long: a path of over 4,095 bytes"),
    "much too long": (["n" * 199] * 40, ["f"], "too long: a path of over 4,095 bytes"),
}


def make_deep(root: Path, directories: list[str], files: list[str]) -> None:
    """Make an environment with files below directories, which no path need reach."""
    (root / "conda-meta").mkdir(parents=True)
    (root / "conda-meta" / "history").touch()
    at = os.open(root, os.O_RDONLY)
    for name in directories:
        os.mkdir(name, dir_fd=at)
        below = os.open(name, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    for name in files:
        made = os.open(name, os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=at)
        os.write(made, os.fsencode(root) + b"/x\n")
        os.close(made)
    os.close(at)


def leaf_of(root: Path, directories: list[str], name: str) -> bytes:
    at = os.open(root, os.O_RDONLY)
    for part in directories:
        below = os.open(part, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    with open(os.open(name, os.O_RDONLY, dir_fd=at), "rb") as file:
        found = file.read()
    os.close(at)
    return found


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Path]:
    """Give the place of an environment that pytest need not remove."""
    yield tmp_path / "env"
    cenv.remove(tmp_path / "env")
    assert not (tmp_path / "env").exists()


@pytest.mark.parametrize("mode", ["copy", "hardlink"])
@pytest.mark.parametrize("shape", ENVIRONMENTS)
def test_environment__gets_one_answer_from_all(
    tmp_path: Path, environment: Path, shape: str, mode: str
) -> None:
    directories, files, refused = ENVIRONMENTS[shape]
    make_deep(environment, directories, files)
    clone, store = tmp_path / "clone", tmp_path / "store"

    def take() -> cenv.CloneReport:
        return cenv.clone(environment, clone, mode=mode, store=store)

    if refused:
        for call in (take, lambda: cenv.verify(environment)):
            with pytest.raises(cenv.CenvError, match=refused) as error:
                call()
            assert len(str(error.value)) < 200
        assert not clone.exists()
        return
    assert take().relocated == len(files)
    assert leaf_of(clone, directories, files[0]) == os.fsencode(clone) + b"/x\n"
    assert cenv.verify(clone).ok
    assert cenv.verify(environment).ok
    assert cenv.reset(clone, store=store).restored == 0
    cenv.remove(clone, store=store)
    assert not clone.exists()


def test_changes__that_are_too_deep_are_put_back(
    tmp_path: Path, environment: Path
) -> None:
    clone, store = tmp_path / "clone", tmp_path / "store"
    make_deep(environment, ["lib"], ["f"])
    cenv.clone(environment, clone, mode="copy", store=store)
    at = os.open(clone, os.O_RDONLY)
    for _ in range(3 * DEEP):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    with pytest.raises(cenv.CenvError, match="nested too deep"):
        cenv.verify(clone)
    assert cenv.reset(clone, store=store).removed == 1
    assert cenv.verify(clone).ok


# ---- packages ----

PACKAGES = {
    "a long name": ("m" * NAME, ""),
    "too long a name": ("m" * (NAME + 1), "component over 255 bytes"),
    "as deep as can be": ("d/" * (COMPONENTS - 1) + "f", ""),
    "too deep": ("d/" * COMPONENTS + "f", "nested too deeply"),
    "as long as can be": ("/".join(long_path(PATH)), ""),
    "too long": ("/".join(long_path(PATH + 1)), "is too long"),
}


def write_package(channel: Path, path: str) -> Path:
    """Write a package of one file by hand, and index it."""
    (channel / "noarch").mkdir(parents=True)
    made = channel / "noarch" / "deep-1-0.tar.bz2"
    entry = {
        "_path": path,
        "path_type": "hardlink",
        "sha256": hashlib.sha256(b"x\n").hexdigest(),
        "size_in_bytes": 2,
    }
    index = {
        "name": "deep",
        "version": "1",
        "build": "0",
        "build_number": 0,
        "depends": [],
        "subdir": "noarch",
    }
    texts = {
        "info/index.json": json.dumps(index).encode(),
        "info/paths.json": json.dumps({"paths_version": 1, "paths": [entry]}).encode(),
        path: b"x\n",
    }
    with tarfile.open(made, "w:bz2", format=tarfile.PAX_FORMAT) as archive:
        for name, text in texts.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    record = {
        **index,
        "fn": made.name,
        "sha256": hashlib.sha256(made.read_bytes()).hexdigest(),
        "size": made.stat().st_size,
    }
    for subdir, packages in (("noarch", {made.name: record}), ("linux-64", {})):
        (channel / subdir).mkdir(exist_ok=True)
        found = {"info": {"subdir": subdir}, "packages": packages}
        (channel / subdir / "repodata.json").write_text(json.dumps(found))
    return made


@pytest.mark.parametrize("shape", PACKAGES)
def test_package__gets_one_answer_from_all(
    tmp_path: Path, environment: Path, shape: str
) -> None:
    path, refused = PACKAGES[shape]
    package = write_package(tmp_path / "channel", path)
    out, store = tmp_path / "out", tmp_path / "store"

    def create() -> object:
        channels = [tmp_path / "channel"]
        return cenv.create(environment, ["deep"], channels=channels, store=store)

    if refused:
        for call in (create, lambda: cenv.extract(package, out)):
            with pytest.raises(cenv.IntegrityError, match=refused):
                call()
        assert not out.exists()
        assert not environment.exists()
        return
    cenv.extract(package, out)
    create()
    assert leaf_of(environment, path.split("/")[:-1], path.rpartition("/")[2]) == b"x\n"
    assert cenv.verify(environment).ok
    clone = tmp_path / "clone"
    cenv.clone(environment, clone, store=store)
    assert cenv.verify(clone).ok
    assert cenv.reset(clone, store=store).restored == 0
    cenv.remove(clone, store=store)
    assert not clone.exists()
    shutil.rmtree(out)


def test_place__may_have_the_longest_name(
    tmp_path: Path, environment: Path, small_channel: Path
) -> None:
    """What is made beside it until it is whole has a shorter one."""
    store = tmp_path / "store"
    made = tmp_path / ("e" * NAME)
    cenv.create(made, ["data"], channels=[small_channel], store=store)
    template = cenv.TemplateStore(store).template(["data"], channels=[small_channel])
    for letter in "cd":
        clone = tmp_path / (letter * NAME)
        if letter == "c":
            cenv.clone(made, clone, store=store)
        else:
            template.clone(clone)
        assert cenv.verify(clone).ok
        (clone / "more").touch()
        assert cenv.reset(clone, store=store).removed == 1
        cenv.remove(clone, store=store)
        assert not clone.exists()
    cenv.remove(made, store=store)
    assert sorted(os.listdir(tmp_path)) == ["store"]
