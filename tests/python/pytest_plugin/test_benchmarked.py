# SPDX-License-Identifier: BSD-3-Clause
"""Clones in the set-ups of benchmarks, under pytest-benchmark and pytest-codspeed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

SUITE = """
import gc, json, os, random, time
from pathlib import Path
import pytest

HERE = Path(__file__).parent

def helpers():
    me = os.getpid()
    return Path(f"/proc/{me}/task/{me}/children").read_text().split()

def note(**facts):
    with (HERE / "notes").open("a") as file:
        file.write(json.dumps(facts) + chr(10))

@pytest.mark.parametrize("n", range(4))
def test_before(n, cenv_env):
    cenv_env()

@pytest.mark.parametrize("n", range(2))
def test_pedantic(benchmark, cenv_env, n):
    def setup():
        env = cenv_env()
        place = os.path.dirname(env)
        note(made=env.path, test=n, number=random.random(), collects=gc.isenabled())
        return (env, sorted(os.listdir(place))), {}

    def target(env, seen):
        assert not (env / "new").exists()
        (env / "new").touch()
        time.sleep(0.02)
        assert sorted(os.listdir(os.path.dirname(env))) == seen, "nothing is made ahead"

    benchmark.pedantic(target, setup=setup, rounds=5, warmup_rounds=1)

@pytest.mark.benchmark
def test_marked(cenv_env):
    note(marked=cenv_env().path, helpers=helpers())

def test_called(benchmark, cenv_env):
    env = cenv_env()
    benchmark(lambda: (env / "share/data.txt").read_text())
"""
BENCHMARK, CODSPEED = (
    ["-p", "pytest_benchmark.plugin"],
    ["-p", "pytest_codspeed.plugin"],
)


def notes(project: pytest.Pytester) -> list[dict[str, object]]:
    lines = (project.path / "notes").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize(
    ("argv", "environment", "tests", "rounds"),
    [
        ([*BENCHMARK], {}, 8, 6),
        ([*BENCHMARK, "--benchmark-disable-gc"], {}, 8, 6),
        ([*BENCHMARK, "--benchmark-disable"], {}, 8, 1),
        ([*BENCHMARK, "--benchmark-disable", "-n2"], {}, 8, 1),
        ([*BENCHMARK, *CODSPEED], {}, 8, 6),
        ([*BENCHMARK, *CODSPEED, "--codspeed"], {}, 4, 7),
        ([*BENCHMARK, *CODSPEED, "--codspeed", "--codspeed-mode=simulation"], {}, 4, 1),
        ([*BENCHMARK, *CODSPEED], {"CODSPEED_ENV": "1"}, 4, 2),
        (
            [*BENCHMARK, *CODSPEED],
            {"CODSPEED_ENV": "1", "CODSPEED_RUNNER_MODE": "walltime"},
            4,
            7,
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else " ".join(value),
)
def test_benchmark__gets_a_fresh_clone_each_round(
    fresh: pytest.Pytester,
    run,
    monkeypatch: pytest.MonkeyPatch,
    argv: list[str],
    environment: dict[str, str],
    tests: int,
    rounds: int,
) -> None:
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
        monkeypatch.delenv(name, raising=False)  # or pytest-benchmark measures nothing
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    fresh.makepyfile(SUITE)
    limits = ["--codspeed-max-time=0.05"] if "pytest_codspeed.plugin" in argv else []
    limits += ["--cenv-recycle=off"]  # the rounds' clones can be told apart then
    result = run(*argv, *limits, "--basetemp=base", "-W", "ignore::UserWarning")
    result.assert_outcomes(passed=tests, deselected=8 - tests)
    noted = notes(fresh)
    made = [note["made"] for note in noted if "made" in note]
    for n in range(2):
        mine = [note["made"] for note in noted if note.get("test") == n]
        assert len(set(mine)) == len(mine) == rounds
    assert not any(os.path.lexists(path) for path in made), (
        "no matter what teardown did"
    )
    assert not list(fresh.path.glob("base/**/cenv/*"))
    assert len(list(Path(fresh.path, "store/v1/templates").iterdir())) == 1
    if "--codspeed" in argv or environment:
        numbers = [note["number"] for note in noted if "made" in note]
        assert len(set(numbers)) == rounds, "random is seeded alike for each benchmark"
        assert not any(note.get("collects") for note in noted)
    if tests == 4:  # nothing but benchmarks
        helpers = [note["helpers"] for note in noted if "marked" in note]
        assert helpers
        assert not any(helpers)
