# SPDX-License-Identifier: BSD-3-Clause
"""pixi.lock, version 6: the conda packages of one environment and platform."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from cenv.config.shape import Node
from cenv.errors import UsageError
from cenv.specs.explicit import hashes_of, record_of_url

DEFAULT = "default"
_TEXTS = ("license", "license_family", "build", "subdir")
_LISTS = ("depends", "constrains")


def read(
    document: Node, platform: str, categories: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Return the records of an environment for `platform`, in the file's order.

    The environment is `default`, or the one category asked for.
    """
    version = document.need("version")
    if version.integer() != 6:
        raise version.expected("version 6 of pixi.lock")
    names = list(categories) or [DEFAULT]
    if len(names) > 1:
        raise UsageError("of a pixi.lock one environment is taken: give one category")
    wanted = _urls(_environment(document, names[0]), platform)
    packages = {}
    for package in document.need("packages").items("a list of packages"):
        url = package.get("conda")
        if url is not None:
            packages[url.text()] = package
    return [_record(url, packages) for url in wanted]


def _environment(document: Node, name: str) -> Node:
    environments = document.need("environments")
    found = environments.get(name)
    if found is None:
        hint = f"it has: {', '.join(environments.members())}"
        raise UsageError(f"{environments.where}: no environment {name}", hint=hint)
    return found


def _urls(environment: Node, platform: str) -> list[Node]:
    packages = environment.need("packages")
    here = packages.get(platform)
    if here is None:
        hint = f"it locks: {', '.join(packages.members())}"
        raise packages.fail(f"it locks nothing for {platform}", hint)
    found = []
    for item in here.items("a list of packages"):
        url = item.get("conda")
        if url is None:
            kinds = ", ".join(item.members("a map from kind to URL"))
            message = f"{kinds or 'this'} is no conda package, which alone cenv links"
            raise item.fail(message, "lock the conda packages alone")
        found.append(url)
    return found


def _record(url: Node, packages: dict[str, Node]) -> dict[str, Any]:
    package = packages.get(url.text())
    if package is None:
        raise url.fail("packages: does not have it")
    record = record_of_url(url.text(), url.where)
    for key in ("name", "version", *_TEXTS):
        value = package.get(key)
        if value is not None:
            record[key] = value.written()
    for key in _LISTS:
        values = package.get(key)
        record[key] = [] if values is None else values.texts()
    return {**record, **hashes_of(package)}
