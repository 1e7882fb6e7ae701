# SPDX-License-Identifier: BSD-3-Clause
"""Advice that was tried: the solve repeated with a changed request, and what that saves.

Nothing is advised that was not tried, and nothing that saves little. What packages cost
is what they cost in the run; what a solve costs, and how files are placed, is measured.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cenv.errors import CenvError
from cenv.reporting import causes, graph, placing
from cenv.reporting.replay import CannotReplayError, Outcome, Replay, changed
from cenv.reporting.run import Run
from cenv.reporting.wording import counted, joined, listed, number, seconds, share, size

_SPECS = 12  # that are tried at most
_PINS = 4  # names with many builds that are tried at most
_FEWER = 0.95  # of the candidates: what makes a solve faster, and not chance
_MANY = 20  # candidates that a name has at least, to be pinned
_PART = 0.02  # of the run: what advice saves at least


@dataclass(frozen=True)
class Advice:
    """A change that was tried, and the seconds of a run that it saves."""

    kind: str
    subject: str
    text: str
    saves: float

    @property
    def briefly(self) -> str:
        """What was changed, in a word or two."""
        without = self.kind in ("drop_spec", "drop_channel")
        return f"without {self.subject}" if without else self.subject or self.kind

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that reports print."""
        return {
            "kind": self.kind,
            "subject": self.subject,
            "text": self.text,
            "saves": self.saves,
        }


@dataclass(frozen=True)
class Trials:
    """What was tried: what helps, the largest first, what does not, what could not be."""

    helps: tuple[Advice, ...] = ()
    in_vain: tuple[Advice, ...] = ()
    untried: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that reports print."""
        return {
            "advice": [advice.to_json() for advice in self.helps],
            "tried_in_vain": [advice.to_json() for advice in self.in_vain],
            "untried": list(self.untried),
        }


def tried(
    run: Run, store: str | os.PathLike[str] | None = None, *, online: bool = False
) -> Trials:
    """Try all that could make a run faster; `online` asks channels for their shards."""
    found: list[Advice] = []
    untried: list[str] = []
    try:
        replay = Replay(run, store)
    except CannotReplayError as error:
        untried += [str(error)] if run.specs else []
    else:
        untried += _differences(run, replay.base)
        for trials in (_specs, _pins, _channels, _formats):
            found += trials(run, replay)
        if online:
            found += _shards(run, replay)
    found += _placing(run)
    found.sort(key=lambda advice: -advice.saves)
    enough = max(0.001, _PART * run.seconds)
    helps = tuple(advice for advice in found if advice.saves >= enough)
    rest = tuple(advice for advice in found if advice.saves < enough)
    return Trials(helps, rest, tuple(untried))


def _differences(run: Run, base: Outcome) -> list[str]:
    """Say where today's repodata gives another environment than the run had."""
    other = changed(run, base)
    if not run.packages or not other:
        return []
    count = counted(len(other), "package")
    return [f"the repodata here gives {count} otherwise than the run ({listed(other)})"]


# ---- what a changed solve saves ----


def cost(run: Run, outcome: Outcome) -> float:
    """Return what packages would take, by what they took in the run, else by their bytes."""
    known = [p for p in run.packages.values() if p.size]
    pace = sum(p.seconds for p in known) / (sum(p.size for p in known) or 1)
    total = 0.0
    for record in outcome.records.values():
        package = run.packages.get(record.name)
        if package is None:
            total += pace * (record.size or 0)
        elif package.size and record.size:
            total += package.seconds * record.size / package.size
        else:
            total += package.seconds
    return total


def saving(run: Run, base: Outcome, outcome: Outcome) -> float:
    """Return the seconds of the run that another outcome saves.

    A solve that considers as many candidates is faster by chance alone.
    """
    packages = cost(run, base) - cost(run, outcome)
    is_less = outcome.candidates < _FEWER * base.candidates
    return packages + (base.seconds - outcome.seconds if is_less else 0.0)


def fewer(base: Outcome, outcome: Outcome) -> str:
    """Say what another outcome leaves out, and what it changes besides."""
    gone = [
        record for name, record in base.records.items() if name not in outcome.records
    ]
    more = [name for name in outcome.records if name not in base.records]
    kept = [name for name in outcome.records if name in base.records]
    other = [n for n in kept if outcome.records[n] != base.records[n]]
    if not gone and not more and not other:
        return f"the same {counted(len(base.records), 'package')}"
    volume = sum(record.size or 0 for record in gone)
    parts = (
        [f"{counted(len(gone), 'package')} and {size(volume)} fewer"] if gone else []
    )
    parts += [f"{counted(len(more), 'package')} more"] if more else []
    parts += [f"{counted(len(other), 'package')} of other builds"] if other else []
    return joined(parts)


# ---- specs ----


def _specs(run: Run, replay: Replay) -> Iterator[Advice]:
    """Leave out each spec that nothing else needs."""
    alone = graph.brought_alone(run)
    by_cost = sorted(
        replay.specs,
        key=lambda spec: -sum(run.packages[n].seconds for n in alone.get(spec, ())),
    )
    for spec in by_cost[:_SPECS] if len(replay.specs) > 1 else ():
        outcome = replay.solve([other for other in replay.specs if other != spec])
        if outcome is None:
            continue
        left = fewer(replay.base, outcome)
        needed = graph.spec_name(spec) not in outcome.records
        nobody = ", which nothing else asked for needs" if needed else ""
        text = f"without the spec {spec}{nobody}: {left}"
        yield Advice("drop_spec", spec, text, saving(run, replay.base, outcome))


# ---- pins ----


def _pins(run: Run, replay: Replay) -> Iterator[Advice]:
    """Pin names that have many builds to the minor version that was chosen."""
    asked = {graph.spec_name(spec): spec for spec in replay.specs}
    names = sorted(run.names.values(), key=lambda name: -name.candidates)
    for name in [n for n in names if n.candidates >= _MANY][:_PINS]:
        record = replay.base.records.get(name.name)
        if record is None or asked.get(name.name, name.name) != name.name:
            continue  # not chosen, or not asked for by its name alone
        pin = f"{name.name}={'.'.join(record.version.split('.')[:2])}"
        outcome = replay.solve([pin, *(s for s in replay.specs if s != name.name)])
        if outcome is None:
            continue
        instead = f"in place of {name.name}" if name.name in asked else "pinned"
        less = (
            f"{number(outcome.candidates)} candidates to choose from instead of "
            f"{number(replay.base.candidates)}"
        )
        text = f"{pin} {instead}: {fewer(replay.base, outcome)}, {less}"
        yield Advice("pin", pin, text, saving(run, replay.base, outcome))


# ---- channels ----


def _channels(run: Run, replay: Replay) -> Iterator[Advice]:
    """Leave out each channel that gave no package."""
    taken: dict[str, int] = {}
    took: dict[str, float] = {}
    for subdir in run.channels:
        name = subdir.channel
        taken[name] = taken.get(name, 0) + subdir.packages_taken
        took[name] = took.get(name, 0.0) + subdir.seconds
    for channel in replay.channels if len(replay.channels) > 1 else ():
        if taken.get(channel, 1):
            continue
        rest = [other for other in replay.channels if other != channel]
        outcome = replay.solve(channels=rest)
        if outcome is None or not outcome.same_packages(replay.base):
            continue
        text = f"without the channel {channel}, which gives nothing: the same packages"
        saves = took[channel] + saving(run, replay.base, outcome)
        yield Advice("drop_channel", channel, text, saves)


def _shards(run: Run, replay: Replay) -> Iterator[Advice]:
    """Read only the records that are needed, where channels have shards (CEP 16)."""
    import tempfile
    import time

    remote = any("://" in channel for channel in replay.channels)
    if replay.config.repodata_use_shards or not remote:
        return
    with tempfile.TemporaryDirectory(prefix="cenv-shards-") as scratch:
        start = time.perf_counter()
        try:
            there = Replay(run, scratch, offline=False, repodata_use_shards=True)
        except CenvError:
            return
        took = time.perf_counter() - start - there.base.seconds
    if there.base.same_packages(replay.base):
        was = sum(subdir.seconds for subdir in run.channels)
        text = (
            f"repodata_use_shards: true in .condarc: the same packages, repodata ready "
            f"in {seconds(took)} instead of {seconds(was)}"
        )
        yield Advice("shards", "", text, was - took)


# ---- formats of packages ----


def _formats(run: Run, replay: Replay) -> Iterator[Advice]:
    """Take .conda in place of .tar.bz2, where a setting keeps them out."""
    if not replay.config.use_only_tar_bz2:
        return
    outcome = replay.solve(use_only_tar_bz2=False)
    paces = {end: _pace(run, end) for end in (".conda", ".tar.bz2")}
    if outcome is None or not all(paces.values()):
        return
    better = {n for n, r in outcome.records.items() if r.fn.endswith(".conda")}
    old = [p for n, p in run.packages.items() if n in better and "extract" in p.stages]
    took = sum(p.stages["extract"].of_run for p in old if p.file.endswith(".tar.bz2"))
    text = (
        f".conda in place of .tar.bz2 (use_only_tar_bz2: false): {len(better)} packages"
    )
    yield Advice("format", "", text, took * (1 - paces[".conda"] / paces[".tar.bz2"]))


def _pace(run: Run, end: str) -> float:
    """Return the seconds that a byte of packages of one format took to extract."""
    works = [
        package.stages["extract"]
        for package in run.packages.values()
        if package.file.endswith(end) and "extract" in package.stages
    ]
    read = sum(work.bytes for work in works)
    return sum(work.seconds for work in works) / read if read else 0.0


# ---- how files are placed ----


def _placing(run: Run) -> Iterator[Advice]:
    found = placing.trial(run)
    if found is None:
        return
    took = run.wall_of([causes.placing_stage(run)]) * found.share
    saves = took * (1 - found.ratio)
    text = f"{found.text}; placing took {share(took, run.seconds)} of the run"
    yield Advice("placing", found.mode, text, saves)
