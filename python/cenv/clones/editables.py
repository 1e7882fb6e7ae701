# SPDX-License-Identifier: BSD-3-Clause
"""Editable installs in a clone, moved to another checkout of their project.

What the back ends write is what `pip install -e` there would write: lines of .pth and
.egg-link files, texts in the modules that stand beside them (setuptools' finders, loaders
of meson-python and scikit-build-core), the URL in direct_url.json (PEP 610), and hashes
and sizes in RECORD. Files are replaced, never written in place: they may be linked.
"""

from __future__ import annotations

import ast
import base64
import csv
import io
import json
import os
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, unquote

from cenv._digest import sha256_hex
from cenv.errors import UsageError

Moves = Mapping[str, str]
_SIZE_MAX = 16 << 20  # bytes of one file of these


def checked_moves(moves: Mapping[str, str | os.PathLike[str]]) -> dict[str, str]:
    """Return the moves with absolute paths; UsageError for a place that is not there."""
    found = {}
    for old, new in moves.items():
        paths = [os.path.abspath(os.path.expanduser(path)) for path in (old, new)]
        if not os.path.isdir(paths[1]):
            raise UsageError(f"also: there is no directory {paths[1]}")
        if paths[0] != paths[1]:
            found[paths[0]] = paths[1]
    return found


def to_note(moves: Moves) -> str:
    """Return the moves as a clone keeps them for its resets; paths are bytes, JSON is not."""
    return json.dumps({_quoted(old): _quoted(new) for old, new in moves.items()})


def from_note(note: str) -> dict[str, str]:
    """Return the moves of to_note()."""
    return {_unquoted(old): _unquoted(new) for old, new in json.loads(note).items()}


def _quoted(text: str) -> str:
    return quote(text, errors="surrogateescape")


def _unquoted(text: str) -> str:
    return unquote(text, errors="surrogateescape")


def move(prefix: str, moves: Moves) -> list[str]:
    """Move what is installed from the old places to the new ones; return the files changed.

    Paths are relative to the prefix. What lies elsewhere stays as it is.
    """
    changed: list[str] = []
    for site in sorted(Path(prefix).glob("lib*/python*/site-packages")):
        if not site.parent.parent.is_symlink():  # lib64 of a venv
            changed += _move_in(site, moves)
    return [os.path.relpath(path, prefix) for path in changed]


def _move_in(site: Path, moves: Moves) -> list[str]:
    changed = [
        path
        for pattern in ("*.pth", "*.egg-link")
        for path in sorted(site.glob(pattern))
        if _write_anew(path, _lines(_read(path), moves))
    ]
    for note in sorted(site.glob("*.dist-info/direct_url.json")):
        changed += _move_project(site, note, moves)
    for record in sorted(site.glob("*.dist-info/RECORD")):
        if _write_anew(record, _record(site, _read(record), changed)):
            changed.append(record)
    return [str(path) for path in changed]


def _move_project(site: Path, note: Path, moves: Moves) -> list[Path]:
    """Move one project's direct_url.json, and the modules that its install wrote."""
    text = _read(note)
    told = _direct_url(text, moves)
    if told == text:
        return []
    changed = [note] if _write_anew(note, told) else []
    for name in _installed(note.parent / "RECORD"):
        path = site / name
        if "/" not in name and name.endswith(".py") and path.is_file():
            changed += [path] if _write_anew(path, _module(_read(path), moves)) else []
    return changed


# ---- one place ----


def _moved(path: str, moves: Moves) -> str:
    """Return where a path lies after the moves; one below a new place stays."""
    if any(_is_below(path, new) for new in moves.values()):
        return path
    for old in sorted(moves, key=len, reverse=True):
        if _is_below(path, old):
            return moves[old] + path[len(old) :]
    return path


def _is_below(path: str, top: str) -> bool:
    return path == top or path.startswith(top.rstrip("/") + "/")


# ---- each kind of file ----


def _lines(text: str, moves: Moves) -> str:
    lines = text.splitlines(keepends=True)
    ends = [line[len(line.rstrip("\r\n")) :] for line in lines]
    bare = [line.rstrip("\r\n") for line in lines]
    return "".join(_moved(line, moves) + end for line, end in zip(bare, ends))


def _direct_url(text: str, moves: Moves) -> str:
    """Return a direct_url.json with its URL moved, if it is an editable install's."""
    try:
        told = json.loads(text)
        url, editable = told["url"], told["dir_info"]["editable"]
    except (ValueError, KeyError, TypeError):
        return text
    scheme = "file://"
    if editable is not True or not isinstance(url, str) or not url.startswith(scheme):
        return text
    path = _unquoted(url[len(scheme) :])
    moved = _moved(path, moves)
    if moved == path:
        return text
    fresh = scheme + _quoted(moved)
    return text.replace(json.dumps(url), json.dumps(fresh))


def _module(text: str, moves: Moves) -> str:
    """Return a module with the texts in it that are paths moved, written as repr() does."""
    rows = text.splitlines(keepends=True)
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return text
    for token in reversed(tokens):
        if token.type != tokenize.STRING or token.start[0] != token.end[0]:
            continue
        value = _text_of(token.string)
        if value is not None and _moved(value, moves) != value:
            row = rows[token.start[0] - 1]
            fresh = repr(_moved(value, moves))
            rows[token.start[0] - 1] = (
                row[: token.start[1]] + fresh + row[token.end[1] :]
            )
    return "".join(rows)


def _text_of(literal: str) -> str | None:
    try:
        value = ast.literal_eval(literal)
    except (ValueError, SyntaxError):
        return None
    return value if isinstance(value, str) else None


def _installed(record: Path) -> Iterator[str]:
    if record.is_file():
        yield from (row[0] for row in csv.reader(io.StringIO(_read(record))) if row)


def _record(site: Path, text: str, changed: list[Path]) -> str:
    """Return a RECORD with hash and size of the files that changed; other rows stay."""
    fresh = {path.relative_to(site).as_posix(): path for path in changed}
    rows = text.splitlines(keepends=True)
    for at, row in enumerate(rows):
        fields = next(csv.reader([row]), [])
        path = fresh.get(fields[0]) if len(fields) == 3 else None
        if path is None or not fields[1].startswith("sha256="):
            continue
        data = path.read_bytes()
        raw = bytes.fromhex(sha256_hex(data))
        digest = base64.urlsafe_b64encode(raw).rstrip(b"=")
        old = f",{fields[1]},{fields[2]}"
        rows[at] = row.replace(old, f",sha256={digest.decode()},{len(data)}")
    return "".join(rows)


# ---- files ----


def _read(path: Path) -> str:
    if path.is_symlink() or path.stat().st_size > _SIZE_MAX:
        return ""
    return path.read_bytes().decode("utf-8", "surrogateescape")


def _write_anew(path: Path, text: str) -> bool:
    """Write a file anew if its text is another; its permissions stay. Say whether it was."""
    if not text or text == _read(path):
        return False
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        scratch.write_bytes(text.encode("utf-8", "surrogateescape"))
        scratch.chmod(path.stat().st_mode & 0o7777)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    return True
