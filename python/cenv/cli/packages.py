# SPDX-License-Identifier: BSD-3-Clause
"""Commands on packages: solve, extract, index."""

from __future__ import annotations

import argparse

from cenv import api
from cenv.cli.envs import record_table, stage_table
from cenv.cli.output import Console, human, seconds
from cenv.model import Solution


def solve(options: argparse.Namespace, console: Console) -> int:
    """Print the packages that meet the specs."""
    from cenv.cli import request
    from cenv.solving.index import current_platform

    asked = request.read(options)
    platform = options.platform or current_platform()
    solution = api.solve(
        asked.specs,
        asked.channels,
        platform=platform,
        store=options.store,
        offline=options.offline,
        explain=options.explain,
        **asked.options,
    )
    if options.lock:
        from cenv.specs import lock_file

        channels = list(dict.fromkeys(record.channel for record in solution.records))
        lock_file.write(options.lock, solution, channels, platform)
    if console.verbose:
        for line in stage_table(solution.stages):
            console.notice(line)
        for skip in solution.skipped:
            console.notice(f"not used: {skip['fn']}: {skip['reason']}")
    console.result(solution.to_json(), _lines(options, solution, platform))
    return 0


def _lines(options: argparse.Namespace, solution: Solution, platform: str) -> list[str]:
    if options.explain:
        return (solution.explanation or "").splitlines()
    if options.explicit:
        from cenv.specs import explicit

        return list(explicit.render(solution.records, platform))
    return record_table(solution)


def extract(options: argparse.Namespace, console: Console) -> int:
    """Extract one package."""
    found = api.extract(options.package, options.dest, sha256=options.sha256)
    console.notice(f"{found['files']} files, {human(found['bytes'])}")
    console.result(found, [found["path"]])
    return 0


def index(options: argparse.Namespace, console: Console) -> int:
    """Write repodata for a directory of packages."""
    from cenv.solving.index_dir import index as index_directory
    from cenv.trace import active

    found = index_directory(options.directory, shards=options.shards)
    console.notice(f"indexed in {seconds(active().seconds)}")
    lines = [f"{subdir}: {count} packages" for subdir, count in found.items()]
    console.result({"path": options.directory, "subdirs": found}, lines)
    return 0
