# SPDX-License-Identifier: BSD-3-Clause
"""conda-lock files, version 1 (CEP 37): write a solution, read the records of a platform."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cenv.config.yaml_file import dump_yaml, load_yaml
from cenv.errors import SpecError
from cenv.model import PackageRecord, Solution
from cenv.specs.explicit import record_of_url


def write(
    path: str | os.PathLike[str],
    solution: Solution,
    channels: Sequence[str],
    platform: str,
) -> None:
    """Write `solution` to `path`, replacing the file in one step."""
    content = {"specs": solution.specs, "channels": channels, "platform": platform}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    document = {
        "version": 1,
        "metadata": {
            "content_hash": {platform: digest},
            "channels": [{"url": channel, "used_env_vars": []} for channel in channels],
            "platforms": [platform],
            "sources": [],
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


def _package(record: PackageRecord, platform: str) -> dict[str, Any]:
    depends = (spec.partition(" ")[::2] for spec in record.depends)
    hashes = {"md5": record.md5, "sha256": record.sha256}
    return {
        "name": record.name,
        "version": record.version,
        "manager": "conda",
        "platform": platform,
        "dependencies": {name: rest.strip() or "*" for name, rest in depends},
        "url": record.url,
        "hash": {kind: value for kind, value in hashes.items() if value},
        "category": "main",
        "optional": False,
    }


def read(path: str | os.PathLike[str], platform: str) -> list[dict[str, Any]]:
    """Return the records a conda-lock file names for `platform`, in its order."""
    document = load_yaml(path)
    name = os.fspath(path)
    if not isinstance(document, Mapping) or document.get("version") != 1:
        hint = "expected a conda-lock file of version 1"
        raise SpecError(f"{name} is not a lock file cenv can read", hint=hint)
    packages = document.get("package") or []
    chosen = [p for p in packages if p.get("platform") == platform]
    if packages and not chosen:
        known = ", ".join(sorted({str(p.get("platform")) for p in packages}))
        raise SpecError(
            f"{name} locks nothing for {platform}", hint=f"it locks: {known}"
        )
    return [_record(package, name) for package in chosen]


def _record(package: Mapping[str, Any], source: str) -> dict[str, Any]:
    name = package.get("name")
    if package.get("manager", "conda") != "conda":
        message = f"{source}: {name} is a {package['manager']} package, which cenv cannot link"
        raise SpecError(message, hint="lock the conda packages alone")
    url = str(package.get("url", ""))
    record = record_of_url(url, f"{source}: {name}")
    depends = [
        key if str(spec) in ("", "*") else f"{key} {spec}"
        for key, spec in (package.get("dependencies") or {}).items()
    ]
    return {**record, "depends": depends, **(package.get("hash") or {})}
