# SPDX-License-Identifier: BSD-3-Clause
"""One recorded run: its facts, filled up with defaults, and where its seconds went."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from cenv.model import Stage
from cenv.reporting import wall
from cenv.tracing.facts import Cache, Facts, FileSystem, Link, Machine
from cenv.tracing.recorder import Recorder

T = TypeVar("T")

# The stages by what their time depends on.
INDEX = ("download indices", "process indices")
SOLVER = ("reduce", "express", "solve", "explain")
PACKAGES = ("download", "import", "extract", "verify", "link", "compile", "relocate")


@dataclass(frozen=True)
class Channel:
    """One subdir of a channel, as in cenv.tracing.facts."""

    channel: str = ""
    subdir: str = ""
    bytes_transferred: int = 0
    bytes_on_disk: int = 0
    records: int = 0
    version: str = ""
    cache: str = ""
    reason: str = ""
    names_read: int = 0
    records_read: int = 0
    packages_taken: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Name:
    """A name that the solve reached, as in cenv.tracing.facts."""

    name: str = ""
    candidates: int = 0
    reached_through: str = ""
    requirement: str = ""


@dataclass(frozen=True)
class Work:
    """One stage of one package: its own seconds, those of the run in `of_run`."""

    seconds: float = 0.0
    bytes: int = 0
    files: int = 0
    of_run: float = 0.0


@dataclass(frozen=True)
class Package:
    """A package of the result, as in cenv.tracing.facts."""

    name: str = ""
    version: str = ""
    build: str = ""
    channel: str = ""
    subdir: str = ""
    file: str = ""
    size: int = 0
    installed_size: int = 0
    files: int = 0
    depends: tuple[str, ...] = ()
    needed_by: tuple[str, ...] = ()
    origin: str = ""
    reason: str = ""
    stages: Mapping[str, Work] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Seconds of the run that this package cost."""
        return sum(work.of_run for work in self.stages.values())

    @property
    def weight(self) -> int:
        """Bytes by which packages are drawn and told: installed ones, else the archive's."""
        return self.installed_size or self.size

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


@dataclass(frozen=True)
class Run:
    """A run and what is known of it; `spans` are those of its trace."""

    facts: Facts
    spans: Sequence[wall.Span]

    @classmethod
    def of(cls, recorder: Recorder) -> Run:
        """Return what a trace that was read, or one still in memory, tells."""
        return cls(recorder.facts, [s for s in recorder.spans if s.get("stage")])

    @property
    def recorder(self) -> Recorder:
        """The spans and facts as they were recorded."""
        return Recorder(spans=list(self.spans), facts=self.facts)

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """Each stage that ran, with the seconds in which some thread was at it."""
        return self.recorder.stages()

    @cached_property
    def wall(self) -> Mapping[str, float]:
        """The seconds of the run that are each stage's; together at most `seconds`."""
        found: dict[str, float] = {}
        for span, share in zip(self.spans, wall.shares(self.spans)):
            found[span["stage"]] = found.get(span["stage"], 0.0) + share
        return found

    @cached_property
    def seconds(self) -> float:
        """How long the run took; without facts, from its first span to its last."""
        ends = [span["end"] for span in self.spans]
        covered = max(ends) - min(s["start"] for s in self.spans) if ends else 0.0
        return max(self.facts.get("seconds", covered), sum(self.wall.values()))

    @property
    def outside(self) -> float:
        """The seconds that no stage covers."""
        return self.seconds - sum(self.wall.values())

    def wall_of(self, stages: Iterable[str]) -> float:
        """Return the seconds of the run that went into some stages."""
        return sum(self.wall.get(stage, 0.0) for stage in stages)

    @cached_property
    def channels(self) -> tuple[Channel, ...]:
        """The channels, their seconds being those of the run."""
        found = [_filled(Channel, data) for data in self.facts.get("channels", ())]
        weights = [channel.seconds for channel in found]
        if not any(weights):  # all was read in place: its bytes tell
            weights = [float(channel.bytes_on_disk or 1) for channel in found]
        factor = self.wall_of(INDEX) / (sum(weights) or 1)
        return tuple(
            dataclasses.replace(channel, seconds=weight * factor)
            for channel, weight in zip(found, weights)
        )

    @cached_property
    def names(self) -> Mapping[str, Name]:
        """The names that the solve reached."""
        found = (_filled(Name, data) for data in self.facts.get("names", ()))
        return {name.name: name for name in found}

    @cached_property
    def packages(self) -> Mapping[str, Package]:
        """The packages of the result by name, with what each cost of the run."""
        plain = self.facts.get("packages", ())
        works = [_works(data, self.wall) for data in plain]
        totals = {
            stage: sum(each[stage].seconds for each in works if stage in each)
            for stage in self.wall
        }
        found = [
            _filled(Package, {**data, "stages": _of_run(each, self.wall, totals)})
            for data, each in zip(plain, works)
        ]
        return {package.name: package for package in found}

    @property
    def specs(self) -> tuple[str, ...]:
        """The specs of the request."""
        return tuple(self.facts.get("request", {}).get("specs", ()))

    @property
    def tells_work(self) -> bool:
        """Whether the facts say what was worked on; those of an older cenv do not."""
        return bool(self.specs or self.packages or self.channels)

    @property
    def machine(self) -> Machine:
        """Facts of the machine."""
        return self.facts.get("machine", {})

    @property
    def link(self) -> Link:
        """How files got into the prefix."""
        return self.machine.get("link", {})

    def file_system(self, of: str) -> FileSystem:
        """Return where the store, the packages or the destination lie."""
        return self.machine.get("file_systems", {}).get(of, {})

    def cache(self, name: str) -> Cache:
        """Return whether a cache had what was looked for; empty where none was asked."""
        return self.facts.get("caches", {}).get(name, {})


def _filled(cls: type[T], data: Mapping[str, Any]) -> T:
    """Return a value of `cls` from facts that may lack members; lists become tuples."""
    known = {f.name for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    values = {key: value for key, value in data.items() if key in known}
    return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def _works(data: Mapping[str, Any], walls: Mapping[str, float]) -> dict[str, Work]:
    """Return the work on a package by stage; relocation is a part of linking for `create`."""
    found = {stage: _filled(Work, w) for stage, w in data.get("stages", {}).items()}
    if "relocate" in found and "relocate" not in walls:
        moved, linked = found.pop("relocate"), found.get("link", Work())
        found["link"] = Work(
            linked.seconds + moved.seconds,
            linked.bytes + moved.bytes,
            linked.files + moved.files,
        )
    return found


def _of_run(
    works: Mapping[str, Work], walls: Mapping[str, float], totals: Mapping[str, float]
) -> dict[str, Work]:
    """Give each work its part of the seconds of the run that its stage took."""
    return {
        stage: dataclasses.replace(
            work,
            of_run=walls[stage] * work.seconds / totals[stage]
            if totals.get(stage)
            else 0.0,
        )
        for stage, work in works.items()
    }
