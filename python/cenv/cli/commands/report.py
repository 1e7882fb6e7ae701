# SPDX-License-Identifier: BSD-3-Clause
"""Show where the time of a trace went."""

from __future__ import annotations

import argparse
from typing import Any

from cenv.cli.output import Console, seconds, table
from cenv.cli.tables import stage_table
from cenv.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "traces", nargs="+", metavar="TRACE", help="a file of --trace; two are compared"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Show where the time of a trace went, or what changed between two."""
    from cenv.tracing import comparison, trace_file

    if len(options.traces) > 2:
        raise UsageError("report takes one trace, or two to compare")
    recorders = [trace_file.read(path) for path in options.traces]
    first = recorders[0].stages()
    if len(recorders) == 1:
        data: Any = {"stages": [stage.to_json() for stage in first]}
        console.result(data, [*stage_table(first), *_reasons(recorders[0])])
        return 0
    rows = comparison.compare(*recorders)
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
