# SPDX-License-Identifier: BSD-3-Clause
"""What the configuration forbids: channels, packages, operations, frozen environments.

The rules are conda's (context.validate_channels, core/link.py, cli/common.py) and CEP 22.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cenv.config.channels import Channel, resolve
from cenv.config.config import Config, load
from cenv.config.shape import of_json
from cenv.errors import ChannelError, PrefixError, UsageError

if TYPE_CHECKING:
    from cenv.specs.specs import MatchSpec

_MESSAGE_MAX = 1 << 16  # bytes of conda-meta/frozen that are read
_BULKY = frozenset({"files", "paths_data", "link"})
_ASK = "ask who keeps this configuration, or choose another"


def said(config: Config, key: str) -> str:
    """Return how messages name a key: with the place where it was said."""
    where = config.where.get(key)
    return f"{key} ({where})" if where else key


# ---- channels ----


def chooses_channels(config: Config) -> bool:
    """Say whether some channels are allowed and others are not."""
    return bool(config.allowlist_channels or config.denylist_channels)


def check_channels(channels: Iterable[Channel], config: Config) -> None:
    """Raise ChannelError for a channel that is denied, or not among those allowed."""
    if not chooses_channels(config):
        return
    denied = _identities(config.denylist_channels, config)
    allowed = _identities(config.allowlist_channels, config)
    for channel in channels:
        if channel.safe_url in denied:
            message = f"channel {channel.name} is denied by {said(config, 'denylist_channels')}"
            raise ChannelError(message, hint=f"{_ASK} channel")
        if allowed and channel.safe_url not in allowed:
            message = (
                f"channel {channel.name} is not in {said(config, 'allowlist_channels')}"
            )
            raise ChannelError(message, hint=f"{_ASK} channel")


def _identities(names: Sequence[str], config: Config) -> set[str]:
    return {channel.safe_url for channel in resolve(names, config)}


def channel_cutoffs(
    channels: Iterable[Channel], config: Config
) -> dict[str, int | None]:
    """Return the cutoffs that channel_settings gives channels, by their URLs."""
    found: dict[str, int | None] = {}
    for selector, cutoff in config.channel_settings:
        for channel in channels:
            if _selects(selector, channel, config):
                found[channel.safe_url] = cutoff
    return found


def _selects(selector: str, channel: Channel, config: Config) -> bool:
    from fnmatch import fnmatchcase

    if "://" in selector and any(letter in selector for letter in "*?["):
        return fnmatchcase(channel.safe_url, selector.rstrip("/"))
    return channel.safe_url in _identities([selector], config)


# ---- packages ----


def check_records(records: Iterable[Mapping[str, Any]], config: Config) -> None:
    """Raise UsageError for a package that disallowed_packages forbids.

    A package is also taken from where its URL leads, so that is checked as a channel.
    """
    found = list(records)
    _check_places(found, config)
    if not config.disallowed_packages:
        return
    specs = parsed(config, "disallowed_packages")
    for record in found:
        spec = next((spec for spec in specs if spec.matches(record)), None)
        if spec is not None:
            name = f"{record['name']} {record['version']} {record.get('build', '')}"
            key = said(config, "disallowed_packages")
            message = f"package {name.strip()} is disallowed: {spec} is in {key}"
            raise UsageError(message, hint=f"{_ASK} package")


def _check_places(records: Iterable[Mapping[str, Any]], config: Config) -> None:
    if not chooses_channels(config):
        return
    urls = {str(r["url"]).rpartition("/")[0] for r in records if r.get("url")}
    check_channels(resolve(sorted(urls), config), config)


def parsed(config: Config, key: str) -> list[MatchSpec]:
    """Return the specs of a key; a malformed one is named with its place."""
    from cenv.errors import SpecError
    from cenv.specs.specs import MatchSpec

    found = []
    for text in getattr(config, key):
        try:
            found.append(MatchSpec(text))
        except SpecError as error:
            raise SpecError(f"{said(config, key)}: {error}", hint=error.hint) from None
    return found


def records_of_prefix(prefix: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Return the records in conda-meta of an environment, without their files.

    Raises SpecError for a record that is none.
    """
    found = []
    for path in sorted((Path(prefix) / "conda-meta").glob("*.json")):
        data = path.read_bytes()
        tree = of_json(data, str(path))
        for key in ("name", "version", "build"):
            tree.need(key).text()
        record = json.loads(data)
        found.append({key: v for key, v in record.items() if key not in _BULKY})
    return found


# ---- operations ----


def load_for_operation() -> Config:
    """Return the configuration; UsageError where only administrators make environments."""
    config = load()
    if not config.non_admin_enabled and os.geteuid() != 0:
        key = said(config, "non_admin_enabled")
        message = f"{key} lets only administrators make environments"
        raise UsageError(message, hint="ask an administrator")
    return config


def check_frozen(prefix: str | os.PathLike[str]) -> None:
    """Raise PrefixError for an environment with conda-meta/frozen (CEP 22), with its reason."""
    marker = Path(prefix) / "conda-meta" / "frozen"
    try:
        is_marked = stat.S_ISREG(os.stat(marker).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return
    if not is_marked or not load().protect_frozen_envs:
        return
    raise PrefixError(
        f"{os.fspath(prefix)} is marked as frozen{_reason(marker)}",
        hint="override_frozen=True (--override-frozen) changes it all the same",
    )


def _reason(marker: Path) -> str:
    with marker.open("rb") as file:
        text = file.read(_MESSAGE_MAX)
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    message = document.get("message") if isinstance(document, dict) else None
    return f": {message}" if isinstance(message, str) and message else ""


def pins_of(prefix: str | os.PathLike[str]) -> list[str]:
    """Return the specs in conda-meta/pinned of an environment, a line each."""
    path = Path(prefix) / "conda-meta" / "pinned"
    if not path.is_file():
        return []
    from cenv.config.yaml_file import read_text

    lines = (line.strip() for line in read_text(path).splitlines())
    return [line for line in lines if line and not line.startswith("#")]
