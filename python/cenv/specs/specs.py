# SPDX-License-Identifier: BSD-3-Clause
"""Versions and MatchSpecs as values of Python."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cenv import _native
from cenv._arguments import wrong_type
from cenv.model import PackageRecord

if TYPE_CHECKING:
    from cenv._cenv import Version
else:
    Version = _native.extension.Version

__all__ = ["MatchSpec", "Version"]


class MatchSpec:
    """What a user asks for or a record depends on: "numpy >=1.20,<2", "conda-forge::x".

    Equal when they mean the same; str() is the canonical form (CEP 29). Raises SpecError,
    with the position, for a text that does not parse.
    """

    __slots__ = ("_spec", "_text")

    def __init__(self, text: str) -> None:
        self._spec = _native.extension.MatchSpec(text)
        self._text = str(self._spec)

    @property
    def name(self) -> str:
        """The package's name in lower case, "*" for none."""
        return str(self._spec.name)

    def matches(self, record: PackageRecord | Mapping[str, Any]) -> bool:
        """Say whether a record (or a mapping with at least name and version) satisfies it."""
        plain = _plain(record)
        return bool(self._spec.matches(json.dumps(plain)))

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"MatchSpec({self._text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MatchSpec) and self._text == other._text

    def __reduce__(self) -> tuple[type[MatchSpec], tuple[str]]:
        return MatchSpec, (self._text,)

    def __hash__(self) -> int:
        return hash(self._text)


def _plain(record: object) -> dict[str, Any]:
    if isinstance(record, PackageRecord):
        return record.to_json()
    if isinstance(record, Mapping):
        return dict(record)
    what = "MatchSpec.matches() argument record"
    raise wrong_type(what, "a PackageRecord or a mapping", record)
