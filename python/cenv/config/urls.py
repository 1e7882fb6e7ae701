# SPDX-License-Identifier: BSD-3-Clause
"""URLs whose secrets are for requests alone, and text without secrets."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from cenv._extension import extension


class SecretUrl(str):
    """A URL as text without its secrets; `for_request` has them.

    Whatever is done with it as a text (shown, written, pickled, copied) is done with the
    text without secrets.
    """

    __slots__ = ("_request",)
    _request: str

    def __new__(cls, text: str, request: str) -> SecretUrl:
        url = super().__new__(cls, text)
        url._request = request
        return url

    @property
    def for_request(self) -> str:
        """The URL with its secrets: for what opens connections, and nothing else."""
        return self._request

    def __eq__(self, other: object) -> bool:
        if isinstance(other, SecretUrl) and self._request != other._request:
            return False
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return super().__hash__()

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)


class UrlParts(NamedTuple):
    """The parts of a URL in normal form, "" where it has none; the core splits it.

    `path` is the channel's part, without slashes at its ends; `root` is what stands before
    a token. `auth`, `token` and `query` are secrets.
    """

    scheme: str
    auth: str
    host: str
    root: str
    token: str
    path: str
    subdir: str
    file: str
    query: str


def is_url(text: str) -> bool:
    """Say whether `text` begins as a URL does: with a scheme, or `file:/`."""
    return re.match(r"(?i)[a-z][a-z0-9+.-]*://|file:/", text) is not None


def is_path(text: str) -> bool:
    """Say whether `text` is the path of a channel rather than its name."""
    return text in {".", "..", "~"} or text.startswith(("./", "../", "~/", "/"))


def path_url(path: str) -> str:
    """Return the URL of a path, made absolute against the current directory."""
    full = os.path.abspath(Path(path).expanduser())
    return "file://" + quote(os.fsencode(full), safe="/")


def split_url(url: str) -> UrlParts:
    """Return the parts of a URL; raises ChannelError, which shows no secret."""
    return UrlParts(*json.loads(extension.split_url(_encode(url))))


def may_have_secrets(url: object) -> bool:
    """Say whether a text may be a URL with secrets: most are not, which costs little."""
    if type(url) is not str or not is_url(url):
        return False
    return any(mark in url for mark in ("@", "/t/", "?"))


def secret_url(url: str) -> str:
    """Return a URL in normal form as a text without its secrets; a name stays as it is."""
    if isinstance(url, SecretUrl) or not is_url(url):
        return url
    parts = split_url(url)
    auth = f"{parts.auth}@" if parts.auth else ""
    token = f"t/{parts.token}" if parts.token else ""
    query = f"?{parts.query}" if parts.query else ""
    below = (parts.path, parts.subdir, parts.file)
    plain = "/".join(part for part in (parts.root, *below) if part)
    whole = "/".join(part for part in (parts.root, token, *below) if part)
    return SecretUrl(
        f"{parts.scheme}://{parts.host}/{plain}",
        f"{parts.scheme}://{auth}{parts.host}/{whole}{query}",
    )


def redact(text: str) -> str:
    """Put "***" for the secrets of every URL in `text`, for the user's eyes."""
    if not any(mark in text for mark in "/@"):
        return text
    return _decode(extension.redact(_encode(text)))


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "surrogatepass")
