# SPDX-License-Identifier: BSD-3-Clause
"""Templates and their clones: solved and linked once per machine, cloned for every use."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from cenv import _native, api, trace
from cenv.clones import overlay
from cenv.clones.view import environment_for, program_in, run_in_view
from cenv.config.paths import store_path
from cenv.errors import PrefixError, UsageError
from cenv.model import (
    CheckReport,
    CloneReport,
    PackageRecord,
    ResetReport,
    Stage,
    records_of,
)
from cenv.solving.index import Index, open_store, virtual_packages
from cenv.templates import provenance
from cenv.templates.setup import Run, Setup

if TYPE_CHECKING:
    from cenv.clones.background_removal import Removal
    from cenv.clones.spares import Spares

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
    size: int = 0  # bytes of its files; 0: unknown
    transient: bool = False
    request: dict[str, Any] | None = field(default=None, repr=False)  # see origin.py
    _spares: list[Spares] = field(default_factory=list, repr=False)
    _origin: Template | None = field(default=None, repr=False)  # of a staged one
    _again: Callable[[], Template] | None = field(default=None, repr=False)

    def run(self, *argv: AnyPath, **keywords: Any) -> subprocess.CompletedProcess[Any]:
        """Run a command in a throw-away view of the template: its writes vanish.

        Keywords are those of subprocess.run. Raises LinkError where views cannot work.
        """
        if not argv:
            raise UsageError("run() needs a command")
        return run_in_view(self, argv, **keywords)

    def clone(
        self,
        dst: AnyPath | None = None,
        *,
        mode: str | None = None,
        owner: int | None = None,
    ) -> Clone:
        """Clone to `dst`, absent or an empty directory; None: a spare, or a temporary one.

        Once the process `owner` is gone, a sweep removes the clone: this process for a
        clone without `dst`, nobody (0) for one with it, unless `owner` says otherwise.
        """
        if dst is None:
            spare = self._spares[0].take() if self._spares and mode is None else None
            if spare is not None:
                return Clone(spare.path, self, spare.mode, spare)
            owner = os.getpid() if owner is None else owner
            dst = _temporary()
        report = api.clone(
            self,
            dst,
            mode=mode or "auto",
            store=self.store,
            owner=owner or 0,
            origin=self.request,
        )
        return Clone(report.path, self, report.mode, report)

    def check(self, *, since: float = 0.0, content: bool = False) -> CheckReport:
        """Compare it with what it was when it was built: what hardlink clones wrote to it.

        By size, time, mode and owner of every file, without opening any. `since` (the
        time when the last clone of it was made) also finds a content whose time was put
        back, as long as nobody else makes or removes clones; `content` reads every file.
        """
        options = json.dumps({"since_us": int(since * 1e6), "content": content})
        opened = open_store(self.store)
        return CheckReport.from_json(
            _native.call(opened.template_check, self.path, options)
        )

    def repair(self, *, content: bool = False) -> bool:
        """Build it anew from its packages if it is altered, for the next clone to be right.

        False when there was nothing to repair. A set-up is run again; one that this
        object does not know makes the template vanish until it is next asked for. Other
        clones keep what they share with the altered one.
        """
        if not self.id:
            hint = "repair the environment, or clone it in mode copy or reflink"
            raise PrefixError(f"{self.path} is not of a store", hint=hint)
        opened = open_store(self.store)
        options = json.dumps({"content": content, "drop": self._origin is not None})
        done = _native.call(opened.template_repair, self.id, options)
        if done["action"] == "dropped":
            self._make_again()
        for spares in self._spares:
            spares.renew()
        return bool(done["action"] != "none")

    def _make_again(self) -> None:
        if self._origin:
            store = TemplateStore(self._origin.store)
            store.stage(self._origin, os.path.dirname(self.store or ""))
        elif self._again:
            self._again()

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
            from cenv.clones.spares import Spares

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
    permanent: bool = False

    def reset(self) -> ResetReport:
        """Put it back to its template's state."""
        return api.reset(self, store=self.template.store if self.template else None)

    def remove(self, *, background: bool = False) -> Removal | None:
        """Remove it; a second time is fine.

        In the `background` it is out of the way at once, and a helper process removes
        it; wait() of what is returned raises what went wrong. What is not finished when
        this process ends, the helper finishes; were it killed too, a sweep does.
        """
        store = self.template.store if self.template else None
        if self.mode == "overlay":
            overlay.remove(self.path, open_store(store))
        elif background:
            from cenv.clones import background_removal

            return background_removal.later(self.path, store)
        else:
            api.remove(self, store=store)
        return None

    def materialize(self, path: AnyPath | None = None) -> Clone:
        """Make it permanent: neither `with` nor a sweep removes it then.

        An overlay clone becomes a real directory at its path, for every process, as it
        is now; what runs in it goes on in what it had open. With another `path` this
        clone stays as it is, and a permanent clone of it is made there.
        """
        store = self.template.store if self.template else None
        if path is not None and _native.fspath(path) != self.path:
            report = api.clone(self, path, store=store)
            return Clone(report.path, self.template, report.mode, report, True)
        report = api.materialize(self, store=store)
        self.mode, self.permanent = report.mode, True
        return self

    def __enter__(self) -> Clone:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        if not self.permanent:
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
        base: Template | None = None,
        setup: Callable[[Draft], object] | Setup | None = None,
        key: object = None,
        run: Run | None = None,
        **options: Any,
    ) -> Template:
        """Return the template of a solution, built now unless the store has it.

        One template per distinct solution, built once per machine whoever asks; a
        request known from before solves nothing. With `base` it is a layer over that
        template, whose packages stay as they are and whose state, set-up included, is
        where it starts. `setup` is run once in the new template; `key` (str, bytes,
        files, or several) tells what it does: without it the template ends with this
        process, or with `run`. Other options are those of Index.request.
        """
        shaped = _Shape(Setup.of(setup, key, run), _layer(base))
        meta: dict[str, Any] = {"specs": [str(spec) for spec in specs]}
        meta.update(offline=offline, rebuild=rebuild)
        with trace.recording() as recorder:
            if records is not None or (base is not None and not meta["specs"]):
                given = shaped.over(records or ())
                found = api.complete(given, channels, store=self.path, offline=offline)
                return self._build(found, meta, shaped, recorder)
            index = Index(channels, platform, store=self.path, offline=offline)
            return self._solved(index, meta, shaped, recorder, options)

    def _solved(
        self,
        index: Index,
        meta: dict[str, Any],
        shaped: _Shape,
        recorder: trace.Recorder,
        options: dict[str, Any],
    ) -> Template:
        if shaped.base:
            locked = (*shaped.base.records, *options.pop("locked", ()))
            options = {**options, "locked": locked}
        request = _request_key(index, meta["specs"], options, shaped)
        known = None if meta["rebuild"] else self._known(request)
        if known is not None:
            return self._as_template(known, meta, recorder, shaped)
        solution = index.solve(meta["specs"], **options)
        wanted = [record.to_json() for record in solution.records]
        meta.update(index.fetching())
        template = self._build(wanted, meta, shaped, recorder)
        if not template.transient:
            urls = (template.request or {}).get("urls", {})
            known = {"id": template.id, **({"urls": urls} if urls else {})}
            self._core.request_put(request, json.dumps(known))
        return template

    def _known(self, request: str) -> dict[str, Any] | None:
        reply = self._core.request_find(request)
        if reply is None:
            return None
        known = json.loads(reply)
        found = self._core.template_find(known["id"])
        if found is None:
            return None
        urls = known.get("urls", {})
        return {**json.loads(found), "built": False, "urls": urls}

    def _build(
        self,
        records: list[dict[str, Any]],
        meta: dict[str, Any],
        shaped: _Shape,
        recorder: trace.Recorder,
    ) -> Template:
        if shaped.adds_nothing(records):
            assert shaped.base
            return replace(shaped.base, built=False, specs=tuple(meta["specs"]))
        given = json.dumps(records)
        meta = {**meta, "solved": recorder.seconds, **shaped.meta()}
        if shaped.is_draft:
            reply = self._draft(given, meta, shaped.setup)
        else:
            reply = _native.call(self._core.template_build, given, json.dumps(meta))
        urls = provenance.moved(records, reply.get("records") or ())
        found = self._as_template({**reply, "urls": urls}, meta, recorder, shaped)
        return replace(found, transient=shaped.transient)

    def _draft(self, records: str, meta: dict[str, Any], setup: Setup | None) -> Any:
        reply, draft = _native.call(self._core.draft_open, records, json.dumps(meta))
        found = json.loads(reply)
        if draft is None:
            return found
        try:
            if setup is not None:
                with trace.stage("setup"):
                    setup.call(Draft(found["path"]))
            return _native.call(draft.commit)
        finally:
            draft.discard()

    def stage(self, template: Template, directory: AnyPath) -> Template:
        """Return what to clone from into `directory`, which exists.

        On the store's own file system that is `template`; on another one a copy, made
        once in a private directory below it, which clones can link to.
        """
        if not template.id:
            return template
        where = _native.fspath(directory)
        reply = _native.call(self._core.template_stage, template.id, where)
        if not reply["staged"]:
            return template
        return replace(
            template,
            path=reply["path"],
            store=reply["store"],
            request=_request_there(template, reply["store"]),
            _origin=template,
        )

    def _as_template(
        self,
        reply: Mapping[str, Any],
        meta: dict[str, Any],
        recorder: trace.Recorder,
        shaped: _Shape | None = None,
    ) -> Template:
        def again() -> Template:
            assert shaped
            with trace.recording() as recorder:
                return self._build(list(reply["records"]), meta, shaped, recorder)

        urls = reply.get("urls") or {}
        return Template(
            path=reply["path"],
            id=reply["id"],
            records=records_of(provenance.relocated(reply.get("records") or (), urls)),
            request=provenance.of(meta.get("specs"), reply.get("specs") or (), urls),
            built=bool(reply.get("built")),
            seconds=recorder.seconds,
            stages=recorder.stages(),
            cost=float(reply.get("cost") or 0),
            size=int(reply.get("size") or 0),
            specs=tuple(meta.get("specs") or reply.get("specs") or ()),
            store=self.path,
            _again=again if shaped and shaped.is_draft else None,
        )

    def find(self, id: str) -> Template | None:  # noqa: A002
        """Return a template by its id or the unique start of one."""
        with trace.recording() as recorder:
            found = self._core.template_find(id)
            return found and self._as_template(json.loads(found), {}, recorder)

    def templates(self) -> list[dict[str, Any]]:
        """Return id, path, specs, number of records, size and times of every template."""
        found: list[dict[str, Any]] = json.loads(self._core.template_list())
        return found

    def export(
        self, file: AnyPath, ids: Iterable[str] = (), *, replace: bool = False
    ) -> dict[str, Any]:
        """Write templates (all of the store by default) into one relocatable archive.

        `ids` are ids or unique starts of them. Returns path, size, seconds and, for each
        template, id, members, bytes and what archives do not keep (skipped).
        """
        wanted = [self._whole_id(start) for start in ids] or self._lasting()
        options = json.dumps({"ids": wanted, "replace": replace})
        where = _native.fspath(file)
        found: dict[str, Any] = _native.call(self._core.template_export, where, options)
        return found

    def import_(self, file: AnyPath) -> list[dict[str, Any]]:
        """Take in the templates of an archive, relocated; return what templates() tells.

        Each with `imported`: False when it was there. Raises IntegrityError for a damaged
        archive, PrefixError when this machine lacks what its packages need. The archive
        is trusted as far as whoever wrote it.
        """
        options = json.dumps({"virtual_packages": virtual_packages()})
        where = _native.fspath(file)
        reply: dict[str, Any] = _native.call(self._core.template_import, where, options)
        found: list[dict[str, Any]] = reply["templates"]
        return found

    def _whole_id(self, start: str) -> str:
        found = self._core.template_find(start)
        if found is None:
            hint = "cenv template list shows what is there"
            raise UsageError(f"no template {start} in {self.path}", hint=hint)
        return str(json.loads(found)["id"])

    def _lasting(self) -> list[str]:
        """Return the ids of all templates but those that serve one run only."""
        return [item["id"] for item in self.templates() if not item.get("transient")]

    def remove(self, id: str) -> None:  # noqa: A002
        """Remove a template."""
        _native.call(self._core.template_remove, id, "")

    def gc(self, max_size: int = 0) -> dict[str, Any]:
        """Remove what nobody uses, the longest unused first, down to `max_size` bytes."""
        found: dict[str, Any] = _native.call(self._core.gc, max_size)
        return found

    def lease(self) -> Any:
        """Keep gc away from this store until the lease's release() is called."""
        return self._core.lease()

    @contextlib.contextmanager
    def turn(self, key: str) -> Iterator[None]:
        """Let one process of this machine at a time into the block, for each `key`.

        A turn ends with its process, however that ends. While it waits, the recorder's
        progress is told who has it, since when.
        """
        held = _native.call(self._core.turn, key)
        try:
            yield
        finally:
            held.release()

    def remember(self, key: str, value: Mapping[str, Any]) -> None:
        """Keep a small JSON object for `key`, until gc needs the room."""
        self._core.request_put(key, json.dumps(value))

    def recall(self, key: str) -> dict[str, Any] | None:
        """Return what was remembered for `key`."""
        found = self._core.request_find(key)
        return None if found is None else dict(json.loads(found))

    def give(self, clone: Clone, owner: int = 0) -> None:
        """Make a clone that a sweep may remove another process's, or nobody's (0)."""
        self._core.clone_give(_native.fspath(clone), owner)

    def home(self, directory: AnyPath, owner: int) -> None:
        """Tell that a process makes clones in `directory`; 0: no longer.

        When it was killed, a sweep removes what it had not finished there.
        """
        self._core.clones_home(_native.fspath(directory), owner)

    def sweep(self) -> list[str]:
        """Remove clones whose owner died and the scratch of killed runs; return their paths."""
        removed: Any = _native.call(self._core.sweep, "", "")["removed"]
        return [str(path) for path in removed]

    def orphans(self) -> list[dict[str, str]]:
        """Return `what` and `path` of all that a sweep would remove, and remove nothing."""
        found: list[dict[str, str]] = _native.call(self._core.orphans, "", "")
        return found


@dataclass(frozen=True)
class _Shape:
    """What makes a template more than its packages: a set-up, and a base below it."""

    setup: Setup | None
    base: Template | None

    @property
    def is_draft(self) -> bool:
        return self.setup is not None or self.base is not None

    @property
    def transient(self) -> bool:
        return bool(
            (self.setup and self.setup.transient) or (self.base and self.base.transient)
        )

    def meta(self) -> dict[str, object]:
        """Return what the core is told."""
        found: dict[str, object] = self.setup.meta() if self.setup else {}
        if self.base:
            found.update(base=self.base.id, transient=self.transient)
        return found

    def over(self, records: Iterable[api.Record]) -> list[api.Record]:
        """Return the base's records, and those of `records` that it lacks."""
        below = self.base.records if self.base else ()
        mine = {record.name: record.sha256 for record in below}
        found: list[api.Record] = list(below)
        for given in records:
            record = given.to_json() if isinstance(given, PackageRecord) else given
            if record["name"] not in mine:
                found.append(record)
            elif record.get("sha256", mine[record["name"]]) != mine[record["name"]]:
                message = f"base= has another {record['name']} than records= asks for"
                raise UsageError(message, hint="a layer keeps the packages of its base")
        return found

    def adds_nothing(self, records: Iterable[Mapping[str, Any]]) -> bool:
        """Say whether a layer would be its base again."""
        if self.base is None or self.setup is not None:
            return False
        below = {record.sha256 for record in self.base.records}
        return all(record.get("sha256") in below for record in records)


def _layer(base: Template | None) -> Template | None:
    if base is not None and not base.id:
        hint = "build it from specs, or from a file; setup= changes it"
        raise UsageError(f"base= is no template of the store: {base.path}", hint=hint)
    return base


def _request_there(template: Template, store: str) -> dict[str, Any] | None:
    """Return what clones of the copy in `store` are told: another run may have made it."""
    found = json.loads(open_store(store).template_find(template.id) or "{}")
    records = [record.to_json() for record in template.records]
    asked = (template.request or {}).get("specs", template.specs)
    urls = provenance.moved(records, found.get("records") or ())
    return provenance.of(asked, found.get("specs") or (), urls)


def _request_key(
    index: Index, specs: list[str], options: Mapping[str, Any], shaped: _Shape
) -> str:
    """Return all that the solution depends on, as text."""
    request = index.request(specs, **options)
    channels = [channel.safe_url for channel in index.channels]
    parts: list[Any] = [request, channels, index.platform, index.identity]
    if shaped.is_draft:
        parts.append(shaped.setup and shaped.setup.key)
        parts.append(shaped.base and shaped.base.id)
    return json.dumps(parts, sort_keys=True)
