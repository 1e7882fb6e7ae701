# SPDX-License-Identifier: BSD-3-Clause
"""Points in time as users write them: a date, an ISO time, or an age, as conda reads them."""

from __future__ import annotations

import re
import time
from datetime import date, datetime, timezone
from datetime import time as clock

from cenv.errors import UsageError

_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_AGE = re.compile(r"(\d{1,9})\s*(weeks?|days?|hours?|[wdhms])\s*")
_ISO_AGE = re.compile(
    r"p(?:(\d{1,9})w)?(?:(\d{1,9})d)?(?:t(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?)?"
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_HOUR = 3600
_LAST = clock(23, 59, 59, 999000)
_HINT = "expected 2026-01-31, 2026-01-31T12:00:00Z, or an age such as 7d, 36h, P2W"


def milliseconds(text: str | None) -> int | None:
    """Return the time in milliseconds since 1970; a date means the end of that day, UTC.

    An age of a day or more counts back from the last full hour, so that who asks again
    within it asks the same. A number alone is an age in seconds. None and "" are none.
    """
    word = (text or "").strip().lower()
    if not word:
        return None
    age = _age(word)
    if age is not None:
        now = time.time()
        now -= now % _HOUR if age >= _SECONDS["d"] else 0
        return int((now - age) * 1000)
    try:
        return int(_moment(word).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise UsageError(f"'{text}' is not a point in time", hint=_HINT) from None


def _age(word: str) -> int | None:
    """Return seconds of "7d", "1w 2d", "P7D", "3600"; None: it is no age."""
    if word.isdecimal() and len(word) != len("20260131"):
        return int(word) if len(word) < 12 else None
    iso = _ISO_AGE.fullmatch(word)
    if iso and any(iso.groups()):
        counts = zip(iso.groups(), _SECONDS.values(), strict=True)
        return sum(int(count or 0) * seconds for count, seconds in counts)
    if not re.fullmatch(f"(?:{_AGE.pattern})+", word):
        return None
    return sum(int(n) * _SECONDS[unit[0]] for n, unit in _AGE.findall(word))


def _moment(word: str) -> datetime:
    if _DATE.fullmatch(word):
        return datetime.combine(date.fromisoformat(word), _LAST, tzinfo=timezone.utc)
    if word.isdecimal():
        raise ValueError(word)
    moment = datetime.fromisoformat(re.sub(r"z$", "+00:00", word))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
