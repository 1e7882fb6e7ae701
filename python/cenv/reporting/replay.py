# SPDX-License-Identifier: BSD-3-Clause
"""The request of a run, solved again on the repodata that is kept on this machine."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from cenv._choices import ChannelPriority
from cenv._options import SolveOptions
from cenv._priorities import PRIORITIES
from cenv.config.config import load
from cenv.errors import CenvError, UnsatisfiableError
from cenv.model import PackageRecord
from cenv.reporting.run import Run
from cenv.solving.index import Index

_TIMES = 5  # solves, the fastest of which tells what one takes
_LONG = 0.5  # seconds: a solve that takes longer is not repeated for its time


class CannotReplayError(CenvError):
    """The request of a trace cannot be solved again here; the message says why."""


@dataclass(frozen=True)
class Outcome:
    """What a solve gave: the packages by name, and its time and work."""

    records: dict[str, PackageRecord]
    seconds: float
    candidates: int
    channels: tuple[str, ...] = ()

    def same_packages(self, other: Outcome) -> bool:
        """Say whether both chose the same."""
        return self.records == other.records


class Replay:
    """Solves the request of a run, and what it could be instead; downloads nothing.

    Raises CannotReplayError where the run solved nothing, or its repodata is not here.
    """

    def __init__(
        self,
        run: Run,
        store: str | os.PathLike[str] | None = None,
        *,
        offline: bool = True,
        **config: object,
    ) -> None:
        request = run.facts.get("request", {})
        self.specs = tuple(request.get("specs", ()))
        self.channels = tuple(request.get("channels", ()))
        self._options = request.get("options", {})
        if not self.specs or not self.channels:
            raise CannotReplayError("the run solved no specs")
        if "locked" in self._options or "favored" in self._options:
            raise CannotReplayError(
                "the run was given records to keep, which it does not tell"
            )
        self._platform = request.get("platform")
        self._store = store
        self._offline = offline
        self._indices: dict[object, Index] = {}
        self.config = dataclasses.replace(load(), **config)  # type: ignore[arg-type]
        self.base = self._first()

    def _first(self) -> Outcome:
        try:
            found = self.solve()
        except (CenvError, OSError) as error:
            raise CannotReplayError(
                f"the solve cannot be repeated here: {error}"
            ) from None
        if found is None:
            raise CannotReplayError("today the request has no solution")
        return found

    def solve(
        self,
        specs: Sequence[str] | None = None,
        channels: Sequence[str] | None = None,
        **config: object,
    ) -> Outcome | None:
        """Solve the request, changed as told; None where it has no solution then.

        `config` are settings that take the place of the configured ones.
        """
        index = self._index(tuple(channels or self.channels), config)
        asked = self.specs if specs is None else tuple(specs)
        times: list[float] = []
        try:
            while not times or (len(times) < _TIMES and sum(times) < _LONG):
                start = time.perf_counter()
                solution = index.solve(asked, **self._solve_options())
                times.append(time.perf_counter() - start)
        except UnsatisfiableError:
            return None
        return Outcome(
            {record.name: record for record in solution.records},
            min(times),
            int(solution.stats.get("records", 0)),
            tuple(channel.name for channel in index.channels),
        )

    def _solve_options(self) -> SolveOptions:
        """Return the options of the run that are not the configured ones."""
        told = self._options
        found: SolveOptions = {}
        if told.get("channel_priority") in PRIORITIES:
            found["channel_priority"] = cast(
                "ChannelPriority", told["channel_priority"]
            )
        if told.get("exclude_newer"):
            found["exclude_newer"] = told["exclude_newer"]
        if told.get("pinned"):
            found["pinned"] = told["pinned"].split(", ")
        return found

    def _index(self, channels: tuple[str, ...], changed: dict[str, object]) -> Index:
        config = dataclasses.replace(self.config, **changed)  # type: ignore[arg-type]
        key = (channels, tuple(sorted((k, str(v)) for k, v in changed.items())))
        if key not in self._indices:
            self._indices[key] = Index(
                channels,
                self._platform,
                store=self._store,
                offline=self._offline,
                config=config,
                specs=self.specs,
            )
        return self._indices[key]


def changed(run: Run, outcome: Outcome) -> list[str]:
    """Return the names of packages that a solve gives otherwise than a run had them."""
    had = {name: (p.version, p.build) for name, p in run.packages.items()}
    now = {name: (r.version, r.build) for name, r in outcome.records.items()}
    return sorted(name for name in {**had, **now} if had.get(name) != now.get(name))
