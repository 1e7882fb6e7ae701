# SPDX-License-Identifier: BSD-3-Clause
"""Run a command in a throw-away view of an environment."""

from __future__ import annotations

import argparse

from cenv.cli.output import Console
from cenv.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments; the command stands behind --."""
    parser.add_argument("prefix", metavar="PREFIX")
    parser.add_argument(
        "--keep", metavar="DIR", help="keep what COMMAND changed in DIR"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Run a command in a throw-away view of an environment."""
    if not options.tail:
        raise UsageError("no command given", hint="cenv run PREFIX -- COMMAND ...")
    from cenv.clones.view import run as run_in_view

    console.close()
    return run_in_view(options.prefix, options.tail, keep=options.keep)
