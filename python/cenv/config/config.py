# SPDX-License-Identifier: BSD-3-Clause
"""conda's configuration: the .condarc files of the search path, merged as conda merges.

Sources run from /etc/conda up to $CONDARC, then CONDA_KEY variables; later ones win. A
text is that of the last source, or of the first that marks it final. Lists are joined,
later sources first, with items marked top before and bottom after all others. Maps are
merged key by key.
"""

from __future__ import annotations

import functools
import importlib.util
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cenv import _native
from cenv._options import ConnectOptions, NetworkOptions
from cenv.config import keys
from cenv.config.condarc import Raw, candidates, expand, read_environment, read_file
from cenv.config.merging import ChannelCutoff

_PLACES = (
    *("/etc/conda", "/var/lib/conda", "$CONDA_ROOT", "$XDG_CONFIG_HOME/conda"),
    *("~/.config/conda", "~/.conda"),
)
_NAMES = (".condarc", "condarc", "condarc.d")
SEARCH_PATH = (
    *(f"{place}/{name}" for place in _PLACES for name in _NAMES),
    "~/.condarc",
    *(f"$CONDA_PREFIX/{name}" for name in _NAMES),
    "$CONDARC",
)


def _frozen() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Config:
    """The keys cenv reads, with conda's defaults; but no channels and no pip."""

    channels: tuple[str, ...] = ()
    default_channels: tuple[str, ...] = (
        "https://repo.anaconda.com/pkgs/main",
        "https://repo.anaconda.com/pkgs/r",
    )
    channel_alias: str = "https://conda.anaconda.org"
    custom_channels: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType(
            {"pkgs/pro": "https://repo.anaconda.com"}
        )
    )
    custom_multichannels: Mapping[str, tuple[str, ...]] = field(default_factory=_frozen)
    channel_priority: str = "flexible"
    allowlist_channels: tuple[str, ...] = ()  # () allows all
    denylist_channels: tuple[str, ...] = ()
    override_channels_enabled: bool = True
    pinned_packages: tuple[str, ...] = ()
    ignore_pinned: bool = False
    disallowed_packages: tuple[str, ...] = ()
    exclude_newer: int | None = None  # ms since 1970, as all cutoffs
    exclude_newer_package: Mapping[str, int | None] = field(default_factory=_frozen)
    channel_settings: tuple[ChannelCutoff, ...] = ()
    use_only_tar_bz2: bool = False
    subdir: str = ""
    override_virtual_packages: Mapping[str, str] = field(default_factory=_frozen)
    add_pip_as_python_dependency: bool = False
    non_admin_enabled: bool = True
    protect_frozen_envs: bool = True
    register_envs: bool = True
    envs_dirs: tuple[str, ...] = ()  # before those of the base environment
    always_copy: bool = False
    channel_relations_max_depth: int = 10  # CEP 42; 0: they are not followed
    repodata_use_shards: bool = True
    repodata_use_zst: bool = True
    local_repodata_ttl: int = -1  # seconds; -1: as the server says
    use_index_cache: bool = False
    offline: bool = False
    ssl_verify: bool | str = True  # False, "truststore", or a file or directory
    client_ssl_cert: str | None = None
    client_ssl_cert_key: str | None = None
    proxy_servers: Mapping[str, str] = field(default_factory=_frozen)
    remote_connect_timeout_secs: float = 9.15
    remote_read_timeout_secs: float = 60.0
    remote_max_retries: int = 3
    # Where each key was said that was: "FILE, line N", or "$VARIABLE".
    where: Mapping[str, str] = field(default_factory=_frozen, compare=False)

    def connecting(self, offline: bool = False) -> ConnectOptions:
        """Return what the core needs to know to use the network."""
        network: NetworkOptions = {
            "ssl_verify": self.ssl_verify,
            "certifi": _certifi() if _native.extension.CARRIES_LIBCURL else None,
            "client_ssl_cert": self.client_ssl_cert,
            "client_ssl_cert_key": self.client_ssl_cert_key,
            "proxy_servers": dict(self.proxy_servers),
            "remote_connect_timeout_secs": self.remote_connect_timeout_secs,
            "remote_read_timeout_secs": self.remote_read_timeout_secs,
            "remote_max_retries": self.remote_max_retries,
        }
        return {"offline": offline or self.offline, "network": network}


@functools.cache
def _certifi() -> str | None:
    """Return certifi's file of certificates where that package is."""
    found = importlib.util.find_spec("certifi")
    if found is None or found.origin is None:
        return None
    return os.path.join(os.path.dirname(found.origin), "cacert.pem")


def load(
    environ: Mapping[str, str] | None = None, search_path: Iterable[str] = SEARCH_PATH
) -> Config:
    """Read and merge the configuration of the user who runs this.

    Raises UsageError, naming file and line, for a file or value that makes no sense,
    OSError for a file that cannot be read. Keys that neither conda nor cenv knows are passed
    over, unless they are nearly one that has an effect.
    """
    environ = _with_root(os.environ if environ is None else environ)
    files = {
        path: None for search in search_path for path in candidates(search, environ)
    }
    sources = [read_file(path) for path in files]
    for source in sources:
        keys.refuse_slips(source)
    variables = read_environment(environ)
    keys.refuse(sources, variables, environ)
    return _merged([*sources, variables], environ)


def _merged(sources: list[dict[str, Raw]], environ: Mapping[str, str]) -> Config:
    merged: dict[str, Any] = {}
    where = {}
    for key, read in keys.OBEYED.items():
        found = keys.matches(key, sources)
        value = read(found, environ)
        if value is not None:
            merged[key] = value
            where[key] = found[-1].where
    return Config(**merged, where=MappingProxyType(where))


def places() -> Iterator[str]:
    """Return all files of the configuration, and where there could be more."""
    environ = _with_root(os.environ)
    for search in SEARCH_PATH:
        yield expand(search, environ)
        yield from map(os.fspath, candidates(search, environ))


def _with_root(environ: Mapping[str, str]) -> dict[str, str]:
    """Return it with CONDA_ROOT as conda has it: the prefix its own executable lies in."""
    conda = environ.get("CONDA_EXE")
    root = {"CONDA_ROOT": str(Path(conda).parent.parent)} if conda else {}
    return {**root, **environ}
