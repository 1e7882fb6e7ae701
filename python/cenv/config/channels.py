# SPDX-License-Identifier: BSD-3-Clause
"""Names, URLs and paths of channels, resolved as conda resolves them (CEP 26, 36)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from cenv.config.config import Config
from cenv.errors import ChannelError

KNOWN_SUBDIRS = frozenset(
    """noarch linux-32 linux-64 linux-aarch64 linux-armv6l linux-armv7l linux-ppc64
    linux-ppc64le linux-riscv64 linux-s390x osx-64 osx-arm64 win-32 win-64 win-arm64
    emscripten-wasm32 wasi-wasm32 zos-z freebsd-64""".split()
)
_TOKEN = re.compile(r"(?:^|/)t/([A-Za-z0-9._~%-]+)(?=/|$)")


@dataclass(frozen=True)
class Channel:
    """One channel: a name for people and specs, and where it lies.

    `location` is the host (with a path where the alias has one), `path` the channel's
    part below it. `auth` and `token` are secrets, which only `url` and `subdir_urls`
    show. `subdir` is one the user gave with the channel, `multichannel` the name of the
    multichannel it belongs to ("defaults").
    """

    name: str
    scheme: str
    location: str
    path: str
    auth: str = ""
    token: str = ""
    subdir: str = ""
    multichannel: str | None = None

    def __repr__(self) -> str:
        return f"Channel({self.name!r}, {self.safe_url!r})"

    @property
    def safe_url(self) -> str:
        """The channel's URL without subdir and secrets: its identity."""
        return f"{self.scheme}://{_join(self.location, self.path)}"

    @property
    def url(self) -> str:
        """The same with secrets, for the code that opens it."""
        auth = f"{self.auth}@" if self.auth else ""
        token = f"t/{self.token}" if self.token else ""
        return f"{self.scheme}://{auth}{_join(self.location, token, self.path)}"

    def subdir_urls(self, platform: str) -> Iterator[tuple[str, str]]:
        """Yield (subdir, URL with secrets), the platform's before noarch."""
        for subdir in dict.fromkeys((self.subdir or platform, "noarch")):
            yield subdir, f"{self.url}/{subdir}"


def resolve(
    names: Sequence[str | os.PathLike[str]], config: Config
) -> tuple[Channel, ...]:
    """Return the channels `names` stand for, in order of preference, each once.

    A name is one of a multichannel (which stands for its members), of a custom channel,
    or lies under channel_alias; a URL, a path that starts with `/`, `./`, `../` or `~`,
    and any PathLike stand for themselves. A subdir at the end limits a channel to it
    and noarch. Raises ChannelError for what can be none of these.
    """
    book = _Book(config)
    found: dict[tuple[str, str], Channel] = {}
    for name in names:
        for channel in book.lookup(name):
            found.setdefault((channel.safe_url, channel.subdir), channel)
    return tuple(found.values())


def redact(text: str) -> str:
    """Replace the secrets of every URL in `text`, for the user's eyes."""
    text = re.sub(r"//[^/\s\"'<>]*@", "//***@", text)
    return re.sub(r"/t/[A-Za-z0-9._~%-]+", "/t/***", text)


# ---- text ----


def _join(*parts: str) -> str:
    return "/".join(
        part.strip("/") if i else part.rstrip("/") for i, part in _filled(parts)
    )


def _filled(parts: Iterable[str]) -> Iterator[tuple[int, str]]:
    return enumerate(part for part in parts if part)


def _below(path: str, root: str) -> str | None:
    """Return what `path` has below `root`, by components; None: it lies elsewhere."""
    if path == root:
        return ""
    return path[len(root) + 1 :] if path.startswith(f"{root}/") else None


def _cut_subdir(text: str) -> tuple[str, str]:
    """Split "conda-forge/linux-64" into channel and subdir, which may be empty."""
    head, _, last = text.rstrip("/").rpartition("/")
    return (head, last) if head and last in KNOWN_SUBDIRS else (text.rstrip("/"), "")


@dataclass(frozen=True)
class _Url:
    scheme: str
    auth: str
    host: str
    token: str
    path: str  # without slashes at its ends, token and subdir
    subdir: str


def _split(url: str) -> _Url:
    scheme, _, rest = url.partition("://")
    rest = re.split(r"[?#]", rest, maxsplit=1)[0]
    authority, _, path = rest.partition("/")
    auth, _, host = authority.rpartition("@")
    host = "" if scheme.lower() == "file" and host == "localhost" else host
    path, subdir = _cut_subdir(path.strip("/"))
    token = _TOKEN.search(path)
    if token:
        path = _join(path[: token.start()], path[token.end() :]).strip("/")
    return _Url(scheme.lower(), auth, host, token[1] if token else "", path, subdir)


def _is_url(text: str) -> bool:
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text) is not None


def _is_path(text: str) -> bool:
    return text in {".", "..", "~"} or text.startswith(("./", "../", "~/", "/"))


def _path_url(path: str) -> str:
    full = os.path.abspath(Path(path).expanduser())
    return "file://" + quote(full, safe="/!+~=:@,")


# ---- the configured channels ----


class _Book:
    """What names mean under one configuration."""

    def __init__(self, config: Config) -> None:
        alias = _split(config.channel_alias)
        self._alias = Channel(
            "", alias.scheme, _join(alias.host, alias.path), "", alias.auth, alias.token
        )
        self._multi: dict[str, tuple[Channel, ...]] = {}
        groups = {**config.custom_multichannels, "defaults": config.default_channels}
        for name, members in groups.items():
            self._multi[name] = tuple(self._simple(m, name) for m in members)
        self._custom = {c.path: c for group in self._multi.values() for c in group}
        for name, url in config.custom_channels.items():
            self._custom[name.strip("/")] = self._placed(url, name)

    def lookup(self, text: str | os.PathLike[str]) -> tuple[Channel, ...]:
        if not isinstance(text, str):
            return (self._of_url(_path_url(os.fspath(text))),)
        text = text.strip()
        if _is_url(text):
            return (self._of_url(text),)
        if _is_path(text):
            return (self._of_url(_path_url(text)),)
        if not text.strip("/") or re.search(r"[\s\[\]*]", text):
            raise ChannelError(
                f'"{redact(text)}" is no channel',
                hint="give a name (conda-forge), a URL, or a path (./channel)",
            )
        name, subdir = _cut_subdir(text.strip("/"))
        if name == "nodefaults":  # says in environment.yml that "defaults" is not meant
            return ()
        if name in self._multi:
            return tuple(replace(c, subdir=subdir) for c in self._multi[name])
        return (self._of_name(name, subdir),)

    def _simple(self, text: str, group: str | None = None) -> Channel:
        """A member of a multichannel: a URL, or a name under the alias."""
        if not _is_url(text):
            if _is_path(text):
                return replace(
                    self._of_file(_split(_path_url(text))), multichannel=group
                )
            name = text.strip("/")
            return replace(self._alias, name=name, path=name, multichannel=group)
        url = _split(text)
        if not url.host:
            return replace(self._of_file(url), multichannel=group)
        place = _join(url.host, url.path)
        below = _below(place, self._alias.location)
        location, path = (
            (self._alias.location, below) if below else (url.host, url.path)
        )
        return Channel(
            path, url.scheme, location, path, url.auth, url.token, multichannel=group
        )

    def _placed(self, text: str, name: str) -> Channel:
        """A custom channel: `name` below a location, which does not repeat it."""
        name = name.strip("/")
        if not _is_url(text):
            if _is_path(text):
                return self._placed(_path_url(text), name)
            return replace(self._alias, name=name, path=name)
        url = _split(text)
        location = _join(url.host, url.path) if url.host else f"/{url.path}"
        return Channel(name, url.scheme, location, name, url.auth, url.token)

    def _of_name(self, name: str, subdir: str) -> Channel:
        """The custom channel that leads `name`, the longest, else the alias's."""
        head = name
        while head:
            known = self._custom.get(head)
            if known:
                path = _join(known.path, name[len(head) + 1 :])
                return self._named(replace(known, name=name, path=path, subdir=subdir))
            head = head.rpartition("/")[0]
        return replace(self._alias, name=name, path=name, subdir=subdir)

    def _named(self, channel: Channel) -> Channel:
        """Below a member of a multichannel lies another channel, which is no member."""
        for group, members in self._multi.items():
            if any(member.safe_url == channel.safe_url for member in members):
                return replace(channel, multichannel=group)
        return replace(channel, multichannel=None)

    def _of_url(self, text: str) -> Channel:
        url = _split(text)
        place = _join(url.host, url.path) if url.host else f"/{url.path}"
        for known in sorted(self._custom.values(), key=lambda c: -len(c.path)):
            below = _below(place, _join(known.location, known.path))
            if below is not None:
                path = _join(known.path, below)
                return self._named(self._at(known, url, path))
        below = _below(place, self._alias.location)
        if below:
            return self._at(self._alias, url, below)
        if not url.host:
            return self._of_file(url)
        channel = Channel(
            "", url.scheme, url.host, url.path, url.auth, url.token, url.subdir
        )
        return replace(channel, name=channel.safe_url)

    @staticmethod
    def _at(known: Channel, url: _Url, path: str) -> Channel:
        return replace(
            known,
            name=path,
            path=path,
            scheme=url.scheme,
            auth=url.auth or known.auth,
            token=url.token or known.token,
            subdir=url.subdir,
        )

    @staticmethod
    def _of_file(url: _Url) -> Channel:
        channel = Channel("", "file", f"/{url.path}", "", subdir=url.subdir)
        return replace(channel, name=channel.safe_url)
