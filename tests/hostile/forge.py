# SPDX-License-Identifier: BSD-3-Clause
"""Writes packages byte by byte, right ones and wrong ones: no check stands in the way."""

from __future__ import annotations

import bz2
import hashlib
import json
import struct
import zlib
from collections.abc import Sequence
from typing import Any

BLOCK = 512
HELLO = b"hello\n"
PLACEHOLDER = "/opt/placehold_" + "p" * 200


def field(value: int | bytes, width: int) -> bytes:
    """Return a field of a tar header: a number in octal, or bytes as they are."""
    if isinstance(value, int):
        value = b"%0*o" % (width - 1, value)
    return value.ljust(width, b"\0")[:width]


def header(
    name: bytes,
    size: int | bytes = 0,
    kind: bytes = b"0",
    mode: int | bytes = 0o644,
    link: bytes = b"",
    prefix: bytes = b"",
    mtime: int | bytes = 10**9,
    magic: bytes = b"ustar\x0000",
    checksum: int | None = None,
) -> bytes:
    """Return the header of a member."""
    head = field(name, 100) + field(mode, 8) + field(0, 8) + field(0, 8)
    head += field(size, 12) + field(mtime, 12)
    tail = kind + field(link, 100) + magic + bytes(64) + field(1, 8) + field(3, 8)
    tail += field(prefix, 155) + bytes(12)
    total = sum(head) + 8 * 32 + sum(tail) if checksum is None else checksum
    return head + b"%06o\0 " % total + tail


def padded(data: bytes) -> bytes:
    """Return the data with zeros up to the next block."""
    return data + bytes(-len(data) % BLOCK)


def pax(*records: tuple[str, str | bytes], kind: bytes = b"x") -> bytes:
    """Return an extended header."""
    text = b""
    for key, value in records:
        value = value if isinstance(value, bytes) else value.encode()
        body = b" " + key.encode() + b"=" + value + b"\n"
        length = len(body)
        while len(str(length)) + len(body) != length:
            length = len(str(length)) + len(body)
        text += str(length).encode() + body
    return header(b"pax", len(text), kind) + padded(text)


def file(name: str | bytes, data: bytes = HELLO, mode: int = 0o644) -> bytes:
    """Return a file, its long name in an extended header."""
    raw = name if isinstance(name, bytes) else name.encode()
    long = pax(("path", raw)) if len(raw) > 100 else b""
    return long + header(raw[:100], len(data), mode=mode) + padded(data)


def directory(name: str, mode: int = 0o755) -> bytes:
    """Return a directory."""
    return header(name.encode(), kind=b"5", mode=mode)


def symlink(name: str, target: str | bytes) -> bytes:
    """Return a symbolic link."""
    raw = target if isinstance(target, bytes) else target.encode()
    long = pax(("linkpath", raw)) if len(raw) > 100 else b""
    return long + header(name.encode(), kind=b"2", mode=0o777, link=raw[:100])


def hardlink(name: str, target: str, data: bytes = b"") -> bytes:
    """Return a hard link, which ought to have no data."""
    raw = header(name.encode(), len(data), b"1", link=target.encode())
    return raw + padded(data)


END = bytes(2 * BLOCK)


def zstd(data: bytes, *, zeros: int = 0, window: int = 20) -> bytes:
    """Return a frame of raw blocks, then so many zeros in blocks of four bytes."""
    most = 128 << 10
    blocks = [
        (0, len(data[at : at + most]), data[at : at + most])
        for at in range(0, len(data), most)
    ]
    blocks += [(1, most, b"\0")] * (zeros // most) or []
    blocks = blocks or [(0, 0, b"")]
    out = struct.pack("<IBB", 0xFD2FB528, 0, (window - 10) << 3)
    for i, (kind, size, body) in enumerate(blocks):
        word = int(i == len(blocks) - 1) | kind << 1 | size << 3
        out += struct.pack("<I", word)[:3] + body
    return out


def archive(members: Sequence[tuple[str, bytes]], *, comment: bytes = b"") -> bytes:
    """Return a ZIP archive of stored members."""
    out, central = b"", b""
    for name, data in members:
        raw = name.encode()
        facts = struct.pack(
            "<HHHHHIII", 20, 0, 0, 0, 33, zlib.crc32(data), *[len(data)] * 2
        )
        lengths = struct.pack("<HH", len(raw), 0)
        central += b"PK\1\2" + struct.pack("<H", 20) + facts + lengths
        central += struct.pack("<HHHII", 0, 0, 0, 0, len(out)) + raw
        out += b"PK\3\4" + facts + lengths + raw + data
    counts = struct.pack("<HHHHII", 0, 0, *[len(members)] * 2, len(central), len(out))
    return (
        out + central + b"PK\5\6" + counts + struct.pack("<H", len(comment)) + comment
    )


def index(**changes: Any) -> dict[str, Any]:
    """Return info/index.json."""
    facts = {
        "name": "evil", "version": "1.0", "build": "0", "build_number": 0,
        "subdir": "noarch", "depends": [],
    }  # fmt: skip
    return {**facts, **changes}


def entry(path: str, data: bytes = HELLO, **changes: Any) -> dict[str, Any]:
    """Return an entry of info/paths.json."""
    facts = {
        "_path": path,
        "path_type": "hardlink",
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_in_bytes": len(data),
    }
    return {**facts, **changes}


def info(
    *paths: dict[str, Any], texts: dict[str, Any] | None = None, more: bytes = b""
) -> bytes:
    """Return the members of info/; `texts` replaces or adds documents, None leaves one out."""
    documents: dict[str, Any] = {
        "index.json": index(),
        "paths.json": {"paths_version": 1, "paths": list(paths)},
        **(texts or {}),
    }
    out = b""
    for name, document in documents.items():
        if document is not None:
            text = (
                document
                if isinstance(document, bytes)
                else json.dumps(document).encode()
            )
            out += file("info/" + name, text)
    return out + more


METADATA = b'{"conda_pkg_format_version": 2}'


def conda(members: bytes, about: bytes, stem: str = "evil-1.0-0") -> bytes:
    """Return a package of the newer format."""
    return archive(
        [
            ("metadata.json", METADATA),
            (f"info-{stem}.tar.zst", zstd(about + END)),
            (f"pkg-{stem}.tar.zst", zstd(members + END)),
        ]
    )


def tar_bz2(members: bytes, about: bytes) -> bytes:
    """Return a package of the older format."""
    return bz2.compress(about + members + END)
