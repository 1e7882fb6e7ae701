# SPDX-License-Identifier: BSD-3-Clause
"""conda's configuration: the .condarc files of the search path, merged as conda merges.

Sources run from /etc/conda up to $CONDARC, then CONDA_KEY variables; later ones win. A
text is that of the last source, or of the first that marks it final. Lists are joined,
later sources first, with items marked top before and bottom after all others. Maps are
merged key by key.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cenv._options import ConnectOptions, NetworkOptions
from cenv.config.condarc import (
    BOTTOM,
    FINAL,
    TOP,
    Raw,
    candidates,
    expand,
    read_environment,
    read_file,
)

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

PRIORITIES = ("strict", "flexible", "disabled")
_TRUE, _FALSE = (
    ("true", "yes", "on", "y", "1"),
    ("false", "no", "off", "n", "0", "none"),
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
    add_pip_as_python_dependency: bool = False
    repodata_use_shards: bool = True
    offline: bool = False
    ssl_verify: bool | str = True  # False, "truststore", or a file or directory
    client_ssl_cert: str | None = None
    client_ssl_cert_key: str | None = None
    proxy_servers: Mapping[str, str] = field(default_factory=_frozen)
    remote_connect_timeout_secs: float = 9.15
    remote_read_timeout_secs: float = 60.0
    remote_max_retries: int = 3

    def connecting(self, offline: bool = False) -> ConnectOptions:
        """Return what the core needs to know to use the network."""
        network: NetworkOptions = {
            "ssl_verify": self.ssl_verify,
            "client_ssl_cert": self.client_ssl_cert,
            "client_ssl_cert_key": self.client_ssl_cert_key,
            "proxy_servers": dict(self.proxy_servers),
            "remote_connect_timeout_secs": self.remote_connect_timeout_secs,
            "remote_read_timeout_secs": self.remote_read_timeout_secs,
            "remote_max_retries": self.remote_max_retries,
        }
        return {"offline": offline or self.offline, "network": network}


def load(
    environ: Mapping[str, str] | None = None, search_path: Iterable[str] = SEARCH_PATH
) -> Config:
    """Read and merge the configuration of the user who runs this.

    Raises UsageError, naming file and line, for a file or value that makes no sense,
    and OSError for a file that cannot be read. Keys cenv does not know are passed over.
    """
    environ = dict(os.environ if environ is None else environ)
    _add_root(environ)
    files = {
        path: None for search in search_path for path in candidates(search, environ)
    }
    sources = [read_file(path) for path in files]
    sources.append(read_environment(environ))
    merged: dict[str, Any] = {
        key: value
        for key, read in _KEYS.items()
        if (value := read(_matches(key, sources), environ)) is not None
    }
    return Config(**merged)


def _add_root(environ: dict[str, str]) -> None:
    """Set CONDA_ROOT where conda would: to the prefix its own executable lies in."""
    conda = environ.get("CONDA_EXE")
    if conda and "CONDA_ROOT" not in environ:
        environ["CONDA_ROOT"] = str(Path(conda).parent.parent)


def _matches(key: str, sources: Sequence[Mapping[str, Raw]]) -> list[Raw]:
    """Return what the sources say of one key, lowest first, up to a final one."""
    found = []
    for source in sources:
        names = [name for name in (key, *_ALIASES.get(key, ())) if name in source]
        if len(names) > 1:
            raise source[names[1]].fail(f"{names[1]} says again what {names[0]} said")
        if names and source[names[0]].value is not None:
            found.append(source[names[0]])
    return _up_to_final(found)


def _up_to_final(found: list[Raw]) -> list[Raw]:
    for i, raw in enumerate(found):
        if raw.flag == FINAL:
            return found[: i + 1]
    return found


# ---- merging, by the shape of the value ----


def _text(matches: list[Raw], environ: Mapping[str, str]) -> Raw | None:
    for raw in matches:
        if not isinstance(raw.value, str):
            raise raw.fail("expected a single value")
    return matches[-1] if matches else None


def _items(raw: Raw) -> list[Raw]:
    """Return the items of a list; a variable's text is split at commas."""
    if isinstance(raw.value, str) and raw.where.startswith("$"):
        return [
            Raw(t, raw.where) for part in raw.value.split(",") if (t := part.strip())
        ]
    if not isinstance(raw.value, list):
        raise raw.fail("expected a list")
    for item in raw.value:
        if not isinstance(item.value, str):
            raise item.fail("expected a list of texts")
    return raw.value


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _sequence(matches: list[Raw], environ: Mapping[str, str]) -> tuple[str, ...] | None:
    """Join lists, later sources first, between their top and bottom items."""
    if not matches:
        return None
    lists = [_items(raw) for raw in matches]
    top = [i.value for items in lists for i in items if i.flag == TOP]
    bottom = [i.value for items in reversed(lists) for i in items if i.flag == BOTTOM]
    every = [i.value for items in reversed(lists) for i in items]
    upper = _unique(top + every)
    lower = _unique(bottom[::-1] + upper[::-1])
    return tuple(expand(text, environ) for text in reversed(lower))


def _maps(matches: list[Raw]) -> dict[str, list[Raw]]:
    """Return the values of each key, lowest precedence first."""
    found: dict[str, list[Raw]] = {}
    for raw in matches:
        if not isinstance(raw.value, dict):
            raise raw.fail("expected a map")
        for key, value in raw.value.items():
            if value.value is not None:
                found.setdefault(key, []).append(value)
    return {key: _up_to_final(values) for key, values in found.items()}


def _map_of_texts(
    matches: list[Raw], environ: Mapping[str, str]
) -> Mapping[str, str] | None:
    if not matches:
        return None
    merged = {key: _text(values, environ) for key, values in _maps(matches).items()}
    return MappingProxyType(
        {key: expand(raw.value, environ) for key, raw in merged.items() if raw}
    )


def _map_of_lists(
    matches: list[Raw], environ: Mapping[str, str]
) -> Mapping[str, tuple[str, ...]] | None:
    if not matches:
        return None
    merged = {key: _sequence(values, environ) for key, values in _maps(matches).items()}
    return MappingProxyType({key: value or () for key, value in merged.items()})


# ---- the keys ----


def _alias(matches: list[Raw], environ: Mapping[str, str]) -> str | None:
    raw = _text(matches, environ)
    if raw is None:
        return None
    url = expand(raw.value, environ)
    if "://" not in url:
        raise raw.fail(f'channel_alias "{url}" needs a scheme, as in https://HOST')
    return url


def _boolean(matches: list[Raw], environ: Mapping[str, str]) -> bool | None:
    raw = _text(matches, environ)
    if raw is None:
        return None
    text = raw.value.lower()
    if text not in _TRUE + _FALSE:
        raise raw.fail(f'"{raw.value}" is neither true nor false')
    return text in _TRUE


def _path(matches: list[Raw], environ: Mapping[str, str]) -> str | None:
    raw = _text(matches, environ)
    return None if raw is None else expand(raw.value, environ)


def _ssl_verify(matches: list[Raw], environ: Mapping[str, str]) -> bool | str | None:
    """Read a boolean, "truststore", or the path of certificates, which must be there."""
    raw = _text(matches, environ)
    if raw is None:
        return None
    text = raw.value.lower()
    if text in _TRUE + _FALSE:
        return text in _TRUE
    path = expand(raw.value, environ)
    if text == "truststore" or os.path.exists(path):
        return path
    raise raw.fail(
        f'ssl_verify "{raw.value}" is neither true, false nor truststore, '
        "nor a file or directory that exists"
    )


def _seconds(matches: list[Raw], environ: Mapping[str, str]) -> float | None:
    raw = _text(matches, environ)
    if raw is None:
        return None
    try:
        seconds = float(raw.value)
    except ValueError:
        seconds = -1
    if not 0 < seconds < float("inf"):
        raise raw.fail(f'"{raw.value}" is no number of seconds above 0')
    return seconds


def _count(matches: list[Raw], environ: Mapping[str, str]) -> int | None:
    raw = _text(matches, environ)
    if raw is None:
        return None
    if not raw.value.isdecimal():
        raise raw.fail(f'"{raw.value}" is no whole number from 0')
    return int(raw.value)


def _priority(matches: list[Raw], environ: Mapping[str, str]) -> str | None:
    raw = _text(matches, environ)
    if raw is None:
        return None
    text = raw.value.lower()
    text = "flexible" if text in _TRUE else "disabled" if text in _FALSE else text
    if text not in PRIORITIES:
        raise raw.fail(
            f'channel_priority "{raw.value}" is none of {", ".join(PRIORITIES)}'
        )
    return text


_ALIASES = {
    "channels": ("channel",),
    "ssl_verify": ("verify_ssl",),
    "client_ssl_cert": ("client_cert",),
    "client_ssl_cert_key": ("client_cert_key",),
}
_KEYS = {
    "channels": _sequence,
    "default_channels": _sequence,
    "channel_alias": _alias,
    "custom_channels": _map_of_texts,
    "custom_multichannels": _map_of_lists,
    "channel_priority": _priority,
    "add_pip_as_python_dependency": _boolean,
    "repodata_use_shards": _boolean,
    "offline": _boolean,
    "ssl_verify": _ssl_verify,
    "client_ssl_cert": _path,
    "client_ssl_cert_key": _path,
    "proxy_servers": _map_of_texts,
    "remote_connect_timeout_secs": _seconds,
    "remote_read_timeout_secs": _seconds,
    "remote_max_retries": _count,
}
