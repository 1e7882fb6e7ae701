# SPDX-License-Identifier: BSD-3-Clause
"""Interrupts commands at random moments, and measures how long it takes to end.

    python tests/interrupt/interrupt.py [--points N] [--only create,clone] [--size MB] [--seed N]

Each command runs in a fork of this process, with SIGINT after some milliseconds. It must end by
itself, within --within milliseconds where that is given, with one line and the status of
interrupted programs; nothing half-made may lie at its place; the next command that uses the store
must work, and take away what was left. N is how many points each command is given. `cenv run`
becomes its program, which then is what the signal ends. With --clock cpu moments and delays are
processor time, which a machine that has other work does not lengthen.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "faults"), str(TESTS / "interpose")]

from faults import remove, snapshot  # noqa: E402
from forks import Outcome, run_in_fork  # noqa: E402

SECONDS = 120
SWEEP_SECONDS = 60
INTERRUPTED = 130


@dataclass(frozen=True)
class Command:
    """A command line (a word may be asked for), what makes it ready, and where its result lies.

    The result is there as a whole, or not.
    """

    argv: tuple[object, ...]
    prepare: tuple[Callable[[], object], ...] = ()
    made: Path | None = None
    becomes_program: bool = False

    @property
    def name(self) -> str:
        """What it is called."""
        words = [str(word) for word in self.argv[:2]]
        return " ".join(words if words[0] == "template" else words[:1])

    def is_well(self, outcome: Outcome) -> bool:
        """Whether it ended by itself; or as its program: by itself, or of the signal."""
        ends = ("exit status 0", f"exit status {-signal.SIGINT}")
        return not outcome.kind or (self.becomes_program and outcome.message in ends)


class World:
    """A channel with one large package and many records, and what commands make of it."""

    def __init__(self, top: Path, size: int) -> None:
        """Make the channel; `size` is in MB, of files and of repodata."""
        self.top, self.store, self.out = top, top / "store", top / "out"
        self.channel, self.plain = top / "channel", top / "plain"
        self.source, self.made = self.out / "source", self.out / "made"
        self.archive, self.remote = self.out / "archive", self.out / "remote"
        self.out.mkdir()
        self._write_channel(size)
        run(self.create(self.source))
        run(("template", "build", "big", *self.where))
        run(("template", "export", top / "archive", *self.kept))
        self.id = self.template()

    @property
    def kept(self) -> tuple[object, ...]:
        """Which store is used."""
        return ("--store", self.store)

    @property
    def where(self) -> tuple[object, ...]:
        """Which store and channel are used."""
        return (*self.kept, "--override-channels", "-c", self.channel)

    def create(self, place: Path) -> tuple[object, ...]:
        """Return the command that creates an environment."""
        return ("create", "-p", place, "big", *self.where)

    def _write_channel(self, size: int) -> None:
        from cenv.demo.package import PLACEHOLDER, Member, Package, write
        from cenv.solving.index_dir import index

        (self.channel / "noarch").mkdir(parents=True)
        text = b"#!" + PLACEHOLDER.encode() + b"/bin/sh\n"
        members = [
            Member(f"bin/{n}", text + b"%d" % n, placeholder=PLACEHOLDER)
            for n in range(20 * size)
        ]
        large = [Member(f"lib/{n}", os.urandom(1 << 20)) for n in range(size)]
        many = [
            Package(f"p{n % 20}", f"{n // 20}.0", depends=[f"p{(n + 1) % 20}"])
            for n in range(max(20, 10 * size))
        ]
        for package in (Package("big", "1.0", members=members + large), *many):
            write(package, self.channel)
        shutil.copytree(self.channel, self.plain)
        index(self.channel)

    def forget_store(self) -> None:
        """Remove the store."""
        remove(self.store)

    def forget_templates(self) -> None:
        """Remove the templates of the store."""
        remove(self.store / "v1/templates", self.store / "v1/requests")

    def clear(self) -> None:
        """Remove what the last command made."""
        remove(self.made, self.archive, self.remote)

    def have_template(self) -> None:
        """Make sure that there is a template."""
        run(("template", "build", "big", *self.where))

    def template(self) -> str:
        """Return the id of the template."""
        return next((self.store / "v1/templates").iterdir()).name

    def prefix(self) -> Path:
        """Return the environment of the template."""
        return self.store / "v1/templates" / self.template() / "prefix"

    def forget_twin(self) -> None:
        """Have no subvolume of the template to make snapshots of."""
        remove(self.prefix().parent / "twin")

    def can_snapshot(self) -> bool:
        """Say whether snapshots can be made here."""
        from cenv.doctor import examine

        return (
            examine(self.out, self.store)["clones"]["auto_for_templates"] == "snapshot"
        )

    def have_remote(self) -> None:
        """Make sure that there is a remote that has the template."""
        self.have_template()
        run(("template", "push", self.remote.as_uri(), *self.kept))

    def have_clone(self) -> None:
        """Make sure that there is a clone, and that it has changes."""
        if not self.made.exists():
            run(("clone", self.source, self.made, *self.kept))
        for n in range(0, 20, 2):
            (self.made / f"bin/{n}").unlink(missing_ok=True)

    def commands(self) -> list[Command]:
        """Return all that is interrupted."""
        clear, made = self.clear, self.made
        package = next(self.channel.rglob("big-*.conda"))
        fresh = (clear, self.forget_store)
        snapshot = ("clone", "--mode", "snapshot", self.prefix, made, *self.kept)
        first = (clear, self.have_template, self.forget_twin)
        snapshots = [Command(snapshot, first, made), Command(snapshot, (clear,), made)]
        return [
            *(snapshots if self.can_snapshot() else []),
            Command(self.create(made), fresh, made),
            Command(self.create(made), (clear,), made),
            Command(("clone", self.source, made, *self.kept), (clear,), made),
            Command(
                ("clone", "--mode", "copy", self.source, made, *self.kept),
                (clear,),
                made,
            ),
            Command(("extract", package, made), (clear,), made),
            Command(
                ("template", "build", "big", *self.where), (self.forget_templates,)
            ),
            Command(("template", "list", *self.kept), (self.have_template,)),
            Command(
                ("template", "check", "--content", self.template, *self.kept),
                (self.have_template,),
            ),
            Command(
                ("template", "export", self.archive, *self.kept),
                (clear, self.have_template),
                self.archive,
            ),
            Command(
                ("template", "import", self.top / "archive", *self.kept),
                (self.forget_templates,),
            ),
            Command(
                ("template", "push", "--packages", self.remote.as_uri(), *self.kept),
                (clear, self.have_template),
            ),
            Command(
                ("template", "pull", self.remote.as_uri(), self.id, *self.kept),
                (self.have_remote, self.forget_templates),
            ),
            Command(
                ("template", "remove", self.template, *self.kept),
                (self.have_template,),
            ),
            Command(("template", "gc", *self.kept), (self.have_template,)),
            Command(("template", "sweep", *self.kept), (self.have_template,)),
            Command(("reset", made, *self.kept), (self.have_clone,)),
            Command(("run", self.source, "true"), becomes_program=True),
            Command(("verify", self.source)),
            Command(("solve", "p0", *self.where), (self.forget_store,)),
            Command(("solve", "p0", *self.where)),
            Command(("index", "--shards", self.plain), (self.forget_index,)),
            Command(("doctor", self.source, *self.kept)),
        ]

    def forget_index(self) -> None:
        """Remove repodata."""
        for path in self.plain.glob("*/*"):
            if path.suffix not in (".conda", ".bz2"):
                remove(path)

    def strangers(self) -> list[Path]:
        """Return what lies about that belongs to nobody."""
        known = {self.source, self.made, self.archive, self.remote}
        found = [p for p in self.out.iterdir() if p not in known]
        scratch = self.store / "v1/tmp"
        return found + (
            [p for p in scratch.iterdir() if p.is_dir()] if scratch.is_dir() else []
        )


def run(argv: tuple[object, ...]) -> str:
    """Run a command here; return what it says to standard error."""
    from cenv import cli

    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()) as said,
    ):
        status = cli.main([str(word() if callable(word) else word) for word in argv])
    if status == INTERRUPTED:
        raise KeyboardInterrupt(said.getvalue())
    if status:
        raise AssertionError(f"status {status}: {said.getvalue()}")
    return said.getvalue()


class Clock:
    """What moments and delays are measured by, of this process."""

    def __init__(self, kind: str) -> None:
        """Of "wall" or "cpu": other processes may read that, too."""
        cpu_time_of_process = 2  # CPUCLOCK_SCHED, as clock_getcpuclockid(3) computes it
        self.id = time.CLOCK_MONOTONIC
        if kind == "cpu":
            self.id = (~os.getpid() << 3) | cpu_time_of_process

    def now(self) -> float:
        """Return the time, in seconds."""
        return time.clock_gettime(self.id)

    def interrupt_after(self, seconds: float) -> int:
        """Have another process interrupt this one then; return its process id."""
        victim, watcher = os.getpid(), os.fork()
        if watcher:
            return watcher
        os.closerange(3, 256)
        with contextlib.suppress(OSError):  # until it is gone
            moment = self.now() + seconds
            while self.now() < moment:
                time.sleep(0.0005)
            os.kill(victim, signal.SIGINT)
        os._exit(0)


class Interruption:
    """One command, and what it makes when nobody interrupts it."""

    def __init__(self, world: World, command: Command, clock: str) -> None:
        """Run it once undisturbed, in a child."""
        self.world, self.command = world, command
        self.clock = clock
        self.before = self.prepare()
        began = time.monotonic()
        outcome = self._run(lambda: run(command.argv))
        if not command.is_well(outcome):
            raise AssertionError(f"undisturbed: {outcome.message}")
        self.seconds = outcome.noted / 1e6 or time.monotonic() - began
        self.want = self.look()

    def prepare(self) -> dict[str, tuple[int, str]] | None:
        """Make ready for the command; return what lies at its place then."""
        for step in self.command.prepare:
            step()
        return self.look()

    def look(self) -> dict[str, tuple[int, str]] | None:
        """Return what lies at its place; None: nothing."""
        place = self.command.made
        return snapshot(place) if place is not None and place.exists() else None

    def interrupt(self, after: float) -> tuple[str, float]:
        """Interrupt it after so many seconds; return what is wrong, and how late it ended."""
        self.prepare()
        outcome = self._run(self._ends_well, after)
        well = self.command.is_well(outcome)
        wrong = "" if well else f"{outcome.kind}: {outcome.message}"
        return wrong, max(0.0, outcome.noted / 1e6 - after)

    def _run(self, run: Callable[[], object], after: float = 0.0) -> Outcome:
        """Run it in a child, interrupted after so many seconds (0: never); note microseconds."""
        began, clock, watcher = 0.0, Clock("wall"), 0

        def arm() -> None:
            nonlocal began, clock, watcher
            clock = Clock(self.clock)
            if after:
                watcher = clock.interrupt_after(after)
            began = clock.now()

        def note() -> int:
            took = clock.now() - began
            if watcher:
                os.kill(watcher, signal.SIGKILL)
            return int(took * 1e6)

        return run_in_fork(run, SECONDS, arm, note)

    def _ends_well(self) -> None:
        """Run it; it says one line where it was interrupted."""
        try:
            run(self.command.argv)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # it has ended by itself
        except KeyboardInterrupt as stop:
            said = str(stop)
            if said and said.splitlines()[-1] != "cenv: error: interrupted":
                raise AssertionError(f"it says {said!r}") from None

    def complaints(self, after: float) -> Iterator[str]:
        """Interrupt it; say what is wrong then, and after the next command."""
        wrong, self.late = self.interrupt(after)
        if wrong:
            yield wrong
        if self.look() not in (self.before, self.want):
            yield "half of it lies at its place"
        until = time.monotonic() + SWEEP_SECONDS
        next_one = self.world.create(self.world.out / "next")
        outcome = run_in_fork(lambda: run(next_one), SECONDS)
        remove(self.world.out / "next")
        if outcome.kind:
            yield f"the next command: {outcome.message}"
        while found := self.world.strangers():
            if time.monotonic() > until:
                yield f"left behind: {[str(path) for path in found]}"
                return
            time.sleep(0.02)


def interrupt_all(
    interruption: Interruption, points: int, chance: random.Random, within: float
) -> bool:
    """Interrupt one command at random moments; return whether all went well."""
    delays, wrong = [], 0
    for _ in range(points):
        after = 0.001 + chance.random() * interruption.seconds
        found = list(interruption.complaints(after))
        if 0 < within < interruption.late * 1000:
            found.append(f"it took {interruption.late * 1000:.0f} ms to end")
        for complaint in found:
            print(
                f"{interruption.command.name}, after {after * 1000:.1f} ms: {complaint}"
            )
        wrong += bool(found)
        delays.append(interruption.late * 1000)
    delays.sort()
    print(
        f"{interruption.command.name}: {interruption.seconds * 1000:.0f} ms undisturbed; "
        f"{points} points, {wrong} wrong; ended after {delays[len(delays) // 2]:.0f} ms, "
        f"at most {delays[-1]:.0f}",
        flush=True,
    )
    return wrong == 0


def main() -> int:
    """Interrupt what was asked for; return whether anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=20)
    parser.add_argument("--only", default="", help="commands, with commas")
    parser.add_argument("--size", type=int, default=100, help="MB of the large package")
    parser.add_argument("--within", type=float, default=0, help="milliseconds")
    parser.add_argument("--clock", choices=("cpu", "wall"), default="wall")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--place", help="a directory to work in (default: in memory)")
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else None
    chance = random.Random(options.seed)
    memory = "/dev/shm"  # a disk's own time is no time of ours
    place = options.place or (memory if os.access(memory, os.W_OK) else None)
    with tempfile.TemporaryDirectory(prefix="cenv-interrupt-", dir=place) as top:
        os.environ |= {"HOME": top, "CENV_STORE": top + "/store"}
        world = World(Path(top), options.size)
        gc.freeze()
        chosen = [c for c in world.commands() if wanted is None or c.name in wanted]
        well = [
            interrupt_all(
                Interruption(world, c, options.clock),
                options.points,
                chance,
                options.within,
            )
            for c in chosen
        ]
    return not (well and all(well))


if __name__ == "__main__":
    sys.exit(main())
