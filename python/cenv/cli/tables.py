# SPDX-License-Identifier: BSD-3-Clause
"""Tables that several commands print."""

from __future__ import annotations

from typing import Any

from cenv.cli.output import human, seconds, table
from cenv.model import Solution


def record_table(solution: Solution) -> list[str]:
    """Lay out a solution: name, version, build, channel."""
    rows = [(r.name, r.version, r.build, r.channel) for r in solution.records]
    return table(("name", "version", "build", "channel"), sorted(rows))


def stage_table(stages: Any) -> list[str]:
    """Lay out the stages of some work."""
    rows = [
        (
            stage.name,
            seconds(stage.seconds),
            str(stage.items or ""),
            human(stage.bytes) if stage.bytes else "",
            f"{stage.hits} hit, {stage.misses} missed"
            if stage.hits or stage.misses
            else "",
        )
        for stage in stages
    ]
    return table(("stage", "time", "items", "bytes", "cache"), rows, " rrr")
