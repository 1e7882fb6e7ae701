# SPDX-License-Identifier: BSD-3-Clause
"""Put a clone back to its template's state."""

from __future__ import annotations

import argparse

from cenv import api
from cenv.cli.options import add_environment, add_store
from cenv.cli.output import Console, seconds
from cenv.cli.places import existing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_environment(parser, "clone", "CLONE")
    parser.add_argument(
        "--override-frozen", action="store_true", help="even one marked as frozen"
    )
    add_store(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Put a clone back to its template's state."""
    report = api.reset(
        existing(options.clone, console),
        store=options.store,
        override_frozen=options.override_frozen,
    )
    console.notice(
        f"{report.removed} removed, {report.restored} restored, {report.checked} checked "
        f"in {seconds(report.seconds)}"
    )
    console.result(report.to_json(), [report.prefix])
    return 0
