# SPDX-License-Identifier: BSD-3-Clause
"""Run the whole chain on this Python, with timings."""

from __future__ import annotations

import argparse

from cenv.cli.output import Console
from cenv.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--clones", type=int, default=5, metavar="N", help="how many to make (5)"
    )
    parser.add_argument("--keep", metavar="DIR", help="work in DIR and leave it")


def run(options: argparse.Namespace, console: Console) -> int:
    """Run the whole chain on the embedded default."""
    from cenv.demo import demonstrate

    if options.clones < 1:
        raise UsageError("--clones takes a number from 1")
    found = demonstrate(options.clones, options.keep, console.notice)
    console.result(found.to_json(), found.lines())
    return 0
