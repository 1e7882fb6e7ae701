# SPDX-License-Identifier: BSD-3-Clause
"""Hostile packages: each what it is, its bytes, and whether it must be refused."""

from __future__ import annotations

import bz2
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import forge
from forge import (
    HELLO,
    PLACEHOLDER,
    directory,
    entry,
    file,
    hardlink,
    header,
    info,
    padded,
    pax,
    symlink,
)


@dataclass(frozen=True)
class Case:
    """A package file; `refused` is None where both is fine."""

    name: str
    suffix: str
    data: bytes
    refused: bool | None
    record: dict[str, Any]


def both(
    name: str,
    members: bytes,
    refused: bool | None,
    about: bytes | None = None,
    record: dict[str, Any] | None = None,
) -> Iterator[Case]:
    """Yield the case in both formats."""
    about = info(entry("a")) if about is None else about
    record = record or forge.index()
    stem = "{name}-{version}-{build}".format(**record)
    for suffix, data in (
        (".conda", forge.conda(members, about, stem)),
        (".tar.bz2", forge.tar_bz2(members, about)),
    ):
        yield Case(name, suffix, data, refused, record)


def names() -> Iterator[Case]:
    """Yield names that lead out, are none, or are too long or too deep."""
    for name in (
        "../a", "a/../../b", "/etc/a", "a//../b", "..", "a/..", "a\\..\\b", "C:\\a",
        "a\nb", "a\x1b[31mb", "a\x7f", b"a\xff", b"a\0b", "a/" * 300 + "b",
        "x" * 256, "conda-meta/a.json", "conda-meta/history",
    ):  # fmt: skip
        text = name.decode("latin1") if isinstance(name, bytes) else name
        yield from both(f"name {text[:20]!r}", file(name), True, info(entry(text)))
    for name in ("-rf", "$(touch b)", "'\"`;&|", "~/b", "x.", "e\u0301", "\u202e", ".cenv-mode",
                 "a/.cenv-mode", ".cenv-probe", ".wh.a", ".wh..wh..opq"):  # fmt: skip
        yield from both(f"name {name!r}", file(name), False, info(entry(name)))
    yield from both("an empty name", header(b"", 6) + padded(HELLO), True)
    yield from both(
        "a prefix that leads out", header(b"a", 6, prefix=b"..") + padded(HELLO), True
    )


def links(outside: str) -> Iterator[Case]:
    """Yield links that are written through, followed, or lead to a directory `outside`."""
    link = {"path_type": "softlink"}
    for target in (outside, "../../outside", "e"):
        listed = info(entry("d", b"", **link), entry("d/a"))
        through = symlink("d", target) + file("d/a")
        yield from both(f"written through a link to {target}", through, True, listed)
    for second in (file("d"), directory("d"), symlink("d", "other")):
        twice = symlink("d", outside) + second
        yield from both(
            "a link and another member", twice, True, info(entry("d", b"", **link))
        )
    for target in (
        outside,
        "/etc/passwd",
        "../../../etc/passwd",
        "nowhere",
        "a",
        "/dev/zero",
    ):
        listed = info(entry("a", b"", **link))
        yield from both(f"a link to {target}", symlink("a", target), False, listed)
    for name in ("index.json", "paths.json", "link.json"):
        replaced = info(
            entry("a"), texts={name: None}, more=symlink("info/" + name, outside)
        )
        yield from both(f"info/{name} is a link", file("a"), None, replaced)
    for target in (
        "../../etc/passwd",
        "/etc/passwd",
        outside,
        "nowhere",
        "a",
        ".",
        "b",
    ):
        yield from both(
            f"a hard link to {target}", directory("b") + hardlink("a", target), True
        )
    listed = info(entry("a"), entry("b"))
    yield from both("a hard link", file("b") + hardlink("a", "b"), False, listed)
    yield from both(
        "a hard link with data", file("b") + hardlink("a", "b", HELLO), True, listed
    )
    through = file("e/b") + symlink("d", "e") + hardlink("a", "d/b")
    yield from both("a hard link through a link", through, True, listed)


def members() -> Iterator[Case]:
    """Yield members of odd kinds, modes, times, and twice."""
    for kind in b"3467SVMDANXg8Z\x01":
        yield from both(
            f"a member of kind {kind:#x}", header(b"a", 0, bytes([kind])), True
        )
    for mode in (0o4755, 0o2755, 0o1777, 0o7777, 0o000, 0o200):
        yield from both(f"mode {mode:o}", file("a", mode=mode), False)
    closed = directory("d", 0) + file("d/a")
    yield from both("a closed directory", closed, False, info(entry("d/a")))
    for time in (b"\xff" * 12, b"77777777777\0", b"\x80" + b"\0" * 3 + b"\xff" * 8):
        yield from both(
            "a strange time", header(b"a", 6, mtime=time) + padded(HELLO), None
        )
    yield from both("the same twice", file("a") + file("a"), False)
    for second in (
        file("a", b"other\n"),
        directory("a"),
        file("a/b"),
        symlink("a", "b"),
    ):
        yield from both("another one of that name", file("a") + second, True)
    yield from both("not listed", file("a") + file("b"), True)
    yield from both("listed, and missing", b"", True)
    yield from both("of another size", file("a", b"longer than that"), True)


def headers() -> Iterator[Case]:
    """Yield headers that readers differ about."""
    good = header(b"a", 6) + padded(HELLO)
    extended = header(b"L", 2, b"L") + padded(b"a\0")
    for name, text in {
        "a wrong checksum": header(b"a", 6, checksum=1) + padded(HELLO),
        "a size that is none": header(b"a", b"zzz") + padded(HELLO),
        "a negative size": header(b"a", b"\xff" * 12),
        "a size of 8 GiB": header(b"a", b"777777777777"),
        "a pax size of 2^64 - 1": pax(("size", str(2**64 - 1))) + good,
        "a pax size that wraps": pax(("size", str(2**64 - 512))) + good,
        "a negative pax size": pax(("size", "-1")) + good,
        "a pax key twice": pax(("path", "a"), ("path", "../b")) + good,
        "a global path": pax(("path", "../b"), kind=b"g") + good,
        "two pax headers": pax(("path", "a")) + pax(("path", "b")) + good,
        "two long names": extended + extended + good,
        "pax before a long name": pax(("size", "6")) + extended + good,
        "pax before nothing": good + pax(("path", "b")),
        "pax of a length that lies": header(b"x", 20, b"x")
        + padded(b"99 path=b\n")
        + good,
        "pax of 2 MiB": pax(("comment", "x" * (2 << 20))) + good,
        "sparse": pax(("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "1")) + good,
        "one zero block": good + bytes(512) + file("b"),
        "more behind the end": good + forge.END + file("b"),
        "data where there is none": header(b"a", 6, b"2", link=b"b") + padded(HELLO),
    }.items():
        yield from both(name, text, True)


def documents() -> Iterator[Case]:
    """Yield documents that are not what they ought to be."""
    for name in ("index.json", "paths.json"):
        for text in (
            b"",
            b"{",
            b"[]",
            b"null",
            b"\xff",
            b'{"a":1,"a":2}',
            b"[" * 100000,
        ):
            about = info(entry("a"), texts={name: text})
            yield from both(f"info/{name} is {text[:9]!r}", file("a"), True, about)
        yield from both(
            f"no info/{name}", file("a"), None, info(entry("a"), texts={name: None})
        )
    many = b"[" + b"0," * 2_000_000 + b"0]"
    yield from both(
        "millions of values", file("a"), True, info(texts={"paths.json": many})
    )
    for key, value in (
        ("_path", None), ("_path", "../a"), ("_path", 5), ("path_type", "directory"),
        ("path_type", "device"), ("sha256", "zz"), ("size_in_bytes", -1),
        ("size_in_bytes", 10**30), ("prefix_placeholder", 5), ("prefix_placeholder", "a\0b"),
        ("prefix_placeholder", "/" * 300000), ("file_mode", "odd"),
    ):  # fmt: skip
        about = info(entry("a", **{key: value}))
        yield from both(f"{key} is {str(value)[:20]!r}", file("a"), None, about)
    for placeholder in ("/", "h", "e", PLACEHOLDER):
        for mode in ("text", "binary"):
            data = (placeholder * 3000).encode() + b"\0" * (mode == "binary")
            listed = entry("a", data, prefix_placeholder=placeholder, file_mode=mode)
            yield from both(
                f"{mode} {placeholder[:5]!r}", file("a", data), None, info(listed)
            )
    for value in (None, 5, "../x", "a/b", "x" * 300, "\x1b[2J", ["evil"]):
        about = info(entry("a"), texts={"index.json": forge.index(name=value)})
        yield from both(f"its name is {str(value)[:9]!r}", file("a"), True, about)
    for point in (
        "x",
        "x=y",
        "../x=a:b",
        "x=a:b;import os",
        "x = a.b:c\n",
        5,
        "x=" + "a." * 5000,
    ):
        link = {
            "noarch": {"type": "python", "entry_points": [point]},
            "package_metadata_version": 1,
        }
        about = info(entry("a"), texts={"link.json": link})
        yield from both(f"entry point {str(point)[:12]!r}", file("a"), None, about)


def bombs() -> Iterator[Case]:
    """Yield a little that says it is much."""
    deep = b"".join(file(f"z{i}/" + "a/" * 250 + "a", b"") for i in range(100))
    yield from both("implied directories", deep, True)
    many = b"".join(header(b"a%d" % i) for i in range(70000))
    yield from both("members", many, True)
    zeros = 1 << 30
    tail = forge.zstd(pax(("size", str(zeros))) + header(b"a", 0), zeros=zeros)
    stem = "evil-1.0-0"
    halves = [
        ("metadata.json", forge.METADATA),
        (f"info-{stem}.tar.zst", forge.zstd(info(entry("a")) + forge.END)),
    ]
    for name, data in (
        ("zeros", tail),
        ("a window of 2 GiB", forge.zstd(file("a") + forge.END, window=31)),
    ):
        packed = forge.archive([*halves, (f"pkg-{stem}.tar.zst", data)])
        yield Case(name, ".conda", packed, True, forge.index())


def archives() -> Iterator[Case]:
    """Yield ZIP archives that readers differ about, and no archives."""
    stem = "evil-1.0-0"
    about = ("info-" + stem + ".tar.zst", forge.zstd(info(entry("a")) + forge.END))
    members = ("pkg-" + stem + ".tar.zst", forge.zstd(file("a") + forge.END))
    metadata = ("metadata.json", forge.METADATA)
    for name, parts in {
        "no metadata": [about, members],
        "no info": [metadata, members],
        "two packages": [metadata, about, members, members],
        "a further archive": [metadata, about, members, ("x.tar.zst", members[1])],
        "of another format": [
            ("metadata.json", b'{"conda_pkg_format_version": 9}'),
            about,
            members,
        ],
        "of another stem": [metadata, about, ("pkg-other-1-0.tar.zst", members[1])],
        "a name that leads out": [metadata, about, members, ("../x", b"")],
        "fifty members": [metadata, about, members]
        + [(f"x{i}", b"") for i in range(50)],
    }.items():
        refused = None if name == "no metadata" else True  # old writers left it out
        yield Case(name, ".conda", forge.archive(parts), refused, forge.index())
    good = forge.archive([metadata, about, members])
    for name, data in {
        "a comment": forge.archive([metadata, about, members], comment=b"x"),
        "something before": b"x" + good,
        "something behind": good + b"x",
        "nothing": b"",
    }.items():
        yield Case(name, ".conda", data, True, forge.index())
    yield Case("no bzip2", ".tar.bz2", b"BZh9 is how it starts", True, forge.index())


def damaged(chance: random.Random, number: int) -> Iterator[Case]:
    """Yield good packages with flipped bits, and cut ones."""
    inner = file("a") + b"".join(file(f"b/{i}", bytes([i]) * 700) for i in range(8))
    about = info(entry("a"), *(entry(f"b/{i}", bytes([i]) * 700) for i in range(8)))
    for suffix, data in (
        (".conda", forge.conda(inner, about)),
        (".tar.bz2", bz2.compress(about + inner + forge.END)),
    ):
        for _ in range(number):
            at = chance.randrange(len(data))
            flipped = bytearray(data)
            flipped[at] ^= 1 << chance.randrange(8)
            yield Case(f"bit {at}", suffix, bytes(flipped), None, forge.index())
            yield Case(f"cut at {at}", suffix, data[:at], True, forge.index())


def all_cases(outside: str, chance: random.Random, flips: int) -> Iterator[Case]:
    """Yield every case; some would like to write to `outside`."""
    good = info(entry("a"))
    yield from both("a good one", file("a"), False, good)
    yield from links(outside)
    for kind in (names, members, headers, documents, bombs, archives):
        yield from kind()
    yield from damaged(chance, flips)
