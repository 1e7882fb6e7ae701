# SPDX-License-Identifier: BSD-3-Clause
"""@EXPLICIT lists: one URL a line, with #md5 or #sha256:hex, as conda and mamba write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from cenv.errors import SpecError
from cenv.model import PackageRecord

MARK = "@EXPLICIT"
_EXTENSIONS = (".conda", ".tar.bz2")
_HASH = re.compile(
    r"(?:md5:)?(?P<md5>[0-9a-f]{32})|(?:sha256:)?(?P<sha256>[0-9a-f]{64})"
)


def render(records: Iterable[PackageRecord], platform: str) -> Iterator[str]:
    """Yield the lines of an @EXPLICIT list."""
    yield "# This file may be used to create an environment using:"
    yield "# $ cenv create -p PREFIX --file <this file>"
    yield f"# platform: {platform}"
    yield MARK
    for record in records:
        digest = f"sha256:{record.sha256}" if record.sha256 else record.md5
        yield f"{record.url}#{digest}" if digest else record.url


def parse(lines: Iterable[str], source: str) -> list[dict[str, Any]]:
    """Return the records of an @EXPLICIT list, as far as URLs tell them."""
    found = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text and not text.startswith("#") and text != MARK:
            found.append(record_of_url(text, f"{source}, line {number}"))
    return found


def record_of_url(text: str, where: str) -> dict[str, Any]:
    """Return what a package URL tells of its record."""
    parts = urlsplit(text if "://" in text else f"file://{text}")
    digest = _HASH.fullmatch(parts.fragment.lower())
    if parts.fragment and not digest:
        message = f"{where}: '{parts.fragment}' is neither an MD5 nor a SHA-256"
        raise SpecError(message)
    channel_path, _, fn = unquote(parts.path).rpartition("/")
    stem = next((fn[: -len(e)] for e in _EXTENSIONS if fn.endswith(e)), "")
    if stem.count("-") < 2:
        hint = "expected URL/SUBDIR/NAME-VERSION-BUILD.conda or .tar.bz2"
        raise SpecError(f"{where}: '{text}' is not the URL of a package", hint=hint)
    name, version, build = stem.rsplit("-", 2)
    channel_path, _, subdir = channel_path.rpartition("/")
    number = build.rpartition("_")[2]
    return {
        "name": name.lower(),
        "version": version,
        "build": build,
        "build_number": int(number) if number.isdigit() else 0,
        "subdir": subdir,
        "channel": urlunsplit((parts.scheme, parts.netloc, channel_path, "", "")),
        "fn": fn,
        "url": urlunsplit((parts.scheme, parts.netloc, parts.path, parts.query, "")),
        **({k: v for k, v in digest.groupdict().items() if v} if digest else {}),
    }
