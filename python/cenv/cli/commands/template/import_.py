# SPDX-License-Identifier: BSD-3-Clause
"""Take in the templates of an archive."""

from __future__ import annotations

import argparse

from cenv.cli.options import add_store
from cenv.cli.output import Console
from cenv.templates.store import TemplateStore


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("file", metavar="FILE", help="an archive of template export")
    add_store(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Take in the templates of an archive."""
    found = TemplateStore(options.store).import_(options.file)
    for item in found:
        word = "imported" if item["imported"] else "already there"
        console.notice(f"template {item['id'][:12]} {word}")
    console.result({"templates": found}, [item["prefix"] for item in found])
    return 0
