# SPDX-License-Identifier: BSD-3-Clause
"""Arguments: global options before and after the command, options between specs."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cenv.cli import arguments as args

_VALUED = ("--trace",)


@dataclass(frozen=True)
class Command:
    """A command: where it runs ("module:function", loaded when it is used) and its arguments."""

    name: str
    runs: str
    summary: str
    add_arguments: Callable[[argparse.ArgumentParser], None]


COMMANDS = (
    Command(
        "create", "envs:create", "solve, fetch and link an environment", args.create
    ),
    Command(
        "clone", "envs:clone", "make a relocated clone of an environment", args.clone
    ),
    Command(
        "run",
        "envs:run",
        "run a command in a throw-away view of an environment",
        args.run,
    ),
    Command(
        "reset", "envs:reset", "put a clone back to its template's state", args.reset
    ),
    Command("verify", "envs:verify", "check every file of an environment", args.verify),
    Command(
        "solve", "packages:solve", "print the packages that meet the specs", args.solve
    ),
    Command(
        "extract", "packages:extract", "extract one .conda or .tar.bz2", args.extract
    ),
    Command(
        "index",
        "packages:index",
        "write repodata for a directory of packages",
        args.index,
    ),
    Command("template", "templates:template", "the store of templates", args.template),
    Command("doctor", "machine:doctor", "say what this machine can do", args.doctor),
    Command(
        "report", "machine:report", "show where the time of a trace went", args.report
    ),
    Command(
        "demo",
        "machine:demo",
        "the whole chain on this Python, with timings",
        args.demo,
    ),
)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse a command line; the namespace's `run` is the command's function."""
    before, rest = _split_at_command(argv)
    main = _main_parser()
    options = main.parse_args(before)
    if not rest:
        main.print_help()
        raise SystemExit(2)
    command = _find(main, rest[0])
    parser = _command_parser(command)
    command.add_arguments(parser)
    own, tail = _split_at_dashes(rest[1:])
    parser.parse_intermixed_args(own, options)
    options.tail = tail
    if tail and command.name != "run":
        parser.error(f"unexpected arguments after --: {' '.join(tail)}")
    options.run = _function(command)
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


def _find(main: argparse.ArgumentParser, name: str) -> Command:
    for command in COMMANDS:
        if command.name == name:
            return command
    import difflib

    near = difflib.get_close_matches(name, [command.name for command in COMMANDS], 1)
    meant = f"; did you mean {near[0]}?" if near else ""
    main.error(f"no such command: {name}{meant} (see cenv --help)")


def _main_parser() -> argparse.ArgumentParser:
    lines = "\n".join(f"  {c.name:<10}{c.summary}" for c in COMMANDS)
    parser = argparse.ArgumentParser(
        prog="cenv",
        usage="cenv [OPTION ...] COMMAND ...",
        description="Fresh conda environments in milliseconds.",
        epilog=f"commands:\n{lines}\n\ncenv COMMAND --help tells the rest.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    args.common(parser)
    parser.add_argument(
        "--version", action=args.ShowVersion, nargs=0, help="print the version"
    )
    return parser


def _command_parser(command: Command) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"cenv {command.name}", description=command.summary, allow_abbrev=False
    )
    args.common(parser, again=True)
    return parser


def _function(command: Command) -> Callable[..., int | None]:
    module, function = command.runs.split(":")
    found: Callable[..., int | None] = getattr(
        importlib.import_module(f"cenv.cli.{module}"), function
    )
    return found
