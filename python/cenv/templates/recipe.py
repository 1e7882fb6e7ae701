# SPDX-License-Identifier: BSD-3-Clause
"""Recipes: what a template is asked for with, as one value that any process can follow."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cenv._arguments import listed
from cenv._digest import sha256_hex
from cenv._options import SolveOptions, TemplateKind, TemplateMarks
from cenv.config.policy import pins_of
from cenv.errors import UsageError
from cenv.model import PackageRecord, Record, plain_record
from cenv.specs.spec_texts import clean_specs
from cenv.templates.dependencies import Deps
from cenv.templates.setup import Setup
from cenv.templates.template import Template


@dataclass(frozen=True)
class Recipe:
    """Specs to solve, or records as they are; over a base, and with a set-up, if given.

    `options` are those of Index.request. With `rebuild` nothing that is there serves.
    `deps`: of what is solved for "all", what was asked for alone ("none"), or what that
    needs alone ("only"), as conda's --no-deps and --only-deps. `pkgs_dirs` are package
    caches that may spare downloads; nothing that comes of the recipe depends on them.
    """

    specs: tuple[str, ...] = ()
    channels: tuple[str | os.PathLike[str], ...] | None = None
    records: tuple[Record, ...] | None = None
    pin: str | None = None  # the template's id as a lock tells it, to find it by
    base: Template | None = None
    setup: Setup | None = None
    platform: str | None = None
    offline: bool = False
    rebuild: bool = False
    deps: Deps = "all"
    pkgs_dirs: tuple[str, ...] = ()
    options: SolveOptions = field(default_factory=lambda: SolveOptions())

    def __post_init__(self) -> None:
        object.__setattr__(self, "specs", tuple(clean_specs(self.specs)))
        if self.base is not None and not self.base.id:
            message = f"base= is no template of the store: {self.base.path}"
            hint = "build it from specs, or from a file; setup= changes it"
            raise UsageError(message, hint=hint)

    @property
    def asked(self) -> tuple[str, ...]:
        """The specs as plain texts, for what keeps and sends them."""
        return tuple(str(spec) for spec in self.specs)

    @property
    def is_solved(self) -> bool:
        """Whether the records are known without a solve."""
        return self.records is not None or (self.base is not None and not self.specs)

    @property
    def is_draft(self) -> bool:
        """Whether more than packages go into it."""
        return self.setup is not None or self.base is not None

    @property
    def transient(self) -> bool:
        """Whether the template ends with a process or a run."""
        return bool(
            (self.setup and self.setup.transient) or (self.base and self.base.transient)
        )

    def kind(self) -> TemplateKind:
        """Return which of the templates of the same packages is meant."""
        found: TemplateKind = {}
        if self.setup:
            found["key"] = self.setup.key
        if self.base:
            found["base"] = self.base.id
        return found

    def marks(self) -> TemplateMarks:
        """Return what sets the template apart from others of its packages."""
        found: TemplateMarks = self.setup.marks() if self.setup else {}
        if self.base:
            found = {**found, "base": self.base.id, "transient": self.transient}
        return found

    def solve_options(self) -> SolveOptions:
        """Return the options of the solve, which leaves the base's packages alone.

        What conda-meta/pinned of the base says holds for what is added.
        """
        if self.base is None:
            return self.options
        locked = (*self.base.records, *listed(self.options.get("locked"), "locked"))
        pinned = (*pins_of(self.base), *listed(self.options.get("pinned"), "pinned"))
        return {**self.options, "locked": locked, "pinned": pinned}

    def whole_records(self) -> list[Record]:
        """Return the base's records, and those of `records` that it lacks."""
        below = self.base.records if self.base else ()
        hashes = {record.name: record.sha256 for record in below}
        found: list[Record] = list(below)
        for given in self.records or ():
            record = plain_record(given)
            known = hashes.get(record["name"])
            if record["name"] not in hashes:
                found.append(record)
            elif record.get("sha256", known) != known:
                message = f"base= has another {record['name']} than records= asks for"
                raise UsageError(
                    message, hint="a derived template keeps the packages of its base"
                )
        return found

    def adds_nothing(self, records: Iterable[Mapping[str, Any]]) -> bool:
        """Say whether a template of `records` would be the base again."""
        if self.base is None or self.setup is not None:
            return False
        below = {record.sha256 for record in self.base.records}
        return all(record.get("sha256") in below for record in records)

    def key(self) -> str:
        """Return a text that tells this recipe from others, the same in every process."""
        asked = {
            "specs": self.specs,
            "channels": [os.fspath(channel) for channel in self.channels or ()],
            "records": [plain_record(record) for record in self.records or ()],
            "base": self.base and self.base.id,
            "setup": self.setup and self.setup.key,
            "platform": self.platform,
            "offline": self.offline,
            "deps": self.deps,
            "options": self.options,
        }
        text = json.dumps(asked, sort_keys=True, default=_plain)
        return sha256_hex(text.encode())


def _plain(value: object) -> object:
    return plain_record(value) if isinstance(value, PackageRecord) else str(value)
