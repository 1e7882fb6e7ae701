# SPDX-License-Identifier: BSD-3-Clause
"""Arguments: global options before and after the command, options between specs."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from typing import Any, NoReturn, Protocol, cast

from cenv.cli.options import ShowVersion, add_common
from cenv.cli.output import Console
from cenv.errors import UsageError

_VALUED = ("--trace",)
_TEXT = "\0"  # before an argument that looks like an option and is none; no argv has it


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


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are UsageError, to be told as all others are."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"{self.prog} --help tells what it takes")

    def takes_value(self, option: str) -> bool:
        """Say whether an option's value is the argument behind it."""
        action = self._option_string_actions.get(option)
        return action is not None and action.nargs is None


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse a command line; the namespace's `run` is that of the command's module.

    What stands behind -- are arguments, whatever they look like; the command of `run` ends
    the options, too. Raises UsageError.
    """
    before, rest = _split_at_command(argv)
    main = _main_parser()
    options = main.parse_args(before)
    if not rest:
        raise UsageError("no command given", hint="cenv --help lists them")
    name = _known(rest[0])
    command = _load(name)
    parser = _command_parser(name)
    command.add_arguments(parser)
    own, arguments = _split_at_end(parser, name, rest[1:])
    parser.parse_intermixed_args([*own, *map(_as_text, arguments)], options)
    for key, value in vars(options).items():
        setattr(options, key, _without_mark(value))
    options.run = command.run
    return options


def own_arguments(argv: Sequence[str]) -> list[str]:
    """Return the arguments in which options of cenv may stand; never raises."""
    before, rest = _split_at_command(argv)
    if rest[:1] != ["run"]:
        return [*before, *_split_at_dashes(rest)[0]]
    parser = _command_parser("run")
    _load("run").add_arguments(parser)
    return [*before, *_split_at_end(parser, "run", rest[1:])[0]]


def _as_text(argument: str) -> str:
    return f"{_TEXT}{argument}" if argument.startswith("-") else argument


def _without_mark(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_mark(item) for item in value]
    return value.removeprefix(_TEXT) if isinstance(value, str) else value


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


def _split_at_end(
    parser: _Parser, name: str, argv: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Split where the options end: at --, for `run` at the command behind PREFIX, too."""
    own, arguments = _split_at_dashes(argv)
    if name != "run":
        return own, arguments
    at, words = 0, 0
    while at < len(own):
        word = own[at]
        words += not word.startswith("-")
        if words > 1:  # the first one is PREFIX
            return own[:at], list(argv[at:])
        at += 2 if parser.takes_value(word) else 1
    return own, arguments


def _known(name: str) -> str:
    if name in COMMANDS:
        return name
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, 1)
    hint = f"did you mean {near[0]}?" if near else "cenv --help lists them"
    raise UsageError(f"no such command: {name}", hint=hint)


def _load(name: str) -> Command:
    return cast("Command", importlib.import_module(f"cenv.cli.commands.{name}"))


def _main_parser() -> argparse.ArgumentParser:
    lines = "\n".join(f"  {name:<10}{summary}" for name, summary in COMMANDS.items())
    parser = _Parser(
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


def _command_parser(name: str) -> _Parser:
    parser = _Parser(
        prog=f"cenv {name}", description=COMMANDS[name], allow_abbrev=False
    )
    add_common(parser, again=True)
    return parser
