# SPDX-License-Identifier: BSD-3-Clause
"""Extract one .conda or .tar.bz2."""

from __future__ import annotations

import argparse

from cenv import packages
from cenv.cli.output import Console, human


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("package", metavar="PACKAGE", help="a .conda or .tar.bz2")
    parser.add_argument("dest", metavar="DEST", help="absent, or an empty directory")
    parser.add_argument("--sha256", metavar="HEX", help="what its digest has to be")


def run(options: argparse.Namespace, console: Console) -> int:
    """Extract one package."""
    found = packages.extract(options.package, options.dest, sha256=options.sha256)
    console.notice(f"{found['files']} files, {human(found['bytes'])}")
    console.result(found, [found["path"]])
    return 0
