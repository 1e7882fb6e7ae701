# SPDX-License-Identifier: BSD-3-Clause
"""The pages, their code blocks, and a conda-forge small enough to run them on."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cenv.demo.package import PLACEHOLDER, Member, Package

ROOT = Path(__file__).resolve().parents[3]
SITE = f"{PLACEHOLDER}/lib/site"
PYTHON = f"""#!/bin/sh
PYTHONPATH={SITE} exec {sys.executable} "$@"
"""
PIP = f"""#!/bin/sh
case "$2" in
-r) while read -r name; do echo > {SITE}/"$name.py"; done < "$3" ;;
*) cp -R "$2/mypackage" {SITE} ;;
esac
"""

Blocks = Callable[[str, str], list[str]]


@pytest.fixture(scope="session")
def blocks() -> Blocks:
    """Return a function that gives the code blocks of one language of a page."""

    def find(page: str, language: str) -> list[str]:
        found: list[str] = re.findall(
            rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.M | re.S
        )
        assert found
        return found

    return find


def program(name: str, text: str) -> Member:
    """Return a script of bin that knows its prefix."""
    return Member(f"bin/{name}", text.encode(), 0o755, placeholder=PLACEHOLDER)


@pytest.fixture(scope="session")
def conda_forge(make_channel) -> Path:
    """Return a channel with the packages that pages name; its python is this one."""
    pythons = [
        Package("python", v, members=[program("python", PYTHON)])
        for v in ("3.10.1", "3.12.1")
    ]
    site = Member("lib/site/README", b"where pip installs\n")
    pip = Package(
        "pip", "24.0", depends=["python"], members=[program("pip", PIP), site]
    )
    numpy = [
        Package("numpy", v, depends=["python"], members=[Member(f"share/{v}", b"")])
        for v in ("1.26.4", "2.1.0")
    ]
    return make_channel(*pythons, pip, *numpy)


@pytest.fixture
def as_conda_forge(
    conda_forge: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the name conda-forge mean that channel, and use a store of the test's own."""
    place = tmp_path / "channels"
    place.mkdir()
    (place / "conda-forge").symlink_to(conda_forge)
    (tmp_path / "condarc").write_text(
        f"custom_channels:\n  conda-forge: file://{place}\n"
    )
    monkeypatch.setenv("CONDARC", str(tmp_path / "condarc"))
    monkeypatch.setenv("CENV_STORE", str(tmp_path / "store"))


def write_project(place: Path) -> None:
    """Write what the pages' examples install and test."""
    for name, text in {
        "mypackage/__init__.py": "",
        "tests/unit/test_unit.py": "def test_unit():\n    pass\n",
        "requirements.txt": "requests\n",
    }.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def project(tmp_path: Path, as_conda_forge: None) -> Path:
    """Return the project that the pages' examples are of."""
    write_project(tmp_path / "project")
    return tmp_path / "project"
