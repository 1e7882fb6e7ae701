# SPDX-License-Identifier: BSD-3-Clause
"""How the benchmarks measure: processes of their own, in turn, medians and ratios.

Contenders alternate, each round in a new directory; everything is deleted at the very
end, because a file system that deletes between rounds slows the next one down.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# A child that times its own work, so that the interpreter's start is not counted.
_CHILD = """
import json, resource, sys, time
{setup}
start = time.perf_counter()
{work}
seconds = time.perf_counter() - start
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]))
"""


@dataclass
class Sample:
    """Seconds and peak memory (bytes; 0: not measured) of the rounds of one contender."""

    name: str
    seconds: list[float] = field(default_factory=list)
    peak: int = 0

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


Contender = Callable[[Path], tuple[float, int]]


def command(*argv: object) -> Contender:
    """Time a command; `{}` in it becomes the round's new path."""

    def run(target: Path) -> tuple[float, int]:
        words = [str(word).replace("{}", str(target)) for word in argv]
        start = time.perf_counter()
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        _pid, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(words)} failed")
        return seconds, usage.ru_maxrss * 1024

    return run


def python(setup: str, work: str, interpreter: str = sys.executable) -> Contender:
    """Time `work` in a new Python after `setup`; `target` is the round's new path."""

    def run(target: Path) -> tuple[float, int]:
        text = _CHILD.format(setup=f"target = {str(target)!r}\n{setup}", work=work)
        done = subprocess.run(
            [interpreter, "-c", text], check=False, stdout=subprocess.PIPE, text=True
        )
        if not done.stdout:  # a peer may crash at its exit, when the work is done
            raise SystemExit(f"failed with {done.returncode}: {work}")
        seconds, peak = json.loads(done.stdout.splitlines()[-1])
        return seconds, peak

    return run


def compare(
    contenders: dict[str, Contender], place: Path, rounds: int = 7
) -> list[Sample]:
    """Run the contenders in turn, a first round uncounted to warm caches."""
    samples = {name: Sample(name) for name in contenders}
    for number in range(rounds + 1):
        for name, run in contenders.items():
            target = place / f"{number:02d}-{list(contenders).index(name):02d}"
            seconds, peak = run(target)
            if number:
                samples[name].seconds.append(seconds)
                samples[name].peak = max(samples[name].peak, peak)
    return list(samples.values())


def table(title: str, samples: Iterable[Sample], base: str) -> list[str]:
    """Lay out medians, ratios to `base`, spread and peak memory."""
    samples = list(samples)
    unit = next(s for s in samples if s.name == base).median
    lines = [title]
    for sample in samples:
        low, high = min(sample.seconds) * 1e3, max(sample.seconds) * 1e3
        peak = f"{sample.peak / 1e6:7.1f} MB" if sample.peak else ""
        lines.append(
            f"  {sample.name:<34} {sample.median * 1e3:9.2f} ms  {sample.median / unit:6.2f} x"
            f"  ({low:.1f} .. {high:.1f})  {peak}"
        )
    return lines


@contextmanager
def workspace(directory: str | None = None) -> Iterator[Path]:
    """Give a new directory, removed at the end."""
    place = Path(tempfile.mkdtemp(prefix="cenv-bench-", dir=directory))
    try:
        yield place
    finally:
        subprocess.run(["rm", "-rf", str(place)], check=True)


def shared() -> Path | None:
    """Return the folder of real packages, or None where it is not."""
    place = Path(os.environ.get("CENV_SHARED", ROOT.parent / "shared"))
    return place if (place / "channel").is_dir() else None


def real_channel(given: Path | None) -> Path:
    """Return the channel that was given, or that of the folder; end where there is none."""
    channel = given or (shared() or Path()) / "channel"
    if not (channel / "noarch").is_dir():
        raise SystemExit("no channel of real packages here: give --channel")
    return channel
