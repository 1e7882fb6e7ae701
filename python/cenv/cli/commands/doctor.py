# SPDX-License-Identifier: BSD-3-Clause
"""Say what this machine can do."""

from __future__ import annotations

import argparse
from typing import Any

from cenv.cli.options import add_store
from cenv.cli.output import Console, counted, human, table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "directory", nargs="?", metavar="DIR", help="where clones would lie"
    )
    add_store(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Say what this machine can do."""
    from cenv.doctor import examine

    found = examine(options.directory, options.store)
    orphans = found["store"].get("orphans", [])
    mirrors = found["store"].get("mirrors", [])
    more = [*_mirror_lines(mirrors), *_orphan_lines(orphans)]
    console.result(found, [*_doctor_lines(found), *more])
    return 0


_ORPHANS = {
    "clone": "a clone whose owner died",
    "unfinished": "a clone that was not finished",
    "work": "left by a killed run",
    "template": "a template that was not finished, or whose run is over",
}


def _mirror_lines(mirrors: list[dict[str, Any]]) -> list[str]:
    if not mirrors:
        return []
    lines = [
        f"  {mirror['path']}: {counted(mirror['templates'], 'template')}, "
        f"{human(mirror['bytes'])}"
        for mirror in mirrors
    ]
    head = f"copies on other file systems, which `{mirrors[0]['remove_by']}` removes:"
    return ["", head, *lines]


def _orphan_lines(orphans: list[dict[str, str]]) -> list[str]:
    if not orphans:
        return []
    lines = [f"  {orphan['path']}: {_ORPHANS[orphan['what']]}" for orphan in orphans]
    return ["", f"orphans, which `{orphans[0]['remove_by']}` removes:", *lines]


def _doctor_lines(found: dict[str, Any]) -> list[str]:
    rows = []
    for section, facts in found.items():
        for key, value in facts.items():
            rows.append((section, key.replace("_", " "), _said(value)))
            section = ""
    return table(("about", "what", "finding"), rows)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return f"{len(value)}, see below"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "unknown" if value is None else str(value)
