# SPDX-License-Identifier: BSD-3-Clause
"""How a run's statistics read: lines for the terminal, Markdown for a step summary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cenv import printable
from cenv.cli.output import human, table
from cenv.pytest_plugin.format import duration, many
from cenv.pytest_plugin.statistics import ORIGINS

Statistics = dict[str, Any]

# Shorter stages are noise in the one line; -v and the JSON have them all.
_WORTH = 0.01


def lines(found: Statistics) -> list[str]:
    """Return the few lines that say what happened."""
    said = [
        _templates(found["templates"]),
        _remote(found["remote"]),
        _clones(found["clones"]),
    ]
    if found["empty"]:
        said.append(f"{many(found['empty'], 'empty environment')} made in this process")
    said += _slower(found["templates"])
    saved = found["saved"]
    if saved["seconds"]:
        said.append(
            f"est. saved {duration(saved['seconds'])} (basis: {saved['basis']})"
        )
    return [line for line in said if line]


def troubles(found: Statistics) -> Iterator[str]:
    """Yield what did not go the best way, with the reason."""
    yield from found["remote"]["troubles"]
    yield from _mirrors(found["mirrors"])
    for reason, files in found["fallbacks"].items():
        yield f"{many(files, 'file')} copied instead of shared: {reason}"
    for reason, times in found["passed_through"].items():
        yield f"{many(times, 'request')} passed through to the original: {reason}"


def _mirrors(mirrors: list[dict[str, Any]]) -> Iterator[str]:
    """Tell of copies beside clones: what they take, and until when."""
    for path in dict.fromkeys(mirror["path"] for mirror in mirrors):
        here = [mirror for mirror in mirrors if mirror["path"] == path]
        size = human(sum(mirror["bytes"] for mirror in here))
        what = f"{many(len(here), 'template')} ({size})"
        if not path:
            why = here[0]["refused"]
            yield f"{what} on another file system, copied for each clone: {why}"
        elif here[0]["kept"]:
            yield f"{what} copied to {path}, since the store is on another file system"
        else:
            yield (
                f"{what} copied to {path} for this run, since the store is on another "
                "file system"
            )


def _templates(templates: list[dict[str, Any]]) -> str:
    built = [template for template in templates if template["builds"]]
    reused = len(templates) - len(built)
    parts = []
    if built:
        took = duration(sum(template["seconds"] for template in built))
        parts.append(f"{many(len(built), 'template')} built in {took}{_stages(built)}")
    if reused:
        parts.append(f"{reused if built else many(reused, 'template')} reused")
    return ", ".join(parts)


def _remote(remote: dict[str, Any]) -> str:
    """Tell what came from where in the place of builds, and what that spared."""
    if not remote["templates"]:
        return ""
    packages = remote["packages"]
    among = f", {many(packages, 'package')} among them" if packages else ""
    return (
        f"{many(remote['templates'], 'template')} pulled from {remote['url']} in "
        f"{duration(remote['seconds'])} ({human(remote['bytes'])}{among}), "
        f"est. {duration(remote['saved'])} of solving and building spared"
    )


def _slower(templates: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a line for each template whose build took longer than its last one."""
    for template in templates:
        slower = template["slower"]
        if slower:
            factor = slower["seconds"] / slower["before"]
            yield (
                f"template {name(template)} took {duration(slower['seconds'])}, "
                f"{factor:.1f} times its last build's {duration(slower['before'])}: "
                f"{slower['cause']}"
            )


def _stages(built: list[dict[str, Any]]) -> str:
    sums: dict[str, float] = {}
    for stage in (stage for template in built for stage in template["stages"]):
        sums[stage["name"]] = sums.get(stage["name"], 0.0) + stage["seconds"]
    most = sum(sums.values())
    worth = [f"{n} {duration(s)}" for n, s in sums.items() if s >= _WORTH * most]
    return f" ({', '.join(worth)})" if worth else ""


def _clones(clones: dict[str, Any]) -> str:
    if not clones["count"]:
        return ""
    often = sorted(clones["modes"].items(), key=lambda item: -item[1])
    several = len(often) > 1
    how = [f"{count} {mode}" if several else mode for mode, count in often]
    if clones["made"] < clones["count"]:
        how += [f"{clones[origin]} {origin}" for origin in ORIGINS if clones[origin]]
    return (
        f"{many(clones['count'], 'clone')} ({', '.join(how)}), "
        f"median {duration(clones['median'])}, p95 {duration(clones['p95'])}, "
        f"{human(clones['bytes_copied'])} copied / {human(clones['bytes_shared'])} shared"
    )


def template_lines(found: Statistics) -> Iterator[str]:
    """Yield a table of stages for each template, for -v."""
    for template in found["templates"]:
        yield ""
        yield _title(template)
        varies = found["activations"].get(template["id"] or template["path"])
        if varies:
            yield f"  its activation scripts are run each time: {varies}"
        rows = [_stage_row(stage) for stage in template["stages"]]
        if rows:
            head = ("stage", "time", "items", "bytes", "hits", "misses")
            yield from (f"  {line}" for line in table(head, rows, " rrrrr"))


def cause_lines(found: Statistics) -> Iterator[str]:
    """Yield what took most of each build, for -vv."""
    for template in found["templates"]:
        rows = [(duration(c["seconds"]), c["text"]) for c in template["causes"]]
        if rows:
            yield ""
            yield from table(("time", f"of template {name(template)}"), rows, "r")


def _title(template: dict[str, Any]) -> str:
    how = f"built in {duration(template['seconds'])}"
    if not template["builds"]:
        cost = template["cost"]
        how = f"reused (its build took {duration(cost)})" if cost else "reused"
    elif template["builds"] > 1:
        how = f"built {template['builds']} times, the longest {how[9:]}"
    packages = many(len(template["records"]), "package")
    if not template["id"]:
        return f"existing environment {template['prefix']}"
    return f"template {name(template)} [{template['id'][:12]}], {packages}, {how}"


def passed_lines(found: Statistics) -> Iterator[str]:
    """Yield a line for each request that was passed through, for -v."""
    rows = [
        (note["test"] or "between tests", note["request"], note["reason"])
        for note in found["passed_through_requests"]
    ]
    if rows:
        yield ""
        yield from table(("passed through for", "request", "reason"), rows, "   ")


def name(template: dict[str, Any]) -> str:
    """Return what a template is called: its specs as they were asked for."""
    return " ".join(template["specs"]) or template["prefix"]


def _stage_row(stage: dict[str, Any]) -> tuple[str, ...]:
    counts = [str(stage[key] or "") for key in ("items", "hits", "misses")]
    size = human(stage["bytes"]) if stage["bytes"] else ""
    return (stage["name"], duration(stage["seconds"]), counts[0], size, *counts[1:])


def clone_lines(processes: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a line for each clone, for -vv."""
    rows = [
        (
            clone["test"] or "between tests",
            process["worker"] or "main",
            clone["mode"]
            + (f" ({clone['origin']})" if clone["origin"] != "made" else ""),
            duration(clone["seconds"]),
            human(clone["bytes_copied"]),
            human(clone["bytes_shared"]),
        )
        for process in processes
        for clone in process["clones"]
    ]
    if rows:
        yield ""
        head = ("clone for", "worker", "mode", "time", "copied", "shared")
        yield from table(head, rows, "   rrr")


def markdown(found: Statistics) -> str:
    """Return a section of Markdown, as GitHub shows it under a job's steps."""
    told = [*lines(found), *troubles(found)]
    said = [f"- {printable.markdown(line)}" for line in told]
    said += [f"- :warning: {printable.markdown(x)}" for x in found["findings"]]
    rows = [
        f"| {_cell(name(t))} | {len(t['records'])} | {'built' if t['builds'] else 'reused'} "
        f"| {duration(t['seconds'])} |"
        for t in found["templates"]
    ]
    if rows:
        head = "| template | packages | | time |\n|---|--:|---|--:|"
        said += ["", head, *rows]
    return "\n".join(["### cenv environments", "", *said, ""])


def _cell(text: str) -> str:
    return f"`{printable.line(text).replace('`', chr(39))}`".replace("|", "\\|")
