# SPDX-License-Identifier: BSD-3-Clause
"""The store of templates: solved and linked once per machine, found by request."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cenv import _native, api, trace
from cenv._options import (
    BuildOptions,
    ExportOptions,
    FetchOptions,
    ImportOptions,
    Provenance,
)
from cenv.config.paths import store_path
from cenv.errors import UsageError
from cenv.model import Record, records_of
from cenv.solving.index import Index, SolveOptions, fetch_options
from cenv.solving.virtual_packages import virtual_packages
from cenv.templates import provenance
from cenv.templates.building import BuildPlan, build, mirror
from cenv.templates.environment import AnyPath, Draft
from cenv.templates.recipe import Recipe
from cenv.templates.setup import Run, Setup
from cenv.templates.template import Clone, Template

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from cenv._cenv import Lease


class TemplateStore:
    """The store of a machine (or of a project): templates by content, found by request.

    Safe to use from any number of threads and processes.
    """

    def __init__(self, path: AnyPath | None = None) -> None:
        self.path = store_path(path)
        self._store = _native.open_store(self.path)

    def template(
        self,
        specs: Iterable[object] = (),
        channels: Sequence[AnyPath] | None = None,
        *,
        platform: str | None = None,
        records: Iterable[Record] | None = None,
        offline: bool = False,
        rebuild: bool = False,
        base: Template | None = None,
        setup: Callable[[Draft], object] | Setup | None = None,
        key: object = None,
        run: Run | None = None,
        **options: Unpack[SolveOptions],
    ) -> Template:
        """Return the template of a solution, built now unless the store has it.

        One template per distinct solution, built once per machine whatever process asks;
        a request known from before solves nothing. With `base` it is derived from that
        template, whose packages stay as they are and whose state, set-up included, is
        where it starts. `setup` is run once in the new template; `key` (str, bytes,
        files, or several) tells what it does: without it the template ends with this
        process, or with `run`. Other options are those of Index.request.
        """
        recipe = Recipe(
            specs=tuple(str(spec) for spec in specs),
            channels=None if channels is None else tuple(channels),
            records=None if records is None else tuple(records),
            base=base,
            setup=Setup.of(setup, key, run),
            platform=platform,
            offline=offline,
            rebuild=rebuild,
            options=options,
        )
        return self.make(recipe)

    def make(self, recipe: Recipe) -> Template:
        """Return the template of a recipe, as template() does."""
        with trace.recording() as recorder:
            if recipe.is_solved:
                return self._of_records(recipe, recorder)
            return self._of_specs(recipe, recorder)

    def _of_records(self, recipe: Recipe, recorder: trace.Recorder) -> Template:
        fetching = fetch_options(recipe.channels, recipe.offline)
        records = api.complete(recipe.whole_records(), fetching, store=self.path)
        return self._build(recipe, self._plan(recipe, records, fetching), recorder)

    def _of_specs(self, recipe: Recipe, recorder: trace.Recorder) -> Template:
        index = Index(
            recipe.channels, recipe.platform, store=self.path, offline=recipe.offline
        )
        request = _request_key(index, recipe)
        known = None if recipe.rebuild else self._known(request)
        if known is not None:
            plan = self._plan(recipe, known.get("records") or (), index.fetching())
            return self._as_template(known, recipe.specs, recorder, plan)
        solution = index.solve(recipe.specs, **recipe.solve_options())
        records = [record.to_json() for record in solution.records]
        plan = self._plan(recipe, records, index.fetching())
        template = self._build(recipe, plan, recorder)
        if not template.transient:
            urls = (template.provenance or {}).get("urls", {})
            found = {"id": template.id, **({"urls": urls} if urls else {})}
            self._store.request_put(request, json.dumps(found))
        return template

    def _known(self, request: str) -> dict[str, Any] | None:
        reply = self._store.request_find(request)
        if reply is None:
            return None
        known = json.loads(reply)
        found = self._store.template_find(known["id"])
        if found is None:
            return None
        urls = known.get("urls", {})
        return {**json.loads(found), "built": False, "urls": urls}

    def _plan(
        self,
        recipe: Recipe,
        records: Iterable[Mapping[str, Any]],
        fetching: FetchOptions,
    ) -> BuildPlan:
        options: BuildOptions = {
            "specs": recipe.specs,
            "rebuild": recipe.rebuild,
            "solved": 0.0,
            **fetching,
            **recipe.marks(),
        }
        return BuildPlan(tuple(records), options, recipe.setup)

    def _build(
        self, recipe: Recipe, plan: BuildPlan, recorder: trace.Recorder
    ) -> Template:
        if recipe.base and recipe.adds_nothing(plan.records):
            return replace(recipe.base, built=False, specs=recipe.specs)
        options = plan.options.copy()
        options["solved"] = recorder.seconds
        timed = replace(plan, options=options)
        reply = build(self._store, timed)
        urls = provenance.moved(plan.records, reply.get("records") or ())
        reply = {**reply, "urls": urls}
        found = self._as_template(reply, recipe.specs, recorder, timed)
        return replace(found, transient=recipe.transient)

    def mirror(self, template: Template, directory: AnyPath) -> Template:
        """Return what to clone from into `directory`, which exists.

        On the store's own file system that is `template`; on another one a copy, made
        once in a private directory below it, which clones can link to.
        """
        if not template.id:
            return template
        reply = mirror(self._store, template.id, _native.fspath(directory))
        if not reply["staged"]:
            return template
        return replace(
            template,
            path=reply["path"],
            store=reply["store"],
            provenance=_provenance_there(template, reply["store"]),
            mirror_of=self.path,
        )

    def _as_template(
        self,
        reply: Mapping[str, Any],
        specs: tuple[str, ...] | None,
        recorder: trace.Recorder,
        plan: BuildPlan | None = None,
    ) -> Template:
        urls = reply.get("urls") or {}
        records = reply.get("records") or ()
        built_for = reply.get("specs") or ()
        if plan is not None:
            plan = replace(plan, records=tuple(records)) if plan.is_draft else None
        return Template(
            path=reply["path"],
            id=reply["id"],
            records=records_of(provenance.relocated(records, urls)),
            provenance=provenance.of(specs, built_for, urls),
            built=bool(reply.get("built")),
            seconds=recorder.seconds,
            stages=recorder.stages(),
            cost=float(reply.get("cost") or 0),
            size=int(reply.get("size") or 0),
            specs=tuple(specs or built_for),
            store=self.path,
            plan=plan,
        )

    def made(self, id: str, recipe: Recipe) -> Template | None:  # noqa: A002
        """Return the template `id`, which another process made of `recipe`; None: it is gone."""
        if recipe.base is not None and id == recipe.base.id:
            return replace(recipe.base, built=False, specs=recipe.specs)
        found = self.find(id)
        if found is None:
            return None
        fetching = fetch_options(recipe.channels, recipe.offline)
        records = [record.to_json() for record in found.records]
        plan = self._plan(recipe, records, fetching) if recipe.is_draft else None
        return replace(found, specs=recipe.specs, transient=recipe.transient, plan=plan)

    def find(self, id: str) -> Template | None:  # noqa: A002
        """Return a template by its id or the unique start of one."""
        with trace.recording() as recorder:
            found = self._store.template_find(id)
            if found is None:
                return None
            return self._as_template(json.loads(found), None, recorder)

    def templates(self) -> list[dict[str, Any]]:
        """Return id, path, specs, number of records, size and times of every template."""
        found: list[dict[str, Any]] = json.loads(self._store.template_list())
        return found

    def export(
        self, file: AnyPath, ids: Iterable[str] = (), *, replace: bool = False
    ) -> dict[str, Any]:
        """Write templates (all of the store by default) into one relocatable archive.

        `ids` are ids or unique starts of them. Returns path, size, seconds and, for each
        template, id, members, bytes and what archives do not keep (skipped).
        """
        wanted = [self._whole_id(start) for start in ids] or self._lasting()
        options: ExportOptions = {"ids": wanted, "replace": replace}
        found: dict[str, Any] = _native.call(
            self._store.template_export, _native.fspath(file), _native.dumps(options)
        )
        return found

    def import_(self, file: AnyPath) -> list[dict[str, Any]]:
        """Take in the templates of an archive, relocated; return what templates() tells.

        Each with `imported`: False when it was there. Raises IntegrityError for a damaged
        archive, PrefixError when this machine lacks what its packages need. Trust the
        archive as far as you trust its author.
        """
        options: ImportOptions = {"virtual_packages": virtual_packages()}
        reply: dict[str, Any] = _native.call(
            self._store.template_import, _native.fspath(file), _native.dumps(options)
        )
        found: list[dict[str, Any]] = reply["templates"]
        return found

    def _whole_id(self, start: str) -> str:
        found = self._store.template_find(start)
        if found is None:
            hint = "cenv template list shows what is there"
            raise UsageError(f"no template {start} in {self.path}", hint=hint)
        return str(json.loads(found)["id"])

    def _lasting(self) -> list[str]:
        """Return the ids of all templates but those that serve one run only."""
        return [item["id"] for item in self.templates() if not item.get("transient")]

    def remove(self, id: str) -> None:  # noqa: A002
        """Remove a template."""
        _native.call(self._store.template_remove, id)

    def gc(self, max_size: int = 0) -> dict[str, Any]:
        """Remove what nobody uses, the longest unused first, down to `max_size` bytes."""
        found: dict[str, Any] = _native.call(self._store.gc, max_size)
        return found

    def lease(self) -> Lease:
        """Keep gc away from this store until the lease's release() is called."""
        return self._store.lease()

    @contextlib.contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """Let one process of this machine at a time into the block, for each `key`.

        The lock ends with its process, however that ends. While this waits, the recorder's
        progress is told which process holds the lock, and since when.
        """
        held = _native.call(self._store.lock, key)
        try:
            yield
        finally:
            held.release()

    def remember(self, key: str, value: Mapping[str, Any]) -> None:
        """Keep a small JSON object for `key`, until gc needs the room."""
        self._store.request_put(key, json.dumps(value))

    def recall(self, key: str) -> dict[str, Any] | None:
        """Return what was remembered for `key`."""
        found = self._store.request_find(key)
        return None if found is None else dict(json.loads(found))

    def set_owner(self, clone: Clone, owner: int = 0) -> None:
        """Make a clone that a sweep may remove another process's, or nobody's (0)."""
        self._store.clone_set_owner(_native.fspath(clone), owner)

    def set_clone_dir_owner(self, directory: AnyPath, owner: int) -> None:
        """Tell that a process makes clones in `directory`; 0: no longer.

        When it was killed, a sweep removes what it had not finished there.
        """
        self._store.clone_dir_set_owner(_native.fspath(directory), owner)

    def sweep(self) -> list[str]:
        """Remove clones whose owner died and the scratch of killed runs; return their paths."""
        removed: Any = _native.call(self._store.sweep)["removed"]
        return [str(path) for path in removed]

    def orphans(self) -> list[dict[str, str]]:
        """Return `what` and `path` of all that a sweep would remove, and remove nothing."""
        found: list[dict[str, str]] = _native.call(self._store.orphans)
        return found


def _provenance_there(template: Template, store: str) -> Provenance | None:
    """Return what clones of the copy in `store` are told: another run may have made it."""
    found = json.loads(_native.open_store(store).template_find(template.id) or "{}")
    records = [record.to_json() for record in template.records]
    asked = (template.provenance or {}).get("specs", template.specs)
    urls = provenance.moved(records, found.get("records") or ())
    return provenance.of(asked, found.get("specs") or (), urls)


def _request_key(index: Index, recipe: Recipe) -> str:
    """Return all that the solution depends on, as text."""
    request = index.request(recipe.specs, **recipe.solve_options())
    channels = [channel.safe_url for channel in index.channels]
    parts: list[Any] = [request, channels, index.platform, index.identity]
    if recipe.is_draft:
        parts.append(recipe.setup and recipe.setup.key)
        parts.append(recipe.base and recipe.base.id)
    return json.dumps(parts, sort_keys=True)
