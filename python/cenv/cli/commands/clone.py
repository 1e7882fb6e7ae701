# SPDX-License-Identifier: BSD-3-Clause
"""Make a relocated clone of an environment."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from cenv import api
from cenv.cli.options import add_environment, add_store
from cenv.cli.output import Console, counted, human, seconds
from cenv.cli.places import existing
from cenv.cli.tables import stage_table
from cenv.clones import modes
from cenv.errors import UsageError
from cenv.model import CloneReport, Notice

_SHOWN = 5
_FASTER = "hardlink"  # than a copy, wherever it works


def _clone_mode(name: str) -> str:
    if modes.is_mount(name):
        raise argparse.ArgumentTypeError(
            "an overlay clone is a mount that ends with the process: "
            "use it from Python or pytest, or `cenv run`"
        )
    return name


def _pair(text: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not (old and equals and new):
        raise argparse.ArgumentTypeError("expected OLD=NEW, two directories")
    return old, new


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_environment(parser, "src", "SRC")
    parser.add_argument("dst", metavar="DST", help="absent, or an empty directory")
    parser.add_argument(
        "--mode",
        type=_clone_mode,
        choices=modes.lasting(),
        default="auto",
        help="how files get there; auto: large templates by snapshot, else by reflink, "
        "else templates by hard links, else copied",
    )
    parser.add_argument(
        "--also",
        action="append",
        type=_pair,
        metavar="OLD=NEW",
        help="move editable installs of projects in OLD to NEW; by itself from SRC's "
        "checkout to DST's where both are of one repository",
    )
    parser.add_argument(
        "--register", action="store_true", help="add DST to ~/.conda/environments.txt"
    )
    add_store(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Make a relocated clone."""
    if options.register:
        _check_register()
    source = existing(options.src, console)
    report = api.clone(
        source,
        options.dst,
        mode=options.mode,
        store=options.store,
        also=dict(options.also) if options.also else None,
    )
    if options.register:
        from cenv.config.paths import register

        register(report.prefix)
    if report.moved or options.also:
        moved = counted(len(report.moved), "file")
        console.notice(f"editable installs: {moved} moved to the other checkout")
    _say_what_was_left(report, console)
    if console.verbose:
        for line in stage_table(report.stages):
            console.notice(line)
    if os.path.isdir(report.source) and not os.path.samefile(report.source, source):
        console.notice(f"nobody changed {source}: cloned from its template")
    console.notice(_summary(report))
    console.result(report.to_json(), [report.prefix])
    return 0


def _check_register() -> None:
    from cenv.config.config import load
    from cenv.config.policy import said

    config = load()
    if not config.register_envs:
        key = said(config, "register_envs")
        raise UsageError(f"--register is switched off by {key}")


def _say_what_was_left(report: CloneReport, console: Console) -> None:
    _say_left_out(report.skipped, console)
    _say_first("not relocated", report.unrelocatable, console)
    _say_first("to be known", report.notices, console)
    for reason, count in report.fallbacks.items():
        console.notice(f"{counted(count, 'file')} copied instead: {reason}")


def _say_left_out(notices: Sequence[Notice], console: Console) -> None:
    """Tell what a clone has not, in a line for each reason."""
    for reason in dict.fromkeys(notice.reason for notice in notices):
        paths = [notice.path for notice in notices if notice.reason == reason]
        shown = paths if console.verbose else paths[:_SHOWN]
        more = (
            f" and {len(paths) - len(shown)} more (-v: all)" if shown != paths else ""
        )
        console.notice(f"left out: {', '.join(shown)}{more} ({reason})")


def _say_first(what: str, notices: Sequence[Notice], console: Console) -> None:
    """Tell how many there are, and the first few of them; all if that is asked for."""
    shown = notices if console.verbose else notices[:_SHOWN]
    rest = f"; the first {_SHOWN} (-v: all)" if len(shown) < len(notices) else ""
    if notices:
        console.notice(f"{what}: {len(notices)}{rest}")
    for notice in shown:
        console.notice(f"  {notice.path}: {notice.reason}")


def _summary(report: CloneReport) -> str:
    """Return what was made, how, and what would be faster than the copy that auto took."""
    sizes = {"copied": report.bytes_copied, "shared": report.bytes_shared}
    told = [f"{human(size)} {how}" for how, size in sizes.items() if size]
    made = ", ".join([f"mode {report.mode}", *told, f"{report.relocated} relocated"])
    line = (
        f"{counted(report.files, 'file')} cloned in {seconds(report.seconds)}: {made}"
    )
    why = report.passed_over.get(_FASTER)
    if report.mode == _FASTER or why is None:
        return line
    return f"{line}; mode {_FASTER} would be faster, but auto does not take it: {why}"
