# SPDX-License-Identifier: BSD-3-Clause
"""What the solving commands share: specs, files and channels put together."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from cenv.errors import UsageError


@dataclass(frozen=True)
class Request:
    """Specs or records, the channels to take, and the options of a solve."""

    specs: list[str]
    records: list[dict[str, Any]]
    channels: list[str] | None
    options: dict[str, Any]


def read(options: argparse.Namespace, *, needs_specs: bool = True) -> Request:
    """Put together what was asked for on the command line and in files."""
    specs = list(options.specs)
    channels = list(options.channels)
    records: list[dict[str, Any]] = []
    if options.files:
        from cenv.specs import spec_file

        found = spec_file.read(options.files)
        specs += found.specs
        records = found.records
        channels += found.channels
    if needs_specs and not (specs or records):
        hint = "give specs such as python=3.12, or --file F"
        raise UsageError("nothing is asked for", hint=hint)
    return Request(
        specs, records, _channels(options, channels), _solve_options(options)
    )


def _channels(options: argparse.Namespace, given: list[str]) -> list[str] | None:
    """-c adds before the configured channels, unless those are to be left out."""
    if options.override_channels or not given:
        return given or None
    from cenv.config.config import load

    configured = [channel for channel in load().channels if channel not in given]
    return given + configured


def _solve_options(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "channel_priority": options.channel_priority,
        "exclude_newer": options.exclude_newer,
    }
