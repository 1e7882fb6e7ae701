# SPDX-License-Identifier: BSD-3-Clause
"""Rounds of a benchmark: what setup= made for one goes back when it is over.

A round is over when that of the next begins, and nobody holds its clone any more: the
benchmark lets go of it one round later, so that two clones take turns.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from cenv.templates.template import Clone

_FIXTURES = ("benchmark", "codspeed_benchmark")


class Rounds:
    """The clones of one test that setup= made; the test holds twins of ours."""

    def __init__(self) -> None:
        self._making = False
        self._lent: list[tuple[weakref.ref[Clone], Clone]] = []

    @contextlib.contextmanager
    def making(self) -> Iterator[None]:
        """Take what is made meanwhile for that of a round."""
        self._making = True
        try:
            yield
        finally:
            self._making = False

    def lend(self, clone: Clone) -> Clone:
        """Return what the test gets for a clone of ours."""
        if not self._making:
            return clone
        twin = replace(clone)
        self._lent.append((weakref.ref(twin), clone))
        return twin

    def over(self) -> list[Clone]:
        """Let go of the clones that the test holds no more."""
        over = [clone for twin, clone in self._lent if twin() is None]
        self._lent = [lent for lent in self._lent if lent[0]() is not None]
        return over


def watch(values: Mapping[str, Any]) -> None:
    """Have the benchmark of a test, whose fixtures' values are given, tell of its rounds."""
    factory = values.get("cenv_env")
    for name in _FIXTURES:
        benchmark: Any = values.get(name)
        if factory is not None and hasattr(benchmark, "pedantic"):
            benchmark.pedantic = _telling(benchmark.pedantic, factory.of_round)


def _telling(
    pedantic: Callable[..., object],
    of_round: Callable[[Callable[[], object]], object],
) -> Callable[..., object]:
    @functools.wraps(pedantic)
    def measure(*args: object, **kwargs: object) -> object:
        given = inspect.signature(pedantic).bind(*args, **kwargs)
        setup = given.arguments.get("setup")
        if setup is not None:
            given.arguments["setup"] = functools.partial(of_round, setup)
        return pedantic(*given.args, **given.kwargs)

    return measure
