# SPDX-License-Identifier: BSD-3-Clause
"""Pull templates from a remote."""

from __future__ import annotations

import argparse

from cenv.cli.options import add_store
from cenv.cli.output import Console, human, seconds
from cenv.templates.remote import Remote
from cenv.templates.store import TemplateStore


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "url", metavar="URL", help="the remote: https://, oci://, s3:// or file://"
    )
    parser.add_argument("ids", nargs="+", metavar="ID", help="whole ids of templates")
    parser.add_argument(
        "--verify",
        action="store_true",
        help="make bytecode and records here, too, and compare them",
    )
    add_store(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Pull templates from a remote."""
    store = TemplateStore(options.store, remote="")
    remote = Remote(options.url, verify=options.verify)
    found = store.pull(options.ids, remote)
    for item in found:
        told = f"template {item['id'][:12]}"
        if item["pulled"]:
            told += f" pulled: {human(item['received'])}, {seconds(item['seconds'])}"
        else:
            told += " was here"
        console.notice(told)
    console.result({"templates": found}, [item["prefix"] for item in found])
    return 0
