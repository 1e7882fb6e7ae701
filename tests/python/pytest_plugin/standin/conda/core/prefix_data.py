# SPDX-License-Identifier: BSD-3-Clause
"""A cache of what lies in prefixes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar


class PrefixData:
    _cache_: ClassVar[dict[tuple[Path, bool | None], PrefixData]] = {}

    def __new__(cls, prefix: Any, interoperability: bool | None = None) -> PrefixData:
        key = (Path(prefix), interoperability)
        if key not in cls._cache_:
            cls._cache_[key] = super().__new__(cls)
            cls._cache_[key].names = None  # type: ignore[attr-defined]
        return cls._cache_[key]

    def __init__(self, prefix: Any, interoperability: bool | None = None) -> None:
        if self.names is None:  # type: ignore[attr-defined, has-type]
            records = Path(prefix, "conda-meta").glob("*.json")
            self.names = {path.name.rsplit("-", 2)[0] for path in records}
