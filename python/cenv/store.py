# SPDX-License-Identifier: BSD-3-Clause
"""Templates and their clones: solved and linked once per machine, cloned for every use."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from cenv import api, core, trace
from cenv.errors import UsageError
from cenv.model import CloneReport, PackageRecord, ResetReport, Stage, records_of
from cenv.paths import store_path
from cenv.setup import Setup
from cenv.solving import Index, open_store
from cenv.view import environment_for, program_in, run_in_view

if TYPE_CHECKING:
    from cenv.spares import Spares

AnyPath = str | os.PathLike[str]


class _AtPath:
    """A directory: str() and fspath() give its path, `/` a pathlib.Path."""

    path: str

    def __str__(self) -> str:
        return self.path

    def __fspath__(self) -> str:
        return self.path

    def __truediv__(self, other: str) -> Path:
        return Path(self.path) / other

    def run(self, *argv: AnyPath, **keywords: Any) -> subprocess.CompletedProcess[Any]:
        """Run a command with this environment's bin first on PATH and CONDA_PREFIX set.

        Keywords are those of subprocess.run.
        """
        if not argv:
            raise UsageError("run() needs a command")
        variables = environment_for(self.path, keywords.pop("env", None))
        program = program_in(variables, os.fspath(argv[0]))
        command = [program, *argv[1:]]
        return subprocess.run(command, env=variables, **keywords)


@dataclass(frozen=True, eq=False)
class Template(_AtPath):
    """A linked environment of the store, addressed by its content; never changed."""

    path: str
    id: str
    records: tuple[PackageRecord, ...] = ()
    built: bool = False
    seconds: float = 0.0
    stages: tuple[Stage, ...] = ()
    specs: tuple[str, ...] = ()
    store: str | None = None
    cost: float = 0.0  # seconds its solve and build took when it was made; 0: unknown
    _spares: list[Spares] = field(default_factory=list, repr=False)

    def run(self, *argv: AnyPath, **keywords: Any) -> subprocess.CompletedProcess[Any]:
        """Run a command in a throw-away view of the template: its writes vanish.

        Keywords are those of subprocess.run. Raises LinkError where views cannot work.
        """
        if not argv:
            raise UsageError("run() needs a command")
        return run_in_view(self, argv, **keywords)

    def clone(self, dst: AnyPath | None = None, *, mode: str | None = None) -> Clone:
        """Clone to `dst`, absent or an empty directory; None: a spare, or a temporary one."""
        if dst is None:
            spare = self._spares[0].take() if self._spares and mode is None else None
            if spare is not None:
                return Clone(spare.path, self, spare.mode, spare)
            dst = _temporary()
        report = api.clone(
            self, dst, mode=mode or "auto", store=self.store, owner=os.getpid()
        )
        return Clone(report.path, self, report.mode, report)

    def spares(
        self,
        count: int,
        *,
        new_path: Callable[[], str] | None = None,
        mode: str | None = None,
    ) -> None:
        """Keep `count` clones ready for clone() without a path; 0 ends it.

        They are made by a helper process that ends with this one. `new_path` gives each
        its path; without it they are temporary directories.
        """
        if self._spares:
            self._spares.pop().close()
        if count > 0:
            from cenv.spares import Spares

            self._spares.append(Spares(self, count, new_path or _temporary, mode))


def _temporary() -> str:
    import tempfile

    return tempfile.mkdtemp(prefix="cenv-")


@dataclass(eq=False)
class Clone(_AtPath):
    """A clone at a prefix of its own; `with` removes it on exit. Not for two threads at once."""

    path: str
    template: Template | None = None
    mode: str = "auto"
    report: CloneReport | None = field(default=None, repr=False)

    def reset(self) -> ResetReport:
        """Put it back to its template's state."""
        return api.reset(self, store=self.template.store if self.template else None)

    def remove(self) -> None:
        """Remove it; a second time is fine."""
        api.remove(self)

    def __enter__(self) -> Clone:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.remove()


@dataclass(frozen=True, eq=False)
class Draft(_AtPath):
    """A template in the making, as `setup=` gets it: what run() writes stays."""

    path: str


class TemplateStore:
    """The store of a machine (or of a project): templates by content, found by request.

    Safe to use from any number of threads and processes.
    """

    def __init__(self, path: AnyPath | None = None) -> None:
        self.path = store_path(path)
        self._core = open_store(self.path)

    def template(
        self,
        specs: Iterable[object] = (),
        channels: Sequence[AnyPath] | None = None,
        *,
        platform: str | None = None,
        records: Iterable[api.Record] | None = None,
        offline: bool = False,
        rebuild: bool = False,
        setup: Callable[[Draft], object] | None = None,
        key: object = None,
        **options: Any,
    ) -> Template:
        """Return the template of a solution, built now unless the store has it.

        One template per distinct solution, built once per machine whoever asks; a
        request known from before solves nothing. `setup` is run once in the new
        template; `key` (str, bytes, files, or several) tells what it does: without it
        the template ends with this process. Other options are those of Index.request.
        """
        asked = [str(spec) for spec in specs]
        shaped = Setup.of(setup, key)
        with trace.recording() as recorder:
            if records is not None:
                found = api.complete(
                    records, channels, store=self.path, offline=offline
                )
                meta = {"specs": asked, "offline": offline, "rebuild": rebuild}
                return self._build(found, meta, shaped, recorder)
            index = Index(channels, platform, store=self.path, offline=offline)
            request = _request_key(index, asked, options, shaped)
            known = None if rebuild else self._known(request)
            if known is not None:
                return self._as_template(known, asked, recorder)
            solution = index.solve(asked, **options)
            wanted = [record.to_json() for record in solution.records]
            meta = {"specs": asked, "offline": offline, "rebuild": rebuild}
            meta["secrets"] = index.secrets()
            template = self._build(wanted, meta, shaped, recorder)
            if not (shaped and shaped.transient):
                self._core.request_put(request, json.dumps({"id": template.id}))
        return template

    def _known(self, request: str) -> dict[str, Any] | None:
        reply = self._core.request_find(request)
        if reply is None:
            return None
        found = self._core.template_find(json.loads(reply)["id"])
        return None if found is None else {**json.loads(found), "built": False}

    def _build(
        self,
        records: list[dict[str, Any]],
        meta: dict[str, Any],
        setup: Setup | None,
        recorder: trace.Recorder,
    ) -> Template:
        given = json.dumps(records)
        meta = {**meta, "solved": recorder.seconds}
        if setup is None:
            reply = core.call(self._core.template_build, given, json.dumps(meta))
        else:
            reply = self._draft(given, {**meta, **setup.meta()}, setup)
        return self._as_template(reply, meta["specs"], recorder)

    def _draft(self, records: str, meta: dict[str, Any], setup: Setup) -> Any:
        reply, draft = core.call(self._core.draft_open, records, json.dumps(meta))
        found = json.loads(reply)
        if draft is None:
            return found
        try:
            setup.call(Draft(found["path"]))
            return core.call(draft.commit)
        finally:
            draft.discard()

    def stage(self, template: Template, directory: AnyPath) -> Template:
        """Return what to clone from into `directory`, which exists.

        On the store's own file system that is `template`; on another one a copy, made
        once in a private directory below it, which clones can link to.
        """
        if not template.id:
            return template
        where = core.fspath(directory)
        reply = core.call(self._core.template_stage, template.id, where)
        if not reply["staged"]:
            return template
        return replace(template, path=reply["path"], store=reply["store"])

    def _as_template(
        self, reply: Mapping[str, Any], specs: Sequence[str], recorder: trace.Recorder
    ) -> Template:
        return Template(
            path=reply["path"],
            id=reply["id"],
            records=records_of(reply.get("records") or ()),
            built=bool(reply.get("built")),
            seconds=recorder.seconds,
            stages=recorder.stages(),
            cost=float(reply.get("cost") or 0),
            specs=tuple(specs or reply.get("specs") or ()),
            store=self.path,
        )

    def find(self, id: str) -> Template | None:  # noqa: A002
        """Return a template by its id or the unique start of one."""
        with trace.recording() as recorder:
            found = self._core.template_find(id)
            return found and self._as_template(json.loads(found), (), recorder)

    def templates(self) -> list[dict[str, Any]]:
        """Return id, path, specs, number of records, size and times of every template."""
        found: list[dict[str, Any]] = json.loads(self._core.template_list())
        return found

    def remove(self, id: str) -> None:  # noqa: A002
        """Remove a template."""
        core.call(self._core.template_remove, id, "")

    def gc(self, max_size: int = 0) -> dict[str, Any]:
        """Remove what nobody uses, the longest unused first, down to `max_size` bytes."""
        found: dict[str, Any] = core.call(self._core.gc, max_size)
        return found

    def lease(self) -> Any:
        """Keep gc away from this store until the lease's release() is called."""
        return self._core.lease()

    def sweep(self) -> list[str]:
        """Remove clones whose owner died and the scratch of killed runs; return their paths."""
        removed: Any = core.call(self._core.sweep, "", "")["removed"]
        return [str(path) for path in removed]


def _request_key(
    index: Index, specs: list[str], options: Mapping[str, Any], setup: Setup | None
) -> str:
    """Return all that the solution depends on, as text."""
    request = index.request(specs, **options)
    channels = [channel.safe_url for channel in index.channels]
    parts = [request, channels, index.platform, index.identity]
    if setup:
        parts.append(setup.key)
    return json.dumps(parts, sort_keys=True)
