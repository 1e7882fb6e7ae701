# SPDX-License-Identifier: BSD-3-Clause
"""A whole page: what all pages have, and what keeps it to itself."""

from __future__ import annotations

from importlib import resources

from cenv.reporting.page.markup import Html, Part, element, joined

# No scripts, no network, whatever a name in the page may say.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)


def document(title: str, *parts: Part) -> str:
    """Return the page of a title and what stands below it."""
    style = resources.files(__package__).joinpath("style.css").read_text("utf-8")
    head = [
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", Html(style)),
    ]
    body = element("body", element("main", *parts))
    page = element("html", element("head", head), body, lang="en")
    return f"<!DOCTYPE html>\n{joined([page])}\n"
