# SPDX-License-Identifier: BSD-3-Clause
"""Names, URLs and paths of channels, resolved as conda resolves them (CEP 26, 36)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote

from cenv._options import ChannelNames
from cenv.config.config import Config
from cenv.config.urls import SecretUrl, is_path, is_url, path_url, split_url
from cenv.errors import ChannelError

KNOWN_SUBDIRS = frozenset(
    """noarch linux-32 linux-64 linux-aarch64 linux-armv6l linux-armv7l linux-ppc64
    linux-ppc64le linux-riscv64 linux-s390x osx-64 osx-arm64 win-32 win-64 win-arm64
    emscripten-wasm32 wasi-wasm32 zos-z freebsd-64""".split()
)


# What is in no name: blanks and patterns, and what a URL without its scheme has.
_NO_NAME = re.compile(r"[\s\[\]*:?#\\]|[^/]@|(^|/)t/")


class Secrets:
    """What opens a channel; nothing that shows, copies or writes it does so."""

    __slots__ = ("auth", "query", "token")

    def __init__(self, auth: str = "", token: str = "", query: str = "") -> None:
        self.auth = auth
        self.token = token
        self.query = query

    def __repr__(self) -> str:
        return "***" if self else ""

    def __bool__(self) -> bool:
        return bool(self.auth or self.token or self.query)

    def __reduce__(self) -> tuple[type[Secrets], tuple[()]]:
        return Secrets, ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secrets) and self._all() == other._all()

    def __hash__(self) -> int:
        return hash(self._all())

    def _all(self) -> tuple[str, str, str]:
        return self.auth, self.token, self.query

    def or_else(self, other: Secrets) -> Secrets:
        """Return these, and those of `other` where there are none."""
        return Secrets(
            self.auth or other.auth,
            self.token or other.token,
            self.query or other.query,
        )


NO_SECRETS = Secrets()


@dataclass(frozen=True)
class Channel:
    """One channel: a name for people and specs, and where it lies.

    `location` is the host (with a path where the alias has one), `path` the channel's
    part below it. `secrets` show in `for_request` of its URLs alone. `subdir` is one the
    user gave with the channel, `multichannel` the name of the multichannel it belongs to
    ("defaults").
    """

    name: str
    scheme: str
    location: str
    path: str
    secrets: Secrets = NO_SECRETS
    subdir: str = ""
    multichannel: str | None = None

    def __repr__(self) -> str:
        return f"Channel({self.name!r}, {self.safe_url!r})"

    @property
    def safe_url(self) -> str:
        """The channel's URL without subdir and secrets: its identity."""
        return f"{self.scheme}://{_join(self.location, self.path)}"

    @property
    def url(self) -> SecretUrl:
        """The same, with the secrets for the code that opens it."""
        return self._url("")

    def _url(self, subdir: str) -> SecretUrl:
        own = self.secrets
        auth = f"{own.auth}@" if own.auth else ""
        token = f"t/{own.token}" if own.token else ""
        query = f"?{own.query}" if own.query else ""
        place = _join(self.location, token, self.path, subdir)
        safe = _join(self.safe_url, subdir)
        return SecretUrl(safe, f"{self.scheme}://{auth}{place}{query}")

    def subdir_urls(self, platform: str) -> Iterator[tuple[str, SecretUrl]]:
        """Yield (subdir, its URL), the platform's before noarch."""
        for subdir in dict.fromkeys((self.subdir or platform, "noarch")):
            yield subdir, self._url(subdir)


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


def names_of(config: Config) -> ChannelNames:
    """Return what names of channels in specs mean, as the core matches them.

    A custom channel's name is its place. Any other is that of a channel on whatever host,
    as in conda; a multichannel's is that of its members.
    """
    return _Book(config).names()


def among(name: str, channels: Iterable[Channel], config: Config) -> bool:
    """Say whether `name`, the channel of a spec, is one of `channels`.

    A name is that of a multichannel's members and of a mirror too, as specs are matched.
    """
    known = tuple(channels)
    if not (is_url(name) or is_path(name)):
        bare = _cut_subdir(name.strip("/"))[0]
        names = names_of(config)
        called = {bare, *names["groups"].get(bare, ())}
        placed = any(_below(bare, place) is not None for place in names["places"])
        if not placed and any(_is_called(c, called) for c in known):
            return True
    urls = {channel.safe_url.partition("://")[2] for channel in known}
    wanted = resolve([name], config)
    return all(channel.safe_url.partition("://")[2] in urls for channel in wanted)


def _is_called(channel: Channel, names: set[str]) -> bool:
    return not names.isdisjoint(
        (channel.name, channel.multichannel or "", _called(channel))
    )


def _called(channel: Channel) -> str:
    """Return a directory's last name, or the path of a channel on its host."""
    path = _join(channel.location, channel.path).partition("/")[2]
    return path.rpartition("/")[2] if channel.scheme == "file" else path


def related(channel: Channel, reference: str, config: Config) -> Channel:
    """Return the channel that `channel` means by `reference`: "../NAME", "../.." (CEP 42).

    It lies on the same host, and is opened with the same login, unless the configuration
    has one for it. Raises ChannelError for what is no such reference.
    """
    wrong = _wrong_reference(reference)
    if wrong:
        raise ChannelError(f"{_cut(reference)} {wrong}")
    host, parts = _place_of(channel)
    for part in reference.split("/"):
        if part == ".." and not parts:
            raise ChannelError(f"{_cut(reference)} leads above the root of {host}")
        if part == "..":
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    found = resolve([f"{channel.scheme}://{host}/{'/'.join(parts)}"], config)[0]
    if found.subdir:
        raise ChannelError(f"{_cut(reference)} is a subdir, not a channel")
    own = Secrets(channel.secrets.auth, channel.secrets.token)
    return replace(found, secrets=found.secrets.or_else(own))


def _place_of(channel: Channel) -> tuple[str, list[str]]:
    """Return the host, which is "" of a directory, and the parts of the path."""
    host, _, path = channel.safe_url.partition("://")[2].partition("/")
    return host, [part for part in path.split("/") if part]


def _wrong_reference(reference: str) -> str:
    if not reference.startswith("../"):
        return 'is not relative: a reference begins with "../"'
    parts = reference.split("/")
    hidden = any(
        unquote(p) in {".", ".."} or "/" in unquote(p) for p in parts if "%" in p
    )
    if hidden or _NO_NAME.search(reference) or not reference.isprintable():
        return "has characters that no name of a channel has"
    return ""


def _cut(text: str) -> str:
    """Return a text of others as messages quote it."""
    return json.dumps(text if len(text) <= 100 else f"{text[:99]}…", ensure_ascii=False)


# ---- text ----


def _join(*parts: str) -> str:
    return "/".join(
        part.strip("/") if i else part.rstrip("/") for i, part in _filled(parts)
    )


def _filled(parts: Iterable[str]) -> Iterator[tuple[int, str]]:
    return enumerate(part for part in parts if part)


def _quoted(name: str) -> str:
    """Return a name as it stands in a URL in normal form."""
    return quote(name, safe="/%!$&'()*+,;=:@~")


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
class _Place:
    """A URL of a channel, in normal form; `text` is host and path without secrets."""

    scheme: str
    host: str
    root: str  # what stands before a token
    below: str  # the rest, without subdir
    secrets: Secrets
    subdir: str

    @property
    def path(self) -> str:
        return _join(self.root, self.below).strip("/")

    @property
    def text(self) -> str:
        return _join(self.host, self.path) if self.host else f"/{self.path}"


def _split(url: str) -> _Place:
    parts = split_url(url)
    below, subdir = parts.path, parts.subdir
    if parts.file:
        below, subdir = _join(below, subdir, parts.file), ""
    secrets = Secrets(parts.auth, parts.token, parts.query)
    return _Place(parts.scheme, parts.host, parts.root, below, secrets, subdir)


# ---- the configured channels ----


class _Book:
    """What names mean under one configuration."""

    def __init__(self, config: Config) -> None:
        alias = _split(config.channel_alias)
        place = _join(alias.text, alias.subdir)
        self._alias = Channel("", alias.scheme, place, "", alias.secrets)
        self._multi: dict[str, tuple[Channel, ...]] = {}
        groups = {**config.custom_multichannels, "defaults": config.default_channels}
        for name, members in groups.items():
            self._multi[name] = tuple(self._simple(m, name) for m in members)
        self._custom = {c.path: c for group in self._multi.values() for c in group}
        for name, url in config.custom_channels.items():
            self._custom[name.strip("/")] = self._placed(url, name)

    def names(self) -> ChannelNames:
        members = {id(c) for group in self._multi.values() for c in group}
        return {
            "alias": self._alias.safe_url.rstrip("/"),
            "places": {
                name: channel.safe_url
                for name, channel in self._custom.items()
                if id(channel) not in members
                and channel.location != self._alias.location
            },
            "groups": {
                name: [c.path or _called(c) for c in group]
                for name, group in self._multi.items()
            },
        }

    def lookup(self, text: str | os.PathLike[str]) -> tuple[Channel, ...]:
        if not isinstance(text, str):
            return (self._of_url(path_url(os.fspath(text))),)
        text = text.strip()
        if is_url(text):
            return (self._of_url(text),)
        if is_path(text):
            return (self._of_url(path_url(text)),)
        if not text.strip("/") or _NO_NAME.search(text):
            raise ChannelError(
                f'"{text}" is no channel',
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
        if not is_url(text):
            if is_path(text):
                return replace(
                    self._of_file(_split(path_url(text))), multichannel=group
                )
            name = text.strip("/")
            return replace(
                self._alias, name=name, path=_quoted(name), multichannel=group
            )
        url = _split(text)
        if not url.host:
            return replace(self._of_file(url), multichannel=group)
        below = _below(url.text, self._alias.location)
        location, path = (
            (self._alias.location, below) if below else (url.host, url.path)
        )
        return Channel(
            path, url.scheme, location, path, url.secrets, multichannel=group
        )

    def _placed(self, text: str, name: str) -> Channel:
        """A custom channel: `name` below a location, which does not repeat it."""
        name = name.strip("/")
        if not is_url(text):
            if is_path(text):
                return self._placed(path_url(text), name)
            return replace(self._alias, name=name, path=_quoted(name))
        url = _split(text)
        place = _join(url.text, url.subdir)
        return Channel(name, url.scheme, place, _quoted(name), url.secrets)

    def _of_name(self, name: str, subdir: str) -> Channel:
        """The custom channel that leads `name`, the longest, else the alias's."""
        head = name
        while head:
            known = self._custom.get(head)
            if known:
                path = _join(known.path, _quoted(name[len(head) + 1 :]))
                return self._named(replace(known, name=name, path=path, subdir=subdir))
            head = head.rpartition("/")[0]
        return replace(self._alias, name=name, path=_quoted(name), subdir=subdir)

    def _named(self, channel: Channel) -> Channel:
        """Below a member of a multichannel lies another channel, which is no member."""
        for group, members in self._multi.items():
            if any(member.safe_url == channel.safe_url for member in members):
                return replace(channel, multichannel=group)
        return replace(channel, multichannel=None)

    def _of_url(self, text: str) -> Channel:
        url = _split(text)
        for known in sorted(self._custom.values(), key=lambda c: -len(c.path)):
            below = _below(url.text, _join(known.location, known.path))
            if below is not None:
                path = _join(known.path, below)
                return self._named(self._at(known, url, path))
        below = _below(url.text, self._alias.location)
        if below:
            return self._at(self._alias, url, below)
        if not url.host:
            return self._of_file(url)
        place = _join(url.host, url.root)
        channel = Channel("", url.scheme, place, url.below, url.secrets, url.subdir)
        return replace(channel, name=channel.safe_url)

    @staticmethod
    def _at(known: Channel, url: _Place, path: str) -> Channel:
        return replace(
            known,
            name=path,
            path=path,
            scheme=url.scheme,
            secrets=url.secrets.or_else(known.secrets),
            subdir=url.subdir,
        )

    @staticmethod
    def _of_file(url: _Place) -> Channel:
        channel = Channel("", "file", f"/{url.path}", "", subdir=url.subdir)
        return replace(channel, name=channel.safe_url)
