# SPDX-License-Identifier: BSD-3-Clause
"""Commands about this machine and about time: doctor, report, demo."""

from __future__ import annotations

import argparse
from typing import Any

from cenv.cli.envs import stage_table
from cenv.cli.output import Console, seconds, table
from cenv.errors import UsageError


def doctor(options: argparse.Namespace, console: Console) -> int:
    """Say what this machine can do."""
    from cenv.doctor import examine

    found = examine(options.directory, options.store)
    orphans = found["store"].get("orphans", [])
    console.result(found, [*_doctor_lines(found), *_orphan_lines(orphans)])
    return 0


_ORPHANS = {
    "clone": "a clone whose owner died",
    "unfinished": "a clone that was not finished",
    "work": "left by a killed run",
    "template": "a template that was not finished, or whose run is over",
}


def _orphan_lines(orphans: list[dict[str, str]]) -> list[str]:
    if not orphans:
        return []
    lines = [f"  {orphan['path']}: {_ORPHANS[orphan['what']]}" for orphan in orphans]
    return ["", f"orphans, which `{orphans[0]['remove_by']}` removes:", *lines]


def _doctor_lines(found: dict[str, Any]) -> list[str]:
    rows = []
    for section, facts in found.items():
        for key, value in facts.items():
            rows.append((section, key.replace("_", " "), _said(value)))
            section = ""
    return table(("about", "what", "finding"), rows)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return f"{len(value)}, see below"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "unknown" if value is None else str(value)


def report(options: argparse.Namespace, console: Console) -> int:
    """Show where the time of a trace went, or what changed between two."""
    from cenv import trace

    if len(options.traces) > 2:
        raise UsageError("report takes one trace, or two to compare")
    recorders = [trace.read(path) for path in options.traces]
    first = recorders[0].stages()
    if len(recorders) == 1:
        data: Any = {"stages": [stage.to_json() for stage in first]}
        console.result(data, [*stage_table(first), *_reasons(recorders[0])])
        return 0
    rows = trace.compare(*recorders)
    lines = table(
        ("stage", "before", "after", "change", "why"),
        [
            (
                r["name"],
                seconds(r["before"]),
                seconds(r["after"]),
                r["change"],
                r["why"],
            )
            for r in rows
        ],
        " rrr",
    )
    console.result({"stages": rows}, lines)
    return 0


def _reasons(recorder: Any) -> list[str]:
    misses = [span for span in recorder.spans if span["reason"]]
    return [f"missed {span['what']}: {span['reason']}" for span in misses]


def demo(options: argparse.Namespace, console: Console) -> int:
    """Run the whole chain on the embedded default."""
    from cenv.demo import demonstrate

    if options.clones < 1:
        raise UsageError("--clones takes a number from 1")
    found = demonstrate(options.clones, options.keep, console.notice)
    console.result(found.to_json(), found.lines())
    return 0
