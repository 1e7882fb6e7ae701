# SPDX-License-Identifier: BSD-3-Clause
"""What the core's calls take beside paths: options, as JSON objects with these keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from cenv._choices import ChannelPriority, CloneMode, LinkMode

if TYPE_CHECKING:
    from cenv.model import Record


# One repodata of an Index: the channel's name, its URL, its multichannel, the subdir, the
# URL and the path of the repodata, for shards their ShardOptions as JSON, and whether only
# .tar.bz2 packages count.
RepodataSource = tuple[str, str, str | None, str, str, bytes, str | None, bool]


class ChannelNames(TypedDict):
    """What names of channels mean, for an Index; URLs are without secrets."""

    alias: str
    places: dict[str, str]  # custom channels, by name
    groups: dict[str, list[str]]  # multichannels, and how their members are called


# One file to pack: path, content, mode, mtime in nanoseconds, a link's target.
Member = tuple[bytes, bytes, int, int, bytes | None]


class NetworkOptions(TypedDict):
    """The network, by the keys of .condarc."""

    ssl_verify: bool | str
    certifi: str | None  # for wheels, where the machine has no certificates
    client_ssl_cert: str | None
    client_ssl_cert_key: str | None
    proxy_servers: dict[str, str]
    remote_connect_timeout_secs: float
    remote_read_timeout_secs: float
    remote_max_retries: int


class ConnectOptions(TypedDict):
    """Whether and how the network is used."""

    offline: bool
    network: NetworkOptions


class FetchOptions(ConnectOptions):
    """Store.fetch_packages: `secrets` are channel URLs without and with their secrets.

    `pkgs_dirs` are package caches of conda, which are only read, and what they have is
    verified; no template depends on them.
    """

    secrets: dict[str, str]
    pkgs_dirs: Sequence[str]


class RepodataFile(TypedDict):
    """The repodata of one subdir; it is an error if a required one is not there."""

    url: str
    required: bool


class RepodataOptions(ConnectOptions):
    """Store.fetch_repodata; `ttl` is in seconds, -1: as the server says."""

    shards: bool
    zst: bool
    ttl: int
    repodata: list[RepodataFile]


class ShardOptions(ConnectOptions):
    """A source of an Index whose shards are fetched when they are needed, from `url`."""

    url: str


class SolveOptions(TypedDict, total=False):
    """What a solve may be told beside its specs: the keywords of Index.request."""

    locked: Iterable[Record]
    pinned: Iterable[object]
    favored: Iterable[Record]
    channel_priority: ChannelPriority | None
    exclude_newer: str | None
    add_pip: bool | None
    explain: str | None


SOLVE_OPTIONS = tuple(SolveOptions.__annotations__)


class SolveRequest(TypedDict):
    """Index.solve; cutoffs are in milliseconds since 1970, None is none."""

    specs: list[str]
    virtual_packages: list[list[str]]
    locked: list[dict[str, Any]]
    pinned: list[str]
    favored: list[dict[str, Any]]
    channel_priority: str
    exclude_newer: int | None
    exclude_newer_package: dict[str, int | None]  # by name
    exclude_newer_channel: dict[str, int | None]  # by the URL without secrets
    add_pip: bool
    explain: str | None


class CreateOptions(FetchOptions):
    """Store.create."""

    link_mode: LinkMode
    specs: list[str]
    cmd: str


class LayeredOptions(FetchOptions):
    """Store.layered_open; `specs` are what was asked for."""

    specs: Sequence[str]
    only_there: bool  # layers that are missing are not made


class TemplateKind(TypedDict, total=False):
    """Store.template_find_packages: which of the templates of the same packages."""

    key: str  # of its set-up
    base: str  # the id of the template below


class TemplateMarks(TemplateKind, total=False):
    """What sets a template apart from others of the same packages."""

    transient: bool
    owner: int  # the process with whose end a transient one goes


class BuildOptions(FetchOptions, TemplateMarks, total=False):
    """Store.template_build and Store.draft_open; `solved`: seconds that the solve took."""

    specs: Sequence[str]
    rebuild: bool
    solved: float


class CheckOptions(TypedDict):
    """Store.template_check; `since_us` is in microseconds since 1970."""

    since_us: int
    content: bool


class RepairOptions(TypedDict):
    """Store.template_repair; `drop` removes an altered one instead of building it."""

    content: bool
    drop: bool


class ExportOptions(FetchOptions):
    """Store.template_export; `packages` beside it make a template `linked` of them, too."""

    ids: list[str]
    replace: bool
    linked: bool
    packages: bool


class ImportOptions(FetchOptions):
    """Store.template_import."""

    virtual_packages: list[list[str]]


class RemoteOptions(TypedDict):
    """A remote: its URL with secrets, milliseconds without a byte moved, if it is pushed to."""

    url: str
    network: NetworkOptions
    timeout_ms: int
    push: bool


class PullOptions(FetchOptions):
    """Store.template_pull; `id` is the one that it must have, if told."""

    remote: RemoteOptions
    id: str | None
    urls: dict[str, str]  # of packages, by SHA-256, where they are not the maker's
    virtual_packages: list[list[str]]
    verify: bool


class PushOptions(FetchOptions):
    """Store.template_push; `requests` are texts, None for those that the store knows."""

    remote: RemoteOptions
    id: str
    requests: list[str] | None
    packages: bool


class Provenance(TypedDict, total=False):
    """What a clone tells of its request where its template, built for another, tells else."""

    specs: list[str]
    was: list[str]
    urls: dict[str, str]


class CloneOptions(TypedDict):
    """clone(); `owner` is the process with which it ends, 0 for none; reset() tells `note`."""

    mode: CloneMode
    owner: int
    provenance: Provenance | None
    note: str | None
    memory: int  # bytes that what is remembered may take, 0: nothing is
    remember: bool  # the path, though nothing was cloned to it before


class OverlayOptions(CloneOptions):
    """clone() in mode overlay: the mount namespace that this process is in."""

    namespace: str
