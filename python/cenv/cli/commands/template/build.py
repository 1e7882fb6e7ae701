# SPDX-License-Identifier: BSD-3-Clause
"""Solve and link a template."""

from __future__ import annotations

import argparse
import os
from dataclasses import asdict
from typing import Any

from cenv.cli import request
from cenv.cli.options import add_channels, add_store
from cenv.cli.output import Console, counted, human, seconds
from cenv.cli.places import existing
from cenv.cli.tables import stage_table
from cenv.errors import UsageError
from cenv.templates.store import TemplateStore
from cenv.templates.template import Template


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("specs", nargs="*", metavar="SPEC", help="what is to be in it")
    parser.add_argument(
        "--prefix",
        metavar="PREFIX",
        help="the packages of this environment (name or path), nothing solved",
    )
    add_channels(parser)
    add_store(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Build a template, unless it is there."""
    store = TemplateStore(options.store)
    if options.prefix:
        built = _of_environment(store, options, console)
    else:
        built = _of_request(store, options, console)
    console.notice(f"template {built.id[:12]} {_word(built)}, {seconds(built.seconds)}")
    if console.verbose:
        for line in stage_table(built.stages):
            console.notice(line)
    console.result(_as_json(built), [built.path])
    return 0


def _word(template: Template) -> str:
    """Return where a template came from."""
    if template.built:
        return "built"
    pulled = template.pulled
    if pulled is None:
        return "already there"
    return f"pulled from {pulled.url}: {human(pulled.bytes)}"


def _of_request(
    store: TemplateStore, options: argparse.Namespace, console: Console
) -> Template:
    asked = request.read(options, console)
    extras = asked.extras
    built = store.template(
        asked.specs,
        asked.channels,
        records=asked.records if asked.is_list else None,
        pin=asked.template,
        setup=extras.apply if extras else None,
        key=extras.key if extras else None,
        platform=options.platform,
        offline=options.offline,
        **asked.options,
    )
    if options.files:
        store.label(built.id, " ".join(os.path.basename(f) for f in options.files))
    return built


def _of_environment(
    store: TemplateStore, options: argparse.Namespace, console: Console
) -> Template:
    from cenv import api

    if options.specs or options.files:
        message = "--prefix names every package: give no specs or files beside it"
        raise UsageError(message)
    prefix = existing(options.prefix, console)
    records = _records_of(prefix)
    others = api.verify(prefix).unmanaged
    if others:
        console.notice(
            f"{prefix} has {counted(len(others), 'file')} of no package, "
            "which the template has not; cenv clone takes them over"
        )
    channels = options.channels or None
    built = store.template(channels=channels, records=records, offline=options.offline)
    store.label(built.id, os.path.basename(os.path.abspath(prefix)))
    return built


def _records_of(prefix: str) -> list[dict[str, Any]]:
    from cenv.config.policy import records_of_prefix

    found = records_of_prefix(prefix)
    if not found:
        hint = "an environment has records in conda-meta"
        raise UsageError(f"{prefix} has no packages", hint=hint)
    return found


def _as_json(built: Template) -> dict[str, Any]:
    return {
        "records": [record.to_json() for record in built.records],
        "seconds": built.seconds,
        "stages": [stage.to_json() for stage in built.stages],
        "prefix": built.path,
        "id": built.id,
        "built": built.built,
        "pulled": None if built.pulled is None else asdict(built.pulled),
    }
