# SPDX-License-Identifier: BSD-3-Clause
"""Specs as texts: what is solved, kept and shown has no secrets; which channels they name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cenv._extension import extension
from cenv.config.urls import path_url
from cenv.specs.plain_specs import is_plain

_PATH = r"(?:\.{1,2}|~)(?:/[^\[\]\"']*?)?"
_CHANNEL = re.compile(r"(?P<channel>[^\[\]]+?)(?P<rest>::.*)", re.DOTALL)
_KEY = re.compile(
    r"""(?P<head>.*\[.*?\bchannel\s*=\s*)(?P<quote>["']?)(?P<channel>.*?)(?P<rest>(?P=quote)\s*[,\]].*)""",
    re.DOTALL,
)


class SpecText(str):
    """A spec as it is solved, kept and shown; `channel` has what it was given, secrets too.

    Whatever is done with it as a text is done with the text without secrets.
    """

    __slots__ = ("_channel",)
    _channel: str

    def __new__(cls, text: str, channel: str) -> SpecText:
        spec = super().__new__(cls, text)
        spec._channel = channel
        return spec

    @property
    def channel(self) -> str:
        """The channel that it names, as it was given: for what opens channels; or ""."""
        return self._channel

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)


def clean_specs(specs: Iterable[object]) -> list[SpecText]:
    """Return specs as texts: URLs without secrets, relative paths made absolute."""
    return [_clean(spec) for spec in specs]


def _clean(spec: object) -> SpecText:
    if isinstance(spec, SpecText):
        return spec
    text = str(spec)
    if is_plain(text):
        return SpecText(text, "")
    whole = _absolute(text)
    clean = extension.clean_spec(whole.encode("utf-8", "surrogatepass"))
    return SpecText(clean.decode("utf-8", "surrogatepass"), _channel_of(whole))


def named_channels(specs: Iterable[object]) -> Iterator[str]:
    """Yield the channels that specs name, with their secrets; patterns name none."""
    return (spec.channel for spec in clean_specs(specs) if spec.channel)


def _channel_of(text: str) -> str:
    found = _find(text.strip())
    channel = found["channel"].strip() if found else ""
    return "" if re.search(r"[*^$|()\[\]]", channel) else channel


def _find(text: str) -> re.Match[str] | None:
    return _KEY.fullmatch(text) or _CHANNEL.fullmatch(text)


def _absolute(text: str) -> str:
    found = _find(text.strip())
    if found is None or not re.fullmatch(_PATH, found["channel"], re.DOTALL):
        return text
    start, end = found.span("channel")
    text = text.strip()
    return text[:start] + path_url(found["channel"]) + text[end:]
