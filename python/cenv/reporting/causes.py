# SPDX-License-Identifier: BSD-3-Clause
"""What took the time of one run: causes in sentences, each with seconds of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from cenv.reporting import graph
from cenv.reporting.cause import Cause
from cenv.reporting.run import INDEX, SOLVER, Channel, Package, Run
from cenv.reporting.wording import (
    counted,
    joined,
    listed,
    number,
    seconds,
    share,
    size,
)
from cenv.tracing.facts import Fallback
from cenv.tracing.recorder import unit

_OF_ITS_OWN = 0.05  # of the run: a package that took less is told with others


def of_run(run: Run) -> list[Cause]:
    """Return what took the time, the largest first; together all of it."""
    found = [*_channels(run), *_solving(run), *_fallbacks(run)]
    found += _packages(run, _kept_share(run))
    told: dict[str, float] = {}
    for cause in found:
        for stage, part in cause.details.items():
            told[stage] = told.get(stage, 0.0) + part
    found += _rest(run, told)
    return sorted(found, key=lambda cause: -cause.seconds)


# ---- channels and the solve ----


def _channels(run: Run) -> Iterator[Cause]:
    by_channel: dict[str, list[Channel]] = {}
    for channel in run.channels:
        by_channel.setdefault(channel.channel, []).append(channel)
    whole = run.wall_of(INDEX)
    for name, subdirs in by_channel.items():
        took = sum(subdir.seconds for subdir in subdirs)
        parts = {stage: _part(run.wall, stage, took, whole) for stage in INDEX}
        yield Cause("channel", name, channel_text(name, subdirs), took, parts)


def _part(walls: Mapping[str, float], stage: str, took: float, whole: float) -> float:
    return walls.get(stage, 0.0) * took / whole if whole else 0.0


def channel_text(name: str, subdirs: list[Channel]) -> str:
    """Say what was read of a channel, and what came of it."""
    records = sum(subdir.records for subdir in subdirs)
    names = max(subdir.names_read for subdir in subdirs)
    moved = sum(subdir.bytes_transferred for subdir in subdirs)
    taken = sum(subdir.packages_taken for subdir in subdirs)
    parts = [f"channel {name}: {counted(records, 'record')} read"]
    if names or taken:
        parts[0] += f" for {counted(names, 'name')}"
    if not taken:
        parts.append("no package was taken from it")
    if moved:
        parts.append(f"{size(moved)} transferred{_why(subdirs)}")
    return joined(parts)


def _why(subdirs: list[Channel]) -> str:
    reasons = dict.fromkeys(s.reason for s in subdirs if s.reason)
    return f" ({'; '.join(reasons)})" if reasons else ""


def _solving(run: Run) -> Iterator[Cause]:
    took = run.wall_of(SOLVER)
    if not took:
        return
    candidates = sum(name.candidates for name in run.names.values())
    text = "the solve"
    if candidates:
        text += (
            f": {counted(candidates, 'candidate')} of {counted(len(run.names), 'name')}"
        )
        most = max(run.names.values(), key=lambda name: name.candidates)
        text += f", {number(most.candidates)} of them of {most.name}"
        if most.reached_through and most.reached_through not in run.specs:
            text += f" (first named by {most.reached_through})"
    yield Cause("solve", "", text, took, {s: run.wall.get(s, 0.0) for s in SOLVER})


# ---- how files were placed ----


def placing_stage(run: Run) -> str:
    """Return the stage of which the trace tells how files were placed."""
    return "link" if "link" in run.wall else "files"


def fallback_files(run: Run) -> int:
    """Return how many files were placed in another way than the one that was to be."""
    return sum(item.get("files", 0) for item in run.link.get("fallbacks", ()))


def _kept_share(run: Run) -> float:
    """Return the share of files that were placed as they were to be."""
    stage = placing_stage(run)
    placed = sum(each.items for each in run.stages if each.name == stage)
    return 1 - min(1.0, fallback_files(run) / placed) if placed else 1.0


def _fallbacks(run: Run) -> Iterator[Cause]:
    fell = 1 - _kept_share(run)
    if not fell:
        return
    stage = placing_stage(run)
    took = run.wall.get(stage, 0.0) * fell
    yield Cause("fallback", "link", fallback_text(run), took, {stage: took})


def fallback_text(run: Run) -> str:
    """Say which files were not placed as they were to be, and why."""
    told = [
        _fallback(run.link.get("mode", ""), item)
        for item in run.link.get("fallbacks", ())
        if item.get("files")
    ]
    return "; ".join(told)


def _fallback(mode: str, item: Fallback) -> str:
    files, to = counted(item.get("files", 0), "file"), item.get("to", "copy")
    done = {"copy": "copied", "hardlink": "linked"}.get(to, f"placed by {to}")
    why = f" ({item['reason']})" if item.get("reason") else ""
    if mode in ("", to):
        return f"{files} had to be {done}{why}"
    return f"{files} could not be placed by {mode}{why}, and were {done}"


# ---- packages ----


def _packages(run: Run, kept: float) -> Iterator[Cause]:
    alone = {
        name: spec for spec, names in graph.brought_alone(run).items() for name in names
    }
    groups: dict[str, list[Package]] = {}
    for package in (_without_fallbacks(p, kept) for p in run.packages.values()):
        if package.seconds >= _OF_ITS_OWN * run.seconds:
            yield _of_packages(
                "package", package.name, _own_text(run, package), [package]
            )
        elif package.seconds:
            groups.setdefault(alone.get(package.name, ""), []).append(package)
    for spec, packages in groups.items():
        yield _of_packages("packages", spec, _group_text(spec, packages), packages)


def _without_fallbacks(package: Package, kept: float) -> Package:
    """Return the package without the seconds that are the fallbacks'."""
    works = {
        stage: dataclasses.replace(work, of_run=work.of_run * kept)
        if stage == "link"
        else work
        for stage, work in package.stages.items()
    }
    return dataclasses.replace(package, stages=works)


def _of_packages(kind: str, subject: str, text: str, packages: list[Package]) -> Cause:
    parts: dict[str, float] = {}
    for package in packages:
        for stage, work in package.stages.items():
            parts[stage] = parts.get(stage, 0.0) + work.of_run
    return Cause(kind, subject, text, sum(parts.values()), parts)


def _own_text(run: Run, package: Package) -> str:
    stage, work = max(package.stages.items(), key=lambda item: item[1].of_run)
    weight = package.size if stage == "download" else package.weight
    parts = [size(weight) if weight else counted(package.files, "file")]
    parts.append(f"{share(work.of_run, run.wall.get(stage, 0.0))} of {stage}")
    return f"{package}: {joined([*parts, wanted_by(run, package)])}"


def wanted_by(run: Run, package: Package) -> str:
    """Say why a package is there."""
    spec = graph.asked_for(run).get(package.name)
    if spec:
        return f"asked for by the spec {spec}"
    return f"needed by {listed(package.needed_by)}" if package.needed_by else ""


def _group_text(spec: str, packages: list[Package]) -> str:
    weight = sum(package.weight for package in packages)
    files = sum(package.files for package in packages)
    heaviest = sorted(packages, key=lambda p: -p.seconds)
    names = listed(package.name for package in heaviest)
    each = f" that each took under {_OF_ITS_OWN:.0%}".replace("%", " %")
    who = f" that only the spec {spec} brings" if spec else ""
    figures = joined([size(weight) if weight else "", counted(files, "file")])
    if len(packages) == 1:
        return f"{packages[0]}{who}: {figures}"
    return f"{counted(len(packages), 'package')}{who or each} ({names}): {figures}"


# ---- what is left ----


def _rest(run: Run, told: Mapping[str, float]) -> Iterator[Cause]:
    for stage in run.stages:
        left = run.wall.get(stage.name, 0.0) - told.get(stage.name, 0.0)
        if left > 1e-9:
            text = stage_text(run, stage.name)
            yield Cause("stage", stage.name, text, left, {stage.name: left})
    if run.outside > 1e-9:
        text = "what no stage covers: loading modules, configuration and results"
        yield Cause("outside", "", text, run.outside)


def stage_text(run: Run, name: str) -> str:
    """Say what a stage had to do, and which cache had it not."""
    (stage,) = (stage for stage in run.stages if stage.name == name)
    noun = unit(name).removesuffix("s")
    items = counted(stage.items, noun) if noun not in ("", "byte") else ""
    volume = size(stage.bytes) if stage.bytes else ""
    reasons = dict.fromkeys(s["reason"] for s in run.spans if s["stage"] == name)
    why = "; ".join(reason for reason in reasons if reason)
    missed = f"{number(stage.misses)} not in a cache" if stage.misses else ""
    missed += f" ({why})" if why else ""
    placed = _how_placed(run) if name == placing_stage(run) else ""
    told = joined([items, volume, missed, placed])
    return f"{name}: {told}" if told else f"{name}: {seconds(stage.seconds)}"


def _how_placed(run: Run) -> str:
    """Say by which mode files were placed, and why by no faster one."""
    mode, passed = run.link.get("mode", ""), run.link.get("passed_over", {})
    why = "; ".join(f"not by {other}: {reason}" for other, reason in passed.items())
    return joined(
        [f"by {mode}" if mode else "", f"({why})" if mode and why else ""], " "
    )
