# SPDX-License-Identifier: BSD-3-Clause
"""Writes conda packages from lists of members: for the demo, and for tests."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cenv import _native

# conda-build pads its host prefix to 255 characters; so do we.
PLACEHOLDER = ("/opt/cenv-demo-" + "placehold_" * 25)[:255]


@dataclass(frozen=True)
class Member:
    """One entry of a package: a file's bytes, or a link's target."""

    path: str
    data: bytes = b""
    mode: int = 0o644
    mtime_ns: int = 0
    link: str | None = None
    placeholder: str | None = None
    no_link: bool = False

    def entry(self) -> dict[str, Any]:
        """Return the entry of info/paths.json."""
        facts: dict[str, Any] = {"_path": self.path}
        if self.link is not None:
            return {
                **facts,
                "path_type": "softlink",
                "sha256": _sha256(b""),
                "size_in_bytes": 0,
            }
        facts |= {
            "path_type": "hardlink",
            "sha256": _sha256(self.data),
            "size_in_bytes": len(self.data),
        }
        if self.placeholder:
            facts["file_mode"] = "binary" if b"\0" in self.data else "text"
            facts["prefix_placeholder"] = self.placeholder
        if self.no_link:
            facts["no_link"] = True
        return facts


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Package:
    """What goes into one package."""

    name: str
    version: str
    build: str = "0"
    subdir: str = "linux-64"
    depends: Sequence[str] = ()
    constrains: Sequence[str] = ()
    members: Sequence[Member] = ()
    noarch: str | None = None
    entry_points: Sequence[str] = ()
    timestamp: int = 0
    extra: dict[str, Any] = field(default_factory=dict)  # more keys of index.json
    info: dict[str, bytes] = field(
        default_factory=dict
    )  # more files of info/, or other bytes

    @property
    def stem(self) -> str:
        """NAME-VERSION-BUILD."""
        return f"{self.name}-{self.version}-{self.build}"


def _index(package: Package) -> dict[str, Any]:
    number = package.build.rpartition("_")[2]
    index: dict[str, Any] = {
        "name": package.name,
        "version": package.version,
        "build": package.build,
        "build_number": int(number) if number.isdigit() else 0,
        "subdir": package.subdir,
        "depends": list(package.depends),
        "constrains": list(package.constrains),
        "timestamp": package.timestamp,
    }
    if package.noarch:
        index["noarch"] = package.noarch
    return index | package.extra


def _info(package: Package) -> dict[str, bytes]:
    paths = sorted((m.entry() for m in package.members), key=lambda e: str(e["_path"]))
    documents: dict[str, Any] = {
        "info/index.json": _index(package),
        "info/paths.json": {"paths_version": 1, "paths": paths},
        "info/about.json": {
            "summary": f"{package.name}, packed for tests and demonstration"
        },
    }
    if package.noarch == "python":
        noarch = {"type": "python", "entry_points": list(package.entry_points)}
        documents["info/link.json"] = {"package_metadata_version": 1, "noarch": noarch}
    made = {path: json.dumps(doc, indent=2).encode() for path, doc in documents.items()}
    return made | package.info


def write(package: Package, channel: Path, extension_name: str = ".conda") -> Path:
    """Write `package` into its subdir of `channel` and return the file."""
    folder = channel / package.subdir
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / (package.stem + extension_name)
    info = [Member(path, data) for path, data in sorted(_info(package).items())]
    members = [
        (
            os.fsencode(m.path),
            m.data,
            m.mode,
            m.mtime_ns,
            None if m.link is None else os.fsencode(m.link),
        )
        for m in [*info, *package.members]
    ]
    _native.call(_native.extension.pack, os.fspath(target), members)
    return target
