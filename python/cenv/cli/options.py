# SPDX-License-Identifier: BSD-3-Clause
"""Options that several commands take."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Parser(Protocol):
        """What arguments are added to: argparse's parser, or what reads plain ones."""

        usage: str | None

        def add_argument(self, *names: str, **how: Any) -> Any:
            """Add an argument, told as to argparse's parser."""


_SUPPRESS = "==SUPPRESS=="  # argparse's, which is not loaded for a name


def add_common(parser: Parser, *, again: bool = False) -> None:
    """Add the global options; `again` keeps what was given before the command."""
    unset = _SUPPRESS if again else None
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
    parser.add_argument(
        "-y", "--yes", help="as for conda: nothing is ever asked", **flag
    )
    parser.add_argument("--offline", help="open no socket: only what is here", **flag)
    parser.add_argument(
        "--trace",
        metavar="FILE",
        default=unset,
        help="write where the time went to FILE",
    )


def add_channels(parser: Parser) -> None:
    """Add what is solved on: channels, platform, priorities, dates and spec files."""
    from cenv._priorities import PRIORITIES

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
    parser.add_argument(
        "--channel-priority",
        choices=PRIORITIES,
        help="whether packages of a channel hide those of later ones",
    )
    parser.add_argument(
        "--exclude-newer",
        metavar="WHEN",
        help="only packages older than this: a date (2026-01-31), a time, or an age (7d)",
    )
    _add_files(parser)


def _add_files(parser: Parser) -> None:
    parser.add_argument(
        "--file",
        dest="files",
        action="append",
        default=[],
        metavar="F",
        help="environment.yml, a list of specs, @EXPLICIT, a conda-lock file or pixi.lock",
    )
    parser.add_argument(
        "--category",
        dest="categories",
        action="append",
        default=[],
        metavar="NAME",
        help="of a conda-lock file: optional packages, too; of a pixi.lock: its environment",
    )


def add_environment(parser: Parser, name: str, metavar: str) -> None:
    """Add an argument that names an environment which is there."""
    parser.add_argument(
        name,
        metavar=metavar,
        help="an environment: its name, as conda looks it up, else its path",
    )


def add_store(parser: Parser) -> None:
    """Add --store."""
    parser.add_argument("--store", metavar="DIR", help="the store (else $CENV_STORE)")
