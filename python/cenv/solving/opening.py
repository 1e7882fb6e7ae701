# SPDX-License-Identifier: BSD-3-Clause
"""The repodata of channels, fetched once and opened as one index, in any company."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from cenv import _native
from cenv._options import (
    ConnectOptions,
    FetchOptions,
    RepodataFile,
    RepodataOptions,
    RepodataSource,
    ShardOptions,
    SolveRequest,
)
from cenv.config.channels import Channel, names_of
from cenv.config.config import Config
from cenv.config.paths import store_path
from cenv.config.urls import SecretUrl
from cenv.solving import relations
from cenv.tracing import recorder as trace

if TYPE_CHECKING:
    from cenv import _cenv
    from cenv.tracing import facts

_FOREVER = 999_999_999  # seconds


@dataclass(frozen=True)
class Opened:
    """Repodata as the core holds it: `channels` in order of preference."""

    core: _cenv.Index
    channels: tuple[Channel, ...]
    identity: tuple[Any, ...]  # of each file, None: there is none
    related: tuple[tuple[Channel, dict[str, str] | None], ...]
    told: tuple[facts.Channel, ...]  # for the trace
    sources: tuple[RepodataSource, ...]


class Solving(NamedTuple):
    """What solves specs that name no channel, as values of JSON: see cli/recalled.py."""

    sources: list[Any]
    cache: str
    names: str
    request: SolveRequest  # but for the specs
    fetching: FetchOptions


class Fetched(NamedTuple):
    """Repodata as Store.fetch_repodata is told of it, JSON, and the identity of each file."""

    options: str
    identity: list[Any]
    solving: Solving | None = None


class Opener:
    """Opens channels for one platform; what was fetched serves as long as it lives."""

    def __init__(
        self,
        platform: str,
        store: str | os.PathLike[str] | None,
        config: Config,
        connecting: ConnectOptions,
    ) -> None:
        self._platform = platform
        self._config = config
        self._connecting = connecting
        self._store = _native.open_store(store)
        self._cache = os.fsencode(store_path(store)) + b"/v1/repodata"
        self._files: dict[SecretUrl, dict[str, Any] | None] = {}
        self._subdirs: dict[SecretUrl, str] = {}

    def open(self, heads: Sequence[Channel], named: Sequence[Channel]) -> Opened:
        """Open `heads`, those that specs `named`, and all that these are related to."""
        given = (*heads, *named)
        opened = self._open(given)
        if not self._config.channel_relations_max_depth:
            return opened
        if not any(said for _channel, said in opened.related):
            return opened
        channels = relations.follow(heads, named, self._declared, self._config)
        return opened if channels == given else self._open(channels)

    def _declared(self, channels: Sequence[Channel]) -> relations.Declared:
        return self._open(channels).related

    def _open(self, channels: Sequence[Channel]) -> Opened:
        wanted = [
            (channel, subdir, url)
            for channel in channels
            for subdir, url in channel.subdir_urls(self._platform)
        ]
        self._fetch([(subdir, url) for _channel, subdir, url in wanted])
        files = [self._files[url] for _channel, _subdir, url in wanted]
        sources = [
            self._source(*place, file) for place, file in zip(wanted, files) if file
        ]
        core = _native.call(
            _native.extension.Index, sources, self._cache, self._names()
        )
        said = (
            _native.call(core.relations) if self._follows() else [None] * len(sources)
        )
        there = [channel for (channel, _, _), file in zip(wanted, files) if file]
        only = ("only .tar.bz2",) if self._config.use_only_tar_bz2 else ()
        identity = (*(file and file["identity"] for file in files), *only)
        told = tuple(_told(*place, file) for place, file in zip(wanted, files) if file)
        trace.active().facts.setdefault("channels", []).extend(told)
        related = tuple(zip(there, said))
        return Opened(core, tuple(channels), identity, related, told, tuple(sources))

    def _names(self) -> str:
        return _native.dumps(names_of(self._config))

    def _follows(self) -> bool:
        return self._config.channel_relations_max_depth > 0

    def _fetch(self, wanted: Sequence[tuple[str, SecretUrl]]) -> None:
        new = {url: subdir for subdir, url in wanted if url not in self._files}
        if not new:
            return
        self._subdirs |= new
        options = _native.dumps(self._fetching(new))
        found = _native.call(self._store.fetch_repodata, options)
        for file in filter(None, found):
            trace.active().notes.extend(file["notes"])
        self._files.update(zip(new, found))

    def _fetching(self, subdirs: dict[SecretUrl, str]) -> RepodataOptions:
        config = self._config
        files: list[RepodataFile] = [
            {"url": url.for_request, "required": subdir == "noarch"}
            for url, subdir in subdirs.items()
        ]
        return {
            **self._connecting,
            "shards": config.repodata_use_shards,
            "zst": config.repodata_use_zst,
            "ttl": _FOREVER if config.use_index_cache else config.local_repodata_ttl,
            "repodata": files,
        }

    def fetched(self) -> Fetched:
        """Return how all that was opened is fetched again, and what it was."""
        files = [self._files[url] for url in self._subdirs]
        identity = [file and file["identity"] for file in files]
        return Fetched(_native.dumps(self._fetching(self._subdirs)), identity)

    def solving(
        self, opened: Opened, request: SolveRequest, fetching: FetchOptions
    ) -> Solving:
        """Return what solves other specs as `request` does its own, on what is open."""
        sources = [
            [os.fsdecode(part) if isinstance(part, bytes) else part for part in source]
            for source in opened.sources
        ]
        cache = os.fsdecode(self._cache)
        return Solving(
            sources, cache, self._names(), {**request, "specs": []}, fetching
        )

    def _source(
        self, channel: Channel, subdir: str, url: SecretUrl, file: dict[str, Any]
    ) -> RepodataSource:
        shards: ShardOptions = {**self._connecting, "url": url.for_request}
        return (
            channel.name,
            channel.safe_url,
            channel.multichannel,
            subdir,
            file["url"],
            os.fsencode(file["path"]),
            _native.dumps(shards) if file["shards"] else None,
            self._config.use_only_tar_bz2,
        )


def _told(
    channel: Channel, subdir: str, _url: SecretUrl, file: dict[str, Any]
) -> facts.Channel:
    """Return what the trace tells of how a subdir's repodata was got."""
    return {
        "channel": channel.name,
        "subdir": subdir,
        "bytes_transferred": file["received"],
        "bytes_on_disk": os.stat(file["path"]).st_size,
        "version": file["version"],
        "cache": file["cache"],
        "reason": file["reason"],
        "seconds": file["seconds"],
    }
