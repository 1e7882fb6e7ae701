# SPDX-License-Identifier: BSD-3-Clause
"""Reports as lines of text: the answer first, then the figures it rests on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from cenv.reporting.advice import Trials
from cenv.reporting.cause import Cause
from cenv.reporting.difference import Difference
from cenv.reporting.run import Run
from cenv.reporting.wording import (
    added_up,
    counted,
    difference,
    joined,
    listed,
    seconds,
    share,
    size,
)

LARGEST = 5  # causes that a report tells

Row = tuple[str, ...]


def titled(run: Run) -> str:
    """Return what a run did: create python=3.12, pip."""
    request = run.facts.get("request", {})
    of = listed(run.specs, 4) or _source(request.get("source", ""))
    return joined([run.facts.get("command", "the run"), of], " ")


def _source(path: str) -> str:
    """Return a path as people know it: a template by the start of its id."""
    template = re.search(r"/templates/([0-9a-f]{12})[0-9a-f]{52}/prefix$", path)
    return f"of template {template[1]}" if template else path


def circumstances(run: Run) -> str:
    """Return when and on what a run took place."""
    machine = run.machine
    cores = f"{machine['cores']} processors" if machine.get("cores") else ""
    load = f"load {machine['load']:.1f}" if "load" in machine else ""
    version = f"cenv {machine['cenv']}" if machine.get("cenv") else ""
    when = run.facts.get("when", "").replace("T", " ")[:16]
    return joined([when and f"{when} UTC", version, cores, load])


def headline(run: Run, causes: Sequence[Cause]) -> str:
    """Return the answer in a sentence: how long it took, and most of it why."""
    took = f"{titled(run)} took {seconds(run.seconds)}"
    if not causes or not run.seconds:
        return f"{took}."
    part = share(causes[0].seconds, run.seconds)
    return f"{took}, {part} of it for {causes[0].text}."


def headline_of_two(found: Difference) -> str:
    """Return the answer in a sentence: how much longer it took, and above all why."""
    took = f"{titled(found.after)} took {seconds(found.after.seconds)}"
    text = f"{took}, before {seconds(found.before.seconds)}"
    if found.is_noise:
        return f"{text}: the same work, and no more difference than runs of it have."
    text += f": {difference(found.seconds)}"
    if not found.causes:
        return f"{text}. {unexplained(found)}"
    if found.reason:
        took = difference(found.reason.seconds)
        return f"{text}, of which {took} because {found.reason.text}."
    main = found.causes[0]
    told = f"{text}. What changed: {main.text} ({difference(main.seconds)})."
    return f"{told} {unexplained(found)}" if found.is_much else told


def doubts(found: Difference) -> list[str]:
    """Say where two runs are not a pair that one compares."""
    before, after = found.before.facts, found.after.facts
    told = []
    was, now = before.get("command"), after.get("command")
    if was and now and was != now:
        told.append(f"The earlier trace is of {was}, the later of {now}.")
    for which, run in (("earlier", found.before), ("later", found.after)):
        if run.facts.get("command") not in ("pytest", "clone") and not run.tells_work:
            told.append(f"The {which} trace does not tell what was worked on.")
    if after.get("when", "") < before.get("when", "") and after.get("when"):
        told.append("The first trace is of a later run than the second.")
    return told


def unexplained(found: Difference, figure: str = "") -> str:
    """Say what no cause accounts for, and where it was; `figure` if that stands beside."""
    stages = [
        f"{stage} {difference(s)}" for stage, s in list(found.unexplained.items())[:3]
    ]
    where = f" ({listed(stages)})" if stages else ""
    return (
        f"Nothing that was recorded explains {figure or difference(found.left)}{where}."
    )


def cause_rows(causes: Iterable[Cause], whole: float) -> list[Row]:
    """Return seconds, share of the run and sentence of each cause."""
    shown = [c for at, c in enumerate(causes) if not at or c.seconds > 0.005 * whole]
    return [(seconds(c.seconds), share(c.seconds, whole), c.text) for c in shown]


def difference_rows(found: Difference) -> list[Row]:
    """Return seconds and sentence of each cause, and of what has none; they add up."""
    shown = _shown(found)
    told = added_up([*(seconds for seconds, _ in shown), found.left], found.seconds)
    left = unexplained(found, "this").rstrip(".").replace("Nothing", "nothing", 1)
    return [*zip(told, [*(sentence for _, sentence in shown), left, "all"])]


def _shown(found: Difference) -> list[tuple[float, str]]:
    """Return seconds and sentence of the first causes, and of the rest, if it is little."""
    least = 0.005 * max(found.before.seconds, found.after.seconds)
    first = [
        cause
        for at, cause in enumerate(found.causes)
        if at < LARGEST or abs(cause.seconds) >= least
    ]
    shown = [(cause.seconds, cause.text) for cause in first]
    rest = [cause for cause in found.causes if cause not in first]
    if rest:
        named = listed(dict.fromkeys(c.subject or c.kind for c in rest))
        text = f"{counted(len(rest), 'smaller change')} ({named})"
        shown.append((sum(cause.seconds for cause in rest), text))
    return shown


def stage_rows(run: Run) -> list[Row]:
    """Return each stage: its time, its share of the run, items, bytes and caches."""
    rows = [
        (
            stage.name,
            seconds(stage.seconds),
            share(run.wall.get(stage.name, 0.0), run.seconds),
            f"{stage.items:,}" if stage.items else "",
            size(stage.bytes) if stage.bytes else "",
            _cached(stage.hits, stage.misses),
        )
        for stage in run.stages
    ]
    rest = ("outside of stages", seconds(run.outside), share(run.outside, run.seconds))
    return [*rows, (*rest, "", "", "")]


STAGE_HEAD = ("stage", "time", "share", "items", "bytes", "cache")


def _cached(hits: int, misses: int) -> str:
    return f"{hits} hit, {misses} missed" if hits or misses else ""


def compared_rows(found: Difference) -> list[Row]:
    """Return the stages of both runs, and their seconds of each run."""
    before, after = found.before, found.after
    known = {stage.name: stage for run in (before, after) for stage in run.stages}
    rows = []
    for name in _in_order(known):
        was, now = before.wall.get(name, 0.0), after.wall.get(name, 0.0)
        items = [_items(run, name) for run in (before, after)]
        work = f"{items[1]:,}, before {items[0]:,}" if items[0] != items[1] else ""
        rows.append((name, seconds(was), seconds(now), difference(now - was), work))
    was, now = before.outside, after.outside
    last = ("outside of stages", seconds(was), seconds(now), difference(now - was), "")
    whole = before.seconds, after.seconds
    total = ("all", *map(seconds, whole), difference(whole[1] - whole[0]), "")
    return [*rows, last, total]


COMPARED_HEAD = ("stage", "before", "now", "difference", "items")


def _in_order(names: Iterable[str]) -> list[str]:
    from cenv.tracing.recorder import in_order

    return in_order(names)


def _items(run: Run, name: str) -> int:
    return sum(stage.items for stage in run.stages if stage.name == name)


# ---- advice ----


def advice_lines(trials: Trials) -> list[str]:
    """Return what helps, what was tried in vain, and what could not be tried."""
    lines = []
    if trials.helps:
        lines.append("What would make it faster, as tried:")
        lines += [f"  saves {seconds(a.saves)}: {a.text}" for a in trials.helps]
    if trials.in_vain:
        names = listed((advice.briefly for advice in trials.in_vain), 8)
        lines.append(f"Tried, and saves next to nothing: {names}")
    lines += [f"Not tried: {reason}" for reason in trials.untried]
    return lines
