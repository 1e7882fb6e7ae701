# SPDX-License-Identifier: BSD-3-Clause
"""Remove a template."""

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
    """Remove a template."""
    store = TemplateStore(options.store)
    found = find(store, options.id)
    store.remove(found.id)
    console.result({"id": found.id, "removed": found.path}, [found.id])
    return 0
