# SPDX-License-Identifier: BSD-3-Clause
"""What reports say of activation: scripts that are run each time, and why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cenv.demo.package import Member, Package


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_report__says_why_scripts_are_run_each_time(
    configure: Callable[..., pytest.Pytester],
    fresh: pytest.Pytester,
    run: Callable[..., pytest.RunResult],
    make_channel: Callable[..., Path],
    workers: tuple[str, ...],
) -> None:
    path = "etc/conda/activate.d/a.sh"
    channel = make_channel(
        Package("tool", "1", members=[Member(path, b"export A=$RANDOM$RANDOM")]),
        Package("data", "1", members=[Member(path, b"export A=1")]),
    )
    configure(cenv_channels=channel)
    fresh.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("spec", ["tool", "data"])
        def test_run(cenv_env, spec):
            assert cenv_env(spec).run("true").returncode == 0
        """
    )
    result = run("-v", "--cenv-json=told.json", *workers)
    why = "A depends on more than their texts and the variables that they name"
    result.stdout.fnmatch_lines(
        ["template tool *", f"  its activation scripts are run each time: {why}"]
    )
    assert result.stdout.str().count("activation scripts") == 1
    told = json.loads((fresh.path / "told.json").read_text())
    (tool,) = (t["id"] for t in told["templates"] if t["specs"] == ["tool"])
    assert told["activations"] == {tool: why}
