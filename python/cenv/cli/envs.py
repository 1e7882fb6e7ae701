# SPDX-License-Identifier: BSD-3-Clause
"""Commands on environments: create, clone, run, reset, verify."""

from __future__ import annotations

import argparse
from typing import Any

from cenv import api
from cenv.cli.output import Console, human, seconds, table
from cenv.errors import UsageError
from cenv.model import CloneReport, Solution, records_of


def create(options: argparse.Namespace, console: Console) -> int:
    """Solve, fetch and link an environment."""
    from cenv.cli import request

    if options.lock and (options.specs or options.files):
        raise UsageError("--lock names every package: give no specs or files beside it")
    asked = request.read(options, needs_specs=not options.lock)
    records: Any = asked.records or None
    if options.lock:
        from cenv.solving.index import current_platform
        from cenv.specs import lock_file

        records = lock_file.read(options.lock, options.platform or current_platform())
    common = {"store": options.store, "offline": options.offline}
    if options.dry_run:
        return _dry_run(options, console, asked, records)
    report = api.create(
        options.prefix,
        asked.specs,
        asked.channels,
        records=records,
        platform=options.platform,
        link_mode=options.link_mode,
        **common,
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


def record_table(solution: Solution) -> list[str]:
    """Lay out a solution: name, version, build, channel."""
    rows = [(r.name, r.version, r.build, r.channel) for r in solution.records]
    return table(("name", "version", "build", "channel"), sorted(rows))


def stage_table(stages: Any) -> list[str]:
    """Lay out the stages of some work."""
    rows = [
        (
            stage.name,
            seconds(stage.seconds),
            str(stage.items or ""),
            human(stage.bytes) if stage.bytes else "",
            f"{stage.hits} hit, {stage.misses} missed"
            if stage.hits or stage.misses
            else "",
        )
        for stage in stages
    ]
    return table(("stage", "time", "items", "bytes", "cache"), rows, " rrr")


def clone(options: argparse.Namespace, console: Console) -> int:
    """Make a relocated clone."""
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


def _say_what_was_left(report: CloneReport, console: Console) -> None:
    for notice in report.skipped:
        console.notice(f"skipped {notice.path}: {notice.reason}")
    for notice in report.unrelocatable:
        console.notice(f"not relocated {notice.path}: {notice.reason}")
    for reason, count in report.fallbacks.items():
        console.notice(f"{count} files copied instead: {reason}")


def run(options: argparse.Namespace, console: Console) -> int:
    """Run a command in a throw-away view of an environment."""
    if not options.tail:
        raise UsageError("no command given", hint="cenv run PREFIX -- COMMAND ...")
    from cenv.clones.view import run as run_in_view

    console.close()
    return run_in_view(options.prefix, options.tail, keep=options.keep)


def reset(options: argparse.Namespace, console: Console) -> int:
    """Put a clone back to its template's state."""
    report = api.reset(options.clone, store=options.store)
    console.notice(
        f"{report.removed} removed, {report.restored} restored, {report.checked} checked "
        f"in {seconds(report.seconds)}"
    )
    console.result(report.to_json(), [report.path])
    return 0


def verify(options: argparse.Namespace, console: Console) -> int:
    """Check every file of an environment."""
    report = api.verify(options.prefix)
    lines = [f"missing {path}" for path in report.missing]
    lines += [f"altered {path}" for path in report.altered]
    if console.verbose:
        lines += [f"unmanaged {path}" for path in report.unmanaged]
    verdict = "ok" if report.ok else "not ok"
    unmanaged = f", {len(report.unmanaged)} unmanaged" if report.unmanaged else ""
    lines.append(f"{verdict}: {report.checked} files checked{unmanaged}")
    console.result(report.to_json(), lines)
    return 0 if report.ok else 1
