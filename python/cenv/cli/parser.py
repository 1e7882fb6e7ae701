# SPDX-License-Identifier: BSD-3-Clause
"""Arguments: global options before and after the command, options between specs."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from typing import Protocol, cast

from cenv.cli.options import ShowVersion, add_common
from cenv.cli.output import Console

_VALUED = ("--trace",)


# What each command does; the module of its name in cenv.cli.commands runs it.
COMMANDS = {
    "create": "solve, fetch and link an environment",
    "clone": "make a relocated clone of an environment",
    "run": "run a command in a throw-away view of an environment",
    "reset": "put a clone back to its template's state",
    "verify": "check every file of an environment",
    "solve": "print the packages that meet the specs",
    "extract": "extract one .conda or .tar.bz2",
    "index": "write repodata for a directory of packages",
    "template": "the store of templates",
    "doctor": "say what this machine can do",
    "report": "show where the time of a trace went",
    "demo": "the whole chain on this Python, with timings",
}


class Command(Protocol):
    """What the module of a command has."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's own arguments."""

    def run(self, options: argparse.Namespace, console: Console) -> int:
        """Run it; return the exit status."""


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse a command line; the namespace's `run` is that of the command's module."""
    before, rest = _split_at_command(argv)
    main = _main_parser()
    options = main.parse_args(before)
    if not rest:
        main.print_help()
        raise SystemExit(2)
    name = _known(main, rest[0])
    command = _load(name)
    parser = _command_parser(name)
    command.add_arguments(parser)
    own, tail = _split_at_dashes(rest[1:])
    parser.parse_intermixed_args(own, options)
    options.tail = tail
    if tail and name != "run":
        parser.error(f"unexpected arguments after --: {' '.join(tail)}")
    options.run = command.run
    return options


def _split_at_command(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    position = 0
    while position < len(argv) and argv[position].startswith("-"):
        position += 2 if argv[position] in _VALUED else 1
    return list(argv[:position]), list(argv[position:])


def _split_at_dashes(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    if "--" not in argv:
        return list(argv), []
    at = list(argv).index("--")
    return list(argv[:at]), list(argv[at + 1 :])


def _known(main: argparse.ArgumentParser, name: str) -> str:
    if name in COMMANDS:
        return name
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, 1)
    meant = f"; did you mean {near[0]}?" if near else ""
    main.error(f"no such command: {name}{meant} (see cenv --help)")


def _load(name: str) -> Command:
    return cast("Command", importlib.import_module(f"cenv.cli.commands.{name}"))


def _main_parser() -> argparse.ArgumentParser:
    lines = "\n".join(f"  {name:<10}{summary}" for name, summary in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="cenv",
        usage="cenv [OPTION ...] COMMAND ...",
        description="Fresh conda environments in milliseconds.",
        epilog=f"commands:\n{lines}\n\ncenv COMMAND --help tells the rest.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_common(parser)
    parser.add_argument(
        "--version", action=ShowVersion, nargs=0, help="print the version"
    )
    return parser


def _command_parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"cenv {name}", description=COMMANDS[name], allow_abbrev=False
    )
    add_common(parser, again=True)
    return parser
