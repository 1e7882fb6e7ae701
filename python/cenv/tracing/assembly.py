# SPDX-License-Identifier: BSD-3-Clause
"""The facts of a run, made whole of what a recorder has: texts of the core, records, spans."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cenv import _native
from cenv.config.paths import store_path
from cenv.errors import CenvError
from cenv.tracing import VERSION
from cenv.tracing.clean import clean_text
from cenv.tracing.recorder import Recorder

if TYPE_CHECKING:
    from cenv.tracing.facts import (
        Cache,
        Channel,
        Facts,
        Fallback,
        FileSystem,
        Link,
        Machine,
        Package,
        Solver,
        Work,
    )

_NAME = r"[A-Za-z0-9_.-]+"  # of a package, at the start of a dependency

# Stages whose spans count hits and misses, and the cache that is theirs.
_CACHES = {
    "download indices": "repodata",
    "process indices": "indices",
    "verify": "packages",
    "compile": "bytecode",
    "process manifest": "manifest",
}


def assemble(
    recorder: Recorder,
    command: str,
    store: str | None = None,
    seconds: float | None = None,
) -> Facts:
    """Return the facts of what `recorder` has recorded, as those of a run of `command`.

    `store` is where packages and templates are kept; `seconds` are those of the run, else
    all since the recorder was made. No text in the facts has a secret.
    """
    took = recorder.seconds if seconds is None else seconds
    told = _told(recorder.core_facts)
    begun = time.gmtime(time.time() - recorder.seconds)
    facts: Facts = {
        "version": VERSION,
        "command": command,
        "when": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", begun),
        "seconds": took,
        "request": recorder.facts.get("request", {}),
        "machine": _machine(recorder, told, store),
        "stages": [stage.to_json() for stage in recorder.stages()],  # type: ignore[misc]
        "caches": {**_caches(recorder), **recorder.facts.get("caches", {})},
    }
    facts.update(_of_solve(recorder, told))
    if recorder.records:
        facts["packages"] = _packages(recorder, told)
    clean: Facts = _without_secrets(facts)
    return clean


def _told(calls: Iterable[Callable[[], str]]) -> dict[str, list[dict[str, Any]]]:
    """Return the lists of the core, of all its calls."""
    told: dict[str, list[dict[str, Any]]] = {}
    for facts in calls:
        for name, rows in json.loads(facts()).items():
            told.setdefault(name, []).extend(rows)
    return told


def _without_secrets(value: Any) -> Any:
    """Return the value with all its texts redacted; few of them have what a secret has."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {key: _without_secrets(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return value


# ---- the machine ----


def _machine(
    recorder: Recorder, told: Mapping[str, list[dict[str, Any]]], store: str | None
) -> Machine:
    from cenv import __version__

    given: Machine = {
        **_link(told.get("modes", ())),
        **recorder.facts.get("machine", {}),
    }
    place = store_path(store)
    places = {"store": place, "packages": os.path.join(place, "v1", "pkgs")}
    prefix = recorder.facts.get("request", {}).get("prefix")
    if prefix:
        places["destination"] = prefix
    system = os.uname()
    machine: Machine = {
        "cores": _cores(),
        "load": recorder.load,
        "cenv": __version__,
        "python": sys.version.split()[0],
        "system": f"{system.sysname} {system.release} {system.machine}",
        "file_systems": {
            name: found
            for name, path in places.items()
            if (found := _file_system(path))
        },
        **given,
    }
    return machine


def _cores() -> int:
    """Return how many processors the process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1


def _link(modes: Sequence[Mapping[str, Any]]) -> Machine:
    """Return how the packages of the last link got into their prefix."""
    if not modes:
        return {}
    row = modes[-1]
    link: Link = {"mode": row["mode"], "fallbacks": []}
    if row["fallbacks"]:
        reason = f"the file system refused a {row['mode']} of them"
        copied: Fallback = {"to": "copy", "files": row["fallbacks"], "reason": reason}
        link["fallbacks"] = [copied]
    if row["reason"]:  # copies were the last choice
        link["passed_over"] = {"reflink": row["reason"]}
    return {"link": link}


def _file_system(path: str) -> FileSystem | None:
    """Return what `path`, or what is to hold it, lies on; None where nobody can tell."""
    there = os.path.abspath(path)
    while not os.path.isdir(there) and there != os.path.dirname(there):
        there = os.path.dirname(there)
    try:
        found = _native.call(_native.extension.file_system, there)
        device = os.stat(there).st_dev
    except (CenvError, OSError):
        return None
    return {"path": path, "type": found["filesystem"], "device": device}


# ---- channels, names, the solver ----


def _of_solve(recorder: Recorder, told: Mapping[str, list[dict[str, Any]]]) -> Facts:
    facts: Facts = {}
    channels = _channels(recorder, told)
    if channels:
        facts["channels"] = channels
    names = _last_of_each(told, "names", "name")
    if names:
        facts["names"] = [
            {key: name[key] for key in _NAMED}  # type: ignore[misc]
            for name in names
        ]
    if told.get("specs"):
        facts["specs"] = _last_of_each(told, "specs", "spec")  # type: ignore[typeddict-item]
    if told.get("solver"):
        facts["solver"] = _solver(told["solver"], names)
    return facts


def _last_of_each(
    told: Mapping[str, list[dict[str, Any]]], name: str, key: str
) -> list[dict[str, Any]]:
    """Return the rows of a list, of several solves each name's last."""
    return list({row[key]: row for row in told.get(name, ())}.values())


_NAMED = ("name", "candidates", "reached_through", "requirement")
_FAMILY = ("name", "variables", "clauses", "calls")


def _solver(
    solves: Iterable[Mapping[str, int]], names: Iterable[Mapping[str, Any]]
) -> Solver:
    sums: Counter[str] = Counter()
    for solve in solves:
        sums.update(solve)
    families = [{key: name[key] for key in _FAMILY} for name in names]
    families.sort(key=lambda family: -family["clauses"])
    return {**sums, "families": families}  # type: ignore[typeddict-item]


def _channels(
    recorder: Recorder, told: Mapping[str, list[dict[str, Any]]]
) -> list[Channel]:
    """Return what is told of each subdir: how it was got, and what was read of it."""
    found: dict[tuple[str, str], Channel] = {}
    for channel in recorder.facts.get("channels", ()):  # how it was got comes first
        key = channel["channel"], channel["subdir"]
        found.setdefault(key, {**channel, "packages_taken": 0})
    for source in told.get("sources", ()):
        key = source["channel"], source["subdir"]
        if key in found:
            found[key].update(source)  # type: ignore[typeddict-item]
    for shard in told.get("shards", ()):
        key = shard["channel"], shard["subdir"]
        if key in found:
            found[key]["bytes_transferred"] += shard["bytes"]
            found[key]["seconds"] += shard["nanoseconds"] / 1e9
    for record in recorder.records:
        key = str(record.get("channel")), str(record.get("subdir"))
        if key in found:
            found[key]["packages_taken"] += 1
    return list(found.values())


# ---- packages ----


def _packages(
    recorder: Recorder, told: Mapping[str, list[dict[str, Any]]]
) -> list[Package]:
    fetched = _fetched(told.get("packages", ()))
    linked = {row["file"]: row for row in told.get("links", ())}
    needed_by = _needed_by(recorder.records)
    compiling = _compiling(recorder, linked.values())
    packages = []
    for record in recorder.records:
        package = _package(record, needed_by)
        got, link = fetched.get(package["file"]), linked.get(package["file"])
        stages: dict[str, Work] = {}
        if got is not None:
            _add_fetch(package, stages, got)
        if link is not None:
            _add_link(package, stages, link, compiling)
        packages.append({**package, "stages": stages})
    return packages  # type: ignore[return-value]


def _fetched(rows: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return by file how each package came: what was fetched before may be looked for again."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        if row["origin"] != "store" or row["file"] not in found:
            found[row["file"]] = row
    return found


def _package(record: Mapping[str, Any], needed_by: Mapping[str, list[str]]) -> Package:
    name = str(record.get("name"))
    return {
        "name": name,
        "version": str(record.get("version")),
        "build": str(record.get("build")),
        "channel": str(record.get("channel") or ""),
        "subdir": str(record.get("subdir") or ""),
        "file": str(record.get("fn") or ""),
        "size": int(record.get("size") or 0),
        "depends": [str(spec) for spec in record.get("depends") or ()],
        "needed_by": needed_by.get(name, []),
    }


def _needed_by(records: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return by name of a package those that depend on it."""
    found: dict[str, list[str]] = {}
    for record in records:
        depends = {_name_of(str(spec)) for spec in record.get("depends") or ()}
        for name in sorted(depends):
            found.setdefault(name, []).append(str(record.get("name")))
    return found


def _name_of(spec: str) -> str:
    """Return the name that a dependency is on; a channel may stand before it."""
    match = re.match(_NAME, spec.rpartition("::")[2].strip())
    return match[0].lower() if match else ""


def _add_fetch(
    package: Package, stages: dict[str, Work], got: Mapping[str, Any]
) -> None:
    package["origin"] = got["origin"]
    if got["cache"]:
        package["cache"] = got["cache"]
    if got["reason"]:
        package["reason"] = got["reason"]
    _add_work(stages, "verify", got["verify_ns"])
    _add_work(stages, "download", got["download_ns"], got["download_bytes"])
    extract = got["extract_ns"], got["extract_bytes"], got["extract_files"]
    _add_work(stages, "extract", *extract)


def _add_link(
    package: Package,
    stages: dict[str, Work],
    link: Mapping[str, int],
    compiling: float,
) -> None:
    package["files"] = link["link_files"] + link["relocate_files"]
    package["installed_size"] = link["link_bytes"] + link["relocate_bytes"]
    _add_work(stages, "link", link["link_ns"], link["link_bytes"], link["link_files"])
    relocate = link["relocate_ns"], link["relocate_bytes"], link["relocate_files"]
    _add_work(stages, "relocate", *relocate)
    _add_work(
        stages,
        "compile",
        compiling * link["compile_new"] * 1e9,
        files=link["compile_files"],
    )


def _add_work(
    stages: dict[str, Work],
    name: str,
    nanoseconds: float,
    size: int = 0,
    files: int = 0,
) -> None:
    if nanoseconds or files:
        stages[name] = {"seconds": nanoseconds / 1e9, "bytes": size, "files": files}


def _compiling(recorder: Recorder, links: Iterable[Mapping[str, int]]) -> float:
    """Return the seconds of compiling a file: one program compiles those of all packages."""
    files = sum(link["compile_new"] for link in links)
    spent = sum(
        s["end"] - s["start"] for s in recorder.spans if s["stage"] == "compile"
    )
    return spent / files if files else 0.0


# ---- caches ----


def _caches(recorder: Recorder) -> dict[str, Cache]:
    found: dict[str, Cache] = {}
    for span in recorder.spans:
        name = _CACHES.get(span["stage"])
        if name is None or not (span["hits"] or span["misses"]):
            continue
        cache = found.setdefault(name, {"hit": True, "reason": ""})
        if span["misses"]:
            cache["hit"] = False
            cache["reason"] = cache["reason"] or span["reason"]
    return found
