# SPDX-License-Identifier: BSD-3-Clause
"""Repodata written for a directory of packages."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from cenv import _native
from cenv.errors import CenvError, IntegrityError, UsageError
from cenv.solving.index_dir import index

SHARED = Path(os.environ.get("CENV_SHARED", Path(__file__).parents[4] / "shared"))


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


@pytest.mark.skipif(not (SHARED / "channel").is_dir(), reason="no shared channel")
def test_index__agrees_with_a_real_channel(tmp_path: Path) -> None:
    channel = tmp_path / "channel"
    shutil.copytree(SHARED / "channel", channel)
    for subdir in ("linux-64", "noarch"):
        (channel / subdir).chmod(0o755)
        (channel / subdir / "repodata.json").unlink()
    index(channel)
    for subdir in ("linux-64", "noarch"):
        wanted, found = (
            document(SHARED / "channel" / subdir),
            document(channel / subdir),
        )
        for section in ("packages", "packages.conda"):
            assert set(found[section]) == set(wanted.get(section, {}))
            for name, record in wanted.get(section, {}).items():
                assert {key: found[section][name][key] for key in record} == record
