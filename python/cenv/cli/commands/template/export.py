# SPDX-License-Identifier: BSD-3-Clause
"""Write templates into one archive."""

from __future__ import annotations

import argparse

from cenv.cli.options import add_store
from cenv.cli.output import Console, human, seconds
from cenv.templates.store import TemplateStore


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("file", metavar="FILE", help="the archive to write")
    parser.add_argument(
        "ids", nargs="*", metavar="ID", help="which templates; all if none is named"
    )
    parser.add_argument(
        "--force", action="store_true", help="replace FILE if it is there"
    )
    packages = parser.add_mutually_exclusive_group()
    packages.add_argument(
        "--packages",
        action="store_const",
        const=True,
        help="with packages as they are downloaded in the place of their files",
    )
    packages.add_argument(
        "--no-packages",
        action="store_const",
        const=False,
        dest="packages",
        help="without what packages hold: they are got where the archive is taken in",
    )
    add_store(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Write templates into one archive."""
    store = TemplateStore(options.store)
    found = store.export(
        options.file, options.ids, replace=options.force, packages=options.packages
    )
    for item in found["templates"]:
        size, shared = human(item["bytes"]), item["shared"]
        once = f", {human(shared)} of it as other files have it" if shared else ""
        console.notice(f"template {item['id'][:12]}, {size} unpacked{once}")
        for note in item["skipped"]:
            console.notice(f"  {note['path']}: {note['reason']}")
    took = f"{human(found['size'])}, {seconds(found['seconds'])}"
    console.notice(f"{len(found['templates'])} exported, {took}")
    console.result(found, [found["path"]])
    return 0
