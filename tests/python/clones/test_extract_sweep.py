# SPDX-License-Identifier: BSD-3-Clause
"""What an interrupted extraction leaves goes in the background."""

from __future__ import annotations

from pathlib import Path

import pytest

import cenv
from cenv import _native
from cenv.clones import helper


def test_extract__interrupted_has_its_leftovers_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tmp_path / ".out.cenv-99999999-00112233445566aa"  # of nobody who lives
    others = tmp_path / ".other.cenv-99999999-00112233445566aa"
    for made in (left, others):
        (made / "lib").mkdir(parents=True)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    others_helpers = set(helper.running)  # of tests before this one
    monkeypatch.setattr(_native, "call", interrupt)
    with pytest.raises(KeyboardInterrupt):
        cenv.extract("p-1-0.conda", tmp_path / "out")
    for pid in helper.running - others_helpers:
        helper.wait_for(pid)
    assert list(tmp_path.iterdir()) == [others]
