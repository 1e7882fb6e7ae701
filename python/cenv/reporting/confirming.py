# SPDX-License-Identifier: BSD-3-Clause
"""Causes of a difference, tried: the later request solved again as it was before."""

from __future__ import annotations

import os
from collections.abc import Iterator

from cenv.reporting import graph
from cenv.reporting.advice import fewer, saving
from cenv.reporting.cause import Cause
from cenv.reporting.difference import Difference
from cenv.reporting.replay import CannotReplayError, Replay, changed
from cenv.reporting.run import Run
from cenv.reporting.wording import counted, listed, seconds

_CAUSES = 8  # that are tried at most


def confirmed(found: Difference, store: str | os.PathLike[str] | None) -> list[str]:
    """Return what came of each trial, in sentences; or why nothing could be tried."""
    told: list[str] = []
    try:
        told.append(_earlier_request(found.before, store))
    except CannotReplayError as error:
        told.append(f"the earlier request: {error}")
    try:
        replay = Replay(found.after, store)
    except CannotReplayError as error:
        return [*told, f"the later request: {error}"]
    for cause in found.causes[:_CAUSES]:
        told += _undone(cause, found, replay)
    return told


def _earlier_request(run: Run, store: str | os.PathLike[str] | None) -> str:
    """Say whether the earlier request still gives what it gave."""
    other = changed(run, Replay(run, store).base)
    if not other:
        return (
            "the earlier request gives the same packages still: the channels are not it"
        )
    count = counted(len(other), "package")
    return (
        f"the earlier request gives {count} otherwise than then "
        f"({listed(other)}): the channels have changed"
    )


def _undone(cause: Cause, found: Difference, replay: Replay) -> Iterator[str]:
    how = _before(cause, found, replay)
    if how is None:
        return
    what, specs, channels = how
    outcome = replay.solve(specs, channels)
    if outcome is None:
        yield f"{what}: there is no solution"
        return
    saves = saving(found.after, replay.base, outcome)
    less = f"saves {seconds(saves)}" if saves > 0 else f"costs {seconds(-saves)}"
    if abs(saves) < 0.0005:
        less = "takes as long"
    yield f"{what}: {fewer(replay.base, outcome)}; it {less}"


Changed = tuple[str, tuple[str, ...], tuple[str, ...]]


def _before(cause: Cause, found: Difference, replay: Replay) -> Changed | None:
    """Return the later request with one thing as it was before, and what that is."""
    specs, channels = replay.specs, replay.channels
    rest = tuple(s for s in specs if graph.spec_name(s) != _name(cause))
    if cause.kind == "spec" and cause.subject in specs:
        return f"without the spec {cause.subject}", rest, channels
    if cause.kind == "spec":
        return f"with the spec {cause.subject}", (*specs, cause.subject), channels
    if cause.kind == "respec":
        was = graph.asked_for(found.before)[cause.subject]
        return f"with {was} as before", (*rest, was), channels
    if cause.kind in ("needs", "release"):
        was = _release(found, cause.subject)
        return (f"with {was} as before", (*rest, was), channels) if was else None
    if cause.kind == "channel" and cause.subject in channels and len(channels) > 1:
        others = tuple(c for c in channels if c != cause.subject)
        return f"without the channel {cause.subject}", specs, others
    return None


def _name(cause: Cause) -> str:
    return graph.spec_name(cause.subject) if cause.kind == "spec" else cause.subject


def _release(found: Difference, name: str) -> str:
    """Return the spec of the release that the earlier run had, if it is another."""
    was, now = (run.packages.get(name) for run in (found.before, found.after))
    if was is None or now is None or was.version == now.version:
        return ""
    return f"{name}=={was.version}"
