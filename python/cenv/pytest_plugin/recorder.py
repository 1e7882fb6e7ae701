# SPDX-License-Identifier: BSD-3-Clause
"""What one pytest process does with environments, noted once, as plain data for the reports."""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from cenv.clones import activation_scripts
from cenv.pytest_plugin.format import current_test
from cenv.templates.template import Clone, Template
from cenv.tracing import recorder as trace

# What a report says of a package: a record's whole raw JSON would be too much to send around.
_RECORD = "name version build build_number subdir channel fn sha256 size".split()


_NO_BUILD: dict[str, Any] = {"causes": [], "slower": None}


@dataclass
class Timed:
    """How long something took, and what was recorded of it, known when it is over."""

    start: float
    seconds: float = 0.0
    recorder: trace.Recorder = field(default_factory=trace.Recorder)


class Live(Protocol):
    """What shows that a template is being made, while it is."""

    def making(self, what: str) -> contextlib.AbstractContextManager[trace.Progress]:
        """Return a context that gives what is to be told of each stage."""


class Recorder:
    """Notes templates, clones, and what went another way; `live` shows progress.

    One for each process, made with its EnvSession: a process that uses no fixture notes
    nothing. `traced` keeps every span, for a trace of the run.
    """

    def __init__(self, live: Live | None = None, *, traced: bool = False) -> None:
        self._live = live
        self._traced = traced
        self._templates: list[dict[str, Any]] = []
        self._clones: list[dict[str, Any]] = []
        self._mirrors: list[dict[str, Any]] = []
        self._passed: list[dict[str, str]] = []
        self._empty = 0
        self._findings: list[str] = []
        self._left: list[str] = []
        self._remote_troubles: list[str] = []
        self._spans: list[dict[str, Any]] = []
        self._facts: list[Any] = []

    @contextlib.contextmanager
    def timing(self, what: str | None = None) -> Iterator[Timed]:
        """Time the block; what is made in it is shown as the template `what`, if given."""
        shown: contextlib.AbstractContextManager[trace.Progress | None]
        shown = contextlib.nullcontext()
        if what is not None and self._live is not None:
            shown = self._live.making(what)
        timed = Timed(time.perf_counter())
        with shown as progress, trace.recording(progress) as recorder:
            yield timed
        timed.seconds = time.perf_counter() - timed.start
        timed.recorder = recorder

    def template(self, made: Template, timed: Timed) -> None:
        """Note a template, and the time its user waited for it."""
        why = self._why(made, timed) if made.built else _NO_BUILD
        self._templates.append(_template(made, timed.seconds) | why)
        self._keep(timed, "template", " ".join(made.specs) or made.path)

    def _why(self, made: Template, timed: Timed) -> dict[str, Any]:
        """Return what a build took its time for; that it cannot be told fails no test."""
        from cenv.pytest_plugin import slowness

        try:
            facts = slowness.facts_of(made, timed.recorder, timed.seconds)
            self._facts += [facts] if self._traced else []
            return slowness.of_build(made, timed.recorder, facts)
        except Exception as error:
            text = f"what took the time cannot be told: {error!r}"
            unknown = {"kind": "unknown", "subject": "", "text": text, "seconds": 0.0}
            return {**_NO_BUILD, "causes": [unknown]}

    def clone(self, made: Clone, timed: Timed, origin: str = "made") -> None:
        """Note a clone, and the time its user waited for it; `origin`: made, recycled, spare."""
        note = _clone(made, timed.seconds, origin)
        self._clones.append(note)
        self._keep(timed, "clone", note["test"])

    def mirror(
        self, template: Template, *, kept: bool = False, refused: str = ""
    ) -> None:
        """Note a copy beside the clones, `kept` after the run; or why there is none."""
        path = "" if refused else template.store
        size = {"template": template.id, "path": path, "bytes": template.size}
        self._mirrors.append({**size, "kept": kept, "refused": refused})

    def passed_through(self, reason: str, request: str = "") -> None:
        """Note a request that went to the original fixture, and why."""
        note = {"test": current_test(), "request": request, "reason": reason}
        self._passed.append(note)

    def empty(self) -> None:
        """Count an environment without packages, of which there is no template."""
        self._empty += 1

    def finding(self, text: str) -> None:
        """Note what the user must hear of: a template that a test altered."""
        self._findings.append(text)

    def left(self, text: str) -> None:
        """Note what could not be removed, and why."""
        self._left.append(text)

    def remote_trouble(self, text: str) -> None:
        """Note what the remote did not give or take, and what came of it."""
        self._remote_troubles.append(text)

    def of_test(self, test: str) -> list[tuple[str, object]]:
        """Return the properties of a test's report: how many clones, and their time."""
        mine = [note["seconds"] for note in self._clones if note["test"] == test]
        if not mine:
            return []
        return [("cenv_clones", len(mine)), ("cenv_clone_ms", _ms(sum(mine)))]

    def environments(self, test: str, paths: list[str]) -> list[dict[str, Any]]:
        """Return what a test's clones are, those at `paths` too: each kind, and how many."""
        kinds: Counter[tuple[str, str, int]] = Counter(
            (note["template"], note["mode"], len(note["prefix"]))
            for note in self._clones
            if note["test"] == test or note["prefix"] in paths
        )
        keys = ("template", "mode", "path_length")
        return [dict(zip(keys, kind)) | {"clones": n} for kind, n in kinds.items()]

    def data(self) -> dict[str, Any]:
        """Return all of it, of plain values that travel between processes."""
        return {
            "pid": os.getpid(),
            "templates": self._templates,
            "clones": self._clones,
            "mirrors": self._mirrors,
            "passed_through": self._passed,
            "empty": self._empty,
            "findings": self._findings,
            "left": self._left,
            "remote_troubles": self._remote_troubles,
            "activations": dict(activation_scripts.varying),
            "spans": self._spans,
            "facts": self._facts,
        }

    def _keep(self, timed: Timed, kind: str, what: str) -> None:
        if self._traced:
            stop = timed.start + timed.seconds
            whole = {"kind": kind, "what": what, "start": timed.start, "end": stop}
            self._spans += [{**whole, "thread": 0}, *timed.recorder.spans]


def _template(made: Template, seconds: float) -> dict[str, Any]:
    return {
        "id": made.id,
        "prefix": made.path,
        "specs": list(made.specs),
        "records": [_record(record) for record in made.records],
        "built": made.built,
        "seconds": seconds,
        "cost": made.cost,
        "stages": [stage.to_json() for stage in made.stages],
        "pulled": None if made.pulled is None else asdict(made.pulled),
    }


def _record(record: Any) -> dict[str, Any]:
    return {key: getattr(record, key) for key in _RECORD}


def _clone(made: Clone, seconds: float, origin: str) -> dict[str, Any]:
    report, template = made.report, made.template
    return {
        "template": (template.id or template.path) if template else "",
        "prefix": made.path,
        "test": current_test(),
        "mode": made.mode,
        "seconds": seconds,
        "origin": origin,
        "files": report.files if report else 0,
        "bytes_copied": report.bytes_copied if report else 0,
        "bytes_shared": report.bytes_shared if report else 0,
        "fallbacks": dict(report.fallbacks) if report else {},
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1e3, 3)
