# SPDX-License-Identifier: BSD-3-Clause
"""Arguments of the API: what each may be, told with the name of the public function."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Mapping

from cenv.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, ParamSpec, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")

_PATH = ((str, os.PathLike), "a str or os.PathLike")
_TEXT = ((str,), "a str")
_NUMBER = ((int,), "an int")
# What arguments of these names are, in every public function.
_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    **dict.fromkeys(("src", "dst", "prefix", "store", "clone", "path"), _PATH),
    **dict.fromkeys(("package", "dest", "directory", "file"), _PATH),
    **dict.fromkeys(("mode", "link_mode", "platform", "sha256", "id"), _TEXT),
    **dict.fromkeys(("channel_priority", "exclude_newer", "explain"), _TEXT),
    **dict.fromkeys(("owner", "max_size", "count"), _NUMBER),
}


def checked(
    options: Iterable[str] = (), *, makes: str = ""
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that checks arguments by their names before the function runs.

    The function raises TypeError, naming itself and the argument, for a value of another
    type, and for a keyword that is neither its own nor one of `options`, which it hands on.
    `makes`: the argument that says where its result lies, a file or a directory; a
    MemoryError that comes when that is made says so.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        code = function.__code__
        own = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        known = {*own, *options}
        optional = {*_without_value(function, own[: code.co_argcount]), *options}

        @functools.wraps(function)
        def call(*args: P.args, **keywords: P.kwargs) -> R:
            name = function.__qualname__.removesuffix(".__init__")
            given = {**dict(zip(own, args)), **keywords}
            _check_names(name, given, known)
            _check_types(name, given, optional)
            with _telling_if_made(given.get(makes)):
                return function(*args, **keywords)

        return call

    return decorate


@contextlib.contextmanager
def _telling_if_made(place: Any) -> Iterator[None]:
    """Say of a MemoryError that comes after the work that it is done: nobody looks for it else."""
    before = place is not None and _is_made(place)
    try:
        yield
    except MemoryError as failure:
        if place is None or before or not _is_made(place):
            raise
        told = f"out of memory, when '{os.fspath(place)}' was made: it is there, whole"
        raise MemoryError(told) from failure


def _is_made(place: str | os.PathLike[str]) -> bool:
    """Whether something lies there, other than the empty directory that may lie there before."""
    with contextlib.suppress(OSError):
        return bool(os.listdir(place))
    return os.path.lexists(place)


def _without_value(
    function: Callable[..., object], positional: Sequence[str]
) -> list[str]:
    """Return the arguments that may be None, for that is what they are if not given."""
    found = dict(zip(reversed(positional), reversed(function.__defaults__ or ())))
    found |= function.__kwdefaults__ or {}
    return [name for name, value in found.items() if value is None]


def _check_names(
    function: str, given: Mapping[str, object], known: Iterable[str]
) -> None:
    for name in given:
        if name not in known:
            raise TypeError(_unexpected(function, name, known))


def _check_types(
    function: str, given: Mapping[str, object], optional: Iterable[str]
) -> None:
    for name in given.keys() & _KINDS.keys():
        types, expected = _KINDS[name]
        value = given[name]
        if isinstance(value, types) or (value is None and name in optional):
            continue
        raise wrong_type(f"{function}() argument {name}", expected, value)


def _unexpected(function: str, name: str, known: Iterable[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{function}() got an unexpected keyword argument '{name}'{hint}"


def wrong_type(what: str, expected: str, value: object) -> TypeError:
    """Return the error of a value that is of another type than it has to be."""
    return TypeError(f"{what} must be {expected}, not {type(value).__name__}")


def listed(value: Any, argument: str) -> list[Any]:
    """Return the items of an argument; a text, path or record is one item, None is none.

    A text would else be taken apart into its letters. Raises UsageError, naming the
    argument, for what is no list and for an item that is None.
    """
    if value is None:
        return []
    if isinstance(value, (str, os.PathLike, Mapping)) or _is_record(value):
        return [value]
    if isinstance(value, (bytes, bytearray)) or not hasattr(value, "__iter__"):
        given = type(value).__name__
        raise UsageError(f"{argument}= takes a list, not {given}: {value!r}")
    items = list(value)
    if any(item is None for item in items):
        at = items.index(None)
        raise UsageError(f"{argument}= has None as its item {at}")
    return items


def listed_records(value: Any, argument: str) -> list[Any]:
    """Return the records of an argument, as listed() does; UsageError for what is none."""
    records = listed(value, argument)
    for at, record in enumerate(records):
        if not isinstance(record, Mapping) and not _is_record(record):
            hint = "a record is a mapping, or a PackageRecord of a solution"
            raise UsageError(f"{argument}= has {record!r} as its item {at}", hint=hint)
    return records


def _is_record(value: Any) -> bool:
    from cenv.model import PackageRecord

    return isinstance(value, PackageRecord)
