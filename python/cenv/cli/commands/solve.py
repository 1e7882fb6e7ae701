# SPDX-License-Identifier: BSD-3-Clause
"""Print the packages that meet the specs."""

from __future__ import annotations

import argparse

from cenv import api
from cenv.cli.options import add_channels, add_store
from cenv.cli.output import Console
from cenv.cli.tables import record_table, stage_table
from cenv.config.paths import replace_file
from cenv.errors import UnsatisfiableError, UsageError
from cenv.model import Solution

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cenv.cli.request import Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("specs", nargs="*", metavar="SPEC", help="what is asked for")
    add_channels(parser)
    parser.add_argument(
        "--explicit", action="store_true", help="print an @EXPLICIT list"
    )
    parser.add_argument("--lock", metavar="F", help="write a conda-lock file")
    parser.add_argument(
        "--explain",
        metavar="NAME",
        help="say why NAME has the version it has, or why NAME=VERSION was not chosen",
    )
    parser.add_argument(
        "--html",
        metavar="FILE",
        help="write what is chosen, and why, or what is in conflict, as a page",
    )
    add_store(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Print the packages that meet the specs."""
    from cenv.cli import request
    from cenv.solving.virtual_packages import current_platform

    asked = request.read(options, console)
    if asked.is_list:
        raise UsageError("a list or lock of packages leaves nothing to solve")
    platform = options.platform or current_platform()
    solution = _solve(options, asked, platform)
    if options.lock:
        from cenv.specs import conda_lock
        from cenv.templates.store import TemplateStore

        pin = TemplateStore(options.store, remote="").id_of(solution.records)
        conda_lock.write(options.lock, solution, platform, pin)
    if console.verbose:
        for line in stage_table(solution.stages):
            console.notice(line)
        for skip in solution.skipped:
            console.notice(f"not used: {skip['fn']}: {skip['reason']}")
    console.result(solution.to_json(), _lines(options, solution, platform))
    return 0


def _solve(options: argparse.Namespace, asked: Request, platform: str) -> Solution:
    try:
        solution = api.solve(
            asked.specs,
            asked.channels,
            platform=platform,
            store=options.store,
            offline=options.offline,
            explain=options.explain,
            **asked.options,
        )
    except UnsatisfiableError as error:
        if options.html:
            from cenv.reporting.page import explained

            page = explained.conflict(asked.specs, error)
            replace_file(options.html, page.encode())
        raise
    if options.html:
        from cenv.reporting.page import explained

        page = explained.choice(solution, options.explain)
        replace_file(options.html, page.encode())
    return solution


def _lines(options: argparse.Namespace, solution: Solution, platform: str) -> list[str]:
    if options.explain:
        return (solution.explanation or "").splitlines()
    if options.explicit:
        from cenv.specs import explicit

        return list(explicit.render(solution.records, platform))
    return record_table(solution)
