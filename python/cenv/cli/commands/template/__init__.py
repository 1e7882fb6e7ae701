# SPDX-License-Identifier: BSD-3-Clause
"""The store of templates: a module an action."""

from __future__ import annotations

import argparse

from cenv.errors import UsageError
from cenv.templates.store import TemplateStore
from cenv.templates.template import Template

ACTIONS = {
    "list": "what is there",
    "build": "solve and link one",
    "path": "where one lies",
    "check": "compare one with what was built; exit 1 if a clone altered it",
    "export": "write templates into one archive",
    "import": "take in those of an archive",
    "push": "push some to a remote, where other machines find them",
    "pull": "pull some from a remote",
    "remove": "remove one",
    "gc": "remove all that nobody uses, orphans too",
    "sweep": "remove orphans: clones whose owner died, what killed runs left",
}


def add_id(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names a template."""
    help_ = "a template: its id, or the unique start of it"
    parser.add_argument("id", metavar="ID", help=help_)


def find(store: TemplateStore, id: str) -> Template:  # noqa: A002
    """Return the template of an id; UsageError where there is none."""
    found = store.find(id)
    if found is None:
        hint = "cenv template list shows what is there"
        raise UsageError(f"no template {id} in {store.path}", hint=hint)
    return found
