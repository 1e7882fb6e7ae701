# SPDX-License-Identifier: BSD-3-Clause
"""An archive of templates holds each content once; what is read back are files of their own."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

import cenv
from cenv.errors import IntegrityError

# What zstd cannot make smaller.
LARGE = random.Random(1).randbytes(300_000)
SMALL = b"small" * 200


class Scene:
    """A store with two templates that share contents, their archive, and an empty store."""

    def __init__(self, top: Path, channel: Path) -> None:
        self.archive = top / "t.czt"
        self.here = cenv.TemplateStore(top / "here")
        self.there = cenv.TemplateStore(top / "there")
        self.first = self.make(channel, "first")
        self.second = self.make(channel, "second")
        self.report = self.here.export(self.archive, [self.first.id, self.second.id])

    def make(self, channel: Path, key: str) -> cenv.Template:
        def setup(draft: cenv.templates.environment.Draft) -> None:
            (draft / "share/large").write_bytes(LARGE)
            (draft / "share" / key).write_bytes(LARGE)
            (draft / "share/small").write_bytes(SMALL)
            (draft / "share/small").chmod(0o640 if key == "first" else 0o600)
            (draft / "share/named").write_bytes(f"{draft}\n".encode() * 100)

        return self.here.template(["tool"], [channel], setup=setup, key=key)

    def import_first(self) -> None:
        """Have the first template there."""
        alone = self.archive.with_name("first.czt")
        self.here.export(alone, [self.first.id])
        self.there.import_(alone)

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


@pytest.fixture
def scene(tmp_path: Path, small_channel: Path) -> Scene:
    return Scene(tmp_path, small_channel)


def members(archive: Path) -> list[tuple[tarfile.TarInfo, bytes]]:
    data = zstandard.ZstdDecompressor().stream_reader(archive.read_bytes()).read()
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = []
        for member in tar:
            file = tar.extractfile(member) if member.isreg() else None
            found.append((member, file.read() if file else b""))
        return found


def test_archive__holds_a_content_once(scene: Scene) -> None:
    held = [data for _member, data in members(scene.archive)]
    assert held.count(LARGE) == held.count(SMALL) == 1
    assert scene.archive.stat().st_size < 1.5 * len(LARGE)
    first, second = scene.report["templates"]
    assert first["shared"] == len(LARGE)
    assert second["shared"] >= 2 * len(LARGE) + len(SMALL)
    assert second["bytes"] == sum(p.stat().st_size for p in files(scene.second))


def files(template: cenv.Template) -> list[Path]:
    return [p for p in Path(template).rglob("*") if p.is_file() and not p.is_symlink()]


def test_import__makes_files_of_their_own(scene: Scene) -> None:
    scene.there.import_(scene.archive)
    scene.compare()


def test_import__takes_contents_of_what_is_there(scene: Scene) -> None:
    scene.import_first()
    found = scene.there.import_(scene.archive)
    assert [item["imported"] for item in found] == [False, True]
    scene.compare()


@pytest.mark.parametrize("damage", ["altered", "gone", "a link"])
def test_import__needs_nothing_of_what_is_there(scene: Scene, damage: str) -> None:
    scene.import_first()
    first = scene.there.find(scene.first.id)
    assert first is not None
    for path in (first / "share/large", first / "share/first"):
        path.unlink()
        if damage == "altered":
            path.write_bytes(b"x" + LARGE[1:])
        elif damage == "a link":
            path.symlink_to("/etc/passwd")
    found = scene.there.import_(scene.archive)
    assert [item["imported"] for item in found] == [False, True]
    second = scene.there.find(scene.second.id)
    assert second is not None
    assert described(second) == described(scene.second)
    assert os.listdir(Path(scene.there.path, "v1/tmp")) == []


Change = Callable[[tarfile.TarInfo], object]


def to(name: str) -> Change:
    return lambda member: setattr(member, "linkname", name)


def hex_of(member: tarfile.TarInfo) -> str:
    return member.linkname.split("/")[2]


HOSTILE: dict[str, Change] = {
    "outside": to("0/content/" + "0" * 64 + "/../../../etc/passwd"),
    "later": to("7/content/" + "0" * 64 + "/share/large"),
    "no number": to("x/content/" + "0" * 64 + "/share/large"),
    "no hash": to("0/content/zz/share/large"),
    "other hash": to("0/content/" + "0" * 64 + "/share/large"),
    "a directory": lambda m: to(f"0/content/{hex_of(m)}/share")(m),
    "not there": lambda m: to(f"0/content/{hex_of(m)}/share/none")(m),
    "another file": lambda m: to(f"0/content/{hex_of(m)}/share/named")(m),
    "a record": lambda m: setattr(m, "name", "1/prefix/conda-meta/new.json"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_import__refuses_links_to_other_contents(scene: Scene, kind: str) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        changed = False
        for member, data in members(scene.archive):
            if not changed and member.islnk() and member.name.startswith("1/"):
                HOSTILE[kind](member)
                changed = True
            member.pax_headers = {
                k: v for k, v in member.pax_headers.items() if k == "mtime"
            }
            tar.addfile(member, io.BytesIO(data))
    assert changed
    scene.archive.write_bytes(zstandard.ZstdCompressor().compress(out.getvalue()))
    with pytest.raises(IntegrityError, match=r"t\.czt"):
        scene.there.import_(scene.archive)
    assert scene.there.templates() == []
    assert os.listdir(Path(scene.there.path, "v1/tmp")) == []


def test_import__takes_archives_of_the_first_format(
    tmp_path: Path, small_channel: Path
) -> None:
    archive = tmp_path / "t.czt"
    template = cenv.TemplateStore(tmp_path / "here").template(["data"], [small_channel])
    cenv.TemplateStore(tmp_path / "here").export(archive)
    out = io.BytesIO()
    head = ""
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member, data in members(archive):
            if member.name == "0/template.json":
                data = json.dumps({**json.loads(data), "format": 1}).encode()
                head = hashlib.sha256(data).hexdigest()
            if member.name == "0/end.json":
                data = json.dumps({**json.loads(data), "head": head}).encode()
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    archive.write_bytes(zstandard.ZstdCompressor().compress(out.getvalue()))
    (found,) = cenv.TemplateStore(tmp_path / "there").import_(archive)
    assert found["imported"]
    assert found["id"] == template.id
