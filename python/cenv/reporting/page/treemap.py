# SPDX-License-Identifier: BSD-3-Clause
"""The tree map: packages as rectangles whose areas are their bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cenv.reporting.page.markup import Html, element
from cenv.reporting.run import Package, Run
from cenv.reporting.wording import counted, size

_WIDE, _HIGH = 100.0, 50.0
_MOST = 60  # rectangles; the smallest packages share the last one
_NAMED = (8.0, 4.0)  # width and height, in hundredths of the width, that hold a name


@dataclass(frozen=True)
class Box:
    """A rectangle, in hundredths of the width."""

    left: float
    top: float
    width: float
    height: float


def figure(run: Run, most: int = 0) -> Html:
    """Draw the packages of a run; `most` bytes would fill the whole height."""
    packages = sorted(run.packages.values(), key=lambda p: -p.weight)
    packages = [package for package in packages if package.weight]
    total = sum(package.weight for package in packages)
    if not total:
        return element("p", "The trace tells no sizes of packages.")
    parts = _parts(packages)
    high = _HIGH * total / max(total, most)
    boxes = squarified([weight for _, weight in parts], Box(0, 0, _WIDE, high))
    cells = [_cell(name, w, box, high) for (name, w), box in zip(parts, boxes)]
    said = f"{counted(len(packages), 'package')}, {size(total)}"
    picture = element(
        "div",
        cells,
        class_="treemap",
        role="img",
        aria_label=f"{said}; the table of packages has them",
        style=f"aspect-ratio:{_WIDE:.0f}/{high:.2f}",
    )
    return element("figure", picture, element("figcaption", f"{said}."))


def _parts(packages: Sequence[Package]) -> list[tuple[str, int]]:
    shown = [(str(package), package.weight) for package in packages[:_MOST]]
    rest = packages[_MOST:]
    if rest:
        weight = sum(package.weight for package in rest)
        shown.append((f"{len(rest):,} smaller ones", weight))
    return shown


def _cell(name: str, weight: int, box: Box, high: float) -> Html:
    shades = ("a", "b", "c", "d")
    is_named = box.width >= _NAMED[0] and box.height >= _NAMED[1]
    label = (element("b", name), element("br"), size(weight)) if is_named else ()
    place = (box.left, 100 * box.top / high, box.width, 100 * box.height / high)
    keys = ("left", "top", "width", "height")
    style = ";".join(f"{key}:{at:.3f}%" for key, at in zip(keys, place))
    shade = shades[sum(map(ord, name)) % len(shades)]
    return element(
        "div",
        *label,
        class_=f"cell {shade}",
        style=style,
        title=f"{name}: {size(weight)}",
    )


def squarified(weights: Sequence[float], box: Box) -> list[Box]:
    """Divide a box by weights, sorted from the largest, into rectangles near to squares.

    Bruls, Huizing and van Wijk, Squarified Treemaps, 2000.
    """
    scale = box.width * box.height / (sum(weights) or 1)
    areas = [weight * scale for weight in weights]
    found: list[Box] = []
    while areas:
        count = _best_row(areas, min(box.width, box.height))
        row, areas = areas[:count], areas[count:]
        found += _placed(row, box)
        box = _left_over(sum(row), box)
    return found


def _best_row(areas: Sequence[float], side: float) -> int:
    """Return how many rectangles of the first row keep it closest to squares."""
    count = 1
    while count < len(areas) and (
        _worst(areas[: count + 1], side) <= _worst(areas[:count], side)
    ):
        count += 1
    return count


def _worst(areas: Sequence[float], side: float) -> float:
    total = sum(areas) or 1e-12
    least, most = min(areas) or 1e-12, max(areas)
    return max(side**2 * most / total**2, total**2 / (side**2 * least or 1e-12))


def _placed(row: Sequence[float], box: Box) -> Iterator[Box]:
    """Lay a row along the shorter side."""
    total, at = sum(row) or 1e-12, 0.0
    for area in row:
        if box.width >= box.height:
            width = total / (box.height or 1e-12)
            height = area / (width or 1e-12)
            yield Box(box.left, box.top + at, width, height)
            at += height
        else:
            height = total / (box.width or 1e-12)
            width = area / (height or 1e-12)
            yield Box(box.left + at, box.top, width, height)
            at += width


def _left_over(area: float, box: Box) -> Box:
    if box.width >= box.height:
        used = area / (box.height or 1e-12)
        return Box(box.left + used, box.top, max(0.0, box.width - used), box.height)
    used = area / (box.width or 1e-12)
    return Box(box.left, box.top + used, box.width, max(0.0, box.height - used))
