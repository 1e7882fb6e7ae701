# SPDX-License-Identifier: BSD-3-Clause
"""Removing clones in the background: out of the way at once, unlinked by a helper process.

A helper process, not a thread: a thread in a test's process would make its os.fork warn.
It serves one process, finishes what it was told, and ends with that process.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from cenv.clones import helper


class _Order(NamedTuple):
    """What to remove, the clone that it was, and the store that is to forget it."""

    path: str
    clone: str
    store: str | None


class Removal:
    """The removal of one clone, under way."""

    def __init__(self, helper: _Helper, order: _Order) -> None:
        self._helper = helper
        self._order = order

    def is_over(self) -> bool:
        """Tell whether wait() would wait no longer."""
        return self._helper.has_answered(self._order)

    def wait(self) -> None:
        """Wait until it is done; raise what went wrong."""
        error = self._helper.wait(self._order)
        if error:
            raise OSError(*error)


class _Helper:
    """One process, started when the first clone is to be removed."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._done: dict[str, list[Any]] = {}
        self._ended = False
        self._process = helper.start_outliving("cenv.clones.background_removal")
        atexit.register(self._release)

    def _release(self) -> None:
        """Close the orders, upon which the helper ends by itself: this process does not wait."""
        if os.getpid() == self.owner:
            self._process.end()
            self._process.close()

    def end(self) -> None:
        """Let the helper finish, and wait until it is gone."""
        self._release()
        atexit.unregister(self._release)
        self._process.wait()

    def order(self, order: _Order) -> None:
        with contextlib.suppress(BrokenPipeError):  # wait() removes it then
            self._process.tell(json.dumps(order).encode() + b"\n")

    def has_answered(self, order: _Order) -> bool:
        self._collect(wait=False)
        return self._ended or order.path in self._done

    def wait(self, order: _Order) -> list[Any]:
        while order.path not in self._done:
            if self._ended:
                return _remove(order)
            self._collect(wait=True)
        return self._done.pop(order.path)

    def _collect(self, *, wait: bool) -> None:
        lines = None if self._ended else self._process.lines(wait=wait)
        self._ended = lines is None
        for line in lines or ():
            reply = json.loads(line)
            self._done[reply["path"]] = reply["error"]


_helpers: list[_Helper] = []


def remove_in_background(path: str, store: str | None) -> Removal | None:
    """Rename the clone at `path` out of the way and have it removed; None: it is gone."""
    from cenv._native import open_store

    try:
        aside = open_store(store).clone_set_aside(path)
    except FileNotFoundError:
        return None
    if not _helpers or _helpers[0].owner != os.getpid():  # a fork has its own
        _helpers[:] = [_Helper()]
    order = _Order(os.fsdecode(aside), path, store)
    _helpers[0].order(order)
    return Removal(_helpers[0], order)


def end() -> None:
    """Wait until this process's helper, if it has one, has finished and is gone."""
    while _helpers:
        helper = _helpers.pop()
        if helper.owner == os.getpid():
            helper.end()


def _remove(order: _Order) -> list[Any]:
    from cenv import api

    try:
        api.remove_tree(order.path, store=order.store, clone=order.clone)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        left = f"cannot remove the clone, of which the rest is at {order.path}: {why}"
        return [error.errno, left, order.clone]
    return []


def _serve(orders: Iterator[str]) -> None:
    for line in orders:
        order = _Order(*json.loads(line))
        reply = {"path": order.path, "error": _remove(order)}
        with contextlib.suppress(BrokenPipeError):  # nobody waits; go on all the same
            print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _serve(iter(sys.stdin))
    os.close(1)  # nothing more to flush to a process that may be gone
