# SPDX-License-Identifier: BSD-3-Clause
"""Push templates to a remote, where other machines find them."""

from __future__ import annotations

import argparse

from cenv.cli.options import add_store
from cenv.cli.output import Console, human, seconds
from cenv.templates.store import TemplateStore


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "url", metavar="URL", help="the remote: https://, oci://, s3:// or file://"
    )
    parser.add_argument(
        "ids", nargs="*", metavar="ID", help="which templates; all if none is named"
    )
    parser.add_argument(
        "--packages", action="store_true", help="push their packages, too"
    )
    add_store(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Push templates to a remote."""
    store = TemplateStore(options.store, remote="")
    found = store.push(options.url, options.ids, packages=options.packages)
    if not found:
        console.notice(f"{store.path} has no templates that last: nothing was pushed")
    for item in found:
        told = f"template {item['id'][:12]}"
        if item["pushed"]:
            share = f"a delta of {human(item['delta'])} for {human(item['bytes'])}"
            told += f" pushed: {human(item['sent'])} sent, {share}"
        else:
            told += " was there"
        console.notice(f"{told}, {seconds(item['seconds'])}")
        for note in item["skipped"]:
            console.notice(f"  {note['path']}: {note['reason']}")
    console.result({"templates": found}, [item["id"] for item in found])
    return 0
