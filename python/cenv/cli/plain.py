# SPDX-License-Identifier: BSD-3-Clause
"""Command lines of `exec` read without argparse, which takes longer than a mount of layers.

The options are those that the command adds to argparse's parser, too: one table. What is
read is what stands there in the plainest way: each option in full, its value a word of its
own. Everything else, --help and whatever is wrong included, is left to argparse.
"""

from __future__ import annotations

from types import SimpleNamespace

from cenv.cli import tree
from cenv.cli.options import add_common

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_COMMAND = "exec"
_FLAG, _STORE, _APPEND = "store_true", "store", "append"


def read(argv: Sequence[str]) -> Any:
    """Return what parser.parse() would, or None: it is argparse's to read."""
    if argv[:1] != [_COMMAND] or "--" not in argv:
        return None
    end = argv.index("--")
    module = tree.load((_COMMAND,))
    arguments = _Arguments()
    add_common(arguments)
    module.add_arguments(arguments)
    values = arguments.read(argv[1:end])
    if values is None:
        return None
    values["command"] = list(argv[end + 1 :])
    return SimpleNamespace(
        **values, run=module.run, run_at_once=getattr(module, "run_at_once", None)
    )


class _Arguments:
    """Takes the place of argparse's parser where a command adds its arguments."""

    usage: str | None = None

    def __init__(self) -> None:
        self._words = ""  # where the words go that are no options
        self._options: dict[str, tuple[str, str, Sequence[str] | None]] = {}
        self._values: dict[str, Any] = {}

    def add_argument(self, *names: str, **how: Any) -> None:
        action, choices = how.get("action", _STORE), how.get("choices")
        long = next((name for name in names if name.startswith("--")), names[0])
        dest = how.get("dest") or long.removeprefix("--").replace("-", "_")
        is_list = action == _APPEND or how.get("nargs") == "*"
        unset: Any = [] if is_list else False if action == _FLAG else None
        self._values[dest] = how.get("default", unset)
        if not names[0].startswith("-"):
            self._words = dest
        elif action in (_FLAG, _STORE, _APPEND):
            self._options.update(dict.fromkeys(names, (action, dest, choices)))

    def read(self, words: Sequence[str]) -> dict[str, Any] | None:
        """Return the values of all arguments; None: they do not stand there plainly."""
        values = {**self._values, self._words: []}
        rest = iter(words)
        for word in rest:
            if not word.startswith("-"):
                values[self._words].append(word)
                continue
            action, dest, choices = self._options.get(word, ("", "", None))
            value: Any = True if action == _FLAG else next(rest, "-")
            if not action or (action != _FLAG and value.startswith("-")):
                return None
            if choices is not None and value not in choices:
                return None
            values[dest] = [*values[dest], value] if action == _APPEND else value
        return values
