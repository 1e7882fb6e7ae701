# SPDX-License-Identifier: BSD-3-Clause
"""The colour of each stage, as a class of the style sheet, and the legend that tells them."""

from __future__ import annotations

from collections.abc import Iterable

from cenv.reporting.page.markup import Html, element

_CLASSES = {
    "download indices": "index",
    "process indices": "index",
    "reduce": "solver",
    "express": "solver",
    "solve": "solver",
    "explain": "solver",
    "download": "download",
    "import": "download",
    "extract": "extract",
    "verify": "verify",
    "link": "link",
    "files": "link",
    "directories": "link",
    "relocate": "relocate",
    "compile": "compile",
    "scripts": "scripts",
    "setup": "scripts",
}


def class_of(stage: str) -> str:
    """Return the class of a stage's colour."""
    return f"s-{_CLASSES.get(stage, 'other')}"


def legend(stages: Iterable[str]) -> Html:
    """Return which colour is which stage; beside it stand tables that need no colour."""
    by_class: dict[str, list[str]] = {}
    for stage in stages:
        by_class.setdefault(class_of(stage), []).append(stage)
    items = [
        element("li", element("span", class_=f"key {name}"), ", ".join(named))
        for name, named in by_class.items()
    ]
    return element("ul", items, class_="legend", aria_hidden="true")
