# SPDX-License-Identifier: BSD-3-Clause
"""Packages in the shapes in which they are published, which are more than the format tells."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cenv
from cenv.demo.package import Member, Package
from cenv.solving.index_dir import index as index_dir

INDEX = b'{"name": "a", "version": "1", "build": "0", "build_number": 0}'


class _Pipe(io.RawIOBase):
    """What cannot be wound back: zipfile puts sizes behind the data then."""

    def __init__(self, file: io.BufferedWriter) -> None:
        self.file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self.file.write(data)


@pytest.mark.parametrize(
    "how", ["streamed", "without metadata", "deflated metadata", "streamed and cut"]
)
def test_extract__takes_zip_containers_as_they_are_published(
    make_channel: Callable[..., Path], tmp_path: Path, how: str
) -> None:
    channel = make_channel(Package("a", "1", members=[Member("share/a", b"text\n")]))
    (package,) = (channel / "linux-64").glob("*.conda")
    with zipfile.ZipFile(package) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    if how == "without metadata":
        del parts["metadata.json"]
    made = tmp_path / "a-1-0.conda"
    with made.open("wb") as file:
        to = _Pipe(file) if how.startswith("streamed") else file
        with zipfile.ZipFile(to, "w") as archive:
            for name, data in parts.items():
                packed = how == "deflated metadata" and name == "metadata.json"
                kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
                archive.writestr(name, data, kind)
    if how == "streamed and cut":
        made.write_bytes(made.read_bytes()[:-1])
        with pytest.raises(cenv.IntegrityError, match="data descriptor"):
            cenv.extract(made, tmp_path / "x")
        assert not (tmp_path / "x").exists()
        return
    cenv.extract(made, tmp_path / "x")
    assert (tmp_path / "x/share/a").read_text() == "text\n"


def test_create__of_a_package_without_any_list(
    make_channel: Callable[..., Path], tmp_path: Path
) -> None:
    made = make_channel(Package("meta", "1", members=[]), extension=".tar.bz2")
    (package,) = (made / "linux-64").glob("*.tar.bz2")
    with tarfile.open(package) as archive:
        index = archive.extractfile("info/index.json")
        assert index is not None
        text = index.read()
    for extra in ((), ("share/unlisted",)):
        channel = tmp_path / f"channel{len(extra)}"
        (channel / "linux-64").mkdir(parents=True)
        with tarfile.open(channel / "linux-64" / package.name, "w:bz2") as archive:
            for name in ("info/index.json", *extra):
                member = tarfile.TarInfo(name)
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text))
        index_dir(channel)
    store = tmp_path / "store"
    cenv.create(
        tmp_path / "env", ["meta"], channels=[tmp_path / "channel0"], store=store
    )
    assert cenv.verify(tmp_path / "env").ok
    with pytest.raises(cenv.IntegrityError, match="info/files"):
        cenv.create(
            tmp_path / "no", ["meta"], channels=[tmp_path / "channel1"], store=store
        )


def test_digests__may_be_in_upper_case(
    make_channel: Callable[..., Path], tmp_path: Path
) -> None:
    channel = make_channel(
        Package("a", "1", members=[Member("share/a", b"text\n")]), extension=".tar.bz2"
    )
    (package,) = (channel / "linux-64").glob("*.tar.bz2")
    with tarfile.open(package) as archive:
        parts = {
            member.name: file.read()
            for member in archive
            if (file := archive.extractfile(member))
        }
    entries = json.loads(parts["info/paths.json"])
    for entry in entries["paths"]:
        entry["sha256"] = entry["sha256"].upper()
    parts["info/paths.json"] = json.dumps(entries).encode()
    with tarfile.open(package, "w:bz2") as archive:
        for name, data in parts.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    index_dir(channel)
    digest = hashlib.sha256(package.read_bytes()).hexdigest().upper()
    cenv.extract(package, tmp_path / "x", sha256=digest)
    src, dst = tmp_path / "env", tmp_path / "clone"
    cenv.create(src, ["a"], channels=[channel], store=tmp_path / "store")
    assert cenv.verify(src).ok
    record = src / "conda-meta/a-1-0.json"
    data = json.loads(record.read_text())
    for entry in data["paths_data"]["paths"]:
        entry["sha256_in_prefix"] = entry["sha256"].upper()
    record.write_text(json.dumps(data))
    cenv.clone(src, dst, store=tmp_path / "store")
    assert cenv.verify(src).ok
    assert cenv.verify(dst).ok
    (dst / "share/a").write_text("other\n")
    assert cenv.verify(dst).altered == ("share/a",)


@pytest.mark.parametrize("text", ["null", "[]", "{}", '{"name": "b"}'])
def test_verify__tells_of_records_that_it_cannot_use(
    make_channel: Callable[..., Path], tmp_path: Path, text: str
) -> None:
    channel = make_channel(Package("a", "1", members=[Member("share/a", b"1")]))
    cenv.create(tmp_path / "env", ["a"], channels=[channel], store=tmp_path / "store")
    (tmp_path / "env/conda-meta/a-1-0.json").write_text(text)
    (warning,) = cenv.verify(tmp_path / "env").warnings
    assert "conda-meta/a-1-0.json" in warning
    argv = [sys.executable, "-m", "cenv", "verify", str(tmp_path / "env")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "warning: conda-meta/a-1-0.json" in done.stderr


@pytest.mark.parametrize("listed", [b"./share/a\n", None])
def test_extract__names_a_package_once(tmp_path: Path, listed: bytes | None) -> None:
    package = tmp_path / "a-1-0.tar.bz2"
    parts = {"info/index.json": INDEX, "share/a": b"1"}
    if listed:
        parts["info/files"] = listed
    with tarfile.open(package, "w:bz2") as archive:
        for name, data in parts.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    with pytest.raises(cenv.IntegrityError) as caught:
        cenv.extract(package, tmp_path / "x")
    assert str(caught.value).startswith("package a-1-0.tar.bz2: info/")
    assert str(caught.value).count("a-1-0") == 1
    assert ("is not normalised" in str(caught.value)) == bool(listed)
