# SPDX-License-Identifier: BSD-3-Clause
"""Clones made ahead of tests and removed behind them; none beside a benchmark, none left."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

HELPERS = """
import os, signal, time
from pathlib import Path
import pytest

def clones(env):
    return {p for p in Path(env).parent.iterdir() if p.name.isdecimal()}

def wait_for_more(*envs):
    end = time.monotonic() + 20
    known = set(map(Path, envs))
    while len(clones(envs[0]) - known) != 1 and time.monotonic() < end:
        time.sleep(0.02)
    (new,) = clones(envs[0]) - known
    return str(new)
"""


@pytest.fixture
def project(configure, session_store: Path) -> pytest.Pytester:
    return configure(cenv_store=session_store, cenv_specs="tool", cenv_recycle="off")


AHEAD = """
made = []

def test_one(cenv_env):
    made.append(str(cenv_env()))

def test_two(cenv_env):
    made.append(wait_for_more(cenv_env()))

def test_three(cenv_env):
    env = cenv_env()
    assert str(env) == made.pop(), "the one made ahead"
    assert (env / "share/data.txt").read_text() == "3.0"
    assert str(env) in (env / "etc/tool.conf").read_text()
    env.reset()
    made.append(wait_for_more(env))

def test_measured(cenv_env, benchmark):
    env = cenv_env()
    assert not os.path.exists(made.pop()), "what lay ready is none that is measured in"
    before = clones(env)
    benchmark(time.sleep, 0.3)
    assert clones(env) == before

def test_last(cenv_env):
    env = cenv_env()
    before = clones(env)
    time.sleep(0.3)
    assert clones(env) == before
"""


def test_spares__are_made_while_tests_run(project: pytest.Pytester, run) -> None:
    project.makepyfile(HELPERS + AHEAD)
    result = run("-p", "pytest_benchmark.plugin", "--basetemp=base")
    result.assert_outcomes(passed=5)
    assert not list(project.path.glob("base/cenv/*"))


OFF = """
@pytest.mark.parametrize("n", range(3))
def test_each(n, cenv_env):
    env = cenv_env()
    for _ in range(2):
        assert clones(env) == {Path(env)}
        time.sleep(0.2)
"""


@pytest.mark.parametrize("how", ["option", "ini", "variable", "codspeed"])
def test_spares__can_be_off(
    project: pytest.Pytester, run, configure, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    project.makepyfile(HELPERS + OFF)
    if how == "ini":
        configure(cenv_spares=0)
    elif how == "variable":
        monkeypatch.setenv("CENV_SPARES", "0")
    elif how == "codspeed":
        monkeypatch.setenv("CODSPEED_ENV", "1")
    run(*(["--cenv-spares=0"] if how == "option" else [])).assert_outcomes(passed=3)


def test_spares__of_a_killed_run_go(project: pytest.Pytester, run) -> None:
    project.makepyfile(
        HELPERS
        + """
def test_killed(cenv_env):
    wait_for_more(cenv_env(), cenv_env())
    os.kill(os.getpid(), signal.SIGKILL)

def test_next(): pass
"""
    )
    assert run("--basetemp=base").ret in (-signal.SIGKILL, 128 + signal.SIGKILL)
    end = time.monotonic() + 20
    while len(list(project.path.glob("base/cenv/*"))) > 2 and time.monotonic() < end:
        time.sleep(0.05)  # the helper's own end, which nobody waits for
    assert len(list(project.path.glob("base/cenv/*"))) == 2
    project.makepyfile("def test(cenv_env): cenv_env()")
    run("--basetemp=other").assert_outcomes(passed=1)
    assert not list(project.path.glob("base/cenv/*"))


def test_removal__leaves_nothing_in_either_way(project: pytest.Pytester, run) -> None:
    project.makepyfile(
        HELPERS
        + """
before = []

@pytest.mark.parametrize("n", range(24))
def test_many(n, cenv_env):
    assert not [path for path in before if os.path.exists(path)]
    before[:] = [str(cenv_env()) for _ in range(2)]
"""
    )
    run("--basetemp=base", "--cenv-spares=0").assert_outcomes(passed=24)
    assert not list(project.path.glob("base/cenv/*"))


RETENTION = """
import pytest

@pytest.mark.parametrize("good", [True, False])
def test(good, cenv_env):
    cenv_env()
    assert good
"""


@pytest.mark.parametrize(
    ("policy", "argv", "left"),
    [
        ("all", [], 1),
        ("none", [], 0),
        ("none", ["--cenv-keep=all"], 2),
        ("failed", ["--cenv-keep=none"], 0),
    ],
)
def test_retention__follows_pytests(
    project: pytest.Pytester, run, configure, policy: str, argv: list[str], left: int
) -> None:
    configure(tmp_path_retention_policy=policy)
    project.makepyfile(RETENTION)
    run("--basetemp=base", *argv).assert_outcomes(passed=1, failed=1)
    assert len(list(project.path.glob("base/cenv/*"))) == left
