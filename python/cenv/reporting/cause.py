# SPDX-License-Identifier: BSD-3-Clause
"""A cause: a sentence with figures, and the seconds of the run that are its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Cause:
    """What took time, or made the difference: no second is that of two causes.

    `subject` is what it is about: a package, a channel, a spec, a stage. `kind` is one word
    for programs. `details` are the seconds by stage.
    """

    kind: str
    subject: str
    text: str
    seconds: float
    details: dict[str, float] = field(default_factory=dict)
    weight: int = 0  # bytes or records: sorts what took no time

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that reports print."""
        return {
            "kind": self.kind,
            "subject": self.subject,
            "text": self.text,
            "seconds": self.seconds,
        }
