# SPDX-License-Identifier: BSD-3-Clause
"""Clones of real environments: a template of Python and pip, and a venv with pip in it."""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import subprocess
from pathlib import Path

import pytest

import cenv

SPECS = ["python", "pip", "setuptools"]


def content(top: Path) -> dict[str, tuple[int, bytes]]:
    """Return mode and bytes of all files below `top`, bytecode and dates of its making aside."""
    found = {}
    for path in sorted(top.rglob("*")):
        name = str(path.relative_to(top))
        if name.startswith("conda-meta/") or "__pycache__" in name:
            continue
        mode = path.lstat().st_mode
        if path.is_symlink():
            found[name] = (mode, os.fsencode(os.readlink(path)))
        elif path.is_file():
            found[name] = (mode, path.read_bytes())
        else:
            found[name] = (mode, b"")
    return found


@pytest.fixture(scope="module")
def template(python_channel: Path, session_store: Path) -> cenv.Template:
    store = cenv.TemplateStore(session_store)
    return store.template(SPECS, channels=[python_channel])


@pytest.mark.parametrize("name", ["d", "d" * 60, "d" * 150])
def test_clone__is_what_an_install_gives(
    template: cenv.Template,
    python_channel: Path,
    session_store: Path,
    tmp_path: Path,
    name: str,
) -> None:
    dst, installed, between = tmp_path / name, tmp_path / "kept", tmp_path / "between"
    cenv.create(dst, SPECS, [python_channel], store=session_store)
    dst.rename(installed)
    expected = content(installed)
    cenv.clone(template, between, mode="hardlink", store=session_store)
    for source in (template, between):
        cenv.clone(source, dst, mode="copy", store=session_store)
        assert content(dst) == expected
        assert cenv.verify(dst).ok
        dst.rename(tmp_path / f"done-{len(str(source))}")


def test_hardlink_clone__reads_only_what_it_rewrites(
    template: cenv.Template, session_store: Path, tmp_path: Path
) -> None:
    source, clone = Path(template), tmp_path / "clone"
    # The links of a first clone are newer than any access, so that the next read of a file
    # shows, even where times are lazy, and no time is set by us: a manifest would notice.
    cenv.clone(template, tmp_path / "first", mode="hardlink", store=session_store)
    accessed = {
        path: path.stat().st_atime_ns
        for path in source.rglob("*")
        if path.is_file() and not path.is_symlink()
    }
    cenv.clone(template, clone, mode="hardlink", store=session_store)
    shared_files = [
        path
        for path in accessed
        if (clone / path.relative_to(source)).stat().st_ino == path.stat().st_ino
    ]
    assert len(shared_files) > 0.8 * len(accessed) > 1500
    assert [p for p in shared_files if p.stat().st_atime_ns != accessed[p]] == []
    seen = next(p for p in shared_files if p.stat().st_size)
    seen.read_bytes()
    if seen.stat().st_atime_ns == accessed[seen]:
        pytest.skip("the file system of the tests keeps no access times")


def test_clone__of_a_venv_with_pip_works(
    venv: Path, tmp_path: Path, session_store: Path
) -> None:
    clone = tmp_path / "a clone"
    cenv.clone(venv, clone, store=session_store)
    told = subprocess.run(
        [clone / "bin/pip", "--version"], capture_output=True, text=True, check=True
    ).stdout
    assert str(clone / "lib") in told
    script = '. "$1"; printf %s "$VIRTUAL_ENV"'
    done = subprocess.run(
        ["sh", "-c", script, "sh", clone / "bin/activate"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == str(clone)
    for path in clone.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.suffix != ".pyc":
            assert os.fsencode(venv) not in path.read_bytes(), path


def test_clone__brings_hashes_of_wheels_up_to_date(
    venv: Path, tmp_path: Path, session_store: Path
) -> None:
    clone = tmp_path / "clone-of-it"
    cenv.clone(venv, clone, store=session_store)
    (record,) = clone.glob("lib/python*/site-packages/pip-*.dist-info/RECORD")
    checked = 0
    with record.open(newline="") as rows:
        for name, told, size in csv.reader(rows):
            path = record.parent.parent / name
            if told and path.suffix != ".pyc":
                data = path.read_bytes()
                digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
                assert told == "sha256=" + digest.rstrip(b"=").decode(), name
                assert int(size) == len(data)
                checked += 1
    assert checked > 100
