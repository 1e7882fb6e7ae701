# SPDX-License-Identifier: BSD-3-Clause
"""conda-lock files, version 1 (CEP 37): write a solution, read the records of a platform."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from cenv._digest import sha256_hex
from cenv.config.shape import Node
from cenv.config.yaml_file import dump_yaml
from cenv.errors import SpecError, UsageError
from cenv.model import PackageRecord, Solution
from cenv.specs import constraints
from cenv.specs.explicit import hashes_of, record_of_url

MAIN = "main"


def write(
    path: str | os.PathLike[str],
    solution: Solution,
    platform: str,
    template: str | None = None,
) -> None:
    """Write `solution` to `path`, replacing the file in one step.

    Its channels are those that were asked for; each package has its own (CEP 42).
    `template` is the id of the template of its packages, which is noted.
    """
    channels = solution.channels
    content = {"specs": solution.specs, "channels": channels, "platform": platform}
    digest = sha256_hex(json.dumps(content, sort_keys=True).encode())
    document = {
        "version": 1,
        "metadata": {
            "content_hash": {platform: digest},
            "channels": [{"url": channel, "used_env_vars": []} for channel in channels],
            "platforms": [platform],
            "sources": [],
            **({"custom_metadata": {_pin(platform): template}} if template else {}),
        },
        "package": [_package(record, platform) for record in solution.records],
    }
    target = Path(path)
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with scratch.open("w", encoding="utf-8") as file:
            dump_yaml(document, file)
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)


def _pin(platform: str) -> str:
    return f"cenv-template-{platform}"


def template(document: Node, platform: str) -> str | None:
    """Return the id of the template that the file was written for, if it tells one."""
    metadata = document.get("metadata")
    noted = None if metadata is None else metadata.get("custom_metadata")
    pin = None if noted is None else noted.get(_pin(platform))
    return None if pin is None else pin.text()


def _package(record: PackageRecord, platform: str) -> dict[str, Any]:
    hashes = {"md5": record.md5, "sha256": record.sha256}
    return {
        "name": record.name,
        "version": record.version,
        "manager": "conda",
        "platform": platform,
        "dependencies": constraints.by_name(record.depends),
        "url": record.url,
        "hash": {kind: value for kind, value in hashes.items() if value},
        "category": MAIN,
        "optional": False,
    }


def read(
    document: Node, platform: str, categories: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Return the records that a conda-lock file names for `platform`, in its order.

    Those that are optional only of the `categories` asked for.
    """
    version = document.get("version")
    if version is not None and version.integer() != 1:
        raise version.expected("version 1 of conda-lock files")
    packages = document.need("package").items("a list of packages")
    here = _of_platform(packages, platform)
    _check_categories(packages, document, categories)
    chosen = [package for package in here if _is_wanted(package, categories)]
    return list(_unique(chosen).values())


def _of_platform(packages: list[Node], platform: str) -> list[Node]:
    platforms = [package.need("platform").text() for package in packages]
    if packages and platform not in platforms:
        known = ", ".join(sorted(set(platforms)))
        message = f"{packages[0].where}: it locks nothing for {platform}"
        raise SpecError(message, hint=f"it locks: {known}")
    return [
        p for p, there in zip(packages, platforms, strict=True) if there == platform
    ]


def _category(package: Node) -> str:
    category = package.get("category")
    return MAIN if category is None else category.text()


def _check_categories(
    packages: list[Node], document: Node, categories: Collection[str]
) -> None:
    known = {_category(package) for package in packages}
    for category in categories:
        if category not in known:
            hint = f"it has: {', '.join(sorted(known))}"
            message = f"{document.where}: there is no category {category}"
            raise UsageError(message, hint=hint)


def _is_wanted(package: Node, categories: Collection[str]) -> bool:
    optional = package.get("optional")
    if optional is None or not optional.boolean():
        return True
    return _category(package) in categories


def _unique(packages: list[Node]) -> dict[str, dict[str, Any]]:
    """Return one record a name; categories may list the same package again."""
    found: dict[str, dict[str, Any]] = {}
    for package in packages:
        record = _record(package)
        known = found.setdefault(record["name"], record)
        if known["url"] != record["url"]:
            raise package.fail(f"{record['name']} is locked as {known['url']}, too")
    return found


def _record(package: Node) -> dict[str, Any]:
    name = package.need("name").text()
    manager = package.get("manager")
    if manager is not None and manager.text() != "conda":
        message = f"{name} is a {manager.text()} package, which cenv cannot link"
        raise package.fail(message, "lock the conda packages alone")
    record = record_of_url(package.need("url").text(), f"{package.where}: {name}")
    depends = package.get("dependencies")
    members = (
        {} if depends is None else depends.members("a map of names to constraints")
    )
    specs = [constraints.spec_of(key, spec.written()) for key, spec in members.items()]
    return {**record, "depends": specs, **hashes_of(package.get("hash"))}
