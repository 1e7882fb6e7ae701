# SPDX-License-Identifier: BSD-3-Clause
"""Files that name their environment in ways of their own: relocated exactly, or left and told."""

from __future__ import annotations

import json
import os
import pickle
import shlex
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cenv
import cenv.cli
from cenv.demo.package import PLACEHOLDER, Member, Package


def environment(prefix: Path) -> Path:
    """Make an environment of which no record tells anything."""
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "conda-meta/history").touch()
    return prefix


def put(prefix: Path, name: str, data: str | bytes) -> None:
    path = prefix / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def records(texts: list[str]) -> bytes:
    return b"".join(struct.pack("<I", len(t)) + t.encode() for t in texts) + b"\0" * 4


def read_records(data: bytes) -> list[str]:
    found = []
    while size := struct.unpack_from("<I", data)[0]:
        found.append(data[4 : 4 + size].decode())
        data = data[4 + size :]
    return found


def told(report: cenv.CloneReport) -> set[str]:
    return {entry.path for entry in report.unrelocatable}


@pytest.mark.parametrize("name", ["e", "an-equal-name", "a-name-that-is-much-longer"])
def test_counted_files__read_as_before_or_as_moved(tmp_path: Path, name: str) -> None:
    source, clone = environment(tmp_path / "a-first-name-"), tmp_path / name
    paths = [f"{source}/share/file-{i}" for i in range(80)]
    dumps = {f"share/{n}.pkl": pickle.dumps(paths, n) for n in range(1, 6)}
    for file, data in dumps.items():
        put(source, file, data)
    put(source, "share/records", records(paths))
    put(source, "share/fixed", b"".join(p.encode().ljust(200, b"\0") for p in paths))
    report = cenv.clone(source, clone, mode="copy", store=tmp_path / "store")
    moved = [path.replace(str(source), str(clone)) for path in paths]
    fixed = (clone / "share/fixed").read_bytes()
    fields = [
        fixed[i : i + 200].rstrip(b"\0").decode() for i in range(0, len(fixed), 200)
    ]
    got = {file: pickle.loads((clone / file).read_bytes()) for file in dumps}
    got["share/records"] = read_records((clone / "share/records").read_bytes())
    got["share/fixed"] = fields
    left = {file for file, read in got.items() if read == paths}
    assert left == told(report)
    assert all(got[file] == moved for file in got.keys() - left)
    # Where a count reads as a letter it cannot be told from a longer name.
    equal = len(str(clone)) == len(str(source))
    certain = {
        "share/1.pkl",
        "share/2.pkl",
        "share/3.pkl",
        "share/records",
        "share/fixed",
    }
    assert left & certain == (set() if equal else certain)


def test_spellings__are_exact_or_told(tmp_path: Path) -> None:
    source = environment(tmp_path / "josé's env")
    clone = tmp_path / "the $new one"
    kernel: dict[str, Any] = {
        "argv": [f"{source}/bin/python"],
        "note": f"a\n{source}\nb",
    }
    put(source, "share/jupyter/kernels/k/kernel.json", json.dumps(kernel))
    put(source, "etc/state", json.dumps(kernel).replace("/", "\\/"))
    put(source, "etc/direct_url.json", json.dumps({"url": (source / "src").as_uri()}))
    script = (
        f'#!/bin/sh\na={shlex.quote(str(source))}\nb="{source}/lib"\necho "$a" "$b"\n'
    )
    put(source, "bin/tell.sh", script)
    put(source, "etc/a.py", f"p = {str(source)!a}\n")
    put(source, "etc/quoted", f"u={source.as_uri().lower()} %2F{str(source)[1:]}\n")
    report = cenv.clone(source, clone, mode="copy", store=tmp_path / "store")
    want = {"argv": [f"{clone}/bin/python"], "note": f"a\n{clone}\nb"}
    assert (
        json.loads((clone / "share/jupyter/kernels/k/kernel.json").read_text()) == want
    )
    assert json.loads((clone / "etc/state").read_text()) == want
    url = json.loads((clone / "etc/direct_url.json").read_text())["url"]
    assert url == (clone / "src").as_uri()
    done = subprocess.run(
        ["/bin/sh", clone / "bin/tell.sh"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{clone} {clone}/lib\n"
    assert told(report) == {"etc/a.py", "etc/quoted"}
    assert (clone / "etc/a.py").read_bytes() == (source / "etc/a.py").read_bytes()


@pytest.mark.parametrize("name", ["e", "a-name-that-is-longer"])
def test_package_binary__keeps_its_own_paths(
    tmp_path: Path, make_channel: Callable[..., Path], name: str
) -> None:
    """With its package gone, only what padding proves was a placeholder is relocated."""
    source, clone, store = tmp_path / "local", tmp_path / name, tmp_path / "store"
    own, near = f"{source}/share/own", f"{source}-data/x"
    names = ["lib/a.so", "lib/near.so"]
    members = [
        Member(
            file,
            b"\x7fELF\0\0" + f"{PLACEHOLDER}/lib\0mid\0{text}\0tail\0".encode(),
            placeholder=PLACEHOLDER,
        )
        for file, text in zip(names, (own, near), strict=True)
    ]
    channel = make_channel(Package("a", "1", members=members))
    cenv.create(source, ["a"], [channel], store=store)
    shutil.rmtree(store)
    report = cenv.clone(source, clone, mode="copy", store=store)
    for file, text in zip(names, (own, near), strict=True):
        strings = [part for part in (clone / file).read_bytes().split(b"\0") if part]
        want = [b"\x7fELF", f"{clone}/lib".encode(), b"mid", text.encode(), b"tail"]
        assert strings == want
        assert (clone / file).stat().st_size == (source / file).stat().st_size
    assert told(report) == {"lib/a.so"}  # `near` is another directory's


def test_sparse_file__costs_what_it_holds(tmp_path: Path) -> None:
    """64 GiB of nothing: read whole, they would take longer than a test may."""
    source = environment(tmp_path / "env")
    with (source / "image").open("wb") as file:
        os.truncate(file.fileno(), 64 << 30)
    if (source / "image").stat().st_blocks > 1024:
        pytest.skip("the file system has no holes")
    report = cenv.clone(
        source, tmp_path / "clone", mode="hardlink", store=tmp_path / "s"
    )
    assert told(report) == set()
    assert (tmp_path / "clone/image").stat().st_size == 64 << 30


def test_command__tells_what_it_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CENV_STORE", str(tmp_path / "store"))
    source = environment(tmp_path / "env")
    put(source, "share/a.pkl", pickle.dumps([str(source)], 2))
    assert cenv.cli.main(["clone", str(source), str(tmp_path / "another")]) == 0
    shown = capsys.readouterr().err
    assert "not relocated: 1\n  share/a.pkl: " in shown
    assert "counts" in shown
    for i in range(6):
        put(source, f"share/{i}.pkl", pickle.dumps([str(source)], 2))
    assert cenv.cli.main(["clone", str(source), str(tmp_path / "others")]) == 0
    shown = capsys.readouterr().err
    assert "not relocated: 7; the first 5 (-v: all)\n" in shown
    assert shown.count(".pkl: ") == 5
    assert (
        cenv.cli.main(["clone", "-v", str(source), str(tmp_path / "everything")]) == 0
    )
    assert capsys.readouterr().err.count(".pkl: ") == 7
