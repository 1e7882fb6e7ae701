# SPDX-License-Identifier: BSD-3-Clause
"""The set-up of benchmarks inside CodSpeed's emulator: callgrind with its runner's flags.

    benchmarks/run.py emulated
    python benchmarks/emulated.py [--conda COMMAND] [--rounds N]

A suite of benchmarks runs under pytest-codspeed and valgrind as in a job of CodSpeed's;
each set-up makes an environment, and notes how long it took. `--conda COMMAND` adds `conda
create --clone` under the same flags, a process whose start (`conda list`, which loads the
same modules) is taken off: in such a job conda runs in the suite's own process.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from measure import shared, workspace

SPECS = ["python", "pip", "setuptools"]
# The runner's (src/executor/valgrind/measure.rs), but for what depends on its own valgrind.
VALGRIND = """valgrind -q --tool=callgrind --trace-children=yes --cache-sim=yes
--I1=32768,8,64 --D1=32768,8,64 --LL=8388608,16,64 --instr-atstart=no --collect-systime=nsec
--compress-strings=no --combine-dumps=yes --dump-line=no --read-inline-info=yes""".split()

_SUITE = """
import json, os, time
from pathlib import Path
import pytest

def note(kind, start):
    with Path({notes!r}).open("a") as file:
        file.write(json.dumps([kind, time.perf_counter() - start]) + chr(10))

@pytest.fixture(scope="session")
def template(request):
    start = time.perf_counter()
    template = request.getfixturevalue("cenv_template")(*{specs!r})
    note("template", start)
    return template

@pytest.mark.parametrize("n", range({benchmarks}))
def test_benchmark(benchmark, template, cenv_env, n):
    def setup():
        start = time.perf_counter()
        env = cenv_env(template=template)
        note("clone", start)
        return (env,), {{}}

    benchmark.pedantic(lambda env: os.listdir(env), setup=setup, warmup_rounds=1)
"""


def emulated(work: Path, argv: list[str], environment: dict[str, str]) -> str:
    """Run a command under the emulator; return what it wrote to stderr."""
    flags = [*VALGRIND, f"--callgrind-out-file={work}/callgrind.%p.out"]
    done = subprocess.run(
        [*flags, *argv],
        env={
            **os.environ,
            "PYTHONHASHSEED": "0",
            "PYTHONMALLOC": "malloc",
            **environment,
        },
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"failed: {shlex.join(argv)}\n{done.stdout}{done.stderr}")
    return done.stderr


def clones(work: Path, channel: Path, benchmarks: int) -> tuple[float, list[float]]:
    """Return how long a suite took for its template, which is there, and for each clone."""
    import cenv

    store = work / "store"
    cenv.TemplateStore(store).template(SPECS, [channel])  # `cenv template build`
    notes = work / "notes"
    text = _SUITE.format(benchmarks=benchmarks, specs=SPECS, notes=str(notes))
    (work / "test_suite.py").write_text(text)
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    argv += ["-p", "pytest_codspeed.plugin", "-p", "cenv.pytest_plugin"]
    argv += [f"--basetemp={work}/base", f"--cenv-store={store}"]
    argv += ["-o", f"cenv_channels={channel}", "test_suite.py"]
    emulated(work, argv, {"CODSPEED_ENV": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
    (_, found), *made = map(json.loads, notes.read_text().splitlines())
    return found, [seconds for _, seconds in made]


def natively(work: Path, channel: Path, rounds: int = 5) -> float:
    """Return the seconds of a clone without the emulator."""
    import cenv

    template = cenv.TemplateStore(work / "store").template(SPECS, [channel])
    seconds = []
    for number in range(rounds):
        start = time.perf_counter()
        template.clone(work / f"native-{number}")
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def conda_clones(work: Path, conda: list[str], rounds: int) -> list[float]:
    """Return how long each `conda create --clone` took, without the command's start."""
    source = work / "conda-template"
    create = [*conda, "create", "--yes", "--quiet"]
    subprocess.run(
        [*create, "--prefix", source, *SPECS], check=True, stdout=subprocess.DEVNULL
    )

    def seconds(*argv: object) -> float:
        start = time.perf_counter()
        emulated(work, [*map(str, argv)], {})
        return time.perf_counter() - start

    begin = seconds(*conda, "list", "--prefix", source)
    clone = [*create, "--clone", source, "--prefix"]
    return [seconds(*clone, work / f"conda-{n}") - begin for n in range(rounds)]


def run(work: Path, channel: Path, conda: list[str], rounds: int) -> list[str]:
    found, made = clones(work, channel, rounds)
    middle = statistics.median(made)
    lines = [
        f"an environment of {' '.join(SPECS)} in a benchmark's set-up, emulated",
        f"  cenv, finding the template, once  {found * 1e3:9.1f} ms",
        f"  cenv, {len(made)} clones (median)         {middle * 1e3:9.1f} ms"
        f"   (max {max(made) * 1e3:.1f})",
        f"  cenv, a clone without the emulator {natively(work, channel) * 1e3:9.1f} ms",
    ]
    if conda:
        theirs = statistics.median(conda_clones(work, conda, min(rounds, 2)))
        lines += [
            f"  conda create --clone              {theirs * 1e3:9.1f} ms",
            f"  cenv's share of it                {middle / theirs:9.2%}",
        ]
    return lines


def main() -> list[str]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conda", default=os.environ.get("CENV_PEER_CONDA", ""))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", help="a directory on the file system to measure")
    options = parser.parse_args()
    place = shared()
    if place is None:
        return ["the shared folder of real packages is not here: nothing measured"]
    if shutil.which("valgrind") is None:
        return ["valgrind is not installed: nothing measured"]
    with workspace(options.work) as work:
        conda = shlex.split(options.conda)
        return run(work, place / "channel", conda, options.rounds)


if __name__ == "__main__":
    print("\n".join(main()))
