# SPDX-License-Identifier: BSD-3-Clause
"""Merging what the sources say of one key, by the shape of its value.

A reader takes the values, lowest precedence first and none after a final one, and the
environment; it returns the value of the key, None where no source says anything. Each
raises UsageError, naming file and line, for a value of another shape.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from cenv._priorities import PRIORITIES
from cenv.config.condarc import BOTTOM, FINAL, TOP, Raw, expand
from cenv.errors import UsageError
from cenv.specs.times import milliseconds

Environ = Mapping[str, str]
Reader = Callable[[list[Raw], Environ], Any]
# What a channel's own exclude_newer says: the channel, and the cutoff (None: none).
ChannelCutoff = tuple[str, int | None]

_TRUE, _FALSE = (
    ("true", "yes", "on", "y", "1"),
    ("false", "no", "off", "n", "0", "none"),
)


def up_to_final(found: list[Raw]) -> list[Raw]:
    """Return the values up to the first one that is marked final."""
    for i, raw in enumerate(found):
        if raw.flag == FINAL:
            return found[: i + 1]
    return found


# ---- shapes ----


def single(matches: list[Raw], environ: Environ) -> Raw | None:
    """Return the last value; every one is a text."""
    for raw in matches:
        if not isinstance(raw.value, str):
            raise raw.expected("a single value")
    return matches[-1] if matches else None


def text(matches: list[Raw], environ: Environ) -> str | None:
    """Read a text, with variables and ~ in it replaced."""
    raw = single(matches, environ)
    return None if raw is None else expand(raw.value, environ)


def _items(raw: Raw, delimiter: str) -> list[Raw]:
    """Return the items of a list; a variable's text is split at the delimiter."""
    if isinstance(raw.value, str) and raw.where.startswith("$"):
        parts = raw.value.split(delimiter)
        texts = [Raw(part.strip(), raw.where, raw.key) for part in parts]
        return [text for text in texts if text.value]
    raw.texts()
    return raw.items()


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _joined(lists: list[list[Raw]]) -> list[str]:
    """Join lists, later sources first, between their top and bottom items."""
    top = [i.value for items in lists for i in items if i.flag == TOP]
    bottom = [i.value for items in reversed(lists) for i in items if i.flag == BOTTOM]
    every = [i.value for items in reversed(lists) for i in items]
    upper = _unique(top + every)
    return _unique(bottom[::-1] + upper[::-1])[::-1]


def sequence(matches: list[Raw], environ: Environ) -> tuple[str, ...] | None:
    """Read a list of texts, of a variable separated by commas."""
    return _sequence(matches, environ, ",")


def paths(matches: list[Raw], environ: Environ) -> tuple[str, ...] | None:
    """Read a list of paths, of a variable separated as PATH is."""
    return _sequence(matches, environ, os.pathsep)


def specs(matches: list[Raw], environ: Environ) -> tuple[str, ...] | None:
    """Read a list of MatchSpecs, of a variable separated by & (they have commas)."""
    return _sequence(matches, environ, "&")


def _sequence(
    matches: list[Raw], environ: Environ, delimiter: str
) -> tuple[str, ...] | None:
    if not matches:
        return None
    joined = _joined([_items(raw, delimiter) for raw in matches])
    return tuple(expand(item, environ) for item in joined)


def _maps(matches: list[Raw]) -> dict[str, list[Raw]]:
    """Return the values of each key, lowest precedence first."""
    found: dict[str, list[Raw]] = {}
    for raw in matches:
        for key, value in raw.members("a map").items():
            if value.value is not None:
                found.setdefault(key, []).append(value)
    return {key: up_to_final(values) for key, values in found.items()}


def map_of_texts(matches: list[Raw], environ: Environ) -> Mapping[str, str] | None:
    """Read a map of texts, merged key by key."""
    if not matches:
        return None
    merged = {key: single(values, environ) for key, values in _maps(matches).items()}
    return MappingProxyType(
        {key: expand(raw.value, environ) for key, raw in merged.items() if raw}
    )


def map_of_lists(
    matches: list[Raw], environ: Environ
) -> Mapping[str, tuple[str, ...]] | None:
    """Read a map of lists of texts, merged key by key, their items too."""
    if not matches:
        return None
    merged = {key: sequence(values, environ) for key, values in _maps(matches).items()}
    return MappingProxyType({key: value or () for key, value in merged.items()})


# ---- values ----


def alias(matches: list[Raw], environ: Environ) -> str | None:
    """Read a URL, with its scheme."""
    raw = single(matches, environ)
    if raw is None:
        return None
    url = expand(raw.value, environ)
    if "://" not in url:
        raise raw.fail(f'"{url}" needs a scheme, as in https://HOST')
    return url


def boolean(matches: list[Raw], environ: Environ) -> bool | None:
    """Read a truth value, spelt as YAML and conda spell it."""
    raw = single(matches, environ)
    if raw is None:
        return None
    word = raw.value.lower()
    if word not in _TRUE + _FALSE:
        raise raw.fail(f'"{raw.value}" is neither true nor false')
    return word in _TRUE


def ssl_verify(matches: list[Raw], environ: Environ) -> bool | str | None:
    """Read a boolean, "truststore", or the path of certificates, which must be there."""
    raw = single(matches, environ)
    if raw is None:
        return None
    word = raw.value.lower()
    if word in _TRUE + _FALSE:
        return word in _TRUE
    path = expand(raw.value, environ)
    if word == "truststore" or os.path.exists(path):
        return path
    raise raw.fail(
        f'"{raw.value}" is neither true, false nor truststore, '
        "nor a file or directory that exists"
    )


def seconds(matches: list[Raw], environ: Environ) -> float | None:
    """Read a number of seconds above 0."""
    raw = single(matches, environ)
    if raw is None:
        return None
    try:
        value = float(raw.value)
    except ValueError:
        value = -1
    if not 0 < value < float("inf"):
        raise raw.fail(f'"{raw.value}" is no number of seconds above 0')
    return value


def count(matches: list[Raw], environ: Environ) -> int | None:
    """Read a whole number from 0."""
    raw = single(matches, environ)
    if raw is None:
        return None
    if not raw.value.isdecimal() or len(raw.value) > 9:
        raise raw.fail(f'"{raw.value}" is no whole number from 0 to 999999999')
    return int(raw.value)


def ttl(matches: list[Raw], environ: Environ) -> int | None:
    """Read seconds that repodata serves unasked; true and 1: as the server says (-1)."""
    raw = single(matches, environ)
    if raw is None:
        return None
    word = raw.value.lower()
    if word in _TRUE:
        return -1
    return 0 if word in _FALSE else count(matches, environ)


def priority(matches: list[Raw], environ: Environ) -> str | None:
    """Read a channel priority; conda takes truth values for one, too."""
    raw = single(matches, environ)
    if raw is None:
        return None
    word = raw.value.lower()
    word = "flexible" if word in _TRUE else "disabled" if word in _FALSE else word
    if word not in PRIORITIES:
        raise raw.fail(f'"{raw.value}" is none of {", ".join(PRIORITIES)}')
    return word


# ---- moments ----


def _moment(raw: Raw) -> int | None:
    try:
        return milliseconds(raw.value)
    except UsageError as error:
        raise raw.fail(str(error)) from None


def moment(matches: list[Raw], environ: Environ) -> int | None:
    """Read a date, time or age as milliseconds since 1970; "" is none."""
    raw = single(matches, environ)
    return None if raw is None else _moment(raw)


def _own_cutoff(raw: Raw) -> ChannelCutoff | None:
    """Return ("", cutoff), None where the value says nothing: true, or empty (conda)."""
    if not isinstance(raw.value, str):
        raise raw.expected("a date, a time, an age or false")
    word = raw.value.lower()
    if word in _FALSE:
        return "", None
    return None if word in {"", "true"} else ("", _moment(raw))


def moments(matches: list[Raw], environ: Environ) -> Mapping[str, int | None] | None:
    """Read a map of names to their own cutoffs; false is none."""
    if not matches:
        return None
    owns = {k: _own_cutoff(v[-1]) for k, v in _maps(matches).items()}
    return MappingProxyType({k.lower(): own[1] for k, own in owns.items() if own})


def channel_cutoffs(
    matches: list[Raw], environ: Environ
) -> tuple[ChannelCutoff, ...] | None:
    """Read the exclude_newer of channel_settings, a list of maps; the last one counts."""
    if not matches:
        return None
    found = []
    for raw in matches:
        for item in raw.items("a list of maps"):
            found += _cutoff_of_settings(item.members("a map with the key channel"))
    return tuple(found)


def _cutoff_of_settings(settings: Mapping[str, Raw]) -> list[ChannelCutoff]:
    channel = settings.get("channel")
    cutoff = settings.get("exclude_newer") or settings.get("exclude-newer")
    if channel is None or cutoff is None or cutoff.value is None:
        return []
    own = _own_cutoff(cutoff)
    name = channel.text("the name or URL of a channel")
    return [] if own is None else [(name.strip(), own[1])]
