# SPDX-License-Identifier: BSD-3-Clause
"""An archive of templates is what a remote holds, in one file: each content once, all checked."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

import cenv
from cenv.errors import ChannelError, IntegrityError

# What zstd cannot make smaller.
LARGE = random.Random(1).randbytes(300_000)
SMALL = b"small" * 200


class Made:
    """A store with two templates that share contents, and their archive."""

    def __init__(self, top: Path, channel: Path) -> None:
        self.channel = Path(shutil.copytree(channel, top / "channel"))
        self.whole = top / "t.czt"
        self.here = cenv.TemplateStore(top / "here")
        self.first = self.make("first")
        self.second = self.make("second")
        self.report = self.here.export(self.whole, [self.first.id, self.second.id])

    def make(self, key: str) -> cenv.Template:
        def setup(draft: cenv.templates.environment.Draft) -> None:
            (draft / "share/large").write_bytes(LARGE)
            (draft / "share" / key).write_bytes(LARGE)
            (draft / "share/small").write_bytes(SMALL)
            (draft / "share/small").chmod(0o640 if key == "first" else 0o600)
            (draft / "share/named").write_bytes(f"{draft}\n".encode() * 100)

        return self.here.template(["tool"], [self.channel], setup=setup, key=key)


class Scene:
    """What was made, a copy of its archive, and an empty store."""

    def __init__(self, made: Made, top: Path) -> None:
        self.archive = Path(shutil.copy(made.whole, top / "t.czt"))
        self.there = cenv.TemplateStore(top / "there")
        self.here, self.channel, self.report = made.here, made.channel, made.report
        self.first, self.second = made.first, made.second

    def compare(self) -> None:
        """Every template there is as it is here, and shares no inode with another."""
        inodes: set[int] = set()
        for template in (self.first, self.second):
            found = self.there.find(template.id)
            assert found is not None
            assert found.check(content=True).ok
            assert described(found) == described(template)
            own = {path.stat().st_ino for path in files(found)}
            assert not own & inodes
            inodes |= own


def described(template: cenv.Template) -> dict[str, object]:
    """Return the files of a template: mode, links to it, content without its own path.

    Behind a path in a binary there are as many NULs as fill its place.
    """
    top = Path(template)
    return {
        str(path.relative_to(top)): (
            path.lstat().st_mode,
            path.lstat().st_nlink,
            path.read_bytes()
            .replace(os.fsencode(template.path), b"@")
            .replace(b"\0", b""),
        )
        for path in top.rglob("*")
        if path.is_file() and path.parent.name != "conda-meta"
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, small_channel: Path) -> Made:
    return Made(tmp_path_factory.mktemp("made"), small_channel)


@pytest.fixture
def scene(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(made, tmp_path_factory.mktemp("scene"))


def members(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive, "r:") as tar:
        found = {}
        for member in tar:
            file = tar.extractfile(member)
            assert file is not None
            found[member.name] = file.read()
    return found


def unpacked(delta: bytes) -> bytes:
    reader = zstandard.ZstdDecompressor().stream_reader(delta, read_across_frames=True)
    return bytes(reader.read())


def files(template: cenv.Template) -> list[Path]:
    return [p for p in Path(template).rglob("*") if p.is_file() and not p.is_symlink()]


def test_archive__holds_a_content_once(scene: Scene) -> None:
    found = members(scene.archive)
    blobs = {name: data for name, data in found.items() if name.startswith("cas/")}
    assert all(
        name == f"cas/{hashlib.sha256(data).hexdigest()}"
        for name, data in blobs.items()
    )
    keys = {f"ac/{template.id}" for template in (scene.first, scene.second)}
    assert found.keys() == {*keys, *blobs, "index.json"}
    held = b"".join(unpacked(data) for data in blobs.values())
    assert held.count(LARGE) == held.count(SMALL) == 1
    first, second = scene.report["templates"]
    assert first["shared"] == len(LARGE)
    assert second["shared"] >= 2 * len(LARGE) + len(SMALL)
    assert second["bytes"] == sum(p.stat().st_size for p in files(scene.second))


def test_export__is_the_same_again(scene: Scene, tmp_path: Path) -> None:
    scene.here.export(tmp_path / "again.czt", [scene.first.id, scene.second.id])
    assert (tmp_path / "again.czt").read_bytes() == scene.archive.read_bytes()


def test_import__makes_files_of_their_own(scene: Scene) -> None:
    scene.there.import_(scene.archive)
    scene.compare()


@pytest.mark.parametrize("damage", ["", "altered"])
def test_import__takes_no_content_of_what_is_there(scene: Scene, damage: str) -> None:
    alone = scene.archive.with_name("first.czt")
    scene.here.export(alone, [scene.first.id])
    scene.there.import_(alone)
    first = scene.there.find(scene.first.id)
    assert first is not None
    if damage:
        (first / "share/large").write_bytes(b"x" + LARGE[1:])
    found = scene.there.import_(scene.archive)
    assert [item["imported"] for item in found] == [False, True]
    second = scene.there.find(scene.second.id)
    assert second is not None
    assert described(second) == described(scene.second)
    if not damage:
        scene.compare()


@pytest.mark.parametrize("packages", [False, True])
def test_export__leaves_packages_to_channels_or_takes_them_along(
    scene: Scene, packages: bool, tmp_path: Path
) -> None:
    ids = [scene.first.id, scene.second.id]
    report = scene.here.export(tmp_path / "p.czt", ids, packages=packages)
    found = members(tmp_path / "p.czt")
    told = [(item["linked"], item["packages"]) for item in report["templates"]]
    assert told == [(True, 2 * packages)] * 2
    assert len(found) == 5 + 2 * packages
    shutil.move(scene.channel, tmp_path / "away")
    if packages:
        scene.there.import_(tmp_path / "p.czt")
        scene.compare()
        shutil.move(tmp_path / "away", scene.channel)
        return
    with pytest.raises((ChannelError, FileNotFoundError)):
        scene.there.import_(tmp_path / "p.czt")
    assert scene.there.templates() == []
    shutil.move(tmp_path / "away", scene.channel)
    scene.there.import_(tmp_path / "p.czt")
    scene.compare()


def test_archive__unpacked_is_a_remote(scene: Scene, tmp_path: Path) -> None:
    scene.here.export(tmp_path / "p.czt", [scene.first.id], packages=True)
    (tmp_path / "remote").mkdir()
    subprocess.run(
        ["tar", "-xf", tmp_path / "p.czt", "-C", tmp_path / "remote"], check=True
    )
    remote = (tmp_path / "remote").as_uri()
    (got,) = scene.there.pull([scene.first.id], remote)
    assert got["pulled"]
    found = scene.there.find(scene.first.id)
    assert found is not None
    assert described(found) == described(scene.first)


# ---- what was changed ----


def rewrite(archive: Path, found: dict[str, bytes], *more: tarfile.TarInfo) -> None:
    with tarfile.open(archive, "w:", format=tarfile.PAX_FORMAT) as tar:
        for name, data in found.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        for member in more:
            tar.addfile(member, io.BytesIO(b""))


def describe(found: dict[str, bytes], id_: str, change: Callable[[dict], None]) -> None:
    """Change the description of a template, and the index with it."""
    doc = json.loads(found[f"ac/{id_}"])
    change(doc)
    found[f"ac/{id_}"] = json.dumps(doc).encode()
    index = json.loads(found["index.json"])
    for item in index["documents"]:
        item["sha256"] = hashlib.sha256(found[f"ac/{item['key']}"]).hexdigest()
    found["index.json"] = json.dumps(index).encode()


def first_delta(found: dict[str, bytes], scene: Scene) -> str:
    doc = json.loads(found[f"ac/{scene.first.id}"])
    return f"cas/{doc['delta']['sha256']}"


def alter_delta(found: dict[str, bytes], scene: Scene) -> None:
    name = first_delta(found, scene)
    found[name] = found[name][:100] + b"\1\2\3" + found[name][103:]


def alter_table(found: dict[str, bytes], scene: Scene) -> None:
    name = first_delta(found, scene)
    found[name] = found[name][:-10] + b"0123456789"


def cut_delta(found: dict[str, bytes], scene: Scene) -> None:
    name = first_delta(found, scene)
    found[name] = found[name][:-1]


def lose_delta(found: dict[str, bytes], scene: Scene) -> None:
    del found[first_delta(found, scene)]


def lose_description(found: dict[str, bytes], scene: Scene) -> None:
    del found[f"ac/{scene.second.id}"]


def lose_index(found: dict[str, bytes], scene: Scene) -> None:
    del found["index.json"]


def alter_description(found: dict[str, bytes], scene: Scene) -> None:
    doc = json.loads(found[f"ac/{scene.first.id}"])
    doc["prefix"] = "/elsewhere" + doc["prefix"]
    found[f"ac/{scene.first.id}"] = json.dumps(doc).encode()


def alter_records(found: dict[str, bytes], scene: Scene) -> None:
    def change(doc: dict) -> None:
        doc["template"]["records"][0]["depends"] = ["other"]

    describe(found, scene.first.id, change)


def exchange_descriptions(found: dict[str, bytes], scene: Scene) -> None:
    one, other = f"ac/{scene.first.id}", f"ac/{scene.second.id}"
    found[one], found[other] = found[other], found[one]
    describe(found, scene.first.id, lambda doc: None)


def list_twice(found: dict[str, bytes], scene: Scene) -> None:
    index = json.loads(found["index.json"])
    index["documents"] *= 2
    found["index.json"] = json.dumps(index).encode()


def list_nothing(found: dict[str, bytes], scene: Scene) -> None:
    found["index.json"] = b'{"format":3,"documents":[]}'


def make_newer(found: dict[str, bytes], scene: Scene) -> None:
    index = json.loads(found["index.json"])
    found["index.json"] = json.dumps({**index, "format": 99}).encode()


def come_late(found: dict[str, bytes], scene: Scene) -> None:
    found["ac/late"] = b"{}"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (alter_delta, "contents are not what was written"),
        (alter_table, "table of contents is not what was written"),
        (cut_delta, "a delta of it is missing"),
        (lose_delta, "a delta of it is missing"),
        (lose_description, "a document of its index is missing"),
        (lose_index, "no archive of templates"),
        (alter_description, "not what was exported"),
        (alter_records, "not those of its template"),
        (exchange_descriptions, "describes another template"),
        (list_twice, "a document twice"),
        (list_nothing, "no archive of templates"),
        (make_newer, "another format"),
        (come_late, "behind its index"),
    ],
)
def test_import__refuses_what_was_changed(
    change: Callable[[dict[str, bytes], Scene], None], words: str, scene: Scene
) -> None:
    found = members(scene.archive)
    rewrite(scene.archive, found)
    changed = dict(found)
    change(changed, scene)
    rewrite(scene.archive, changed)
    with pytest.raises(IntegrityError, match=rf"t\.czt'.*{words}"):
        scene.there.import_(scene.archive)
    assert scene.there.templates() == []
    parts = ("tmp", "templates", "requests")
    assert not any(os.listdir(Path(scene.there.path, "v1", part)) for part in parts)
    rewrite(scene.archive, found)
    assert all(item["imported"] for item in scene.there.import_(scene.archive))


@pytest.mark.parametrize("text", [b"", b"root:x:0:0\n" * 100, bytes(2048)])
def test_import__says_of_any_file_that_it_is_no_archive(
    text: bytes, scene: Scene
) -> None:
    scene.archive.write_bytes(text)
    with pytest.raises(IntegrityError, match=r"t\.czt': it is no archive of templates"):
        scene.there.import_(scene.archive)


@pytest.mark.parametrize(
    ("kind", "words"),
    [(tarfile.SYMTYPE, "no archive of templates"), (tarfile.REGTYPE, "a member twice")],
)
def test_import__refuses_members_that_no_archive_has(
    kind: bytes, words: str, scene: Scene
) -> None:
    found = members(scene.archive)
    del found["index.json"]
    member = tarfile.TarInfo(f"ac/{scene.first.id}")
    member.type, member.linkname = kind, "elsewhere" if kind == tarfile.SYMTYPE else ""
    rewrite(scene.archive, found, member)
    with pytest.raises(IntegrityError, match=words):
        scene.there.import_(scene.archive)
