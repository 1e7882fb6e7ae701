# SPDX-License-Identifier: BSD-3-Clause
"""Remove orphans."""

from __future__ import annotations

import argparse

from cenv.cli.options import add_store
from cenv.cli.output import Console, counted
from cenv.templates.store import TemplateStore


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_store(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Remove what dead processes left."""
    found = TemplateStore(options.store).sweep()
    console.notice(f"{counted(len(found), 'orphan')} removed")
    console.result({"removed": found}, found)
    return 0
