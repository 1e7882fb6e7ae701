# SPDX-License-Identifier: BSD-3-Clause
"""What made the same work slower: how files were placed, disks, servers, load.

Takes what is left when all that was worked on is accounted for (cenv.reporting.comparing),
and only where the facts of the machine differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cenv.reporting.causes import fallback_files
from cenv.reporting.comparing import matters, slower_by
from cenv.reporting.key import Key
from cenv.reporting.ledger import OUTSIDE, Ledger
from cenv.reporting.run import Package, Run

PLACING = ("link", "files", "relocate", "directories")
# Which stages write to, or read from, which place.
PLACES = {
    "store": ("import", "extract", "verify"),
    "packages": ("import", "extract", "verify"),
    "destination": ("link", "compile", "files", "directories", "relocate", "records"),
}
_PACE = 1.2  # the same work took so many times as long, or as short
_BUSIER = 1.0  # processes more that want each processor
_SLIGHT = 1.05  # as many files placed in another way are no other link mode


def account(ledger: Ledger) -> None:
    """Account for what the facts of the machine explain of what is left."""
    _placing(ledger)
    _disks(ledger)
    _servers(ledger)
    _processors(ledger)


def paced(ledger: Ledger, stages: Iterable[str]) -> list[str]:
    """Return those stages whose rest is of another pace, in one direction alone."""
    found = []
    for stage in stages:
        was, left = ledger.before.wall.get(stage, 0.0), ledger.left([stage])
        now = ledger.after.wall.get(stage, 0.0)
        ratio = now / (now - left) if now > left else 0.0
        if was and now and ratio and not 1 / _PACE < ratio < _PACE:
            found.append(stage)
    total = ledger.left(found)
    return [stage for stage in found if ledger.left([stage]) * total > 0]


def _placing(ledger: Ledger) -> None:
    before, after = ledger.before, ledger.after
    modes = before.link.get("mode", ""), after.link.get("mode", "")
    files = fallback_files(before) + 1, fallback_files(after) + 1
    fell = not 1 / _SLIGHT < files[1] / files[0] < _SLIGHT
    if all(modes) and (modes[0] != modes[1] or fell):
        key = Key("link")
        ledger.group(key)
        ledger.take_all(key, PLACING)


def lies_on(run: Run, place: str) -> str:
    """Return the type of the file system on which a place lies."""
    return run.file_system(place).get("type", "")


def is_beside(run: Run) -> bool | None:
    """Say whether store and destination lie on one file system; None: not known."""
    devices = [
        run.file_system(place).get("device") for place in ("store", "destination")
    ]
    return None if None in devices else devices[0] == devices[1]


def _disks(ledger: Ledger) -> None:
    for place, stages in PLACES.items():
        was, now = (lies_on(run, place) for run in (ledger.before, ledger.after))
        slower = paced(ledger, stages)
        is_much = matters(ledger, ledger.left(slower))
        if was and now and was != now and is_much:
            ledger.take_all(Key("disk", place), slower)


def from_channel(packages: Iterable[Package], channel: str) -> list[Package]:
    """Return the packages that were downloaded from a channel."""
    return [p for p in packages if p.channel == channel and "download" in p.stages]


def loaded(packages: Sequence[Package]) -> tuple[int, float]:
    """Return the bytes of downloads, and the seconds of the run that they took."""
    works = [package.stages["download"] for package in packages]
    return sum(w.bytes for w in works), sum(w.of_run for w in works)


def _servers(ledger: Ledger) -> None:
    before, after = (r.packages.values() for r in (ledger.before, ledger.after))
    for channel in dict.fromkeys(package.channel for package in after):
        old, new = (from_channel(each, channel) for each in (before, after))
        slower = slower_by(ledger, *loaded(old), *loaded(new))
        left = ledger.left(["download"])
        if slower * left > 0:
            part = slower if abs(slower) < abs(left) else left
            ledger.take(Key("server", channel), "download", part)


def _processors(ledger: Ledger) -> None:
    old, new = (run.machine for run in (ledger.before, ledger.after))
    stages = paced(ledger, [s for s in ledger.stages() if s != OUTSIDE])
    if not stages or not matters(ledger, ledger.left(stages)):
        return
    was, now = (machine.get("cores", 0) for machine in (old, new))
    if was and now and (now - was) * ledger.left(stages) < 0:
        ledger.take_all(Key("cores"), stages)
    elif "load" in old and "load" in new:
        more = new["load"] / (now or 1) - old["load"] / (was or 1)
        if abs(more) >= _BUSIER and more * ledger.left(stages) > 0:
            ledger.take_all(Key("load"), stages)
