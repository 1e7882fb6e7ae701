# SPDX-License-Identifier: BSD-3-Clause
"""Words of the plugin's reports and progress: durations, counts, the test that runs."""

from __future__ import annotations

import os
from typing import Any

from cenv import printable


def write_line(reporter: Any, line: str, **markup: bool) -> None:
    """Write a line to pytest's terminal: names in it steer neither that nor a CI service."""
    reporter.write_line(printable.line(line), **markup)


def duration(seconds: float) -> str:
    """Return a duration as people read it: 0.12 ms, 18 ms, 1.45 s, 20m04s, 2h05m."""
    if seconds < 0.9995:
        digits = 2 if seconds < 0.000995 else 1 if seconds < 0.00995 else 0
        return f"{seconds * 1e3:.{digits}f} ms"
    if seconds < 59.995:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}s"
    return f"{minutes // 60}h{minutes % 60:02d}m"


def many(count: int, noun: str) -> str:
    """Return a count with its noun: 1 clone, 2 clones."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def current_test() -> str:
    """Return the id of the test that runs now, as pytest tells it; "" between tests."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]
