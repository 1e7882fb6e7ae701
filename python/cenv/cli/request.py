# SPDX-License-Identifier: BSD-3-Clause
"""What the solving commands share: specs, files and channels put together."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from cenv.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cenv.cli.output import Console
    from cenv.config.config import Config
    from cenv.specs.extras import Extras
    from cenv.specs.spec_file import SpecFile


@dataclass(frozen=True)
class Request:
    """Specs or records, the channels to take, and the options of a solve."""

    specs: list[str]
    records: list[dict[str, Any]]
    channels: list[str] | None
    options: dict[str, Any]
    is_list: bool = False  # the records are all there is: nothing is solved
    extras: Extras | None = None
    template: str | None = None  # the id that a lock tells


def read(options: argparse.Namespace, console: Console) -> Request:
    """Put together what was asked for on the command line and in files."""
    specs = list(options.specs)
    channels = list(options.channels)
    asked = _read_files(options, console) if options.files else None
    if asked is not None:
        if asked.is_list and specs:
            message = "a list or lock names every package: give no specs beside it"
            raise UsageError(message)
        specs += asked.specs
        channels += asked.channels
    if not (specs or (asked and asked.is_list)):
        hint = "give specs such as python=3.12, or --file F"
        raise UsageError("nothing is asked for", hint=hint)
    if options.override_channels and specs and not channels:
        hint = "name one with -c CHANNEL"
        raise UsageError("--override-channels leaves no channel", hint=hint)
    chosen = _channels(options, channels)
    if asked is None:
        return Request(specs, [], chosen, _solve_options(options))
    return Request(
        specs,
        asked.records,
        chosen,
        _solve_options(options),
        asked.is_list,
        asked.extras or None,
        asked.template,
    )


def _read_files(options: argparse.Namespace, console: Console) -> SpecFile:
    from cenv.specs import spec_file

    found = spec_file.read(
        options.files, platform=options.platform, categories=options.categories
    )
    for notice in found.notices:
        console.notice(notice)
    found.extras.offline |= options.offline
    return found


def _channels(options: argparse.Namespace, given: list[str]) -> list[str] | None:
    """-c adds before the configured channels, unless those are to be left out.

    `nodefaults` among them says so, too (CEP 24).
    """
    if not (given or options.override_channels):
        return None
    from cenv.config.config import load

    config = load()
    if options.override_channels:
        _check_override(config)
    if options.override_channels or "nodefaults" in given:
        return given
    return given + [channel for channel in config.channels if channel not in given]


def _check_override(config: Config) -> None:
    from cenv.config.policy import said

    if not config.override_channels_enabled:
        key = said(config, "override_channels_enabled")
        raise UsageError(f"--override-channels is switched off by {key}")


def _solve_options(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "channel_priority": options.channel_priority,
        "exclude_newer": options.exclude_newer,
    }
