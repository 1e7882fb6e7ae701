# SPDX-License-Identifier: BSD-3-Clause
"""Make a relocated clone of an environment."""

from __future__ import annotations

import argparse

from cenv import api
from cenv.cli.options import add_store
from cenv.cli.output import Console, human, seconds
from cenv.cli.tables import stage_table
from cenv.clones import modes
from cenv.errors import UsageError
from cenv.model import CloneReport


def _clone_mode(name: str) -> str:
    if modes.is_mount(name):
        raise argparse.ArgumentTypeError(
            "an overlay clone is a mount that ends with the process: "
            "use it from Python or pytest, or `cenv run`"
        )
    return name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("src", metavar="SRC")
    parser.add_argument("dst", metavar="DST", help="absent, or an empty directory")
    parser.add_argument(
        "--mode", type=_clone_mode, choices=modes.lasting(), default="auto"
    )
    parser.add_argument(
        "--register", action="store_true", help="add DST to ~/.conda/environments.txt"
    )
    add_store(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Make a relocated clone."""
    if options.register:
        _check_register()
    report = api.clone(options.src, options.dst, mode=options.mode, store=options.store)
    if options.register:
        from cenv.config.paths import register

        register(report.path)
    _say_what_was_left(report, console)
    if console.verbose:
        for line in stage_table(report.stages):
            console.notice(line)
        console.notice(
            f"{report.files} files, {report.relocated} relocated, "
            f"{human(report.bytes_copied)} copied, {report.mode}, {seconds(report.seconds)}"
        )
    console.result(report.to_json(), [report.path])
    return 0


def _check_register() -> None:
    from cenv.config.config import load
    from cenv.config.policy import said

    config = load()
    if not config.register_envs:
        key = said(config, "register_envs")
        raise UsageError(f"--register is switched off by {key}")


def _say_what_was_left(report: CloneReport, console: Console) -> None:
    for notice in report.skipped:
        console.notice(f"skipped {notice.path}: {notice.reason}")
    for notice in report.unrelocatable:
        console.notice(f"not relocated {notice.path}: {notice.reason}")
    for notice in report.notices:
        console.notice(f"{notice.path}: {notice.reason}")
    for reason, count in report.fallbacks.items():
        console.notice(f"{count} files copied instead: {reason}")
