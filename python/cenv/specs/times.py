# SPDX-License-Identifier: BSD-3-Clause
"""Points in time as users write them: a date, an ISO time, or an age."""

from __future__ import annotations

import re
import time
from datetime import datetime, timezone

from cenv.errors import UsageError

_AGE = re.compile(r"(\d+)\s*(h|d|w|hours?|days?|weeks?)")
_HOURS = {"h": 1, "d": 24, "w": 168}
_HINT = "expected 2026-01-31, 2026-01-31T12:00:00Z, or an age such as 7d, 36h, 2w"


def milliseconds(text: str | None) -> int | None:
    """Return the time in milliseconds since 1970; a date means its first moment, UTC."""
    if not text:
        return None
    age = _AGE.fullmatch(text.strip().lower())
    if age:
        hours = int(age[1]) * _HOURS[age[2][0]]
        return int((time.time() - hours * 3600) * 1000)
    try:
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        raise UsageError(f"'{text}' is not a point in time", hint=_HINT) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return int(moment.timestamp() * 1000)
