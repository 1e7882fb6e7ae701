# SPDX-License-Identifier: BSD-3-Clause
"""What a benchmark was measured in: told with its numbers, the same in every run, alone."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., pytest.RunResult]
BENCHMARK = ("-p", "pytest_benchmark.plugin")

SUITE = """
import os
from pathlib import Path
import pytest
import cenv.pytest

shared = cenv.pytest.fixture("data=1", scope="module")

def programs():
    me = os.getpid()
    return Path(f"/proc/{me}/task/{me}/children").read_text().split()

@pytest.mark.parametrize("n", range(6))
def test_before(cenv_env, n):
    cenv_env()

def test_rounds(cenv_env, benchmark):
    seen = []
    def setup():
        return (cenv_env(),), {}
    benchmark.pedantic(lambda env: seen.append(programs()), setup=setup, rounds=3)
    assert not any(seen), "no process of ours beside it"

def test_shared(shared, benchmark):
    benchmark((shared / "share/data.txt").read_text)

def test_without(benchmark):
    benchmark(programs)

def test_last(cenv_env):
    cenv_env()
"""


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pytest-benchmark measure, as it would not in a worker of xdist."""
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
        monkeypatch.delenv(name, raising=False)


def told(project: pytest.Pytester) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.path / "told").read_text())
    return found


def test_benchmark__tells_what_it_was_measured_in(
    project: pytest.Pytester, run: Run
) -> None:
    project.makepyfile(SUITE)
    options = [*BENCHMARK, "--benchmark-json=told", "--cenv-mode=hardlink"]
    runs = []
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        for base in ("base", "another-base"):
            run(*options, f"--basetemp={place}/{base}").assert_outcomes(passed=10)
            runs.append(told(project))
    by_name = {found["name"]: found["extra_info"] for found in runs[0]["benchmarks"]}
    ((rounds,), (shared,)) = (
        by_name["test_rounds"]["cenv"],
        by_name["test_shared"]["cenv"],
    )
    assert rounds | {"template": ""} == {
        "template": "",
        "mode": "hardlink",
        "path_length": 64,
        "clones": 3,
    }
    assert rounds["template"] != shared["template"]
    assert len(shared["template"]) == 64
    assert by_name["test_without"] == {}
    of_run = runs[0]["machine_info"]["cenv"]
    assert {one["template"] for one in of_run} == {
        rounds["template"],
        shared["template"],
    }
    again = {found["name"]: found["extra_info"] for found in runs[1]["benchmarks"]}
    assert again["test_rounds"] == by_name["test_rounds"]


def test_comparison__warns_of_other_environments_alone(
    project: pytest.Pytester, run: Run
) -> None:
    project.makepyfile(
        "def test_one(cenv_env, benchmark):\n"
        "    env = cenv_env()\n"
        "    benchmark((env / 'share/data.txt').read_text)\n"
    )
    run(*BENCHMARK, "--benchmark-save=base", "--cenv-mode=hardlink").assert_outcomes(
        passed=1
    )
    compare = [*BENCHMARK, "--benchmark-compare=0001", "-W", "error"]
    result = run(*compare, "--cenv-mode=hardlink")
    result.assert_outcomes(passed=1)
    assert "machine_info is different" not in result.stdout.str()
    warning = (
        "cenv: the benchmarks of * ran in other environments: * hardlink, *; "
        "these in * copy, *"
    )
    result.stdout.no_fnmatch_line(warning)
    run(*compare, "--cenv-mode=copy").stdout.fnmatch_lines([warning])


def test_codspeed__takes_the_environments_of_the_run(
    project: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODSPEED_ENV", "1")
    monkeypatch.setenv("CODSPEED_PROFILE_FOLDER", str(project.mkdir("profile")))
    project.makepyfile(SUITE)
    run("-p", "pytest_codspeed.plugin", "-W", "ignore", "--cenv-mode=copy")
    (file,) = (project.path / "profile").glob("environment-*.json")
    found = json.loads(file.read_text())["integration_environment"]["cenv"]
    assert len(found["environments"]) == 2
    assert all(" copy, path of " in line for line in found["environments"])


def test_template__is_read_before_it_is_measured(
    project: pytest.Pytester, run: Run, tmp_path: Path
) -> None:
    project.makeconftest(
        """
        from cenv.pytest_plugin import warm
        read, read_file = [], warm._read_file
        def note(path):
            read.append(path)
            read_file(path)
        warm._read_file = note
        """
    )
    project.makepyfile(
        """
        import os
        from conftest import read

        def files(top):
            return sorted(os.path.join(w, n) for w, _, names in os.walk(top) for n in names)

        def test_free(cenv_env):
            cenv_env()
            assert read == []

        def test_measured(cenv_env, cenv_template, benchmark):
            (cenv_env() / "fifo").touch()
            assert sorted(read) == files(cenv_template())
            cenv_env()
            assert len(read) == len(set(read)), "once"
            benchmark(str)
        """
    )
    run(*BENCHMARK).assert_outcomes(passed=2)
