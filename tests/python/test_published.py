# SPDX-License-Identifier: BSD-3-Clause
"""Packages in the shapes in which they are published, which are more than the format tells."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cenv
from cenv.demo.package import Member, Package
from cenv.solving.index_dir import index as index_dir


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
