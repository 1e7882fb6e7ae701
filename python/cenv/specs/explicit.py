# SPDX-License-Identifier: BSD-3-Clause
"""@EXPLICIT lists: one URL a line, with #md5 or #sha256:hex, as conda and mamba write them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from cenv.config.channels import KNOWN_SUBDIRS
from cenv.config.shape import Node
from cenv.config.urls import secret_url
from cenv.errors import ChannelError, SpecError
from cenv.model import PackageRecord

MARK = "@EXPLICIT"
_EXTENSIONS = (".conda", ".tar.bz2")
_DIGITS = {"md5": 32, "sha256": 64}
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
    """Return the records of an @EXPLICIT list, as far as its lines tell them.

    A line is a URL or a path, a relative one from the working directory on; a leading ~
    and $VARIABLES are replaced (CEP 23).
    """
    found = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text and not text.startswith("#") and text != MARK:
            where = f"{source}, line {number}"
            found.append(record_of_url(_url_of(text), where))
    return found


def _url_of(line: str) -> str:
    text = os.path.expandvars(line)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text):
        return text
    path, mark, digest = text.partition("#")
    full = os.path.abspath(os.path.expanduser(path.strip()))
    return f"file://{quote(full, safe='/!+~=:@,')}{mark}{digest}"


def record_of_url(text: str, where: str) -> dict[str, Any]:
    """Return what a package's URL tells of its record.

    The subdir only where the URL has one: that of a package in any other directory is
    known to the package.
    """
    parts = _parts(text, where)
    digest = _HASH.fullmatch(parts.fragment.lower())
    if parts.fragment and not digest:
        message = f"{where}: '{parts.fragment}' is neither an MD5 nor a SHA-256"
        raise SpecError(message)
    name, version, build = _dist(unquote(parts.path).rpartition("/")[2], text, where)
    url = _secret_url(parts, where)
    directory, _, fn = str(url).rpartition("/")
    subdir = directory.rpartition("/")[2]
    place = {"subdir": subdir} if subdir in KNOWN_SUBDIRS else {}
    number = build.rpartition("_")[2]
    return {
        "name": name.lower(),
        "version": version,
        "build": build,
        "build_number": int(number) if number.isdecimal() and len(number) < 9 else 0,
        **place,
        "channel": directory.rpartition("/")[0] if place else directory,
        "fn": unquote(fn),
        "url": url,
        **({k: v for k, v in digest.groupdict().items() if v} if digest else {}),
    }


def _secret_url(parts: SplitResult, where: str) -> str:
    try:
        return secret_url(urlunsplit(parts._replace(fragment="")))
    except ChannelError as error:
        raise SpecError(f"{where}: {error}", hint=error.hint) from None


def _parts(text: str, where: str) -> SplitResult:
    try:
        parts = urlsplit(text if "://" in text else f"file://{text}")
    except ValueError as error:
        raise SpecError(f"{where}: '{text}' is not a URL: {error}") from None
    if re.search(r"[\x00-\x1f\x7f]", unquote(parts.path)):
        raise SpecError(f"{where}: a control character in a URL")
    return parts


def _dist(fn: str, text: str, where: str) -> list[str]:
    """Return name, version and build of a package's file name."""
    stem = next((fn[: -len(e)] for e in _EXTENSIONS if fn.endswith(e)), "")
    parts = stem.rsplit("-", 2)
    if len(parts) < 3 or not all(parts):
        hint = "expected URL/SUBDIR/NAME-VERSION-BUILD.conda or .tar.bz2"
        raise SpecError(f"{where}: '{text}' is not the URL of a package", hint=hint)
    return parts


def hashes_of(node: Node | None) -> dict[str, str]:
    """Return md5 and sha256 of a map that may have them."""
    found = {}
    for kind, digits in _DIGITS.items():
        value = None if node is None else node.get(kind)
        if value is None:
            continue
        digest = value.written().lower()  # digits alone would be a number
        if not re.fullmatch(f"[0-9a-f]{{{digits}}}", digest):
            raise value.expected(f"{digits} hexadecimal digits")
        found[kind] = digest
    return found
