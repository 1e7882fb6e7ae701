# SPDX-License-Identifier: BSD-3-Clause
"""Kills cenv at work, in the place of each change it makes of a file system, and at any time.

    python tests/kill/kill.py [--points N] [--only create,clone] [--seed N]

Each operation runs in a fork of this process, which dies in the place of its n-th change
(tests/interpose) or after some milliseconds. Nothing half-made may then lie at its place; the next
command that uses the store must work, and take away what the dead left; and the operation
must succeed when it is run again. N is how many points all operations are given together,
spread over all of them.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "faults"), str(TESTS / "interpose")]

from faults import Operation, World, preload, remove, snapshot  # noqa: E402
from forks import run_in_fork  # noqa: E402

SECONDS = 120
SWEEP_SECONDS = 30
POINTS = 2000
MAKES = {
    *("create", "clone", "hardlink", "remember", "recall"),
    *("template", "import", "extract", "pull", "recycle", "snapshot"),
}
# Of the operations whose calls are refused one by one; others here only make no change.
KILLED = MAKES | {"export", "reset", "push", "layers"}
HALF_MAY_STAY = {"reset", "recycle", "index"}  # which are run again, then


@dataclass(frozen=True)
class Death:
    """When an operation is killed: in the place of a change, or after some seconds."""

    change: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        return (
            f"change {self.change}" if self.change else f"{self.seconds * 1000:.1f} ms"
        )


class Killing:
    """One operation, and what it makes when nobody kills it."""

    def __init__(self, world: KillWorld, operation: Operation) -> None:
        """Run it once undisturbed."""
        self.world, self.operation = world, operation
        self.library = ctypes.CDLL(os.environ["CENV_TEST_FAULTS"])
        self.library.cenv_test_changes.restype = ctypes.c_long
        self.must_succeed(operation.prepare, "making ready")
        self.before = self.look()
        began = time.monotonic()
        self.changes = self.must_succeed(operation.run, "the run undisturbed")
        self.seconds = time.monotonic() - began
        self.want = self.look()

    def look(self) -> dict[str, tuple[int, str]] | None:
        """Return what lies at its place; None: nothing."""
        place = self.operation.result
        return snapshot(place) if place is not None and place.exists() else None

    def must_succeed(self, run: Callable[[], object], what: str) -> int:
        """Run it undisturbed; return how many changes it made."""
        arm = lambda: self.library.cenv_test_kill_at(ctypes.c_long(0))  # noqa: E731
        outcome = run_in_fork(run, SECONDS, arm, self.library.cenv_test_changes)
        if outcome.kind:
            raise AssertionError(f"{what}: {outcome.kind}: {outcome.message}")
        return outcome.noted

    def kill(self, death: Death) -> bool:
        """Make ready and run it up to its death; False: it was done before."""
        self.must_succeed(self.operation.prepare, "making ready")

        def arm() -> None:
            self.library.cenv_test_kill_at(ctypes.c_long(death.change))
            if death.seconds:
                signal.setitimer(signal.ITIMER_REAL, death.seconds)

        outcome = run_in_fork(self.operation.run, SECONDS, arm)
        if outcome.kind not in ("", "died"):
            raise AssertionError(f"it failed: {outcome.kind}: {outcome.message}")
        return outcome.kind == "died"

    def complaints(self, death: Death) -> Iterator[str]:
        """Kill it; say what is wrong then, after the next command, and when it runs again."""
        killed = self.kill(death)
        place = self.look()
        whole = (self.before, self.want) if killed else (self.want,)
        if place not in whole and self.operation.name not in HALF_MAY_STAY:
            yield f"half of it lies at its place: {sorted(place or {})}"
        self.must_succeed(self.world.use_store, "the next command")
        if self.operation.name != "extract":  # it knows no store
            yield from self.left()
        yield from self.run_again()
        yield from self.left()

    def run_again(self) -> Iterator[str]:
        """Run it where nothing is in its way; say what is wrong with the result."""
        if self.operation.name in MAKES:
            self.must_succeed(lambda: remove(self.world.made), "clearing its place")
        if self.operation.name == "export":
            self.must_succeed(lambda: remove(self.world.archive), "clearing its place")
        if self.operation.name != "remove" or self.look() != self.want:
            self.must_succeed(self.operation.run, "running it again")
        if self.look() != self.want:
            yield "run again, it made something else"
        if self.operation.name == "push":
            self.must_succeed(self.world.pull_again, "pulling what was pushed")

    def left(self) -> Iterator[str]:
        """Wait for the sweep in the background; say what it left."""
        from cenv import _native

        until = time.monotonic() + SWEEP_SECONDS
        store = _native.open_store(self.world.store)
        while found := self.strangers():
            if time.monotonic() > until:
                yield f"left behind: {[str(path) for path in found]}"
                return
            time.sleep(0.02)
        while store.has_leftovers():
            if time.monotonic() > until:
                yield "locks of the dead are left"
                return
            time.sleep(0.02)

    def strangers(self) -> list[Path]:
        """Return what lies about that belongs to nobody."""
        known = {self.world.source, self.world.made, self.world.archive}
        known |= {self.world.outcomes / "next", self.world.remote, self.world.indexed}
        found = [p for p in self.world.outcomes.iterdir() if p not in known]
        scratch = (self.world.store / "v1/tmp").iterdir()
        return found + [p for p in scratch if p.is_dir() or size_of(p)]

    def deaths(self, points: int, chance: random.Random) -> Iterator[Death]:
        """Spread half of the points over its changes, half over its time."""
        by_change = min(self.changes, (points + 1) // 2)
        for n in range(by_change):
            yield Death(change=1 + n * self.changes // by_change)
        for _ in range(points - by_change):
            yield Death(seconds=0.0005 + chance.random() * self.seconds)


def size_of(path: Path) -> int:
    """Return the size of a file, which may be removed meanwhile."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


class KillWorld(World):
    """What operations are tried in, with those that only make sense here."""

    def use_store(self) -> None:
        """Use the store, as the next command does, and leave nothing."""
        import cenv

        place = self.outcomes / "next"
        remove(place)
        cenv.create(place, ["text"], [self.channel], store=self.store)
        remove(place)

    def pull_again(self) -> None:
        """Pull what was pushed; what lies there is whole, but for what a day later goes."""
        (self.top / "pushed").write_text(self.template_id())
        self.forget_templates()
        self.pull()
        for blob in (self.remote / "cas").iterdir():
            assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name

    def ensure_made(self) -> None:
        """Make sure that there is a clone to remove."""
        remove(self.made)
        self.clone_template()

    def recycle(self) -> None:
        """Make a clone that is swept after this process, change it, and put it back."""
        from cenv import api

        template = self.templates.template(["tool"], channels=[str(self.channel)])
        template.clone(self.made, owner=os.getpid())
        self.spoil(self.made)
        api.recycle(self.made, store=self.store)

    def leave_work(self) -> None:
        """Leave what a process that is killed leaves."""
        remove(self.made)
        self.ensure_source()
        if os.fork() == 0:
            ctypes.CDLL(os.environ["CENV_TEST_FAULTS"]).cenv_test_kill_at(
                ctypes.c_long(25)
            )
            self.clone("copy")
            os._exit(0)
        os.wait()

    def operations(self) -> list[Operation]:
        """Return all that is killed."""
        import cenv

        def gc() -> None:
            self.templates.gc()

        own = [
            Operation(
                "remove",
                self.ensure_made,
                lambda: cenv.remove(self.made, store=self.store),
                self.made,
            ),
            Operation("recycle", lambda: remove(self.made), self.recycle, self.made),
            Operation("index", self.copy_channel, self.index, self.indexed),
            Operation("gc", self.ensure_made, gc, None),
            Operation(
                "sweep", self.leave_work, lambda: self.templates.sweep(), self.made
            ),
        ]
        return [o for o in super().operations() if o.name in KILLED] + own


def kill_all(killing: Killing, deaths: Iterator[Death]) -> tuple[int, int]:
    """Kill one operation at each point; return how many there were, and how many went wrong."""
    points = wrong = 0
    for death in deaths:
        points += 1
        try:
            found = list(killing.complaints(death))
        except AssertionError as failure:
            found = [str(failure)]
        for complaint in found:
            print(f"{killing.operation.name}, killed at {death}: {complaint}")
        wrong += bool(found)
    print(f"{killing.operation.name}: {points} points, {wrong} wrong", flush=True)
    return points, wrong


def main() -> int:
    """Kill what was asked for; return whether anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=POINTS)
    parser.add_argument("--only", default="")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    preload()
    with tempfile.TemporaryDirectory(prefix="cenv-kill-") as top:
        world = KillWorld(Path(top))
        os.environ["CENV_STORE"] = str(world.store)
        wanted = options.only.split(",") if options.only else None
        chosen = [
            operation
            for operation in world.operations()
            if wanted is None or operation.name in wanted
        ]
        chance = random.Random(options.seed)
        share = max(1, options.points // len(chosen))
        total = wrong = 0
        for operation in chosen:
            killing = Killing(world, operation)
            points, bad = kill_all(killing, killing.deaths(share, chance))
            total, wrong = total + points, wrong + bad
    print(f"{total} points, {wrong} wrong")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
