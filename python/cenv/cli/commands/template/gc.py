# SPDX-License-Identifier: BSD-3-Clause
"""Remove what nobody uses."""

from __future__ import annotations

import argparse

from cenv.cli.options import add_store
from cenv.cli.output import Console, human
from cenv.config.sizes import parse_size
from cenv.templates.store import TemplateStore


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--dry-run", action="store_true", help="only tell what would be removed"
    )
    parser.add_argument(
        "--max-size", metavar="SIZE", help="stop at this size of the store (e.g. 10G)"
    )
    add_store(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Remove what nobody uses, and orphans."""
    store = TemplateStore(options.store)
    size = parse_size(options.max_size or "0")
    swept = [] if options.dry_run else store.sweep()
    found = store.gc(size, dry_run=options.dry_run)
    freed = human(found["bytes"])
    lines = [f"{found['removed']} removed, {freed} freed"]
    if options.dry_run:
        lines = [f"{found['removed']} would be removed, {freed} freed"]
        swept = [item["path"] for item in store.orphans()]
    word = "orphan" if options.dry_run else "orphan removed"
    lines += [f"{word}: {path}" for path in swept]
    console.result({**found, "swept": swept}, lines)
    return 0
