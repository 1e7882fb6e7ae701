# SPDX-License-Identifier: BSD-3-Clause
"""Channels of one package, for tests of which channel a solve takes it from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

WriteChannel = Callable[[Path, str, str], Path]


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
