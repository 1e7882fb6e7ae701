# SPDX-License-Identifier: BSD-3-Clause
"""What every command runs in."""

from __future__ import annotations

import gc

import pytest

from cenv import cli


@pytest.mark.parametrize("enabled", [True, False])
def test_main__looks_for_no_garbage_while_it_loads(monkeypatch, enabled):
    seen: list[bool] = []

    def parse(_arguments: list[str]) -> None:
        seen.append(gc.isenabled())
        raise SystemExit(3)

    monkeypatch.setattr(cli, "_options", parse)
    (gc.enable if enabled else gc.disable)()
    try:
        assert cli.main(["doctor"]) == 3
        assert (seen, gc.isenabled()) == ([False], enabled)
    finally:
        gc.enable()
