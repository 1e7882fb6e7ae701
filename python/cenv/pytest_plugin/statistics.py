# SPDX-License-Identifier: BSD-3-Clause
"""What all processes of a run did, added up: the shape that --cenv-json writes."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable
from typing import Any

from cenv.pytest_plugin.format import duration

Notes = list[dict[str, Any]]

# Of a clone: for its request, of one that was given back, or ahead of its request.
ORIGINS = ("made", "recycled", "spare")


def add_up(processes: Notes) -> dict[str, Any]:
    """Add up what the recorders of a run's processes noted (Recorder.data)."""
    clones = [clone for process in processes for clone in process["clones"]]
    templates = _templates(processes)
    passed = [note for process in processes for note in process["passed_through"]]
    return {
        "version": 1,
        "processes": len(processes),
        "templates": templates,
        "clones": _clones(clones),
        "mirrors": _mirrors(processes),
        "remote": _remote(processes),
        "fallbacks": _counts(clone["fallbacks"] for clone in clones),
        "empty": sum(process["empty"] for process in processes),
        "passed_through": dict(Counter(note["reason"] for note in passed)),
        "passed_through_requests": passed,
        "findings": texts(processes, "findings"),
        "left": texts(processes, "left"),
        "activations": {k: v for p in processes for k, v in p["activations"].items()},
        "saved": _saved(templates, clones, processes),
    }


def texts(processes: Notes, key: str) -> list[str]:
    """Return what processes tell, once each."""
    return list(dict.fromkeys(text for process in processes for text in process[key]))


def happened(found: dict[str, Any]) -> bool:
    """Tell whether there is something to report."""
    return bool(
        found["templates"]
        or found["clones"]["count"]
        or found["passed_through"]
        or found["empty"]
        or found["findings"]
        or found["remote"]["troubles"]
    )


def _templates(processes: Notes) -> Notes:
    """Return each template once, in the order of first use, its builder's numbers first."""
    notes: dict[str, Notes] = {}
    for process in processes:
        for note in process["templates"]:
            notes.setdefault(note["id"] or note["prefix"], []).append(note)
    return [_template(same) for same in notes.values()]


def _template(same: Notes) -> dict[str, Any]:
    builds = [note for note in same if note["built"]]
    first = max(builds or same, key=lambda note: note["seconds"])
    return {
        "id": first["id"],
        "prefix": first["prefix"],
        "specs": first["specs"],
        "records": first["records"],
        "builds": len(builds),
        "reused": len(same) - len(builds),
        "seconds": first["seconds"],
        "cost": max(note["cost"] for note in same) or None,
        "stages": first["stages"],
        "causes": first["causes"],
        "slower": first["slower"],
    }


def _mirrors(processes: Notes) -> Notes:
    """Return each copy beside clones once, whatever the number of processes that use it."""
    notes = (note for process in processes for note in process["mirrors"])
    return list({(note["template"], note["path"]): note for note in notes}.values())


def _remote(processes: Notes) -> dict[str, Any]:
    """Add up what came from a remote in the place of builds, and what it did not give."""
    pulled = [n["pulled"] for p in processes for n in p["templates"] if n["pulled"]]
    sums = {key: math.fsum(one[key] for one in pulled) for key in ("seconds", "saved")}
    counts = {key: sum(one[key] for one in pulled) for key in ("bytes", "packages")}
    troubles = (text for process in processes for text in process["remote_troubles"])
    return {
        "url": pulled[0]["url"] if pulled else None,
        "templates": len(pulled),
        **counts,
        **sums,
        "troubles": list(dict.fromkeys(troubles)),
    }


def _clones(clones: Notes) -> dict[str, Any]:
    seconds = sorted(clone["seconds"] for clone in clones)
    origins = Counter(clone["origin"] for clone in clones)
    return {
        "count": len(clones),
        "median": statistics.median(seconds) if seconds else None,
        "p95": seconds[math.ceil(0.95 * len(seconds)) - 1] if seconds else None,
        "seconds": math.fsum(seconds),
        "bytes_copied": sum(clone["bytes_copied"] for clone in clones),
        "bytes_shared": sum(clone["bytes_shared"] for clone in clones),
        "modes": dict(Counter(clone["mode"] for clone in clones)),
        **{origin: origins[origin] for origin in ORIGINS},
    }


def _counts(found: Iterable[dict[str, int]]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for counts in found:
        sums.update(counts)
    return dict(sums)


def _saved(templates: Notes, clones: Notes, processes: Notes) -> dict[str, Any]:
    """Set the run against one in which each clone had been solved and built.

    What a solve and a build cost was measured when the template was made and stands in
    its template.json; clones of other environments have no such measure and count not.
    """
    costs = {t["id"] or t["prefix"]: t["cost"] for t in templates if t["cost"]}
    counted = [clone for clone in clones if clone["template"] in costs]
    if not counted:
        return {"seconds": 0.0, "basis": "no clone of a template with a measured build"}
    instead = math.fsum(costs[clone["template"]] for clone in counted)
    spent = math.fsum(clone["seconds"] for clone in counted)
    spent += math.fsum(note["seconds"] for p in processes for note in p["templates"])
    used = sorted({costs[clone["template"]] for clone in counted})
    each = " to ".join(duration(cost) for cost in dict.fromkeys((used[0], used[-1])))
    each_of = f"each of {len(counted)} clones" if len(counted) > 1 else "one clone"
    basis = (
        f"a solve and build for {each_of} at {each}, as measured when its template "
        f"was made, less the {duration(spent)} spent here"
    )
    return {"seconds": max(0.0, instead - spent), "basis": basis}
