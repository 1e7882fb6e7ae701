# SPDX-License-Identifier: BSD-3-Clause
"""Solve, fetch and link an environment."""

from __future__ import annotations

import argparse
from typing import Any

from cenv import api
from cenv.cli.options import add_channels, add_store
from cenv.cli.output import Console, seconds
from cenv.cli.tables import record_table, stage_table
from cenv.clones import modes
from cenv.errors import UsageError
from cenv.model import Solution, records_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("-p", "--prefix", required=True, metavar="PREFIX")
    parser.add_argument("specs", nargs="*", metavar="SPEC")
    add_channels(parser)
    parser.add_argument(
        "--lock", metavar="F", help="link what this conda-lock file or pixi.lock names"
    )
    parser.add_argument("--link-mode", choices=modes.lasting(), default="auto")
    parser.add_argument("--dry-run", action="store_true", help="solve, and stop there")
    add_store(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Solve, fetch and link an environment."""
    from cenv.cli import request

    if options.lock and (options.specs or options.files):
        raise UsageError("--lock names every package: give no specs or files beside it")
    if options.lock:
        options.files = [options.lock]
    asked = request.read(options, console)
    if options.lock and not asked.is_list:
        raise UsageError(f"{options.lock} is no lock file", hint="give it as --file")
    records = asked.records if asked.is_list else None
    if options.dry_run:
        return _dry_run(options, console, asked, records)
    report = api.create(
        options.prefix,
        asked.specs,
        asked.channels,
        records=records,
        platform=options.platform,
        link_mode=options.link_mode,
        store=options.store,
        offline=options.offline,
        finish=asked.extras.apply if asked.extras else None,
        **asked.options,
    )
    for line in (*report.messages, *(f"warning: {w}" for w in report.warnings)):
        console.notice(line)
    if console.verbose:
        for line in stage_table(report.stages):
            console.notice(line)
    count = len(report.records)
    console.notice(f"{count} packages linked in {seconds(report.seconds)}")
    console.result(report.to_json(), [str(report.prefix)])
    return 0


def _dry_run(
    options: argparse.Namespace, console: Console, asked: Any, records: Any
) -> int:
    if records is not None:
        found = Solution(records=records_of(records))
    else:
        found = api.solve(
            asked.specs,
            asked.channels,
            platform=options.platform,
            store=options.store,
            offline=options.offline,
            **asked.options,
        )
    console.result({**found.to_json(), "prefix": options.prefix}, record_table(found))
    return 0
