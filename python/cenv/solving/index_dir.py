# SPDX-License-Identifier: BSD-3-Clause
"""Turn a directory of packages into a channel: write its repodata (CEP 36, CEP 16)."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cenv import _native
from cenv._arguments import checked
from cenv._digest import sha256_hex
from cenv.config.channels import KNOWN_SUBDIRS, related, resolve
from cenv.config.config import Config
from cenv.config.paths import replace_file
from cenv.errors import ChannelError, IntegrityError, UsageError

if TYPE_CHECKING:
    from cenv._cenv import Task

SECTIONS = {".conda": "packages.conda", ".tar.bz2": "packages"}
SHARD_INDEX = "repodata_shards.msgpack.zst"
_ZSTD_LEVEL = 19  # a channel is written once and read often
_KEEP_SECONDS = (
    7 * 86400
)  # a client with an old index may ask for shards that are no longer in use
# What a file is called while it is written, by replace_file() and the core: with its process.
_SCRATCH = re.compile(
    r"\.(?:repodata\.json|repodata_shards\.msgpack\.zst|[0-9a-f]{64}\.msgpack\.zst)"
    r"\.(\d{1,10})|\.cenv-(\d{1,10})-[0-9a-f]{16}"
)


@checked()
def index(
    directory: str | os.PathLike[str],
    *,
    shards: bool = False,
    base: str | None = None,
    overrides: str | None = None,
) -> dict[str, int]:
    """Write repodata.json and repodata.json.zst for every subdir of `directory`.

    With `shards`, and where there are some already, sharded repodata too. noarch is
    made where it is not there, for without it no directory is a channel. Returns how
    many packages each subdir has. The same packages give the same bytes;
    each file is replaced in one step, and none is when a package cannot be read.
    `base` and `overrides` are other channels as this one sees them ("../conda-forge"),
    and go into every subdir's channel_relations (CEP 42); "" takes one out, and None leaves
    what is there. Raises IntegrityError for a broken or misnamed package, UsageError for
    a directory that holds none of the known subdirs, ChannelError for a reference that is
    none.
    """
    root = Path(directory)
    said = {"base": base, "overrides": overrides}
    _check_relations(root, said)
    packages = {subdir: sorted(_packages(root / subdir)) for subdir in _subdirs(root)}
    records = _records(packages)
    for subdir, paths in packages.items():
        document = _document(subdir, zip(paths, records[subdir], strict=True))
        relations = _relations(root / subdir, said)
        if relations is not None:
            document["info"]["channel_relations"] = relations
        with _alone(root / subdir):
            _write(root / subdir, document)
            if shards or (root / subdir / SHARD_INDEX).exists():
                write_shards(root / subdir, document)
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


def _records(packages: Mapping[str, list[Path]]) -> dict[str, list[dict[str, Any]]]:
    """Read all packages, in threads; what is still to do ends with the first failure."""
    tasks: list[Task] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {
            subdir: [
                pool.submit(copy_context().run, _record, path, tasks) for path in paths
            ]
            for subdir, paths in packages.items()
        }
        try:
            return {subdir: [job.result() for job in jobs[subdir]] for subdir in jobs}
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for task in tasks:
                task.cancel()
            raise


def _record(path: Path, tasks: list[Task]) -> dict[str, Any]:
    """Return one package's repodata record."""
    task = _native.extension.Task(None)
    tasks.append(task)
    found = _native.call_as(task, _native.extension.package_info, path)
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


def _check_relations(root: Path, said: Mapping[str, str | None]) -> None:
    config = Config()
    (channel,) = resolve([root], config)
    found = {key: related(channel, text, config) for key, text in said.items() if text}
    for key, target in found.items():
        if target.safe_url == channel.safe_url:
            raise ChannelError(f"{key}: {root} would name itself")
    if len(found) == 2 and found["base"].safe_url == found["overrides"].safe_url:
        raise ChannelError(f"base and overrides of {root} would be one channel")


def _relations(subdir: Path, said: Mapping[str, str | None]) -> Any:
    """Return what the subdir is to say of other channels, or None."""
    new = {key: text for key, text in said.items() if text is not None}
    there = _relations_there(subdir)
    if not new:
        return there
    merged = {**there, **new} if isinstance(there, dict) else new
    return {key: text for key, text in merged.items() if text != ""} or None


def _relations_there(subdir: Path) -> Any:
    try:
        text = (subdir / "repodata.json").read_bytes()
        document = json.loads(text, object_hook=_between_signals)
    except (OSError, ValueError):
        return None
    info = document.get("info") if isinstance(document, dict) else None
    return info.get("channel_relations") if isinstance(info, dict) else None


def _between_signals(found: dict[str, Any]) -> dict[str, Any]:
    """Return it: between two records Python looks whether it was interrupted."""
    return found


@contextlib.contextmanager
def _alone(subdir: Path) -> Iterator[None]:
    """Make a subdir, keep others that index it waiting, and remove what killed ones left."""
    subdir.mkdir(exist_ok=True)
    locked = _locked(subdir)
    try:
        if locked is not None:
            for folder in (subdir, subdir / "shards"):
                _remove_left(folder)
        yield
    finally:
        if locked is not None:
            os.close(locked)


def _locked(directory: Path) -> int | None:
    """Wait for it; None where it cannot be had: what lies there may be another's work."""
    opened = None
    try:
        import fcntl

        opened = os.open(directory, os.O_RDONLY)
        fcntl.flock(opened, fcntl.LOCK_EX)
    except (ImportError, OSError):
        if opened is not None:
            os.close(opened)
        return None
    return opened


def _remove_left(folder: Path) -> None:
    for path in folder.glob(".*"):
        found = _SCRATCH.fullmatch(path.name)
        if found and not _lives(int(found[1] or found[2])):
            path.unlink(missing_ok=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _write(subdir: Path, document: dict[str, Any]) -> None:
    """Write both forms; the compressed one first, as readers prefer it."""
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    data = text.encode()
    compressed = subdir / "repodata.json.zst"
    _native.call(_native.extension.zstd_write, compressed, data, _ZSTD_LEVEL)
    replace_file(subdir / "repodata.json", data)


# ---- shards ----


def write_shards(
    subdir: Path, document: Mapping[str, Any], level: int = _ZSTD_LEVEL
) -> None:
    """Write `document`, the repodata of `subdir`, as shards; their index last."""
    folder = subdir / "shards"
    folder.mkdir(exist_ok=True)
    hashes = {}
    for name, shard in sorted(_split(document).items()):
        data = _packed(shard, level)
        hashes[name] = sha256_hex(data)
        target = folder / f"{hashes[name]}.msgpack.zst"
        if not target.exists():
            replace_file(target, data)
    info = {"base_url": "", **document.get("info", {}), "shards_base_url": "./shards/"}
    whole = {"version": 1, "info": info, "shards": hashes}
    replace_file(subdir / SHARD_INDEX, _packed(whole, level))
    _drop_old(folder, set(hashes.values()))


def _packed(value: Mapping[str, Any], level: int) -> bytes:
    data = json.dumps(value).encode()
    packed: bytes = _native.call(_native.extension.pack_shard, data, level)
    return packed


def _split(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return a document for each name; what is removed goes to its name's."""
    shards: dict[str, dict[str, Any]] = {}

    def shard_of(name: str) -> dict[str, Any]:
        empty: dict[str, Any] = {"packages": {}, "packages.conda": {}, "removed": []}
        return shards.setdefault(name.lower(), empty)

    for section in SECTIONS.values():
        for fn, record in document.get(section, {}).items():
            shard_of(_name(fn, record))[section][fn] = record
    for section, records in document.get("v3", {}).items():
        for key, record in records.items():
            sections = shard_of(_name(key, record)).setdefault("v3", {})
            sections.setdefault(section, {})[key] = record
    for fn in document.get("removed", ()):
        shard_of(_name(fn, {}))["removed"].append(fn)
    return shards


def _name(fn: str, record: Any) -> str:
    """Return the record's name, or what the file name says."""
    name = record.get("name") if isinstance(record, dict) else None
    return name if isinstance(name, str) else fn.rsplit("-", 2)[0]


def _drop_old(folder: Path, used: set[str]) -> None:
    """Remove shards that no index has named for a week."""
    for path in folder.glob("*.msgpack.zst"):
        old = time.time() - path.stat().st_mtime > _KEEP_SECONDS
        if old and path.name.partition(".")[0] not in used:
            path.unlink(missing_ok=True)
