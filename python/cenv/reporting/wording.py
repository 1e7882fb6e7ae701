# SPDX-License-Identifier: BSD-3-Clause
"""Figures as reports write them: 28,412 records, 460 MB, 1.45 s, 61 %."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_SIZES = ("B", "kB", "MB", "GB", "TB")
_FOREVER = 1e12  # seconds


def number(value: int) -> str:
    """Return a whole number with its thousands apart: 28,412."""
    return f"{value:,}"


def counted(value: int, noun: str) -> str:
    """Return a number of things: 1 file, 28,412 records, 2 indices stay the caller's."""
    return f"{number(value)} {noun}{'' if value == 1 else 's'}"


def size(value: float) -> str:
    """Return bytes with two to three figures: 460 MB, 3.2 MB, 12 kB."""
    unit = 0
    while abs(value) >= 999.5 and unit < len(_SIZES) - 1:
        value, unit = value / 1000, unit + 1
    decimals = 1 if unit and abs(value) < 9.95 else 0
    return f"{value:.{decimals}f} {_SIZES[unit]}"


def seconds(value: float) -> str:
    """Return a duration with the figures that matter: 0.4 ms, 123 ms, 4.52 s, 3 min 5 s."""
    if abs(value) < 0.00995:
        return f"{value * 1e3:.1f} ms"
    if abs(value) < 0.9995:
        return f"{value * 1e3:.0f} ms"
    if abs(value) < 99.5:
        return f"{value:.2f} s"
    if abs(value) < 600:
        return f"{value:.0f} s"
    if not abs(value) < _FOREVER:  # of a trace that somebody made up
        return "no time that a run takes"
    minutes, rest = divmod(round(abs(value)), 60)
    return f"{'-' if value < 0 else ''}{minutes} min {rest} s"


def difference(value: float) -> str:
    """Return a duration with its sign: +1.13 s."""
    told = seconds(abs(value))
    if told.startswith("0.0 "):
        return told
    return f"{'+' if value > 0 else '-'}{told}"


def added_up(values: Sequence[float], total: float) -> list[str]:
    """Return durations in one unit, their sum behind them; the last makes them add up."""
    largest = max((abs(value) for value in [*values, total]), default=0.0)
    unit, factor, places = ("ms", 1e3, 1) if largest < 0.9995 else ("s", 1.0, 2)
    rounded = [round(value * factor, places) for value in [*values, total]]
    if values:
        rounded[-2] = round(rounded[-1] - sum(rounded[:-2]), places)
    return [f"{value + 0.0:+.{places}f} {unit}" for value in rounded]


def share(part: float, whole: float) -> str:
    """Return a part of a whole: 61 %; what is not nothing is never 0 %."""
    if not whole or not part:
        return "0 %"
    percent = 100 * part / whole
    return "under 1 %" if 0 < percent < 0.95 else f"{percent:.0f} %"


def rate(count: float, took: float, of: str = "") -> str:
    """Return what was done in a second: 41 MB/s, 1,200 files/s."""
    if took <= 0:
        return ""
    each = count / took
    return f"{number(round(each))} {of}/s" if of else f"{size(each)}/s"


def listed(words: Iterable[str], most: int = 3) -> str:
    """Return words as people list them, the first few by name: a, b and 6 more."""
    found = list(words)
    if len(found) > most + 1:  # "and 1 more" is no shorter than its name
        found = [*found[:most], f"{number(len(found) - most)} more"]
    if len(found) < 2:
        return "".join(found)
    return f"{', '.join(found[:-1])} and {found[-1]}"


def joined(parts: Iterable[str], by: str = ", ") -> str:
    """Join the parts that say something."""
    return by.join(part for part in parts if part)
