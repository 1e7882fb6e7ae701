# SPDX-License-Identifier: BSD-3-Clause
"""A run's remote: pulled from, pushed to, asked once where it is away."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable

import pytest

SUITE = """
import pytest

@pytest.mark.parametrize("n", range(4))
def test_clone(n, cenv_env):
    assert (cenv_env() / "bin/tool").exists()

def test_other(cenv_env):
    assert (cenv_env("data=1.0") / "share/data.txt").read_text() == "1.0"
"""


def test_remote__gives_what_another_run_pushed(
    fresh: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    fresh.makepyfile(SUITE)
    url = (fresh.path / "remote").as_uri()
    pushed = run("-n2", f"--cenv-remote={url}", "-o", "cenv_remote_push=true")
    pushed.assert_outcomes(passed=5)
    assert "pulled" not in pushed.stdout.str()
    shutil.rmtree(fresh.path / "store")
    pulled = run("-n2", f"--cenv-remote={url}", "--cenv-json=out.json")
    pulled.assert_outcomes(passed=5)
    pulled.stdout.fnmatch_lines([f"2 templates pulled from {url} in * spared"])
    told = json.loads((fresh.path / "out.json").read_text())
    assert told["remote"]["templates"] == 2
    assert told["remote"]["bytes"] > 0
    assert told["remote"]["troubles"] == []
    assert all(template["builds"] == 0 for template in told["templates"])


def test_remote__that_is_away_is_told_once_and_asked_once(
    fresh: pytest.Pytester,
    run: Callable[..., pytest.RunResult],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fresh.makepyfile(SUITE)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("CENV_REMOTE", f"http://127.0.0.1:{port}/templates")
    monkeypatch.setenv("CENV_REMOTE_PUSH", "1")
    result = run("-n2", "--cenv-json=out.json")
    result.assert_outcomes(passed=5)
    told = json.loads((fresh.path / "out.json").read_text())
    (trouble,) = told["remote"]["troubles"]
    assert f"127.0.0.1:{port}" in trouble
    assert result.stdout.str().count("templates are made here") == 1


def test_remote__that_is_none_is_said(
    fresh: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    fresh.makepyfile(SUITE)
    for url in ("http://[", "ftp://example.org/x"):
        result = run("-n0", f"--cenv-remote={url}", "-k", "other")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["*--cenv-remote: remote*"])
    run("-n0", "--cenv-remote=", "-k", "other").assert_outcomes(passed=1)
