# SPDX-License-Identifier: BSD-3-Clause
"""Check every file of an environment."""

from __future__ import annotations

import argparse

from cenv import api
from cenv.cli.options import add_environment
from cenv.cli.output import Console
from cenv.cli.places import existing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_environment(parser, "prefix", "PREFIX")


def run(options: argparse.Namespace, console: Console) -> int:
    """Check every file of an environment."""
    report = api.verify(existing(options.prefix, console))
    lines = [f"missing {path}" for path in report.missing]
    lines += [f"altered {path}" for path in report.altered]
    if console.verbose:
        lines += [f"unmanaged {path}" for path in report.unmanaged]
    for warning in report.warnings:
        console.notice(f"warning: {warning}")
    verdict = "ok" if report.ok else "not ok"
    unmanaged = f", {len(report.unmanaged)} unmanaged" if report.unmanaged else ""
    lines.append(f"{verdict}: {report.checked} files checked{unmanaged}")
    console.result(report.to_json(), lines)
    return 0 if report.ok else 1
