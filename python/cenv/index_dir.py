# SPDX-License-Identifier: BSD-3-Clause
"""Turn a directory of packages into a channel: write its repodata (CEP 36)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any

from cenv import core
from cenv.channels import KNOWN_SUBDIRS
from cenv.errors import IntegrityError, UsageError
from cenv.paths import replace_file

SECTIONS = {".conda": "packages.conda", ".tar.bz2": "packages"}
_ZSTD_LEVEL = 19  # a channel is written once and read often


def index(directory: str | os.PathLike[str]) -> dict[str, int]:
    """Write repodata.json and repodata.json.zst for every subdir of `directory`.

    noarch is made where it is not there, for without it no directory is a channel.
    Returns how many packages each subdir has. The same packages give the same bytes;
    each file is replaced in one step, and none is when a package cannot be read.
    Raises IntegrityError for a broken or misnamed package, UsageError for a directory
    that holds none of the known subdirs.
    """
    root = Path(directory)
    packages = {subdir: sorted(_packages(root / subdir)) for subdir in _subdirs(root)}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {
            subdir: [pool.submit(copy_context().run, _record, path) for path in paths]
            for subdir, paths in packages.items()
        }
        records = {subdir: [job.result() for job in jobs[subdir]] for subdir in jobs}
    for subdir, paths in packages.items():
        _write(
            root / subdir, _document(subdir, zip(paths, records[subdir], strict=True))
        )
    return {subdir: len(paths) for subdir, paths in packages.items()}


def _subdirs(root: Path) -> list[str]:
    found = {entry.name for entry in root.iterdir() if entry.is_dir()} & KNOWN_SUBDIRS
    if not found:
        hint = f"put packages into {root}/noarch, {root}/linux-64 and so on"
        raise UsageError(f"{root} has no subdir such as noarch or linux-64", hint=hint)
    return sorted(found | {"noarch"})


def _packages(subdir: Path) -> Iterator[Path]:
    if subdir.is_dir():
        for path in subdir.iterdir():
            if path.name.endswith(tuple(SECTIONS)) and not path.name.startswith("."):
                yield path


def _record(path: Path) -> dict[str, Any]:
    """Return one package's repodata record."""
    found = core.call(core.extension().package_info, path)
    record: dict[str, Any] = found["index"]
    stem = path.name.removesuffix(".conda").removesuffix(".tar.bz2")
    inner = "-".join(str(record.get(key)) for key in ("name", "version", "build"))
    if inner != stem:
        raise IntegrityError(f"{path}: the package inside is {inner}")
    record.setdefault("depends", [])
    for key in ("md5", "sha256", "size"):
        record[key] = found[key]
    record["subdir"] = path.parent.name
    return record


def _document(subdir: str, entries: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "info": {"subdir": subdir},
        "packages": {},
        "packages.conda": {},
        "removed": [],
        "repodata_version": 1,
    }
    for path, record in entries:
        extension = ".conda" if path.name.endswith(".conda") else ".tar.bz2"
        document[SECTIONS[extension]][path.name] = record
    return document


def _write(subdir: Path, document: dict[str, Any]) -> None:
    """Write both forms; the compressed one first, as readers prefer it."""
    subdir.mkdir(exist_ok=True)
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    data = text.encode()
    compressed = subdir / "repodata.json.zst"
    core.extension().zstd_write(compressed, data, _ZSTD_LEVEL)
    replace_file(subdir / "repodata.json", data)
