# SPDX-License-Identifier: BSD-3-Clause
"""Just enough ELF: what an object needs, and its run path overwritten in place."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_DT_NEEDED, _DT_STRTAB, _DT_STRSZ, _DT_RPATH, _DT_RUNPATH = 1, 5, 10, 15, 29
_PT_LOAD, _PT_DYNAMIC = 1, 2


@dataclass(frozen=True)
class Slot:
    """A string of .dynstr: where it lies in the file, and its bytes without the NUL."""

    offset: int
    text: bytes


@dataclass(frozen=True)
class Dynamic:
    """The dynamic section of an ELF object, as far as the demo needs it."""

    needed: tuple[str, ...]
    run_paths: tuple[Slot, ...]


def read_dynamic(data: bytes) -> Dynamic | None:
    """Return the dynamic section of a 64-bit little-endian ELF object, else None."""
    if data[:6] != b"\x7fELF\x02\x01":
        return None
    segments = _segments(data)
    dynamic = next((s for s in segments if s[0] == _PT_DYNAMIC), None)
    if dynamic is None:
        return None
    entries = _entries(data, dynamic)
    table = next((value for tag, value in entries if tag == _DT_STRTAB), None)
    start = None if table is None else _file_offset(segments, table)
    if start is None:
        return None
    slots = [
        (tag, _slot(data, start + value)) for tag, value in entries if tag in _STRINGS
    ]
    needed = tuple(slot.text.decode() for tag, slot in slots if tag == _DT_NEEDED)
    return Dynamic(needed, tuple(slot for tag, slot in slots if tag != _DT_NEEDED))


_STRINGS = (_DT_NEEDED, _DT_RPATH, _DT_RUNPATH)


def _segments(data: bytes) -> list[tuple[int, int, int, int]]:
    """Return (type, file offset, address, file size) of each program header."""
    (table,) = struct.unpack_from("<Q", data, 0x20)
    size, count = struct.unpack_from("<HH", data, 0x36)
    found = []
    for i in range(count):
        kind, _flags, offset, address, _phys, length = struct.unpack_from(
            "<IIQQQQ", data, table + i * size
        )
        found.append((kind, offset, address, length))
    return found


def _entries(data: bytes, segment: tuple[int, int, int, int]) -> list[tuple[int, int]]:
    _kind, offset, _address, length = segment
    return [
        struct.unpack_from("<QQ", data, at) for at in range(offset, offset + length, 16)
    ]


def _file_offset(segments: list[tuple[int, int, int, int]], address: int) -> int | None:
    for kind, offset, start, length in segments:
        if kind == _PT_LOAD and start <= address < start + length:
            return offset + address - start
    return None


def _slot(data: bytes, offset: int) -> Slot:
    return Slot(offset, data[offset : data.index(b"\0", offset)])


def with_run_path(data: bytes, path: bytes) -> bytes:
    """Overwrite each run path by `path`, NUL-padded; one too short for it is left alone."""
    dynamic = read_dynamic(data)
    for slot in dynamic.run_paths if dynamic else ():
        if len(path) <= len(slot.text):
            padded = path.ljust(len(slot.text), b"\0")
            data = data[: slot.offset] + padded + data[slot.offset + len(slot.text) :]
    return data
