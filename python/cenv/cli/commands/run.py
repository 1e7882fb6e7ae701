# SPDX-License-Identifier: BSD-3-Clause
"""Run a command in a throw-away view of an environment."""

from __future__ import annotations

from cenv.cli import output
from cenv.cli.options import add_environment
from cenv.cli.output import Console
from cenv.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from cenv.cli.options import Parser
    from cenv.clones.view import Shown

_NOT_EXECUTABLE, _NOT_FOUND = 126, 127


def add_arguments(parser: Parser) -> None:
    """Add the arguments; what stands behind PREFIX is the command, options of it too."""
    parser.usage = "cenv run [-h] [OPTION ...] PREFIX [--] COMMAND ..."
    add_environment(parser, "prefix", "PREFIX")
    parser.add_argument(
        "command",
        nargs="*",
        metavar="COMMAND",
        help="a program of the environment, or of PATH, and its arguments",
    )
    add_view(parser)


def add_view(parser: Parser) -> None:
    """Add what says how a command is run in a view."""
    parser.add_argument(
        "--keep", metavar="DIR", help="keep what COMMAND changed in DIR"
    )
    parser.add_argument(
        "--no-activate",
        action="store_true",
        help="leave out what the environment's activation scripts do",
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Run a command in a throw-away view of an environment."""
    if not options.command:
        hint = "cenv run PREFIX COMMAND ..."
        raise UsageError("no command given", hint=hint)
    from cenv.cli.places import existing
    from cenv.clones.view import Shown

    return in_view(Shown.of(existing(options.prefix, console)), options, console)


def in_view(shown: Shown, options: argparse.Namespace, console: Console) -> int:
    """Become the command in a view, or return its exit status."""
    if options.keep == "":  # of a variable that is not set
        raise UsageError("--keep names no directory")
    from cenv.clones import view

    def fail(error: BaseException) -> int:
        output.fail_with(error, as_json=console.json)
        return _status(error, options.command[0])

    console.close()
    try:
        return view.run(
            shown,
            options.command,
            keep=options.keep,
            activate=not options.no_activate,
            fail=fail,
        )
    except OSError as error:
        return fail(error)


def _status(error: BaseException, program: str) -> int:
    """Return what env and shells return for a program that does not start."""
    if not isinstance(error, OSError) or error.filename != program:
        return 1
    return _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE
