# SPDX-License-Identifier: BSD-3-Clause
"""Solve, fetch and link an environment."""

from __future__ import annotations

import argparse
import os
import shlex
from typing import Any

from cenv import api
from cenv.cli.options import add_channels, add_store
from cenv.cli.output import Console, counted, seconds
from cenv.cli.tables import record_table, stage_table
from cenv.clones import modes
from cenv.config import environments
from cenv.errors import UsageError
from cenv.model import Solution, records_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("-p", "--prefix", metavar="PREFIX", help="where it is to lie")
    place.add_argument(
        "-n", "--name", metavar="NAME", help="its name, in the first of envs_dirs"
    )
    parser.add_argument("specs", nargs="*", metavar="SPEC", help="what is to be in it")
    add_channels(parser)
    parser.add_argument(
        "--lock", metavar="F", help="link what this conda-lock file or pixi.lock names"
    )
    parser.add_argument(
        "--mode",
        "--link-mode",
        dest="mode",
        choices=modes.linking(),
        default="auto",
        help="how files of packages get there; auto: the fastest that works",
    )
    parser.add_argument("--dry-run", action="store_true", help="solve, and stop there")
    add_store(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Solve, fetch and link an environment."""
    from cenv.cli import request

    if options.lock and (options.specs or options.files):
        raise UsageError("--lock names every package: give no specs or files beside it")
    if options.lock:
        options.files = [options.lock]
    prefix = options.prefix or environments.place_for(options.name)
    asked = request.read(options, console)
    if options.lock and not asked.is_list:
        raise UsageError(f"{options.lock} is no lock file", hint="give it as --file")
    records = asked.records if asked.is_list else None
    if options.dry_run:
        return _dry_run(options, console, asked, records, prefix)
    report = api.create(
        prefix,
        asked.specs,
        asked.channels,
        records=records,
        platform=options.platform,
        link_mode=options.mode,
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
    count = counted(len(report.records), "package")
    console.notice(f"{count} linked in {seconds(report.seconds)}")
    console.notice(_how_to_use(options.name or prefix, prefix))
    console.result(report.to_json(), [str(report.prefix)])
    return 0


def _how_to_use(word: str, prefix: str) -> str:
    word, programs = shlex.quote(word), shlex.quote(os.path.join(prefix, "bin"))
    return (
        f"to use it: conda activate {word}, or {programs} first on PATH; "
        f"cenv run {word} COMMAND throws away what COMMAND changes"
    )


def _dry_run(
    options: argparse.Namespace,
    console: Console,
    asked: Any,
    records: Any,
    prefix: str,
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
    console.result({**found.to_json(), "prefix": prefix}, record_table(found))
    return 0
