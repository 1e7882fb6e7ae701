# SPDX-License-Identifier: BSD-3-Clause
"""What every command runs in."""

from __future__ import annotations

import gc
import subprocess
import sys

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


@pytest.mark.parametrize(
    ("closed", "status", "said"),
    [
        ("<&-", 0, ""),
        ("2>&-", 0, ""),
        (">&-", 1, "cannot write to standard output"),
        (">&- 2>&-", 1, ""),
        (">/dev/full", 1, "cannot write to standard output"),
    ],
)
@pytest.mark.parametrize("command", ["--version", "completion bash"])
def test_main__does_without_a_stream(command, closed, status, said):
    line = f'exec "$0" -m cenv {command} {closed}'
    done = subprocess.run(
        ["sh", "-c", line, sys.executable], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "Traceback" in done.stderr) == (status, False)
    assert said in done.stderr
    assert bool(done.stdout) == (status == 0)
