# SPDX-License-Identifier: BSD-3-Clause
"""What each command takes."""

from __future__ import annotations

import argparse
from typing import Any

MODES = ("auto", "reflink", "hardlink", "copy")
PRIORITIES = ("strict", "flexible", "disabled")

Parser = argparse.ArgumentParser


class ShowVersion(argparse.Action):
    """Print the version without loading the core."""

    def __call__(self, parser: Parser, *unused: Any) -> None:
        from cenv import __version__

        print(f"cenv {__version__}")
        parser.exit()


def common(parser: Parser, *, again: bool = False) -> None:
    """Add the global options; `again` keeps what was given before the command."""
    unset = argparse.SUPPRESS if again else None
    flag: dict[str, Any] = {"action": "store_true", "default": unset or False}
    parser.add_argument("--json", help="print one JSON object on stdout", **flag)
    parser.add_argument("-q", "--quiet", help="no progress, no notices", **flag)
    parser.add_argument(
        "-v",
        "--verbose",
        action="count",
        default=unset or 0,
        help="say more (-vv: all)",
    )
    parser.add_argument("--offline", help="open no socket: only what is here", **flag)
    parser.add_argument(
        "--trace",
        metavar="FILE",
        default=unset,
        help="write where the time went to FILE",
    )


def _channels(parser: Parser) -> None:
    parser.add_argument(
        "-c",
        "--channel",
        dest="channels",
        action="append",
        default=[],
        metavar="CHANNEL",
        help="a channel before the configured ones: name, URL or directory",
    )
    parser.add_argument(
        "--override-channels",
        action="store_true",
        help="leave the configured channels out",
    )
    parser.add_argument("--platform", metavar="SUBDIR", help="solve for this platform")
    parser.add_argument("--channel-priority", choices=PRIORITIES)
    parser.add_argument(
        "--exclude-newer",
        metavar="WHEN",
        help="only packages older than this: a date (2026-01-31), a time, or an age (7d)",
    )
    parser.add_argument(
        "--file",
        dest="files",
        action="append",
        default=[],
        metavar="F",
        help="environment.yml, a list of specs, or @EXPLICIT",
    )


def _store(parser: Parser) -> None:
    parser.add_argument("--store", metavar="DIR", help="the store (else $CENV_STORE)")


def create(parser: Parser) -> None:
    """Arguments of `create`."""
    parser.add_argument("-p", "--prefix", required=True, metavar="PREFIX")
    parser.add_argument("specs", nargs="*", metavar="SPEC")
    _channels(parser)
    parser.add_argument(
        "--lock", metavar="F", help="link what this conda-lock file names"
    )
    parser.add_argument("--link-mode", choices=MODES, default="auto")
    parser.add_argument("--dry-run", action="store_true", help="solve, and stop there")
    _store(parser)


def _clone_mode(name: str) -> str:
    if name == "overlay":
        raise argparse.ArgumentTypeError(
            "an overlay clone is a mount that ends with the process: "
            "use it from Python or pytest, or `cenv run`"
        )
    return name


def clone(parser: Parser) -> None:
    """Arguments of `clone`."""
    parser.add_argument("src", metavar="SRC")
    parser.add_argument("dst", metavar="DST", help="absent, or an empty directory")
    parser.add_argument("--mode", type=_clone_mode, choices=MODES, default="auto")
    parser.add_argument(
        "--register", action="store_true", help="add DST to ~/.conda/environments.txt"
    )
    _store(parser)


def run(parser: Parser) -> None:
    """Arguments of `run`; the command stands behind --."""
    parser.add_argument("prefix", metavar="PREFIX")
    parser.add_argument(
        "--keep", metavar="DIR", help="keep what COMMAND changed in DIR"
    )


def reset(parser: Parser) -> None:
    """Arguments of `reset`."""
    parser.add_argument("clone", metavar="CLONE")
    _store(parser)


def verify(parser: Parser) -> None:
    """Arguments of `verify`."""
    parser.add_argument("prefix", metavar="PREFIX")


def solve(parser: Parser) -> None:
    """Arguments of `solve`."""
    parser.add_argument("specs", nargs="*", metavar="SPEC")
    _channels(parser)
    parser.add_argument(
        "--explicit", action="store_true", help="print an @EXPLICIT list"
    )
    parser.add_argument("--lock", metavar="F", help="write a conda-lock file")
    parser.add_argument(
        "--explain",
        metavar="NAME",
        help="say why NAME has the version it has, or why NAME=VERSION was not chosen",
    )
    _store(parser)


def extract(parser: Parser) -> None:
    """Arguments of `extract`."""
    parser.add_argument("package", metavar="PACKAGE")
    parser.add_argument("dest", metavar="DEST")
    parser.add_argument("--sha256", metavar="HEX")


def index(parser: Parser) -> None:
    """Arguments of `index`."""
    parser.add_argument("directory", metavar="DIR")
    parser.add_argument(
        "--shards", action="store_true", help="write sharded repodata too (CEP 16)"
    )


_TEMPLATE_ACTIONS = {
    "list": "what is there",
    "build": "solve and link one",
    "path": "where one lies",
    "check": "compare one with what was built, exit 1 if a clone altered it",
    "export": "into one archive",
    "import": "from one",
    "remove": "one",
    "gc": "all that nobody uses, orphans too",
    "sweep": "remove orphans: clones whose owner died, what killed runs left",
}


def template(parser: Parser) -> None:
    """Arguments of `template`; the action's own follow it."""
    parser.add_argument(
        "action",
        choices=tuple(_TEMPLATE_ACTIONS),
        metavar="ACTION",
        help="; ".join(f"{name}: {does}" for name, does in _TEMPLATE_ACTIONS.items()),
    )
    parser.add_argument(
        "specs",
        nargs="*",
        metavar="ARG",
        help="specs (build), an id (path, check, remove), a file (import), "
        "a file and ids, by default all (export)",
    )
    parser.add_argument(
        "--force", action="store_true", help="export: replace the file if it is there"
    )
    parser.add_argument(
        "--content", action="store_true", help="check: read and hash every file"
    )
    parser.add_argument(
        "--repair", action="store_true", help="check: build it anew if it is altered"
    )
    parser.add_argument(
        "--max-size", metavar="SIZE", help="gc: down to this size (e.g. 10G)"
    )
    _channels(parser)
    _store(parser)


def doctor(parser: Parser) -> None:
    """Arguments of `doctor`."""
    parser.add_argument(
        "directory", nargs="?", metavar="DIR", help="where clones would lie"
    )
    _store(parser)


def report(parser: Parser) -> None:
    """Arguments of `report`."""
    parser.add_argument("traces", nargs="+", metavar="TRACE")


def demo(parser: Parser) -> None:
    """Arguments of `demo`."""
    parser.add_argument("--clones", type=int, default=5, metavar="N")
    parser.add_argument("--keep", metavar="DIR", help="work in DIR and leave it")
