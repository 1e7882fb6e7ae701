# SPDX-License-Identifier: BSD-3-Clause
"""The shapes of files: a value knows where it stands, and says what was expected there.

Every file that cenv reads, YAML and JSON alike, becomes a tree of Node; what is read of
it goes through text(), items(), members() and the like, whose errors name file, line,
key, what was expected, and what is there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from cenv.errors import CenvError, SpecError

N = TypeVar("N", bound="Node")
_SHOWN = 40  # letters of a text that messages show


@dataclass(frozen=True)
class Number:
    """A number as it is written: 3.10 is not 3.1."""

    written: str


@dataclass(frozen=True)
class Node:
    """A value: None, bool, Number, str, a list of Node, or a dict of str to Node.

    `where` is file and line, `key` leads to it ("package[3].url"), `flag` is what a
    comment behind it says (condarc.py).
    """

    value: Any
    where: str
    key: str = ""
    flag: str | None = None

    error: ClassVar[type[CenvError]] = SpecError

    def fail(self, what: str, hint: str | None = None) -> CenvError:
        """Return the error that says where this value stands."""
        key = f"{self.key}: " if self.key else ""
        return self.error(f"{self.where}: {key}{what}", hint=hint)

    def expected(self, what: str) -> CenvError:
        """Return the error that says what should be here, and what is."""
        quotes = isinstance(self.value, (bool, Number)) and "text" in what
        hint = "put it in quotes to make it a text" if quotes else None
        return self.fail(f"expected {what}, not {self._kind()}", hint)

    def _kind(self) -> str:
        value = self.value
        if isinstance(value, str):
            cut = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."
            return f"the text {json.dumps(cut, ensure_ascii=False)}"
        if isinstance(value, Number):
            return f"the number {value.written}"
        if isinstance(value, bool):
            return "true" if value else "false"
        if value is None:
            return "nothing (it is empty, or null)"
        return "a list" if isinstance(value, list) else "a map"

    # ---- what it must be ----

    def text(self, what: str = "a text") -> str:
        """Return a text that is not empty."""
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.expected(what)
        return self.value

    def written(self) -> str:
        """Return a text, number or truth value as a text."""
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        if isinstance(self.value, Number):
            return self.value.written
        if not isinstance(self.value, str):
            raise self.expected("a text")
        return self.value

    def boolean(self) -> bool:
        """Return true or false."""
        if not isinstance(self.value, bool):
            raise self.expected("true or false")
        return self.value

    def integer(self) -> int:
        """Return a whole number from 0."""
        number = self.value.written if isinstance(self.value, Number) else ""
        if not number.isdecimal() or len(number) > 18:
            raise self.expected("a whole number")
        return int(number)

    def number(self) -> float:
        """Return a finite number, whole or not."""
        found = float(self.value.written) if isinstance(self.value, Number) else None
        if found is None or not math.isfinite(found):
            raise self.expected("a number")
        return found

    def items(self: N, what: str = "a list") -> list[N]:
        """Return the items of a list."""
        if not isinstance(self.value, list):
            raise self.expected(what)
        found: list[N] = self.value
        return found

    def texts(self, what: str = "a list of texts") -> list[str]:
        """Return the items of a list of texts, none of them empty."""
        return [item.text() for item in self.items(what)]

    def members(self: N, what: str = "a map of keys to values") -> dict[str, N]:
        """Return the members of a map."""
        if not isinstance(self.value, dict):
            raise self.expected(what)
        found: dict[str, N] = self.value
        return found

    def get(self: N, name: str) -> N | None:
        """Return a member of a map; None where it is absent or null."""
        found = self.members().get(name)
        return None if found is None or found.value is None else found

    def need(self: N, name: str) -> N:
        """Return a member that must be there."""
        found = self.members().get(name)
        if found is None:
            raise self.fail(f"there is no {name}")
        return found


def key_below(key: str, name: str | int) -> str:
    """Return the key of a member or item of what `key` leads to."""
    if isinstance(name, int):
        return f"{key}[{name}]"
    return f"{key}.{name}" if key else name


def of_json(text: str | bytes, file: str) -> Node:
    """Return the tree of a JSON document; SpecError, with its line, for what is none."""
    return of_value(json_value(text, file, Number), file)


def json_value(
    text: str | bytes, file: str, number: Callable[[str], Any] | None = None
) -> Any:
    """Return what a JSON document holds, without nodes; SpecError as of_json.

    `number` makes a value of each number as it is written; None takes those of Python.
    """
    try:
        return json.loads(text, parse_int=number, parse_float=number)
    except json.JSONDecodeError as error:
        where = f"{file}, line {error.lineno}, column {error.colno}"
        raise SpecError(f"{where}: not JSON: {error.msg}") from None
    except UnicodeDecodeError as error:
        raise SpecError(f"{file}: not UTF-8 text: {error.reason}") from None
    except RecursionError:
        raise SpecError(f"{file}: nested too deeply") from None
    except ValueError:  # Python makes no int of thousands of digits
        raise SpecError(f"{file}: a number has too many digits") from None


def of_value(value: Any, file: str, key: str = "") -> Node:
    """Return the tree of a value that json_value gave, to which `key` leads."""
    try:
        return _plain(value, file, key)
    except RecursionError:
        raise SpecError(f"{file}: nested too deeply") from None


def _plain(value: Any, file: str, key: str) -> Node:
    if isinstance(value, dict):
        value = {k: _plain(v, file, key_below(key, k)) for k, v in value.items()}
    elif isinstance(value, list):
        value = [_plain(v, file, key_below(key, i)) for i, v in enumerate(value)]
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        value = Number(str(value))  # NaN and infinities among them, which are no JSON
    return Node(value, file, key)
