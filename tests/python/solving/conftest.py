# SPDX-License-Identifier: BSD-3-Clause
"""Channels for tests of solving: real repodata or its like, and channels of one package."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from cenv import _native

SHARED = Path(os.environ.get("CENV_SHARED", Path(__file__).parents[4] / "shared"))

WriteChannel = Callable[[Path, str, str], Path]
FindRepodata = Callable[[str], Path]


@pytest.fixture
def write_channel() -> WriteChannel:
    """Return a function (top, name, version) that writes a channel with one version of `x`."""

    def write(top: Path, name: str, version: str) -> Path:
        record = {"name": "x", "version": version, "build": "0", "build_number": 0}
        packages = {f"x-{version}-0.conda": {**record, "depends": []}}
        for subdir, found in (("linux-64", packages), ("noarch", {})):
            (top / name / subdir).mkdir(parents=True)
            document = {"info": {"subdir": subdir}, "packages.conda": found}
            (top / name / subdir / "repodata.json").write_text(json.dumps(document))
        return top / name

    return write


@pytest.fixture(scope="session")
def real_repodata() -> Path | None:
    """Return the folder of real repodata, CHANNEL/SUBDIR/repodata.json.zst; None without."""
    found = SHARED / "repodata"
    return found if found.is_dir() else None


@pytest.fixture(scope="session")
def repodata(
    real_repodata: Path | None, tmp_path_factory: pytest.TempPathFactory
) -> FindRepodata:
    """Return a function that gives the file of CHANNEL/SUBDIR, real or of that shape."""
    top = tmp_path_factory.mktemp("repodata")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        import made_repodata

    def find(place: str) -> Path:
        path = (real_repodata or top) / place / "repodata.json.zst"
        if not path.exists():
            path.parent.mkdir(parents=True)
            text = made_repodata.text(*place.rsplit("/", 1))
            _native.call(_native.extension.zstd_write, path, text, 1)
        return path

    return find


@pytest.fixture(scope="session")
def plain_repodata(
    repodata: FindRepodata, tmp_path_factory: pytest.TempPathFactory
) -> FindRepodata:
    """Return a function that gives the same file as plain JSON, ROOT/CHANNEL/SUBDIR/…"""
    top = tmp_path_factory.mktemp("plain")

    def find(place: str) -> Path:
        path = top / place / "repodata.json"
        if not path.exists():
            path.parent.mkdir(parents=True)
            with repodata(place).open("rb") as packed, path.open("wb") as target:
                zstandard.ZstdDecompressor().copy_stream(packed, target)
        return path

    return find
