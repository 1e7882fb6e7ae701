# SPDX-License-Identifier: BSD-3-Clause
"""What a run says where something is missing: one message, with what to do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]


def test_no_home__is_said_with_what_to_set(
    fresh: pytest.Pytester, run, configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    (fresh.path / "pytest.ini").write_text("[pytest]\ncenv_specs = tool\n")
    fresh.makeconftest(
        """
        import os, pwd
        for name in ("HOME", "CENV_STORE", "XDG_CACHE_HOME"):
            os.environ.pop(name, None)
        def getpwuid(uid): raise KeyError(uid)
        pwd.getpwuid = getpwuid
        """
    )
    fresh.makepyfile("def test_free(): pass\ndef test_env(cenv_env): cenv_env()")
    result = run("--basetemp=base")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["E  *UsageError: no place for the store: *", "* hint: set CENV_STORE *"]
    )
    assert not (fresh.path / "~").exists()


def test_hints__are_shown_where_a_test_fails(
    fresh: pytest.Pytester, run, configure
) -> None:
    configure(cenv_specs="")
    fresh.makepyfile(
        """
        import pytest
        def test_specs(cenv_env): cenv_env()
        def test_cause(cenv_env):
            try:
                cenv_env()
            except Exception as error:
                raise RuntimeError("wrapped") from error
        """
    )
    result = run("--tb=short")
    result.assert_outcomes(failed=2)
    lines = [line.strip() for line in result.stdout.lines]
    shown = [
        line for line in lines if line.startswith("E   hint: set cenv_specs in ini, or")
    ]
    assert len(shown) == 2, lines


@pytest.mark.parametrize("workers", ["0", "2"])
def test_store__that_cannot_be_written_is_said_with_what_to_set(
    fresh: pytest.Pytester, run: Run, workers: str
) -> None:
    fresh.makepyfile("def test_free(): pass\ndef test_env(cenv_env): cenv_env()")
    result = run("-n", workers, "--cenv-store=pytest.ini/store", "--basetemp=base")
    result.assert_outcomes(passed=1, errors=1)
    said = "E  *NotADirectoryError: * cannot make directory '*/pytest.ini/store'*"
    result.stdout.fnmatch_lines([said, "* hint: set CENV_STORE to a directory *"])
    result.stdout.no_fnmatch_line("*INTERNALERROR*")


def test_channel__that_nobody_names_is_said_with_what_to_set(
    fresh: pytest.Pytester, run: Run
) -> None:
    (fresh.path / "pytest.ini").write_text("[pytest]\ncenv_specs = tool\n")
    fresh.makepyfile("def test_env(cenv_env): cenv_env()")
    result = run("--cenv-store=store")
    result.assert_outcomes(failed=1)
    hint = "E * hint: *cenv_channels in pytest's ini, --cenv-channel*.condarc"
    result.stdout.fnmatch_lines(["E  *ChannelError: no channel *", hint])


def test_error__ends_at_the_line_that_asked(fresh: pytest.Pytester, run: Run) -> None:
    fresh.makepyfile(
        """
        def test_asks(cenv_env):
            cenv_env("absent")

        def test_cause(cenv_env):
            try:
                cenv_env("absent")
            except Exception as error:
                raise RuntimeError("wrapped") from error

        def test_fault(cenv_env):
            cenv_env("tool", channels=[3])
        """
    )
    for argv, shown in (((), False), (("--full-trace",), True)):
        result = run("-k", "not fault", *argv)
        result.assert_outcomes(failed=2)
        assert ("factories.py:" in result.stdout.str()) == shown
    assert "factories.py:" in run("-k", "fault").stdout.str()
