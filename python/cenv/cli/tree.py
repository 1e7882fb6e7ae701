# SPDX-License-Identifier: BSD-3-Clause
"""The commands there are: names and what they do; each is loaded when it is wanted.

The module of a command lies in cenv.cli.commands under its name. One that has ACTIONS is a
group: a package, whose modules are its actions.
"""

from __future__ import annotations

import importlib
import keyword

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping
    from typing import Any, Protocol

    from cenv.cli.options import Parser
    from cenv.cli.output import Console

    class Command(Protocol):
        """What the module of a command has."""

        def add_arguments(self, parser: Parser) -> None:
            """Add the command's own arguments."""

        def run(self, options: argparse.Namespace, console: Console) -> int:
            """Run it; return the exit status."""


COMMANDS = {
    "create": "solve, fetch and link an environment",
    "clone": "make a relocated clone of an environment",
    "run": "run a command in a throw-away view of an environment",
    "exec": "run a command in an environment of packages that nobody linked",
    "reset": "put a clone back to its template's state",
    "verify": "check every file of an environment",
    "solve": "print the packages that meet the specs",
    "extract": "extract one .conda or .tar.bz2",
    "index": "write repodata for a directory of packages",
    "template": "the store of templates",
    "doctor": "say what this machine can do",
    "report": "show where the time of a trace went",
    "demo": "the whole chain on this Python, with timings",
    "completion": "print what completes command lines in a shell",
}

Words = tuple[str, ...]  # a command's name; of an action, that of its group before it


def actions(name: str) -> Mapping[str, str]:
    """Return the actions of a group and what they do; of a command none."""
    found: Mapping[str, str] = getattr(_module((name,)), "ACTIONS", {})
    return found


def load(words: Words) -> Command:
    """Return the module of a command or action."""
    found: Command = _module(words)
    return found


def summary(words: Words) -> str:
    """Return what a command, group or action does."""
    return COMMANDS[words[0]] if len(words) == 1 else actions(words[0])[words[1]]


def every() -> Iterator[Words]:
    """Return all commands, and the actions of groups in the place of these."""
    for name in COMMANDS:
        found = actions(name)
        yield from ((name, action) for action in found)
        if not found:
            yield (name,)


def _module(words: Words) -> Any:
    names = [f"{word}_" if keyword.iskeyword(word) else word for word in words]
    return importlib.import_module(".".join(["cenv.cli.commands", *names]))
