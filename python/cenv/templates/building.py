# SPDX-License-Identifier: BSD-3-Clause
"""Building templates: a plan goes to the core, a set-up runs in the draft it gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cenv import _native
from cenv._options import BuildOptions, FetchOptions, TemplateMarks
from cenv.model import PackageRecord
from cenv.solving.index import fetch_options
from cenv.templates.environment import Draft
from cenv.templates.setup import Setup
from cenv.tracing import recorder as trace

if TYPE_CHECKING:
    from cenv._cenv import Store


@dataclass(frozen=True)
class BuildPlan:
    """All that a template is built from: the same plan gives the same template again.

    `options` are those that the core takes: the specs, how packages are fetched, and what
    sets the template apart from others of the same packages.
    """

    records: tuple[Mapping[str, Any], ...]
    options: BuildOptions
    setup: Setup | None = None
    ensure_base: Callable[[], None] | None = None  # has the template below be there

    @property
    def fetching(self) -> FetchOptions:
        """Return how packages are fetched."""
        return {
            "offline": self.options["offline"],
            "network": self.options["network"],
            "secrets": self.options["secrets"],
            "pkgs_dirs": self.options["pkgs_dirs"],
        }

    @property
    def is_draft(self) -> bool:
        """Whether more than packages go into it: a set-up, or a template below."""
        return self.setup is not None or "base" in self.options


def build(store: Store, plan: BuildPlan) -> dict[str, Any]:
    """Build a template in the core's `store` unless it is there; return what it tells."""
    if plan.ensure_base is not None:
        plan.ensure_base()
    given = json.dumps(plan.records), _native.dumps(plan.options)
    if plan.is_draft:
        return _build_draft(store, given, plan.setup)
    reply: dict[str, Any] = _native.call(store.template_build, *given)
    return reply


def plan_of(records: Iterable[PackageRecord], specs: tuple[str, ...]) -> BuildPlan:
    """Return how packages alone are built into a template, from where they came."""
    marks: TemplateMarks = {}
    options: BuildOptions = {
        "specs": specs,
        "rebuild": False,
        "solved": 0.0,
        **fetch_options(None, offline=False),
        **marks,
    }
    return BuildPlan(tuple(record.to_json() for record in records), options)


def _build_draft(
    store: Store, given: tuple[str, str], setup: Setup | None
) -> dict[str, Any]:
    reply, draft = _native.call(store.draft_open, *given)
    found: dict[str, Any] = json.loads(reply)
    if draft is None:  # it is there
        return found
    try:
        if setup is not None:
            with trace.stage("setup"):
                setup.call(Draft(found["prefix"]))
        found = _native.call(draft.commit)
    finally:
        draft.discard()
    return found


def mirror(store: Store, template: str, directory: str, owner: int) -> dict[str, Any]:
    """Bring a template, by its id, onto the file system of `directory`; tell where it is.

    A new copy ends with the process `owner`; 0: it stays.
    """
    copy = store.template_mirror
    reply: dict[str, Any] = _native.call(copy, template, directory, owner)
    return reply
