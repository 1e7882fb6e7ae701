# SPDX-License-Identifier: BSD-3-Clause
"""Archives of formats 1 and 2, which older versions wrote, are still taken in, and checked."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import zstandard

import cenv
from cenv.errors import IntegrityError
from cenv.solving.virtual_packages import current_platform

LARGE = b"large" * 200
WHEN = 1_600_000_000
TYPES = {tarfile.REGTYPE: 0, tarfile.DIRTYPE: 1, tarfile.SYMTYPE: 2, tarfile.LNKTYPE: 3}


@dataclasses.dataclass
class Old:
    """An archive as those versions wrote it, member by member."""

    format: int = 2
    members: list[tuple[tarfile.TarInfo, bytes]] = dataclasses.field(
        default_factory=list
    )
    held: dict[bytes, str] = dataclasses.field(default_factory=dict)
    number: int = 0

    def add(self, name: str, data: bytes = b"", **facts: object) -> tarfile.TarInfo:
        member = tarfile.TarInfo(name)
        for key, value in facts.items():
            setattr(member, key, value)
        member.size = len(data)
        self.members.append((member, data))
        return member

    def add_template(self, template: cenv.Template) -> None:
        """Add all of a template: what it is, its files, their sum."""
        top, n = Path(template), self.number
        store = top.parents[2]
        requests = {
            path.name: json.loads(path.read_text())
            for path in (store / "requests").iterdir()
        }
        head = {
            "format": self.format,
            "subdir": current_platform(),
            "prefix": template.path,
            "template": json.loads((top.parent / "template.json").read_text()),
            "requests": {
                name: doc
                for name, doc in requests.items()
                if doc.get("id") == template.id
            },
        }
        text = json.dumps(head).encode()
        self.add(f"{n}/template.json", text)
        first = len(self.members)
        self.add(f"{n}/prefix", type=tarfile.DIRTYPE, mode=0o755)
        for path in sorted(top.rglob("*")):
            self.add_entry(f"{n}/prefix/{path.relative_to(top)}", path, template.path)
        self.number += 1
        end = {
            "members": len(self.members) - first,
            "sha256": self.summed(self.members[first:]),
            "head": hashlib.sha256(text).hexdigest(),
        }
        self.add(f"{n}/end.json", json.dumps(end).encode())

    def add_entry(self, name: str, path: Path, prefix: str) -> None:
        """Add what lies at a path: of a content that the archive has, a link to that."""
        facts = {"mode": path.lstat().st_mode & 0o777, "mtime": WHEN}
        if path.is_symlink():
            link = os.readlink(path)
            self.add(name, type=tarfile.SYMTYPE, linkname=link, **facts)
        elif path.is_dir():
            self.add(name, type=tarfile.DIRTYPE, mode=facts["mode"])
        else:
            self.add_file(name, path.read_bytes(), prefix, facts)

    def add_file(
        self, name: str, data: bytes, prefix: str, facts: dict[str, int]
    ) -> None:
        known = self.held.get(data) if self.format > 1 else None
        if known:
            self.add(name, type=tarfile.LNKTYPE, linkname=known, **facts)
            return
        if len(data) > 512 and prefix.encode() not in data and "conda-meta" not in name:
            number, _, below = name.partition("/prefix/")
            digest = hashlib.sha256(data).hexdigest()
            self.held[data] = f"{number}/content/{digest}/{below}"
        self.add(name, data, **facts)

    @staticmethod
    def summed(members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> str:
        """Return the sum over the members of a template."""
        digest = hashlib.sha256()
        for member, data in members:
            kind, when = TYPES[member.type], int(member.mtime) * 1_000_000_000
            told = f"{kind} {member.mode:o} {member.size} {when} {member.name}"
            digest.update(f"{told}\0{member.linkname}\0".encode() + data)
        return digest.hexdigest()

    def write(
        self,
        file: Path,
        change: Callable[[tarfile.TarInfo, bytes], bytes | None] = lambda _, data: data,
    ) -> None:
        """Write it, its members changed; None leaves one out."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for written, data in self.members:
                member = tarfile.TarInfo.frombuf(written.tobuf(), "utf-8", "strict")
                changed = change(member, data)
                if changed is not None:
                    member.size = len(changed) if member.isreg() else 0
                    tar.addfile(member, io.BytesIO(changed))
        file.write_bytes(zstandard.ZstdCompressor().compress(out.getvalue()))


class Scene:
    """A store with two templates that share contents, and archives of them."""

    def __init__(self, top: Path, channel: Path) -> None:
        self.here = cenv.TemplateStore(top / "here")
        self.first = self.make(channel, "first")
        self.second = self.make(channel, "second")
        self.both = Old()
        self.both.add_template(self.first)
        self.both.add_template(self.second)
        self.one = Old(format=1)
        self.one.add_template(self.first)

    def make(self, channel: Path, key: str) -> cenv.Template:
        def setup(draft: cenv.templates.environment.Draft) -> None:
            (draft / "share/large").write_bytes(LARGE)
            (draft / "share" / key).write_bytes(LARGE)
            (draft / "share/named").write_bytes(f"{draft}\n".encode() * 100)

        return self.here.template(["tool"], [channel], setup=setup, key=key)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, small_channel: Path) -> Scene:
    return Scene(tmp_path_factory.mktemp("old"), small_channel)


@pytest.fixture
def there(tmp_path_factory: pytest.TempPathFactory) -> cenv.TemplateStore:
    return cenv.TemplateStore(tmp_path_factory.mktemp("there"))


def described(template: cenv.Template) -> dict[str, object]:
    """Return mode, links and content, without its own path, of the files of a set-up."""
    return {
        path.name: (
            path.stat().st_mode,
            path.stat().st_nlink,
            path.read_bytes().replace(os.fsencode(template.path), b"@"),
        )
        for path in Path(template, "share").iterdir()
    }


def names_in(store: cenv.TemplateStore, part: str) -> list[str]:
    return sorted(os.listdir(Path(store.path, "v1", part)))


@pytest.mark.parametrize("damage", ["", "altered", "gone", "a link"])
def test_import__of_contents_that_are_there(
    scene: Scene, there: cenv.TemplateStore, tmp_path: Path, damage: str
) -> None:
    scene.one.write(tmp_path / "one.czt")
    (got,) = there.import_(tmp_path / "one.czt")
    assert got["imported"]
    first = there.find(scene.first.id)
    assert first is not None
    for path in (first / "share/large", first / "share/first"):
        if damage:
            path.unlink()
        if damage == "altered":
            path.write_bytes(b"x" + LARGE[1:])
        elif damage == "a link":
            path.symlink_to("/etc/passwd")
    scene.both.write(tmp_path / "t.czt")
    found = there.import_(tmp_path / "t.czt")
    assert [item["imported"] for item in found] == [False, True]
    second = there.find(scene.second.id)
    assert second is not None
    assert second.check(content=True).ok
    assert described(second) == described(scene.second)
    assert names_in(there, "tmp") == []
    if not damage:
        assert described(first) == described(scene.first)


def test_import__of_old_archives_answers_requests(
    scene: Scene, there: cenv.TemplateStore, small_channel: Path, tmp_path: Path
) -> None:
    made = scene.here.template(["tool"], [small_channel])
    old = Old()
    old.add_template(made)
    old.write(tmp_path / "t.czt")
    there.import_(tmp_path / "t.czt")
    found = there.template(["tool"], [small_channel])
    assert (found.id, found.built) == (made.id, False)


def alter_file(member: tarfile.TarInfo, text: bytes) -> bytes:
    return b"PLAIN\n" if member.name.endswith("plain.txt") else text


def alter_mode(member: tarfile.TarInfo, text: bytes) -> bytes:
    if member.name.endswith("plain.txt"):
        member.mode = 0o777
    return text


def alter_record(member: tarfile.TarInfo, text: bytes) -> bytes:
    if member.name != "0/template.json":
        return text
    doc = json.loads(text)
    doc["template"]["records"][0]["depends"] = ["other"]
    return json.dumps(doc).encode()


def alter_prefix(member: tarfile.TarInfo, text: bytes) -> bytes:
    if member.name != "0/template.json":
        return text
    doc = json.loads(text)
    doc["prefix"] = "/elsewhere" + doc["prefix"]
    return json.dumps(doc).encode()


def alter_request(member: tarfile.TarInfo, text: bytes) -> bytes:
    if member.name != "0/template.json":
        return text
    doc = json.loads(text)
    doc["requests"] = {"0" * 32 + ".json": {"id": doc["template"]["id"]}}
    return json.dumps(doc).encode()


def link_to_nothing(member: tarfile.TarInfo, text: bytes) -> bytes:
    if member.name.endswith("plain.txt"):
        member.type, member.linkname = tarfile.LNKTYPE, "0/prefix/nowhere"
        member.size = 0
        return b""
    return text


def leave_out(member: tarfile.TarInfo, text: bytes) -> bytes | None:
    return None if member.name.endswith("plain.txt") else text


def leave_out_end(member: tarfile.TarInfo, text: bytes) -> bytes | None:
    return None if member.name == "1/end.json" else text


def step_out(member: tarfile.TarInfo, text: bytes) -> bytes:
    if member.name.endswith("plain.txt"):
        member.name = "0/other_store"
    return text


def through_link(member: tarfile.TarInfo, text: bytes) -> bytes:
    if member.name.endswith("lib/link.txt"):
        member.linkname = "/tmp"
    if member.name.endswith("plain.txt"):
        member.name = "0/prefix/lib/link.txt/x"
    return text


def newer_format(member: tarfile.TarInfo, text: bytes) -> bytes:
    if member.name != "0/template.json":
        return text
    return json.dumps({**json.loads(text), "format": 99}).encode()


def alter_second(member: tarfile.TarInfo, text: bytes) -> bytes:
    return b"PLAIN\n" if member.name == "1/prefix/lib/plain.txt" else text


def forget_head(member: tarfile.TarInfo, text: bytes) -> bytes:
    if not member.name.endswith("end.json"):
        return text
    return json.dumps({**json.loads(text), "head": None}).encode()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (alter_file, "not what was exported"),
        (alter_second, "not what was exported"),
        (alter_mode, "not what was exported"),
        (leave_out, "not what was exported"),
        (leave_out_end, "in the middle"),
        (alter_record, "not those of its template"),
        (alter_prefix, "not what was exported"),
        (alter_request, "not what was exported"),
        (forget_head, "not what was exported"),
        (link_to_nothing, r"plain\.txt\" is a hard link to what is not there"),
        (step_out, "outside the prefix"),
        (through_link, "where another member is"),
        (newer_format, "another format"),
    ],
)
def test_import__refuses_what_was_changed(
    change: Callable[[tarfile.TarInfo, bytes], bytes | None],
    words: str,
    scene: Scene,
    there: cenv.TemplateStore,
    tmp_path: Path,
) -> None:
    scene.both.write(tmp_path / "t.czt", change)
    with pytest.raises(IntegrityError, match=words):
        there.import_(tmp_path / "t.czt")
    assert [names_in(there, part) for part in ("tmp", "templates", "requests")] == [
        [],
        [],
        [],
    ]


def test_import__takes_an_archive_without_a_sum_of_its_head(
    scene: Scene, there: cenv.TemplateStore, tmp_path: Path
) -> None:
    def leave_out_sum(member: tarfile.TarInfo, text: bytes) -> bytes:
        if not member.name.endswith("end.json"):
            return text
        doc = json.loads(text)
        del doc["head"]
        return json.dumps(doc).encode()

    scene.one.write(tmp_path / "t.czt", leave_out_sum)
    assert there.import_(tmp_path / "t.czt")[0]["imported"]


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
def test_import__refuses_links_to_other_contents(
    kind: str, scene: Scene, there: cenv.TemplateStore, tmp_path: Path
) -> None:
    changed = []

    def change_first(member: tarfile.TarInfo, text: bytes) -> bytes:
        if not changed and member.islnk() and member.name.startswith("1/"):
            HOSTILE[kind](member)
            changed.append(member)
        return text

    scene.both.write(tmp_path / "t.czt", change_first)
    assert changed
    with pytest.raises(IntegrityError, match=r"t\.czt"):
        there.import_(tmp_path / "t.czt")
    assert there.templates() == []
    assert names_in(there, "tmp") == []
