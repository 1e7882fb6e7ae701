# SPDX-License-Identifier: BSD-3-Clause
"""Arguments: global options before and after the command, options between specs."""

from __future__ import annotations

import argparse
import os
import sys

from cenv.cli import tree
from cenv.cli.options import add_common
from cenv.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, NoReturn

_VALUED = ("--trace", "--store")  # may stand before the action of a group
_WITH_COMMAND = ("exec",)  # whose command stands behind --
_TEXT = "\0"  # before an argument that looks like an option and is none; no argv has it


def _columns() -> int:
    """Return the width of help, as argparse would, which loads shutil for it each time."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return int(told) - 2
    try:
        found = os.get_terminal_size(sys.__stdout__.fileno()).columns  # type: ignore[union-attr]
    except (AttributeError, ValueError, OSError):
        found = 0
    return (found or 80) - 2


class _Help(argparse.HelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns())


class _PlainHelp(_Help, argparse.RawDescriptionHelpFormatter):
    pass


class ShowVersion(argparse.Action):
    """Print the version without loading the core."""

    def __call__(self, parser: argparse.ArgumentParser, *unused: Any) -> None:
        from cenv.cli import output

        output.print_version()
        parser.exit()


class CommandParser(argparse.ArgumentParser):
    """A parser whose errors are UsageError, to be told as all others are."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"{self.prog} --help tells what it takes")

    def takes_value(self, option: str) -> bool:
        """Say whether an option's value is the argument behind it."""
        action = self._option_string_actions.get(option)
        return action is not None and action.nargs is None

    def actions(self) -> Sequence[argparse.Action]:
        """Return all arguments and options, for what is made of them: pages, completion."""
        return tuple(self._actions)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse a command line; the namespace's `run` is that of the command's module.

    What stands behind -- are arguments, whatever they look like; the command of `run` ends
    the options, too. Raises UsageError.
    """
    before, rest = _split_at_command(argv)
    options = main_parser().parse_args(before)
    if not rest:
        raise UsageError("no command given", hint="cenv --help lists them")
    words, given = _words(rest)
    parser = command_parser(words)
    own, arguments = _split_at_end(parser, words, given)
    # Two lists of arguments, which argparse cannot tell apart.
    if words == _WITH_COMMAND:
        options.command, arguments = arguments, []
    parser.parse_intermixed_args([*own, *map(_as_text, arguments)], options)
    for key, value in vars(options).items():
        setattr(options, key, _without_mark(value))
    module = tree.load(words)
    options.run = module.run
    options.run_at_once = getattr(module, "run_at_once", None)
    return options


def own_arguments(argv: Sequence[str]) -> list[str]:
    """Return the arguments in which options of cenv may stand; never raises."""
    before, rest = _split_at_command(argv)
    if rest[:1] != ["run"]:
        return [*before, *_split_at_dashes(rest)[0]]
    words = ("run",)
    return [*before, *_split_at_end(command_parser(words), words, rest[1:])[0]]


def main_parser() -> CommandParser:
    """Return the parser of what stands before the command."""
    parser = _group_parser(
        "cenv", "Fresh conda environments in milliseconds.", "command", tree.COMMANDS
    )
    add_common(parser)
    parser.add_argument(
        "--version",
        action=ShowVersion,
        nargs=0,
        default=argparse.SUPPRESS,
        help="print the version",
    )
    return parser


def command_parser(words: tree.Words) -> CommandParser:
    """Return the parser of what stands behind a command or an action."""
    parser = CommandParser(
        prog=" ".join(["cenv", *words]),
        description=tree.summary(words),
        formatter_class=_Help,
        allow_abbrev=False,
    )
    add_common(parser, again=True)
    tree.load(words).add_arguments(parser)
    return parser


def _group_parser(
    prog: str, description: str, kind: str, table: Mapping[str, str]
) -> CommandParser:
    lines = "\n".join(f"  {name:<12}{does}" for name, does in table.items())
    placeholder = kind.upper()
    return CommandParser(
        prog=prog,
        usage=f"{prog} [OPTION ...] {placeholder} ...",
        description=description,
        epilog=f"{kind}s:\n{lines}\n\n{prog} {placeholder} --help tells the rest.",
        formatter_class=_PlainHelp,
        allow_abbrev=False,
    )


# ---- where the command and its arguments are ----


def _words(rest: Sequence[str]) -> tuple[tree.Words, list[str]]:
    """Return the command, of a group with the action, and what it is given."""
    name = _known(rest[0], "command", tree.COMMANDS, "cenv")
    given = list(rest[1:])
    table = tree.actions(name)
    if not table:
        return (name,), given
    before, rest = _split_at_command(given)
    if not rest:
        parser = _group_parser(f"cenv {name}", tree.summary((name,)), "action", table)
        parser.parse_known_args(before)  # --help
        raise UsageError("no action given", hint=f"cenv {name} --help lists them")
    action = _known(rest[0], "action", table, f"cenv {name}")
    return (name, action), [*before, *rest[1:]]


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
    parser: CommandParser, words: tree.Words, argv: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Split where the options end: at --, for `run` at the command behind PREFIX, too."""
    own, arguments = _split_at_dashes(argv)
    if words != ("run",):
        return own, arguments
    at, seen = 0, 0
    while at < len(own):
        word = own[at]
        seen += not word.startswith("-")
        if seen > 1:  # the first one is PREFIX
            return own[:at], list(argv[at:])
        at += 2 if parser.takes_value(word) else 1
    return own, arguments


def _known(name: str, kind: str, table: Iterable[str], prog: str) -> str:
    if name in table:
        return name
    import difflib

    near = difflib.get_close_matches(name, table, 1)
    hint = f"did you mean {near[0]}?" if near else f"{prog} --help lists them"
    raise UsageError(f"no such {kind}: {name}", hint=hint)


def _as_text(argument: str) -> str:
    return f"{_TEXT}{argument}" if argument.startswith("-") else argument


def _without_mark(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_mark(item) for item in value]
    return value.removeprefix(_TEXT) if isinstance(value, str) else value
