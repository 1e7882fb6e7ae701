# SPDX-License-Identifier: BSD-3-Clause
"""Environments of layers: packages of the store shown on top of each other, nothing linked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from cenv import _native, api
from cenv._options import FetchOptions, LayeredOptions, SolveRequest
from cenv.clones import activation
from cenv.clones.activation_scripts import Place
from cenv.clones.view import Shown
from cenv.config import policy
from cenv.config.config import Config
from cenv.model import plain_record
from cenv.solving.opening import Fetched
from cenv.specs.link_order import link_order
from cenv.templates.environment import Environment
from cenv.templates.making import (
    TemplateMaker,
    fetching_of,
    index_of,
    request_key,
)
from cenv.templates.recipe import Recipe
from cenv.templates.template import Template
from cenv.tracing import recorder as trace

if TYPE_CHECKING:
    from cenv._cenv import Lease, Store

# What is remembered of a request, and of which types.
_KEPT: dict[str, Any] = {
    "path": str | None,
    "prefix": str,
    "why": str | None,
    "layers": int,
}


@dataclass(frozen=True, eq=False)
class LayeredEnvironment(Environment):
    """An environment that is not linked: its packages lie in the store, each as a layer.

    What run() and popen() start sees them on top of each other at `path`, which is the same
    for all such environments of a store and empty for everybody else; what it writes there
    vanishes (Linux; LinkError where views cannot work). `made` counts the layers that
    were new, `warnings` tells files that several packages have. gc waits while it lives.
    """

    path: str
    entry: str  # what the core knows it by
    layers: int
    made: int
    warnings: tuple[str, ...]
    store: str
    lease: Lease
    solved_on: Fetched | None = None  # where nothing but repodata dates the solution

    shown_in_views: ClassVar[bool] = True

    @property
    def shown(self) -> Shown:
        """What a view of it shows."""
        return Shown(self.path, self.entry, f"{self.entry}/content", self.lease)

    def _view(self) -> str:
        return self.entry

    def _activation(self) -> activation.Files:
        return activation.read(self.shown.files)

    def _place(self) -> Place:
        origin = self.entry.rsplit("/", 1)[1]
        return Place(self.path, view=self.entry, origin=origin, store=self.store)

    def _program(self, variables: Mapping[str, str], name: str) -> str:
        return name  # only a view of it has what lies on its PATH


class LayeredMaker:
    """Makes environments of layers in one store, or templates where layers do not serve."""

    def __init__(self, path: str, store: Store, templates: TemplateMaker) -> None:
        self._path = path
        self._store = store
        self._templates = templates

    def make(self, recipe: Recipe) -> LayeredEnvironment | Template:
        """Return the environment of a recipe, made of what is there, else made now."""
        if recipe.is_draft:
            return self._template(recipe, "more than packages goes into it")
        config = policy.load_for_operation()
        lease = self._store.lease()
        with trace.recording():
            reply = self._reply(recipe, config)
        if reply["path"] is None:
            lease.release()
            return self._template(recipe, reply["why"])
        return LayeredEnvironment(
            path=reply["prefix"],
            entry=reply["path"],
            layers=reply["layers"],
            made=reply["made"],
            warnings=tuple(reply["warnings"]),
            store=self._path,
            lease=lease,
            solved_on=reply.get("solved_on"),
        )

    def _template(self, recipe: Recipe, why: str) -> Template:
        made = self._templates.make(recipe)
        trace.active().notes.append(f"a template is shown, not layers: {why}")
        return made

    def _reply(self, recipe: Recipe, config: Config) -> dict[str, Any]:
        if recipe.is_solved:
            return self._of_records(recipe, config)
        return self._of_specs(recipe, config)

    def _of_records(self, recipe: Recipe, config: Config) -> dict[str, Any]:
        wanted = [plain_record(record) for record in recipe.records or ()]
        policy.check_records(wanted, config)
        request = f"layers of packages {recipe.key()}"
        known = self._known(request)
        if known is not None:
            return known
        fetching = fetching_of(recipe)
        records = link_order(api.complete(wanted, fetching, store=self._path))
        return self._open(request, records, recipe, fetching)

    def _of_specs(self, recipe: Recipe, config: Config) -> dict[str, Any]:
        index = index_of(recipe, self._path, config)
        request = f"layers of {request_key(index, recipe)}"
        reply = None if config.disallowed_packages else self._known(request)
        if reply is None:
            solution = index.solve(recipe.asked, **recipe.solve_options())
            records = [record.raw for record in solution.records]
            reply = self._open(request, records, recipe, index.fetching())
        asked = index.request(recipe.asked, **recipe.solve_options())
        solved_on = None if _is_dated(asked) else index.fetched(asked)
        return {**reply, "solved_on": solved_on}

    def _known(self, request: str) -> dict[str, Any] | None:
        """Return what a request led to, if that is there as a whole."""
        found = self._store.request_find(request)
        told: dict[str, Any] = json.loads(found) if found else {}
        if told.keys() != _KEPT.keys():
            return None
        if not all(isinstance(told[key], kind) for key, kind in _KEPT.items()):
            return None
        path = told["path"]
        if path is not None and not _native.call(self._store.layered_find, path):
            return None
        return {**told, "made": 0, "warnings": ()}

    def _open(
        self,
        request: str,
        records: Iterable[Mapping[str, Any]],
        recipe: Recipe,
        fetching: FetchOptions,
    ) -> dict[str, Any]:
        options: LayeredOptions = {
            "specs": recipe.asked,
            "only_there": False,
            **fetching,
        }
        given = json.dumps(list(records)), _native.dumps(options)
        reply: dict[str, Any] = _native.call(self._store.layered_open, *given)
        kept = {key: reply[key] for key in _KEPT}
        self._store.request_put(request, json.dumps(kept))
        return reply


def _is_dated(request: SolveRequest) -> bool:
    """Say whether packages are left out by their age, which changes from day to day."""
    cutoffs = (
        request["exclude_newer"],
        *request["exclude_newer_package"].values(),
        *request["exclude_newer_channel"].values(),
    )
    return any(cutoff is not None for cutoff in cutoffs)
