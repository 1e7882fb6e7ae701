# SPDX-License-Identifier: BSD-3-Clause
"""What a clone tells of its request where the template, built for another one, tells else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cenv._options import Provenance


def dist(record: Mapping[str, Any]) -> str:
    """Return name-version-build, as conda-meta names its files."""
    return f"{record['name']}-{record['version']}-{record['build']}"


def moved(
    wanted: Iterable[Mapping[str, Any]], built: Iterable[Mapping[str, Any]]
) -> dict[str, str]:
    """Return dist and URL of the records whose URL is not the one that was built from."""
    known = {dist(record): record.get("url") for record in built}
    return {
        dist(record): record["url"]
        for record in wanted
        if record.get("url") and record["url"] != known.get(dist(record))
    }


def of(
    asked: Sequence[str] | None, was: Sequence[str], urls: Mapping[str, str]
) -> Provenance | None:
    """Return what clone() is told: None where the template tells the same."""
    found: Provenance = {}
    if asked is not None and list(asked) != list(was):
        found = {"specs": list(asked), "was": list(was)}
    if urls:
        found["urls"] = dict(urls)
    return found or None


def relocated(
    records: Iterable[Mapping[str, Any]], urls: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the records with the URLs and channels of the request."""
    found = []
    for record in records:
        url = urls.get(dist(record)) if urls else None
        if url is None:
            found.append(dict(record))
        else:
            channel = url.rsplit("/", 2)[0]
            found.append({**record, "url": url, "channel": channel})
    return found
