# SPDX-License-Identifier: BSD-3-Clause
"""A judge of solutions: is one valid, and which of two is better under the stated order.

Written from the rules (docs/design/solve.md 3) and repodata alone, in the plainest
way; it shares only versions and MatchSpecs with the solver, which have oracles of their own.
Features that the request tracks it leaves out: repodata of today has none.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cenv import MatchSpec, Version
from cenv.errors import SpecError

Record = dict[str, Any]
Source = dict[str, str]  # channel, url, subdir, path
Chosen = dict[str, Record]  # by name

_MATCHED = ("name", "version", "build", "build_number", "channel", "subdir", "fn")


@functools.cache
def spec(text: str) -> MatchSpec:
    """Return the parsed spec."""
    return MatchSpec(text)


@functools.cache
def version(text: str) -> Version:
    """Return the parsed version."""
    return Version(text)


def _usable(record: Record) -> bool:
    try:
        version(record["version"])
        for text in (*record.get("depends", ()), *record.get("constrains", ())):
            spec(text)
    except SpecError:
        return False
    return int(record.get("record_version", 1)) <= 1


def _read(source: Source, rank: int) -> Iterator[Record]:
    data = json.loads(Path(source["path"]).read_bytes())
    removed = set(data.get("removed", ()))
    files = {**data.get("packages", {}), **data.get("packages.conda", {})}
    base = f"{source['url']}/{source['subdir']}"
    for fn, record in files.items():
        twin = f"{fn.removesuffix('.tar.bz2')}.conda"
        if fn in removed or (twin != fn and twin in files) or not _usable(record):
            continue
        more = {"channel": source["channel"], "subdir": source["subdir"], "rank": rank}
        yield {**record, **more, "fn": fn, "url": f"{base}/{fn}"}


class World:
    """Some channels under one priority, on one machine ([name, version, build], ...)."""

    def __init__(
        self, sources: Sequence[Source], machine: Sequence[Sequence[str]], priority: str
    ) -> None:
        self.priority = priority
        channels = list(dict.fromkeys(source["url"] for source in sources))
        self.names: dict[str, list[Record]] = {}
        for source in sources:
            for record in _read(source, channels.index(source["url"])):
                self.names.setdefault(record["name"], []).append(record)
        if priority == "strict":
            for name, records in self.names.items():
                first = min(record["rank"] for record in records)
                self.names[name] = [r for r in records if r["rank"] == first]
        for name, text, build in machine:
            virtual = {"name": name, "version": text, "build": build, "rank": 0}
            self.names[name] = [{**virtual, "build_number": 0, "url": ""}]
        self.machine = {item[0] for item in machine}
        self.by_url = {r["url"]: r for records in self.names.values() for r in records}
        self._matches: dict[tuple[str, str], bool] = {}
        self._best: dict[str, tuple[Any, ...]] = {}

    def matches(self, text: str, record: Record) -> bool:
        """Say whether a record satisfies a spec."""
        key = (text, record["url"] or record["name"])
        if key not in self._matches:
            plain = {name: record[name] for name in _MATCHED if name in record}
            self._matches[key] = spec(text).matches(plain)
        return self._matches[key]

    def choose(self, urls: Sequence[str]) -> Chosen:
        """Return the records of these URLs by name, those of the machine with them."""
        chosen = {name: self.names[name][0] for name in self.machine}
        for url in urls:
            record = self.by_url[url]
            if record["name"] in chosen:
                raise ValueError(f"{record['name']} is chosen twice")
            chosen[record["name"]] = record
        return chosen

    def faults(self, specs: Sequence[str], chosen: Chosen) -> list[str]:
        """Return what is wrong with a solution; nothing when it is valid."""
        found = [f"{text} is not met" for text in specs if not self._met(text, chosen)]
        for record in chosen.values():
            for text in record.get("depends") or ():
                if not self._met(text, chosen):
                    found.append(f"{record['name']} lacks {text}")
            for text in record.get("constrains") or ():
                if spec(text).name in chosen and not self._met(text, chosen):
                    found.append(f"{record['name']} forbids all but {text}")
        return found

    def _met(self, text: str, chosen: Chosen) -> bool:
        record = chosen.get(spec(text).name)
        return record is not None and self.matches(text, record)

    # ---- the order of candidates ----

    def _merit(self, record: Record) -> tuple[Any, ...]:
        age = _Newest(version(record["version"]))
        ranked = (record["rank"], age)
        if self.priority == "disabled":
            ranked = (age, record["rank"])
        noarch = bool(record.get("noarch")) or record.get("subdir") == "noarch"
        number = -int(record.get("build_number", 0))
        return (_tracks(record), *ranked, number, noarch, bool(record.get("features")))

    def _allows(self, text: str) -> tuple[Any, ...]:
        """Return how good a version the spec allows, smaller is better."""
        if text not in self._best:
            found = [
                (_tracks(r), _Newest(version(r["version"])))
                for r in self.names.get(spec(text).name, ())
                if self.matches(text, r)
            ]
            self._best[text] = (0, *min(found)) if found else (1,)
        return self._best[text]

    def _dependencies(self, record: Record) -> dict[str, tuple[Any, ...]]:
        found: dict[str, tuple[Any, ...]] = {}
        for text in record.get("depends") or ():
            name, best = spec(text).name, self._allows(text)
            found[name] = max(found.get(name, best), best)
        return found

    def is_better(self, a: Record, b: Record) -> bool:
        """Say whether candidate `a` of a name comes before `b`."""
        merit, other = self._merit(a), self._merit(b)
        if merit != other:
            return merit < other
        tie = [r for r in self.names[a["name"]] if self._merit(r) == merit]
        common = set.intersection(*(set(self._dependencies(r)) for r in tie))
        for name in sorted(common):
            left, right = self._dependencies(a)[name], self._dependencies(b)[name]
            if left != right:
                return left < right
        return _rest(a, b)

    # ---- the order of solutions ----

    def first_difference(
        self, specs: Sequence[str], a: Chosen, b: Chosen
    ) -> tuple[int, str] | None:
        """Return layer and name of the first decision in which the solutions part."""
        layer = list(dict.fromkeys(spec(text).name for text in specs))
        seen = set(layer)
        depth = 0
        while layer:
            for name in layer:
                if a[name]["url"] != b[name]["url"]:
                    return depth, name
            needs = {
                spec(text).name
                for name in layer
                for text in a[name].get("depends") or ()
            }
            layer = sorted(needs - seen)
            seen |= needs
            depth += 1
        return None


@functools.total_ordering
class _Newest:
    """A version that sorts newest first."""

    __slots__ = ("version",)

    def __init__(self, of: Version) -> None:
        self.version = of

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Newest) and self.version == other.version

    def __lt__(self, other: _Newest) -> bool:
        return self.version > other.version


def _tracks(record: Record) -> bool:
    features = record.get("track_features") or ()
    if isinstance(features, str):
        features = features.replace(",", " ").split()
    return any(feature.strip() for feature in features)


def _milliseconds(record: Record) -> int:
    stamp = int(record.get("timestamp", 0))
    return stamp * 1000 if stamp <= 253402300799 else stamp


def _rest(a: Record, b: Record) -> bool:
    """Order what dependencies do not: newer, build string descending, file name."""
    left, right = _milliseconds(a), _milliseconds(b)
    if left != right:
        return left > right
    if a["build"] != b["build"]:
        return bool(a["build"].encode() > b["build"].encode())
    return (a["fn"], a["url"]) < (b["fn"], b["url"])
