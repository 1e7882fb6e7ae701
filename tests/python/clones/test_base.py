# SPDX-License-Identifier: BSD-3-Clause
"""A base environment is cloned without what lies in it and is no part of it."""

from __future__ import annotations

from pathlib import Path

import pytest

import cenv
from cenv.cli import main

MARKS = ["condabin/conda", "pkgs/urls.txt", "pkgs/urls"]


def put(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def base(tmp_path: Path, small_channel: Path) -> Path:
    place = tmp_path / "base"
    cenv.create(place, ["tool"], channels=[small_channel], store=tmp_path / "store")
    put(place / "pkgs/cache/big.conda", "x" * 100)
    put(place / "envs/.conda_envs_dir_test")
    for nested in ("envs/work", "opt/other"):
        put(place / nested / "conda-meta/history")
        put(place / nested / "bin/tool", f"#!{place}/{nested}/bin/sh\n")
    put(place / "share/data/conda-meta/history", "no programs: data of a test")
    return place


@pytest.mark.parametrize("mark", MARKS)
def test_base__is_cloned_without_caches_and_environments(
    base: Path, tmp_path: Path, mark: str, capsys: pytest.CaptureFixture[str]
) -> None:
    put(base / mark)
    clone, store = tmp_path / "clone", tmp_path / "store"
    assert main(["clone", str(base), str(clone), "--store", str(store)]) == 0
    for left_out in ("pkgs", "envs", "opt/other"):
        assert not (clone / left_out).exists()
    assert (clone / "share/data/conda-meta/history").is_file()
    assert cenv.verify(clone).ok
    told = capsys.readouterr().err
    assert "left out: envs, pkgs (not part of the base environment)\n" in told
    assert "left out: opt/other (an environment of its own)\n" in told
    report = cenv.clone(base, tmp_path / "again", store=store)
    assert {n.path for n in report.skipped} == {"pkgs", "envs", "opt/other"}


def test_environment__that_is_no_base_keeps_directories_of_these_names(
    base: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    report = cenv.clone(base, clone, store=tmp_path / "store")
    assert (clone / "pkgs/cache/big.conda").is_file()
    assert {n.path for n in report.skipped} == {"envs/work", "opt/other"}
