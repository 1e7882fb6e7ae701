# SPDX-License-Identifier: BSD-3-Clause
"""Clones at places that come back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]


def test_places__come_back(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(
        """
        from pathlib import Path

        def note(*envs):
            with open("places", "a") as file:
                file.write(" ".join(map(str, envs)) + "\\n")
            assert all(str(env) in (env / "etc/tool.conf").read_text() for env in envs)

        def test_two(cenv_env): note(cenv_env(), cenv_env())
        def test_one(cenv_env): note(cenv_env())
        def test_other(cenv_env): note(cenv_env("tool"), cenv_env())

        def test_is_over(cenv_env):
            with cenv_env() as env:
                note(env)
            assert not Path(env).exists()
        """
    )
    for _ in range(2):
        result = run("--basetemp=base", "--cenv-spares=0")
        result.assert_outcomes(passed=4)
    lines = (project.path / "places").read_text().splitlines()
    assert lines[4:] == lines[:4], "the same in every run"
    (first, second), (third,), (other, fourth), (fifth,) = map(str.split, lines[:4])
    assert first == third == fourth == fifth
    assert len({first, second, other}) == 3
    assert len(set(map(len, (first, second, other)))) == 1
