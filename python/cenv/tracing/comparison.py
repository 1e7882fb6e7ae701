# SPDX-License-Identifier: BSD-3-Clause
"""The stages of two traces, side by side."""

from __future__ import annotations

from typing import Any

from cenv.model import Stage
from cenv.tracing.recorder import COUNTS, Recorder, in_order


def compare(before: Recorder, after: Recorder) -> list[dict[str, Any]]:
    """Set the stages of two traces side by side, with what changed and why."""
    old = {stage.name: stage for stage in before.stages()}
    new = {stage.name: stage for stage in after.stages()}
    return [
        _change(name, old.get(name), new.get(name), after)
        for name in in_order({*old, *new})
    ]


def _change(
    name: str, old: Stage | None, new: Stage | None, after: Recorder
) -> dict[str, Any]:
    was, now = (stage.seconds if stage else 0.0 for stage in (old, new))
    change = f"{now / was:.2f} x" if was and now else ("new" if now else "gone")
    reasons = [s["reason"] for s in after.spans if s["stage"] == name and s["reason"]]
    facts = [
        f"{count} {getattr(old, count)} -> {getattr(new, count)}"
        for count in COUNTS
        if old and new and getattr(old, count) != getattr(new, count)
    ]
    why = "; ".join(dict.fromkeys([*reasons, *facts]))
    return {"name": name, "before": was, "after": now, "change": change, "why": why}
