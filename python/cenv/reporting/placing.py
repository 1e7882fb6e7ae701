# SPDX-License-Identifier: BSD-3-Clause
"""A trial of how files could be placed: some of the run's size, cloned in two modes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cenv import _native, api
from cenv._choices import CloneMode
from cenv.errors import CenvError
from cenv.reporting.causes import fallback_files, placing_stage
from cenv.reporting.machine import is_beside
from cenv.reporting.run import Run
from cenv.reporting.wording import counted, seconds, size

_BUILDS = ("template build", "pytest")  # a template shares no inodes with packages
_FILES = 200
_EACH = 10_000  # bytes of a file where the trace tells none
_BYTES = 32_000_000  # that a trial writes at most, in all its files


@dataclass(frozen=True)
class Trial:
    """What sharing files in `mode` would cost, as a ratio of what copies cost.

    `share` is the share of the run's files that were copied.
    """

    mode: CloneMode
    ratio: float
    share: float
    text: str


def trial(run: Run) -> Trial | None:
    """Place files where the run did, copied and shared; None where that is no question."""
    placed = [stage for stage in run.stages if stage.name == placing_stage(run)]
    count = sum(stage.items for stage in placed)
    copied = count if run.link.get("mode") == "copy" else fallback_files(run)
    where = _existing(os.path.dirname(run.file_system("destination").get("path", "")))
    if not count or not copied or where is None:
        return None
    each = min(sum(s.bytes for s in placed) // count or _EACH, _BYTES // _FILES)
    shares: tuple[CloneMode, ...] = (
        ("reflink",) if run.facts.get("command") in _BUILDS else ("reflink", "hardlink")
    )
    try:
        with tempfile.TemporaryDirectory(prefix=".cenv-try-", dir=where) as scratch:
            found = _measure(Path(scratch), each, shares)
    except (CenvError, OSError):
        return None
    if found is None:
        return None
    mode, shared, copy = found
    text = (
        f"{_what(run, where)}: files can be placed by {mode} there, and "
        f"{counted(_FILES, 'file')} of {size(each)} took {seconds(shared)} so, "
        f"{seconds(copy)} copied"
    )
    return Trial(mode, shared / copy, min(1.0, copied / count), text)


def _existing(path: str) -> str | None:
    """Return the nearest directory above a path that is there and can be written to."""
    if not os.path.isabs(path):
        return None
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path if os.access(path, os.W_OK | os.X_OK) else None


def _what(run: Run, where: str) -> str:
    if is_beside(run) is False:
        return f"the store on the file system of {where} (CENV_STORE)"
    return "files shared, not copied"


def _measure(
    scratch: Path, each: int, shares: Sequence[CloneMode]
) -> tuple[CloneMode, float, float] | None:
    """Return the first mode of `shares` that works there, and what it and copies took."""
    facts = _native.call(_native.extension.doctor, scratch)
    mode = next((mode for mode in shares if facts[mode]), None)
    if mode is None:
        return None
    source = scratch / "source"
    (source / "conda-meta").mkdir(parents=True)
    (source / "conda-meta" / "history").touch()
    for at in range(_FILES):
        (source / f"file{at}").write_bytes(os.urandom(each))
    times = []
    for at, how in enumerate((mode, "copy", mode, "copy")):
        made = api.clone(source, scratch / f"{at}", mode=how, store=scratch / "store")
        times.append(sum(s.seconds for s in made.stages if s.name == "files"))
    return mode, min(times[0], times[2]), min(times[1], times[3]) or 1e-9
