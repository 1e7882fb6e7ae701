# SPDX-License-Identifier: BSD-3-Clause
"""Why a template took as long to build as it did, and longer than when it was last built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cenv.errors import CenvError
from cenv.tracing import assembly, kept

if TYPE_CHECKING:
    from cenv.reporting.run import Run
    from cenv.templates.template import Template
    from cenv.tracing.facts import Facts
    from cenv.tracing.recorder import Recorder

_TOLD = 5  # causes of a build
_FACTOR = 1.5  # slower than this is told
_LEAST = 0.5  # seconds of difference that are worth a line


def facts_of(made: Template, recorder: Recorder, seconds: float) -> Facts:
    """Return the facts of a build that took so many seconds."""
    return assembly.assemble(recorder, "pytest", made.store, seconds)


def of_build(made: Template, recorder: Recorder, facts: Facts) -> dict[str, Any]:
    """Return the causes of a build and, where it was slow, that of the difference.

    The build's trace is kept, for the next time.
    """
    from cenv.reporting import causes
    from cenv.reporting.run import Run

    run = Run(facts, list(recorder.spans))
    before = _last(run, made.store)
    kept.keep(facts, recorder.spans, made.store, recorder.memory)
    found = [cause.to_json() for cause in causes.of_run(run)[:_TOLD]]
    return {"causes": found, "slower": before and _slower(before, run)}


def _last(run: Run, store: str | None) -> Run | None:
    """Return the last build of the same request that is kept."""
    from cenv.reporting.run import Run

    for trace in kept.before(run.facts, store):
        try:
            return Run.of(trace.read())
        except (CenvError, OSError):
            continue
    return None


def _slower(before: Run, run: Run) -> dict[str, Any] | None:
    from cenv.reporting import difference

    least = max(_FACTOR * before.seconds, before.seconds + _LEAST)
    if not before.seconds or run.seconds <= least:
        return None
    found = difference.between(before, run)
    why = found.reason.text if found.reason else "nothing that was recorded tells why"
    return {"before": before.seconds, "seconds": run.seconds, "cause": why}
