# SPDX-License-Identifier: BSD-3-Clause
"""Tell where a template lies."""

from __future__ import annotations

import argparse

from cenv.cli.commands.template import add_id, find
from cenv.cli.options import add_store
from cenv.cli.output import Console
from cenv.templates.store import TemplateStore


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_id(parser)
    add_store(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Tell where a template lies."""
    found = find(TemplateStore(options.store), options.id)
    console.result({"id": found.id, "prefix": found.path}, [found.path])
    return 0
