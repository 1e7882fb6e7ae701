# SPDX-License-Identifier: BSD-3-Clause
"""HTML that is escaped as it is put together: names in it come from anywhere."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Part = str | Iterable[Html]
_VOID = ("meta", "col", "br")
# What a browser takes as no character, or as an instruction how to show others.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def text(value: object) -> Html:
    """Return a value as text of a page."""
    shown = _UNSEEN.sub(lambda m: f"\\u{ord(m[0]):04x}", str(value))
    return Html(html.escape(shown, quote=True))


def joined(parts: Iterable[Part]) -> Html:
    """Put parts behind each other; what is no HTML yet is text."""
    return Html("".join(_flat(parts)))


def _flat(parts: Iterable[Part]) -> Iterable[str]:
    for part in parts:
        if isinstance(part, Html):
            yield part
        elif isinstance(part, str):
            yield text(part)
        else:
            yield from _flat(part)


def element(name: str, /, *parts: Part, **attributes: object) -> Html:
    """Return an element; `class_` is class, `aria_label` aria-label, None is left out."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{joined(parts)}</{name}>")


def table(
    caption: str, head: Iterable[str], rows: Iterable[Iterable[Part]], right: str = ""
) -> Html:
    """Return a table that scrolls by itself; the letters of `right` are r for figures.

    The first cell of a row is its heading.
    """
    names = list(head)
    kinds = [_kind(right, at) for at in range(len(names))]
    top = [
        element("th", name, scope="col", class_=kind)
        for name, kind in zip(names, kinds)
    ]
    body = [_row(list(row), kinds) for row in rows]
    whole = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", top)),
        element("tbody", body),
    )
    return element(
        "div", whole, class_="scroll", role="region", aria_label=caption, tabindex=0
    )


def _kind(right: str, at: int) -> str | None:
    return "figure" if right[at : at + 1] == "r" else None


def _row(cells: list[Part], kinds: list[str | None]) -> Html:
    first = element("th", cells[0], scope="row", class_=kinds[0])
    rest = [
        element("td", cell, class_=kind) for cell, kind in zip(cells[1:], kinds[1:])
    ]
    return element("tr", first, rest)


def section(title: str, *parts: Part, level: int = 2) -> Html:
    """Return a part of the page under a heading."""
    return element("section", element(f"h{level}", title), *parts)
