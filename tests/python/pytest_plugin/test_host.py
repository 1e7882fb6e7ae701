# SPDX-License-Identifier: BSD-3-Clause
"""What surrounds a test, and what it sets: no leak into clones, nothing remembered wrongly."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cenv.clones.activation import environment_for, without_host
from cenv.demo.package import Package

HOST = {
    "VIRTUAL_ENV": "/host/venv",
    "PYTHONHOME": "/host",
    "PYTHONPATH": "/host/lib",
    "CONDA_DEFAULT_ENV": "host",
    "CONDA_PREFIX": "/host/conda",
    "CONDA_PREFIX_1": "/host/base",
    "CONDA_SHLVL": "2",
    "CONDA_PROMPT_MODIFIER": "(host)",
    "CONDA_BACKUP_CC": "gcc",
    "COV_CORE_SOURCE": "src",
    "COVERAGE_PROCESS_START": "/host/.coveragerc",
    "COVERAGE_PROCESS_CONFIG": "[run]",
}


def test_host__is_left_out_of_what_programs_see() -> None:
    kept = {"HOME": "/home/me", "CONDA_EXE": "/opt/conda/bin/conda", "LANG": "C"}
    assert without_host({**HOST, **kept}) == kept


def test_run__acts_on_the_clone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in HOST.items():
        monkeypatch.setenv(name, value)
    found = environment_for("/a/clone")
    assert found["CONDA_PREFIX"] == found["CONDA_DEFAULT_ENV"] == "/a/clone"
    assert found["PATH"].startswith("/a/clone/bin" + os.pathsep)
    assert found["CONDA_SHLVL"] == "1"
    assert not {"VIRTUAL_ENV", "PYTHONPATH", "CONDA_PREFIX_1"} & found.keys()


def test_run__takes_variables_that_it_is_given_as_they_are() -> None:
    given = {"PYTHONPATH": "/mine", "VIRTUAL_ENV": "/mine", "PATH": "/bin"}
    expected = {**given, "PATH": "/a/clone/bin:/bin", "CONDA_PREFIX": "/a/clone"}
    assert environment_for("/a/clone", given) == expected


def test_requests__are_told_apart_by_what_tests_set(
    pytester: pytest.Pytester,
    run: Callable[..., pytest.RunResult],
    small_channel: Path,
    make_channel: Callable[..., Path],
    session_store: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    other = make_channel(Package("data", "9"))
    condarc = tmp_path / "condarc"
    condarc.write_text(f"channels: [{small_channel}]\n")
    monkeypatch.setenv("CONDARC", str(condarc))
    monkeypatch.setenv("CENV_STORE", str(session_store))
    pytester.makepyfile(
        f"""
        import os
        import pytest
        from pathlib import Path

        def version(env):
            (record,) = (env / "conda-meta").glob("data-*.json")
            return record.name.split("-")[1]

        def test_file(cenv_env):
            assert version(cenv_env("data")) == "3.0"

        def test_variable(cenv_env, monkeypatch):
            monkeypatch.setenv("CONDA_CHANNELS", "{other}")
            assert version(cenv_env("data")) == "9"

        def test_setting(cenv_env, monkeypatch):
            monkeypatch.setenv("CENV_CHANNELS", "{other}")
            monkeypatch.setenv("CENV_SPECS", "data")
            assert version(cenv_env()) == "9"

        def test_pin(cenv_env, monkeypatch):
            monkeypatch.setenv("CONDA_PINNED_PACKAGES", "data=2")
            assert version(cenv_env("data")) == "2.0"

        def test_written(cenv_env):
            Path(os.environ["CONDARC"]).write_text("channels: [{other}]\\n")
            assert version(cenv_env("data")) == "9"
        """
    )
    run().assert_outcomes(passed=5)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_failure__that_a_test_expected_is_not_given_to_others(
    fresh: pytest.Pytester,
    run: Callable[..., pytest.RunResult],
    small_channel: Path,
    workers: str,
) -> None:
    fresh.makepyfile(
        f"""
        import os
        import pytest
        import cenv

        CHANNEL = "later"

        def test_expected(cenv_env):
            with pytest.raises(cenv.ChannelError):
                cenv_env("data", channels=["./later"])
            os.symlink("{small_channel}", "later")

        def test_later(cenv_env):
            while not os.path.exists("later"):
                pass
            assert cenv_env("data", channels=["./later"])
        """
    )
    run("-n", workers, "--dist", "load").assert_outcomes(passed=2)


def test_failure__that_fails_a_test_is_met_once(
    fresh: pytest.Pytester,
    run: Callable[..., pytest.RunResult],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fresh.makepyfile(
        """
        import pytest
        from cenv.templates.store import TemplateStore

        tries = []
        make = TemplateStore.make

        @pytest.fixture(autouse=True)
        def counted(monkeypatch):
            def count(store, recipe):
                tries.append(recipe)
                return make(store, recipe)
            monkeypatch.setattr(TemplateStore, "make", count)

        def test_one(cenv_env): cenv_env("absent")
        def test_two(cenv_env): cenv_env("absent")
        def test_tries(): assert len(tries) == 1
        """
    )
    run().assert_outcomes(failed=2, passed=1)
