# SPDX-License-Identifier: BSD-3-Clause
"""Write repodata for a directory of packages."""

from __future__ import annotations

import argparse

from cenv.cli.output import Console, seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("directory", metavar="DIR", help="has packages in subdirs")
    parser.add_argument(
        "--shards", action="store_true", help="write sharded repodata too (CEP 16)"
    )
    for key, meaning in (("base", "builds on"), ("overrides", "overrides")):
        parser.add_argument(
            f"--{key}",
            metavar="REF",
            help=f'a channel that this one {meaning}, as "../NAME" (CEP 42); "": none',
        )


def run(options: argparse.Namespace, console: Console) -> int:
    """Write repodata for a directory of packages."""
    from cenv.solving.index_dir import index as index_directory
    from cenv.tracing.recorder import active

    found = index_directory(
        options.directory,
        shards=options.shards,
        base=options.base,
        overrides=options.overrides,
    )
    console.notice(f"indexed in {seconds(active().seconds)}")
    lines = [f"{subdir}: {count} packages" for subdir, count in found.items()]
    console.result({"path": options.directory, "subdirs": found}, lines)
    return 0
