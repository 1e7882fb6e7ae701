# SPDX-License-Identifier: BSD-3-Clause
"""Repodata written for a directory of packages."""

from __future__ import annotations

import bz2
import fcntl
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import IO, Any

import pytest
import zstandard

from cenv import _native
from cenv.errors import CenvError, IntegrityError, UsageError
from cenv.solving.index_dir import index


def make_package(path: Path, **changes: Any) -> Path:
    """Write a package of one file; its index.json says what its name says."""
    stem = path.name.removesuffix(".conda").removesuffix(".tar.bz2")
    name, version, build = stem.rsplit("-", 2)
    record = {"name": name, "version": version, "build": build, "build_number": 0}
    record |= {"depends": ["z >=1", "a"], "license": "é", **changes}
    content = [
        (b"share/file", b"text"),
        (b"info/index.json", json.dumps(record).encode()),
    ]
    content.append((b"info/paths.json", b'{"paths": [], "paths_version": 1}'))
    members = [(name, data, 0o644, 10**18, None) for name, data in content]
    path.parent.mkdir(parents=True, exist_ok=True)
    _native.call(_native.extension.pack, path, members)
    return path


def document(subdir: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((subdir / "repodata.json").read_bytes())
    return found


def test_index__writes_every_subdir(tmp_path: Path) -> None:
    one = make_package(tmp_path / "linux-64" / "one-1.0-h1_0.conda")
    two = make_package(tmp_path / "linux-64" / "two-x-2!1-0.tar.bz2")
    make_package(tmp_path / "linux-64" / "one-1.0-h1_0.tar.bz2")
    (tmp_path / "linux-64" / "notes.txt").write_text("no package")
    (tmp_path / "linux-64" / ".half-1-0.conda").write_text("no package")
    assert index(tmp_path) == {"linux-64": 3, "noarch": 0}
    found = document(tmp_path / "linux-64")
    assert found["info"] == {"subdir": "linux-64"}
    assert set(found["packages"]) == {"one-1.0-h1_0.tar.bz2", "two-x-2!1-0.tar.bz2"}
    for path, section in ((one, "packages.conda"), (two, "packages")):
        record, data = found[section][path.name], path.read_bytes()
        assert record["sha256"] == hashlib.sha256(data).hexdigest()
        assert record["md5"] == hashlib.md5(data).hexdigest()
        assert record["size"] == len(data)
        assert record["depends"] == ["z >=1", "a"]
        assert record["subdir"] == "linux-64"
    assert document(tmp_path / "noarch")["packages.conda"] == {}


def test_index__compresses_the_same_text(tmp_path: Path) -> None:
    make_package(tmp_path / "noarch" / "one-1.0-h1_0.conda")
    index(tmp_path)
    zst = (tmp_path / "noarch" / "repodata.json.zst").read_bytes()
    assert zst.startswith(b"\x28\xb5\x2f\xfd")


def test_index__gives_the_same_bytes_for_the_same_packages(tmp_path: Path) -> None:
    for name in ("b-1-0", "a-1-0", "c-1-0"):
        make_package(tmp_path / "noarch" / f"{name}.conda")
    index(tmp_path)
    names = ("repodata.json", "repodata.json.zst")
    first = [(tmp_path / "noarch" / name).read_bytes() for name in names]
    index(tmp_path)
    assert first == [(tmp_path / "noarch" / name).read_bytes() for name in names]
    assert sorted(os.listdir(tmp_path / "noarch")) == [
        *("a-1-0.conda", "b-1-0.conda", "c-1-0.conda"),
        *names,
    ]


def test_index__removes_what_a_killed_one_left(tmp_path: Path) -> None:
    """That is, files of its own names, of processes that are no more; nothing else."""
    with subprocess.Popen(["true"]) as dead:
        pass
    shards = tmp_path / "noarch/shards"
    shards.mkdir(parents=True)
    left = [
        shards.parent / f".repodata.json.{dead.pid}",
        shards.parent / f".repodata_shards.msgpack.zst.{dead.pid}",
        shards.parent / f".cenv-{dead.pid}-0123456789abcdef",
        shards / f".{'0' * 64}.msgpack.zst.{dead.pid}",
    ]
    others = [
        shards.parent / f".repodata.json.{os.getppid()}",
        shards.parent / f".notes.json.{dead.pid}",
        shards.parent / ".repodata.json.old",
    ]
    for path in left + others:
        path.write_text("half")
    index(tmp_path, shards=True)
    assert not [path for path in left if path.exists()]
    assert all(path.read_text() == "half" for path in others)


def test_index__waits_for_another_of_the_same_subdir(tmp_path: Path) -> None:
    make_package(tmp_path / "noarch" / "one-1.0-h1_0.conda")
    code = f"import cenv; cenv.index({str(tmp_path)!r}, shards=True)"
    locked = os.open(tmp_path / "noarch", os.O_RDONLY)
    fcntl.flock(locked, fcntl.LOCK_EX)
    with subprocess.Popen([sys.executable, "-c", code]) as other:
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(1.5)
        assert not list((tmp_path / "noarch").glob("repodata*"))
        os.close(locked)
        assert other.wait() == 0
    assert document(tmp_path / "noarch")["packages.conda"]


def test_index__refuses_a_misnamed_package(tmp_path: Path) -> None:
    make_package(tmp_path / "noarch" / "one-1.0-h1_0.conda", version="2.0")
    with pytest.raises(IntegrityError, match=r"one-1\.0-h1_0\.conda.*one-2\.0-h1_0"):
        index(tmp_path)
    assert not (tmp_path / "noarch" / "repodata.json").exists()


@pytest.mark.parametrize("name", ["one-1-0.conda", "one-1-0.tar.bz2"])
def test_index__refuses_what_is_no_package(tmp_path: Path, name: str) -> None:
    (tmp_path / "noarch").mkdir()
    (tmp_path / "noarch" / name).write_bytes(b"no archive")
    with pytest.raises(CenvError, match="one-1-0"):
        index(tmp_path)
    assert os.listdir(tmp_path / "noarch") == [name]


def test_index__refuses_a_directory_without_subdirs(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    with pytest.raises(UsageError, match="has no subdir"):
        index(tmp_path)
    with pytest.raises(FileNotFoundError):
        index(tmp_path / "absent")


def index_json(path: Path) -> dict[str, Any]:
    """Read info/index.json out of a .conda or .tar.bz2 with Python's own readers."""
    if path.suffix == ".bz2":
        packed: IO[bytes] = io.BytesIO(bz2.decompress(path.read_bytes()))
    else:
        with zipfile.ZipFile(path) as outer:
            inner = outer.read(f"info-{path.stem}.tar.zst")
        reader = zstandard.ZstdDecompressor().stream_reader(inner)
        packed = io.BytesIO(reader.read())
    with tarfile.open(fileobj=packed) as tar:
        member = tar.extractfile("info/index.json")
        assert member is not None
        found: dict[str, Any] = json.load(member)
    return found


def test_index__agrees_with_a_whole_channel(
    python_channel: Path, tmp_path: Path
) -> None:
    """With its packages, and with the repodata that others wrote where it is a real one."""
    channel = tmp_path / "channel"
    shutil.copytree(python_channel, channel)
    seen = 0
    for subdir in filter(Path.is_dir, channel.iterdir()):
        subdir.chmod(0o755)
        (subdir / "repodata.json").unlink()
    index(channel)
    for subdir in filter(Path.is_dir, channel.iterdir()):
        wanted = document(python_channel / subdir.name)
        found = document(subdir)
        for section in ("packages", "packages.conda"):
            assert set(found[section]) == set(wanted.get(section, {}))
            for name, record in found[section].items():
                own = index_json(subdir / name)
                data = (subdir / name).read_bytes()
                sums = {
                    "sha256": hashlib.sha256(data).hexdigest(),
                    "md5": hashlib.md5(data).hexdigest(),
                    "size": len(data),
                }
                for known in (own, sums, wanted[section][name]):
                    assert {key: record[key] for key in known} == known
                seen += 1
    assert seen >= 3
