# SPDX-License-Identifier: BSD-3-Clause
"""List the templates of the store."""

from __future__ import annotations

import argparse
import time
from typing import Any

from cenv.cli.options import add_store
from cenv.cli.output import Console, human, table
from cenv.templates.store import TemplateStore


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_store(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """List the templates of the store, with all that each was asked for as."""
    found = TemplateStore(options.store).templates()
    rows = [
        (
            item["id"][:12],
            human(item["size"]),
            human(item["memory"] + item["twin"]),
            time.strftime("%Y-%m-%d %H:%M", time.localtime(item["used"])),
            "; ".join(_names(item)),
        )
        for item in found
    ]
    head = ("id", "size", "for clones", "used", "specs")
    console.result({"templates": found}, table(head, rows, " rr"))
    return 0


def _names(item: dict[str, Any]) -> list[str]:
    """Return what a template was asked for as."""
    names = dict.fromkeys([" ".join(item["specs"]), *item["labels"]])
    return [name for name in names if name]
