# SPDX-License-Identifier: BSD-3-Clause
"""Making templates of recipes: what is known is found, the rest is solved and built."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cenv import _native, api
from cenv._options import BuildOptions, FetchOptions, Provenance
from cenv.config import policy
from cenv.config.config import Config
from cenv.model import plain_record, records_of
from cenv.solving.index import Index, fetch_options
from cenv.specs.link_order import link_order
from cenv.templates import dependencies, provenance
from cenv.templates.building import BuildPlan, build
from cenv.templates.recipe import Recipe
from cenv.templates.remote import Pulled, Remote
from cenv.templates.sharing import Check, Sharing
from cenv.templates.template import Template
from cenv.tracing import recorder as trace

if TYPE_CHECKING:
    from cenv._cenv import Store


class TemplateMaker:
    """Makes the Template values of one store."""

    def __init__(self, path: str, store: Store, remote: Remote | None = None) -> None:
        self.path = path
        self._store = store
        self._sharing = Sharing(store, remote)

    def make(self, recipe: Recipe) -> Template:
        """Return the template of a recipe: the one that is there, else a new one."""
        config = policy.load_for_operation()
        with trace.recording() as recorder:
            if recipe.is_solved:
                made = self._of_records(recipe, recorder, config)
            else:
                made = self._of_specs(recipe, recorder, config)
            _note(recorder, recipe, made)
        return made

    def _of_records(
        self, recipe: Recipe, recorder: trace.Recorder, config: Config
    ) -> Template:
        fetching = fetching_of(recipe)
        wanted = [plain_record(record) for record in recipe.whole_records()]
        policy.check_records(wanted, config)
        known = None if recipe.rebuild else self._of_packages(recipe, wanted)
        if known is None:
            known = self._pulled_by_pin(recipe, wanted, fetching)
        if known is None:
            known = self._pulled(f"packages {recipe.key()}", recipe, fetching)
        if known is not None:
            plan = _plan(recipe, wanted, fetching)
            found = self._as_template(known, recipe.asked, recorder, plan)
            return replace(found, transient=recipe.transient)
        below = len(recipe.base.records) if recipe.base else 0
        more = api.complete(wanted[below:], fetching, store=self.path)
        records = link_order([*wanted[:below], *more])
        plan = _plan(recipe, records, fetching)
        return self._build(recipe, plan, recorder, f"packages {recipe.key()}")

    def _of_packages(
        self, recipe: Recipe, wanted: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any] | None:
        """Return what is told of the template of a list of packages, if it is there.

        A list tells hashes and URLs, which is enough to know it by: an archive brings a
        template without its packages.
        """
        request = f"packages {recipe.key()}"
        found = self._known(request)
        if found is None:
            listed, kind = json.dumps(wanted), _native.dumps(recipe.kind())
            found = _native.call(self._store.template_find_packages, listed, kind)
            if found is None:
                return None
            self._store.request_put(request, json.dumps({"id": found["id"]}))
        urls = {record["name"]: record.get("url") for record in wanted}
        built = found["records"]
        here = [{**record, "url": urls.get(record["name"])} for record in built]
        return {**found, "built": False, "urls": provenance.moved(here, built)}

    def _pulled_by_pin(
        self,
        recipe: Recipe,
        wanted: Sequence[Mapping[str, Any]],
        fetching: FetchOptions,
    ) -> dict[str, Any] | None:
        """Return the template whose id a lock tells, once it is here and of its packages."""
        if recipe.pin is None or recipe.rebuild or recipe.is_draft:
            return None
        pulled = self._sharing.of_id(recipe.pin, fetching, wanted)
        found = self._of_packages(recipe, wanted) if pulled else None
        return None if found is None else {**found, "pulled": pulled}

    def _of_specs(
        self, recipe: Recipe, recorder: trace.Recorder, config: Config
    ) -> Template:
        index = index_of(recipe, self.path, config)
        request = request_key(index, recipe)
        known = None if recipe.rebuild else self._known(request)
        fetching = index.fetching(recipe.pkgs_dirs)
        if known is None:
            known = self._pulled(request, recipe, fetching, index.check)
        if known is not None:
            index.check(known.get("records") or ())
            plan = _plan(recipe, known.get("records") or (), fetching)
            return self._as_template(known, recipe.asked, recorder, plan)
        solution = index.solve(recipe.asked, **recipe.solve_options())
        kept = dependencies.kept(solution.records, recipe.asked, recipe.deps)
        records = [record.to_json() for record in kept]
        plan = _plan(recipe, records, fetching)
        template = self._build(recipe, plan, recorder, request)
        if not template.transient:
            self._store.request_put(request, json.dumps(_to_remember(template, recipe)))
        return template

    def _pulled(
        self,
        request: str,
        recipe: Recipe,
        fetching: FetchOptions,
        check: Check | None = None,
    ) -> dict[str, Any] | None:
        """Return what a request led to on another machine, which is here then."""
        if recipe.rebuild or recipe.transient:
            return None
        asked = recipe.asked if recipe.deps != "only" else ()
        pulled = self._sharing.of_request(request, fetching, asked, check)
        if pulled is None:
            return None
        self._store.request_put(request, json.dumps({"id": pulled.id}))
        found = self._known(request)
        return None if found is None else {**found, "pulled": pulled}

    def _known(self, request: str) -> dict[str, Any] | None:
        reply = self._store.request_find(request)
        if reply is None:
            return None
        known = _remembered(json.loads(reply))
        found = self._store.template_find(known["id"]) if known else None
        if known is None or found is None:
            return None
        return {**json.loads(found), "built": False, "urls": known["urls"]}

    def _build(
        self, recipe: Recipe, plan: BuildPlan, recorder: trace.Recorder, request: str
    ) -> Template:
        if recipe.base and recipe.adds_nothing(plan.records):
            return replace(recipe.base, built=False, specs=recipe.asked)
        options = plan.options.copy()
        options["solved"] = recorder.seconds
        timed = replace(plan, options=options)
        pulled = self._pull_id(recipe, timed)
        reply = {**build(self._store, timed), "pulled": pulled}
        if not recipe.transient:
            self._sharing.built(reply["id"], plan.fetching, request)
        urls = provenance.moved(plan.records, reply.get("records") or ())
        reply = {**reply, "urls": urls}
        found = self._as_template(reply, recipe.asked, recorder, timed)
        return replace(found, transient=recipe.transient)

    def _pull_id(self, recipe: Recipe, plan: BuildPlan) -> Pulled | None:
        """Pull the template that is about to be built, unless it is here."""
        if recipe.rebuild or recipe.transient or self._sharing.remote is None:
            return None
        given = json.dumps(plan.records), _native.dumps(recipe.kind())
        id_ = _native.call(self._store.template_id, *given)
        if id_ is None or self._store.template_find(id_) is not None:
            return None
        return self._sharing.of_id(id_, plan.fetching, plan.records)

    def find(self, id: str) -> Template | None:  # noqa: A002
        """Return a template by its id or the unique start of one."""
        with trace.recording() as recorder:
            found = self._store.template_find(id)
            if found is None:
                return None
            return self._as_template(json.loads(found), None, recorder)

    def made(self, id: str, recipe: Recipe) -> Template | None:  # noqa: A002
        """Return the template `id`, which another process made of `recipe`; None: it is gone."""
        if recipe.base is not None and id == recipe.base.id:
            return replace(recipe.base, built=False, specs=recipe.asked)
        found = self.find(id)
        if found is None:
            return None
        fetching = fetching_of(recipe)
        records = [record.to_json() for record in found.records]
        plan = _plan(recipe, records, fetching)
        return replace(found, specs=recipe.asked, transient=recipe.transient, plan=plan)

    def mirrored(
        self, template: Template, reply: Mapping[str, Any], owner: int
    ) -> Template:
        """Return the copy of `template` on another file system that the core tells of."""
        return replace(
            template,
            path=reply["prefix"],
            store=reply["store"],
            provenance=_provenance_there(template, reply["store"]),
            mirror_of=self.path,
            mirror_owner=owner,
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
            options = plan.options.copy()
            options["rebuild"] = False
            plan = replace(plan, records=tuple(records), options=options)
        return Template(
            path=reply["prefix"],
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
            pulled=reply.get("pulled"),
        )


def _note(recorder: trace.Recorder, recipe: Recipe, made: Template) -> None:
    """Tell the trace what was asked for, what is in it, and why it had to be built."""
    recorder.records = [record.to_json() for record in made.records]
    request = recorder.facts.setdefault("request", {})
    request.setdefault("specs", list(made.specs))
    request["prefix"] = made.path
    more = [recipe.kind(), recipe.deps, recipe.key() if recipe.is_solved else ""]
    if more != [{}, "all", ""]:  # not in words: a set-up's key is the user's
        options = request.get("options", {})
        request["options"] = {**options, "template": trace.sum_of(more)}
    missed = "a rebuild was asked for" if recipe.rebuild else _WHY_BUILT
    told = "" if not made.built else missed
    recorder.facts["caches"] = {"template": {"hit": not made.built, "reason": told}}


_WHY_BUILT = "none of this request, with the repodata there is now, is in the store"


def fetching_of(recipe: Recipe) -> FetchOptions:
    return fetch_options(recipe.channels, recipe.offline, recipe.pkgs_dirs)


def index_of(recipe: Recipe, store: str, config: Config) -> Index:
    return Index(
        recipe.channels,
        recipe.platform,
        store=store,
        offline=recipe.offline,
        config=config,
        specs=recipe.specs,
    )


def _to_remember(template: Template, recipe: Recipe) -> dict[str, Any]:
    """Return what a request led to."""
    urls = (template.provenance or {}).get("urls", {})
    label = " ".join(recipe.specs)
    return {"id": template.id, "label": label, **({"urls": urls} if urls else {})}


def _plan(
    recipe: Recipe,
    records: Iterable[Mapping[str, Any]],
    fetching: FetchOptions,
) -> BuildPlan:
    options: BuildOptions = {
        "specs": recipe.asked,
        "rebuild": recipe.rebuild,
        "solved": 0.0,
        **fetching,
        **recipe.marks(),
    }
    base = recipe.base
    ensure_base = base.ensure if base is not None and base.plan is not None else None
    return BuildPlan(tuple(records), options, recipe.setup, ensure_base)


def _remembered(reply: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a request led to; None where the store's file says something else."""
    id_, urls = reply.get("id"), reply.get("urls") or {}
    if not isinstance(id_, str) or not isinstance(urls, dict):
        return None
    if not all(isinstance(url, str) for url in urls.values()):
        return None
    return {"id": id_, "urls": urls}


def _provenance_there(template: Template, store: str) -> Provenance | None:
    """Return what clones of the copy in `store` are told: another run may have made it."""
    found = json.loads(_native.open_store(store).template_find(template.id) or "{}")
    records = [record.to_json() for record in template.records]
    asked = (template.provenance or {}).get("specs", template.specs)
    urls = provenance.moved(records, found.get("records") or ())
    return provenance.of(asked, found.get("specs") or (), urls)


def request_key(index: Index, recipe: Recipe) -> str:
    """Return all that the solution depends on, as text."""
    request = index.request(recipe.asked, **recipe.solve_options())
    channels = [channel.safe_url for channel in index.channels]
    parts: list[Any] = [request, channels, index.platform, index.identity]
    if recipe.is_draft:
        parts.append(recipe.setup and recipe.setup.key)
        parts.append(recipe.base and recipe.base.id)
    if recipe.deps != "all":
        parts.append(recipe.deps)
    return json.dumps(parts, sort_keys=True)
