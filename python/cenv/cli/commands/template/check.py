# SPDX-License-Identifier: BSD-3-Clause
"""Compare a template with what was built."""

from __future__ import annotations

import argparse

from cenv.cli.commands.template import add_id, find
from cenv.cli.options import add_store
from cenv.cli.output import Console, seconds
from cenv.templates.store import TemplateStore


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_id(parser)
    parser.add_argument(
        "--content", action="store_true", help="read and hash every file"
    )
    parser.add_argument(
        "--repair", action="store_true", help="build it anew if it is altered"
    )
    add_store(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Exit 1 when it is altered, repaired or not: something wrote to it."""
    found = find(TemplateStore(options.store), options.id)
    report = found.check(content=options.content)
    repaired = (
        options.repair and not report.ok and found.repair(content=options.content)
    )
    lines = [f"{item.path}: {item.what}" for item in report.altered]
    word = f"{len(lines)} altered" if lines else "as it was built"
    word += ", built anew" if repaired else ""
    took = f"{report.checked} files, {seconds(report.seconds)}"
    console.notice(f"template {found.id[:12]} {word} ({took})")
    if lines and not repaired:
        console.notice("hardlink clones wrote to it; --repair builds it anew")
    data = {"id": found.id, "ok": report.ok, "repaired": repaired}
    console.result({**report.to_json(), **data}, lines)
    return 0 if report.ok else 1
