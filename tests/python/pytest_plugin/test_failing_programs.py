# SPDX-License-Identifier: BSD-3-Clause
"""Programs that fail in a test: what the report shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import cenv


def test_report__shows_no_frame_of_cenv(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    project.makepyfile(
        """
        def test_fails(cenv_env):
            cenv_env().run("sh", "-c", "echo the reason >&2; exit 3", check=True,
                           capture_output=True, text=True)

        def test_late(cenv_env):
            cenv_env().run("sleep", "60", timeout=0.1)

        def test_absent(cenv_env):
            cenv_env().run("no-such-program")
        """
    )
    result = run("--tb=long", "-p", "no:cacheprovider")
    result.assert_outcomes(failed=3)
    said = result.stdout.str()
    assert "the reason" in said
    assert "/".join(Path(cenv.__file__).parts[-3:-1]) + "/" not in said
    assert "no such program" in said
