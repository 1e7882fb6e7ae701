# SPDX-License-Identifier: BSD-3-Clause
"""Gives cenv hostile packages, archives of templates and servers.

    python tests/hostile/hostile.py [--share N] [--seed S] [--only packages,archives,servers]

Whatever comes, cenv ends with success or one clear message, in bounded time and memory, writes
nothing outside, and leaves nothing of what failed. `--share N` tries every N-th case alone.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import random
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "interpose")]

import cases  # noqa: E402
import forge  # noqa: E402
from forks import Outcome, run_in_fork  # noqa: E402

import servers  # noqa: E402

SECONDS, MEGABYTES = 30, 300
SECRET = "secret of another"


class Ground:
    """A directory with all that cenv may write to, and beside it what it must not touch."""

    def __init__(self, top: Path) -> None:
        """Make the directories."""
        self.work, self.outside, self.home = top / "work", top / "outside", top / "home"
        for path in (self.work, self.outside, self.home):
            path.mkdir()
        (self.outside / "file").write_text(SECRET)
        self.store = self.work / "store"
        self.env, self.clone = self.work / "env", self.work / "clone"
        os.environ |= {"HOME": str(self.home), "CENV_STORE": str(self.store)}
        self.before = self.look_outside()
        self.tried = self.failed = 0

    def look_outside(self) -> list[tuple[str, int, int, int]]:
        """Return what lies outside, by name, mode, time and links."""
        found = [(p, p.lstat()) for p in sorted(self.outside.rglob("*"))]
        return [(str(p), s.st_mode, s.st_mtime_ns, s.st_nlink) for p, s in found]

    def clear(self) -> None:
        """Remove all that a case made."""
        for path in self.work.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    def report(self, name: str, wrong: list[str]) -> None:
        """Count a case, and say what is wrong with it."""
        if self.look_outside() != self.before:
            wrong.append("something outside was touched")
            self.before = self.look_outside()
        self.tried += 1
        self.failed += bool(wrong)
        for what in wrong:
            print(f"{name}: {what}", flush=True)

    def complaints(self, outcome: Outcome, made: Path | None) -> Iterator[str]:
        """Say what is wrong with how a call ended."""
        if not outcome.clean or outcome.kind in ("OSError", "MemoryError"):
            yield f"{outcome.kind}: {outcome.message or 'no message'}"
        if any(
            (ord(c) < 32 and c != "\n") or ord(c) in range(127, 160)
            for c in outcome.message
        ):
            yield f"a control character in its message: {outcome.message!r}"
        if SECRET in outcome.message:
            yield "it tells what is not its own"
        if outcome.seconds > SECONDS or outcome.megabytes > MEGABYTES:
            yield f"{outcome.seconds:.0f} s, {outcome.megabytes:.0f} MB"
        scratch = self.store / "v1/tmp"
        left = list(scratch.iterdir()) if scratch.is_dir() else []
        if outcome.kind and made and os.path.lexists(made):
            left.append(made)
        if left:
            yield f"left behind: {left}"

    def strange(self, root: Path) -> Iterator[str]:
        """Say what no environment may hold."""
        for path in root.rglob("*"):
            mode = path.lstat().st_mode
            usual = stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)
            if not usual or (mode & 0o7000 and not stat.S_ISLNK(mode)):
                yield f"{path.name} has mode {mode:o}"

    def attempt(
        self, run: Callable[[], object], made: Path | None
    ) -> tuple[Outcome, list[str]]:
        """Run it; return how it ended, and what is wrong with that."""
        outcome = run_in_fork(run, 2 * SECONDS)
        wrong = list(self.complaints(outcome, made))
        if made and made.is_dir():
            wrong += self.strange(made)
        return outcome, wrong


# ---- packages ----


def write_channel(channel: Path, case: cases.Case) -> None:
    """Write a channel that has the one package."""
    subdir = channel / "noarch"
    subdir.mkdir(parents=True)
    name = "{name}-{version}-{build}".format(**case.record) + case.suffix
    (subdir / name).write_bytes(case.data)
    record = {
        **case.record,
        "sha256": hashlib.sha256(case.data).hexdigest(),
        "size": len(case.data),
    }
    key = "packages.conda" if case.suffix == ".conda" else "packages"
    (subdir / "repodata.json").write_text(json.dumps({key: {name: record}}))


def try_package(ground: Ground, case: cases.Case) -> None:
    """Extract it; where that is done, install it, clone it in two modes and compare."""
    import cenv

    package = ground.work / f"evil-1.0-0{case.suffix}"
    package.write_bytes(case.data)
    outcome, wrong = ground.attempt(
        lambda: cenv.extract(package, ground.env), ground.env
    )
    if case.refused is not None and bool(outcome.kind) != case.refused:
        wrong.append(outcome.message or "it was accepted")
    accepted = not outcome.kind
    if accepted:
        shutil.rmtree(ground.env)
        channel = ground.work / "channel"
        write_channel(channel, case)
        outcome, more = ground.attempt(
            lambda: cenv.create(ground.env, ["evil"], [channel], store=ground.store),
            ground.env,
        )
        wrong += more
    for mode in ("copy", "hardlink") if accepted and not outcome.kind else ():
        outcome, more = ground.attempt(
            lambda mode=mode: cenv.clone(
                ground.env, ground.clone, store=ground.store, mode=mode
            ),
            ground.clone,
        )
        wrong += more or [f"no clone: {outcome.message}"] * bool(outcome.kind)
        if not outcome.kind:
            outcome, more = ground.attempt(lambda: cenv.verify(ground.clone), None)
            shutil.rmtree(ground.clone)
            wrong += more
    ground.report(f"package, {case.name}{case.suffix}", wrong)
    ground.clear()


def try_packages(ground: Ground, chance: random.Random, share: int) -> None:
    """Try the packages."""
    found = cases.all_cases(str(ground.outside), chance, 200 // share)
    for case in itertools.islice(found, chance.randrange(share), None, share):
        try_package(ground, case)


# ---- archives of templates ----


def make_archive(ground: Ground) -> bytes:
    """Return a good archive of one template."""
    import cenv

    case = next(cases.both("good", forge.file("a") + forge.file("b/c"),
                           False, forge.info(forge.entry("a"), forge.entry("b/c"))))  # fmt: skip
    write_channel(ground.work / "channel", case)

    def export() -> None:
        store = cenv.TemplateStore(ground.store)
        store.template(["evil"], channels=[str(ground.work / "channel")])
        store.export(ground.work / "archive")

    outcome = run_in_fork(export, SECONDS)
    assert not outcome.kind, outcome.message
    return (ground.work / "archive").read_bytes()


def spoil(data: bytes, chance: random.Random) -> tuple[str, bytes]:
    """Return the archive, damaged somewhere."""
    at = chance.randrange(len(data))
    kind = chance.randrange(4)
    if kind == 0:
        return f"cut at {at}", data[:at]
    if kind == 1:
        return f"grown at {at}", data[:at] + bytes([chance.randrange(256)]) + data[at:]
    flipped = bytearray(data)
    for _ in range(1 if kind == 2 else 8):
        flipped[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return f"flipped by seed, {at}", bytes(flipped)


def try_archives(ground: Ground, chance: random.Random, share: int) -> None:
    """Try damaged archives of templates: taken in whole, or nothing of them."""
    import cenv

    good = make_archive(ground)
    ground.clear()
    for _ in range(600 // share):
        name, data = spoil(good, chance)
        file = ground.work / "archive"
        file.write_bytes(data)
        outcome, wrong = ground.attempt(
            lambda file=file: cenv.TemplateStore(ground.store).import_(file), None
        )
        made = list((ground.store / "v1/templates").iterdir())
        if bool(made) == bool(outcome.kind):
            wrong.append(f"{len(made)} templates, and it says: {outcome.message}")
        ground.report(f"archive, {name}", wrong)
        ground.clear()


# ---- servers ----


def try_servers(ground: Ground, chance: random.Random, share: int) -> None:
    """Try servers that misbehave, in one place each."""
    import cenv

    case = next(cases.both("good", forge.file("a"), False))
    write_channel(ground.work / "channel", case)
    files = servers.read_files(ground.work / "channel")
    ground.clear()
    found = list(servers.faults(files))
    for fault in found[chance.randrange(share) :: share]:
        with servers.Server(files, fault) as url:
            outcome, wrong = ground.attempt(
                lambda url=url: cenv.create(
                    ground.env, ["evil"], [url], store=ground.store
                ),
                ground.env,
            )
        if fault.fatal is not None and bool(outcome.kind) != fault.fatal:
            wrong.append(outcome.message or "it was accepted")
        ground.report(f"server, {fault.name}", wrong)
        ground.clear()


def main() -> int:
    """Try all; say what is wrong with which."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=int, default=1, help="one of so many cases")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="packages,archives,servers")
    asked = parser.parse_args()
    import cenv

    for name in cenv.__all__:
        getattr(cenv, name)
    chance = random.Random(asked.seed)
    memory = Path("/dev/shm")
    place = memory if os.access(memory, os.W_OK) else None
    tries = {"packages": try_packages, "archives": try_archives, "servers": try_servers}
    with tempfile.TemporaryDirectory(prefix="cenv-hostile-", dir=place) as top:
        ground = Ground(Path(top))
        for name in asked.only.split(","):
            tries[name](ground, chance, asked.share)
            print(f"{name}: {ground.tried} cases, {ground.failed} wrong", flush=True)
    return 1 if ground.failed or not ground.tried else 0


if __name__ == "__main__":
    sys.exit(main())
