# SPDX-License-Identifier: BSD-3-Clause
"""Programs of clones: what activation adds to starting one.

    python benchmarks/programs.py [--rounds N]

Each contender runs `true` to its end. Beside cenv: subprocess.run, which activates nothing,
and a shell that sources the scripts, which is what a run costs where nothing is kept.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from measure import Sample, table, workspace

import cenv
from cenv.demo.package import Member, Package, write

_SCRIPT = (
    'export TOOL_HOME="$CONDA_PREFIX/share"\nexport PATH="$CONDA_PREFIX/tool:$PATH"\n'
)
_VARYING = _SCRIPT + "export TOOL_NUMBER=$RANDOM$RANDOM\n"


def channel_in(place: Path) -> Path:
    """Write a channel of three packages: without a script, with one, with one that varies."""
    channel = place / "channel"
    (channel / "noarch").mkdir(parents=True)
    for name, script in {"plain": "", "known": _SCRIPT, "varying": _VARYING}.items():
        path = "etc/conda/activate.d/tool.sh"
        members = [Member(path, script.encode())] if script else []
        write(Package(name, "1", members=members), channel, ".conda")
    cenv.index(channel)
    return channel


def contenders(place: Path) -> dict[str, Callable[[], object]]:
    """Return what each round runs, by name."""
    store, channel = cenv.TemplateStore(place / "store"), channel_in(place)
    clones = {
        name: store.template([name], [channel]).clone(place / name)
        for name in ("plain", "known", "varying")
    }
    script = clones["known"] / "etc/conda/activate.d/tool.sh"
    shell = ["bash", "--norc", "-c", '. "$0"; exec true', script]
    return {
        "subprocess.run": lambda: subprocess.run(["true"], check=True),
        "clone.run": lambda: clones["plain"].run("true", check=True),
        "clone.run, scripts known": lambda: clones["known"].run("true", check=True),
        "clone.run, scripts run each time": lambda: clones["varying"].run(
            "true", check=True
        ),
        "a shell for each run": lambda: clones["known"].run(
            shell, check=True, activate=False
        ),
    }


def main(rounds: int) -> None:
    """Take turns, a first round uncounted: it finds out what scripts do."""
    with workspace() as place:
        found = contenders(place)
        samples = {name: Sample(name) for name in found}
        for number in range(rounds + 1):
            for name, run in found.items():
                start = time.perf_counter()
                run()
                if number:
                    samples[name].seconds.append(time.perf_counter() - start)
        print("\n".join(table("a program", samples.values(), "subprocess.run")))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    main(parser.parse_args().rounds)
