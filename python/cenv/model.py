# SPDX-License-Identifier: BSD-3-Clause
"""The values cenv returns: frozen, with the keys of the command line's --json as attributes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cenv._choices import CloneMode
from cenv.config.urls import may_have_secrets, secret_url

T = TypeVar("T", bound="Value")


@dataclass(frozen=True)
class Value:
    """Base of all values: to and from the JSON shapes."""

    @classmethod
    def from_json(cls: type[T], data: Mapping[str, Any]) -> T:
        """Build from a JSON object; keys this version does not know are left out."""
        known = (f.name for f in dataclasses.fields(cls) if f.init)
        return cls(**{name: _freeze(data[name]) for name in known if name in data})

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object, nested values and tuples made plain."""
        return {f.name: _thaw(getattr(self, f.name)) for f in dataclasses.fields(self)}


def _freeze(value: Any) -> Any:
    return tuple(_freeze(item) for item in value) if isinstance(value, list) else value


def _thaw(value: Any) -> Any:
    if isinstance(value, Value):
        return value.to_json()
    if isinstance(value, tuple):
        return [_thaw(item) for item in value]
    return value


@dataclass(frozen=True)
class Stage(Value):
    """One stage of the work, summed over its spans; a miss has its reason in the trace."""

    name: str
    seconds: float
    items: int = 0
    bytes: int = 0
    hits: int = 0
    misses: int = 0


@dataclass(frozen=True)
class PackageRecord(Value):
    """A record of repodata with where it comes from; `raw` keeps every key, known or not."""

    name: str
    version: str
    build: str
    build_number: int = 0
    subdir: str = ""
    channel: str = ""
    fn: str = ""
    url: str = ""
    md5: str | None = None
    sha256: str | None = None
    size: int | None = None
    depends: tuple[str, ...] = ()
    constrains: tuple[str, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PackageRecord:
        data = _without_secrets(data)
        known = (f.name for f in dataclasses.fields(cls) if f.name != "raw")
        values = {
            name: _freeze(data[name]) for name in known if data.get(name) is not None
        }
        return cls(**values, raw=dict(data))

    def to_json(self) -> dict[str, Any]:
        known = super().to_json()
        del known["raw"]
        return {**known, **self.raw}

    def __str__(self) -> str:
        return f"{self.name} {self.version} {self.build}"


Record = PackageRecord | Mapping[str, Any]


def plain_record(record: Record) -> dict[str, Any]:
    """Return a record as a JSON object."""
    if isinstance(record, PackageRecord):
        return record.to_json()
    return dict(_without_secrets(record))


def _without_secrets(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the record with a URL whose text has no secrets, and a channel that has none."""
    url, channel = record.get("url"), record.get("channel")
    if not may_have_secrets(url) and not may_have_secrets(channel):
        return record
    return {
        **record,
        **({"url": secret_url(url)} if url else {}),
        **({"channel": str(secret_url(channel))} if channel else {}),
    }


@dataclass(frozen=True)
class Solution(Value):
    """Records in link order: what a record needs stands before it."""

    records: tuple[PackageRecord, ...]
    seconds: float = 0.0
    stages: tuple[Stage, ...] = ()
    prefix: str | None = None
    specs: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()  # asked for; others come with them (CEP 42)
    stats: Mapping[str, Any] = field(default_factory=dict, compare=False)
    explanation: str | None = None
    skipped: tuple[Mapping[str, str], ...] = field(default=(), compare=False)

    def __iter__(self) -> Any:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def names(self) -> tuple[str, ...]:
        """Return the names of the packages, in link order."""
        return tuple(record.name for record in self.records)


@dataclass(frozen=True)
class PrefixReport(Solution):
    """What `create` did: the solution, and the prefix it is linked into."""

    linked: Mapping[str, int] = field(default_factory=dict, compare=False)
    messages: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Notice(Value):
    """A path and what is to be said of it."""

    path: str
    reason: str


@dataclass(frozen=True)
class CloneReport(Value):
    """What a clone cost and what it could not take over.

    `source` is what it was made from: of a clone that nobody changed, its template.
    """

    prefix: str
    mode: CloneMode
    source: str = ""
    files: int = 0
    relocated: int = 0
    remembered: int = 0  # of these, had from an earlier clone at the path
    bytes_copied: int = 0
    bytes_shared: int = 0
    seconds: float = 0.0
    fallbacks: Mapping[str, int] = field(default_factory=dict)
    passed_over: Mapping[str, str] = field(
        default_factory=dict
    )  # by auto: mode, reason
    skipped: tuple[Notice, ...] = ()
    unrelocatable: tuple[Notice, ...] = ()
    notices: tuple[Notice, ...] = ()
    stages: tuple[Stage, ...] = ()
    moved: tuple[str, ...] = ()  # files of editable installs that name another checkout

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CloneReport:
        values = {
            f.name: data[f.name] for f in dataclasses.fields(cls) if f.name in data
        }
        for key in ("skipped", "unrelocatable", "notices"):
            values[key] = tuple(Notice.from_json(item) for item in data.get(key, ()))
        return cls(**values)


@dataclass(frozen=True)
class VerifyReport(Value):
    """A prefix against its records; unmanaged files alone are no fault.

    `warnings` tell of records that could not be used, so that nothing checked their files.
    """

    ok: bool
    missing: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()
    unmanaged: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    checked: int = 0


@dataclass(frozen=True)
class Alteration(Value):
    """A file of a template that is not as it was built, and what is different."""

    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.path or 'the whole template'} ({self.what})"


@dataclass(frozen=True)
class CheckReport(Value):
    """A template against what it was when it was built.

    `forgotten` memories of its paths were altered, and are gone: that is no fault of it.
    """

    altered: tuple[Alteration, ...] = ()
    forgotten: int = 0
    checked: int = 0
    known: bool = True
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether every file is as it was."""
        return not self.altered

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CheckReport:
        altered = tuple(Alteration.from_json(item) for item in data["altered"])
        rest = {key: data[key] for key in ("forgotten", "checked", "known", "seconds")}
        return cls(altered=altered, **rest)


@dataclass(frozen=True)
class ResetReport(Value):
    """What it took to put a clone back to its template's state."""

    prefix: str
    removed: int = 0
    restored: int = 0
    checked: int = 0
    seconds: float = 0.0


def records_of(data: Iterable[Mapping[str, Any]]) -> tuple[PackageRecord, ...]:
    """Make records from a list of JSON objects."""
    return tuple(PackageRecord.from_json(item) for item in data)
