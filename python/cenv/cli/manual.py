# SPDX-License-Identifier: BSD-3-Clause
"""The man page cenv(1), made of the parsers: `python -m cenv.cli.manual > cenv.1`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator

from cenv import __version__
from cenv.cli import parser, tree

_STATUS = {
    "0": "done",
    "1": "failed, with one message on standard error; --json: on standard output",
    "2": "wrong usage",
    "126, 127": "of cenv run: the program cannot be executed, or is not there",
    "130": "interrupted",
}
_FILES = {
    "$CENV_STORE": "the store of templates; else cenv in the user's cache directory",
    "~/.condarc": "conda's configuration, with all other places where conda reads it",
}


def page() -> str:
    """Return the page in the language of man(7)."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    main = parser.main_parser()
    yield f'.TH CENV 1 "" "cenv {__version__}" "User Commands"'
    yield from (".SH NAME", r"cenv \- fresh conda environments in milliseconds")
    yield from (".SH SYNOPSIS", _text("cenv [OPTION ...] COMMAND ..."))
    yield ".SH OPTIONS"
    yield "Before the command or behind it:"
    yield from _arguments(main.actions())
    yield ".SH COMMANDS"
    common = {o for action in main.actions() for o in action.option_strings}
    for words in tree.every():
        yield from _command(words, common)
    yield ".SH EXIT STATUS"
    yield from _table(_STATUS.items())
    yield ".SH FILES"
    yield from _table(_FILES.items())


def _command(words: tree.Words, common: Iterable[str]) -> Iterator[str]:
    found = parser.command_parser(words)
    own = [a for a in found.actions() if not {*a.option_strings} & {*common}]
    yield f".SS {_text(_usage(found, own))}"
    yield _text(f"{(found.description or '').capitalize()}.")
    yield from _arguments(own)


def _usage(found: parser.CommandParser, own: Iterable[argparse.Action]) -> str:
    """Return the line of a command: its arguments, and that it has options."""
    if found.usage:
        return found.usage.replace("[-h] ", "")
    words = [found.prog, "[OPTION ...]"]
    for action in own:
        if not action.option_strings:
            forms = {"+": "{} ...", "*": "[{} ...]", "?": "[{}]"}
            words.append(forms.get(str(action.nargs), "{}").format(action.metavar))
    return " ".join(words)


def _arguments(actions: Iterable[argparse.Action]) -> Iterator[str]:
    return _table((_names(action), action.help or "") for action in actions)


def _names(action: argparse.Action) -> str:
    """Return how an option or argument is written, with its value."""
    if not action.option_strings:
        return str(action.metavar)
    names = ", ".join(action.option_strings)
    if action.nargs == 0:
        return names
    chosen = "|".join(map(str, action.choices or ()))
    return f"{names} {chosen or action.metavar}"


def _table(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, told in rows:
        yield from (".TP", f".B {_text(name)}", _text(told))


def _text(text: str) -> str:
    """Return text that roff takes as it stands."""
    plain = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{plain}" if plain.startswith((".", "'")) else plain


if __name__ == "__main__":
    sys.stdout.write(page())
