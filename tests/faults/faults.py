# SPDX-License-Identifier: BSD-3-Clause
"""Makes every call of the system and every allocation of cenv fail, one at a time.

    python tests/faults/faults.py [--points N] [--only create,clone] [--calls memory]

Each operation runs in a fork of this process, in which the n-th call of one name is refused
(tests/interpose). It must succeed, with the result that it has undisturbed, or fail with one
clear message and leave nothing; and it must succeed when it is run again. N is how many
points each operation is given, spread over all of them; without it every one is tried, in
each of its ways: n = 1, 2, ... until no such call is left. With CENV_TEST_STACK=1 it shows
where a refused call comes from.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import gc
import hashlib
import importlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cenv

INTERPOSE = Path(__file__).resolve().parents[1] / "interpose"
sys.path.insert(0, str(INTERPOSE))

from forks import Outcome, run_in_fork  # noqa: E402

SECONDS = 60
MISSED = 3  # points in a row that are not there: no others are
# The calls, and how each may be refused. A close that fails has closed.
REFUSALS = {
    "memory": (errno.ENOMEM,),
    "mmap": (errno.ENOMEM,),
    "create": (errno.EMFILE, errno.ENOSPC, errno.EACCES),
    "open": (errno.EMFILE, errno.EIO),
    "write": (errno.ENOSPC, errno.EIO),
    "read": (errno.EIO,),
    "list": (errno.EIO,),
    "close": (errno.EIO,),
    "stat": (errno.EIO,),
    "statfs": (errno.EIO,),
    "rename": (errno.ENOSPC, errno.EIO),
    "link": (errno.EMLINK, errno.EIO),
    "symlink": (errno.ENOSPC,),
    "readlink": (errno.EIO,),
    "mkdir": (errno.ENOSPC, errno.EDQUOT),
    "unlink": (errno.EIO,),
    "chmod": (errno.EPERM,),
    "utimens": (errno.EINVAL,),
    "truncate": (errno.EIO,),
    "xattr": (errno.ENOTSUP,),
    "sync": (errno.EIO,),
    "fcntl": (errno.ENOLCK,),
    "ioctl": (errno.ENOTTY,),
    "thread": (errno.EAGAIN,),
    "fork": (errno.EAGAIN,),
}
# What cannot be taken away where that, or looking at it, is refused, is no fault; nor is a file
# whose lock was refused, for somebody else may hold it.
MAY_LEAVE = {"unlink", "open", "stat", "list", "memory", "mmap", "fcntl"}


def preload() -> None:
    """Start again with the library of failing calls, unless it is here already."""
    if "CENV_TEST_FAULTS" in os.environ:
        return
    library = Path(tempfile.mkdtemp(prefix="cenv-faults-")) / "calls.so"
    command = [
        "cc",
        "-shared",
        "-fPIC",
        "-O1",
        "-o",
        library,
        INTERPOSE / "calls.c",
        "-ldl",
    ]
    subprocess.run(command, check=True)
    env = {**os.environ, "LD_PRELOAD": str(library), "CENV_TEST_FAULTS": str(library)}
    os.execve(sys.executable, [sys.executable, *sys.argv], env)


# ---- what is done ----


@dataclass(frozen=True)
class Operation:
    """Something cenv does: how to make ready for it, it, and where its result lies.

    A result is not there after a failure; what is changed in place is only compared.
    """

    name: str
    prepare: Callable[[], object]  # here, and with cenv in a child
    run: Callable[[], object]  # in a child
    result: Path | None = None
    changed: Path | None = None


class World:
    """A channel of two packages, a store, an environment and a template in one directory."""

    def __init__(self, top: Path) -> None:
        """Make the channel."""
        self.top, self.store = top, top / "store"
        self.outcomes = top / "out"
        self.outcomes.mkdir()
        self.source, self.made = self.outcomes / "source", self.outcomes / "made"
        self.archive, self.indexed = self.outcomes / "archive", self.outcomes / "index"
        self.channel, self.remote = top / "channel", self.outcomes / "remote"
        self.channel.mkdir()
        self.snapshots = self.can("snapshot")
        self._write_channel()

    def _write_channel(self) -> None:
        from cenv.demo.package import PLACEHOLDER, Member, Package, write
        from cenv.solving.index_dir import index

        prefix = PLACEHOLDER.encode()
        script, binary = b"#!" + prefix + b"/bin/sh\n", b"\x7f\0" + prefix + b"/lib\0."
        members = [
            Member("bin/tool", script, 0o755, 10**18, placeholder=PLACEHOLDER),
            Member("lib/tool.so", binary, 0o755, 10**18, placeholder=PLACEHOLDER),
            Member("lib/tool.so.1", link="tool.so"),
            Member("share/large", bytes(range(256)) * 800, 0o644, 10**18),
        ]
        texts = [Member(f"share/{n}.txt", b"%d\n" % n, 0o444, 10**18) for n in range(4)]
        tool = Package("tool", "1.0", depends=["text"], members=members)
        write(tool, self.channel)
        write(Package("text", "1.0", members=texts), self.channel, ".tar.bz2")
        (self.channel / "noarch").mkdir(exist_ok=True)
        index(self.channel)

    def create(self, prefix: Path) -> None:
        """Create the environment."""
        import cenv

        cenv.create(prefix, ["tool"], [self.channel], store=self.store)

    @property
    def templates(self) -> cenv.TemplateStore:
        """The store, opened anew: its directories may have been removed."""
        import cenv

        return cenv.TemplateStore(self.store)

    def clone_template(self) -> None:
        """Build the template, unless it is there, and clone it."""
        template = self.templates.template(["tool"], channels=[str(self.channel)])
        template.clone(self.made, mode="snapshot" if self.snapshots else None)

    def forget_twins(self) -> None:
        """Have the template there, and no subvolume to make snapshots of."""
        self.clone_anew()
        templates = (self.store / "v1/templates").iterdir()
        remove(self.made, *(template / "twin" for template in templates))

    def forget_memories(self) -> None:
        """Have the template there, and nothing remembered of its paths."""
        self.clone_anew()
        templates = (self.store / "v1/templates").iterdir()
        remove(self.made, *(template / "memory" for template in templates))

    def ensure_memory(self) -> None:
        """Have something remembered of the place where a clone was."""
        self.clone_anew()
        remove(self.made)
        succeed(self.clone_remembered, "making ready")
        remove(self.made)

    def clone_remembered(self) -> None:
        """Clone the template as to a place that comes back."""
        template = self.templates.find(self.template_id())
        assert template
        template.clone(self.made, remember=True)

    def forget_templates(self) -> None:
        """Remove the templates of the store."""
        remove(self.store / "v1/templates", self.store / "v1/requests", self.made)

    def ensure_source(self) -> None:
        """Make sure that there is an environment to clone, and no clone of it."""
        remove(self.made, self.store / "v1/manifests")
        if not self.source.exists():
            succeed(lambda: self.create(self.source), "making ready")

    def ensure_archive(self) -> None:
        """Make sure that there is an archive, and nothing that it holds."""
        if not self.archive.exists():
            self.clone_anew()
            succeed(lambda: self.templates.export(self.archive), "making ready")
        self.forget_templates()

    def clone_anew(self) -> None:
        """Make a clone of the template."""
        remove(self.made)
        succeed(self.clone_template, "making ready")

    def template_id(self) -> str:
        """Return the id of the one template."""
        (entry,) = (self.store / "v1/templates").iterdir()
        return entry.name

    def forget_remote(self) -> None:
        """Make a template to be pushed, and an empty remote."""
        remove(self.remote)
        self.clone_anew()
        self.remote.mkdir()

    def push(self) -> None:
        """Push the template, with its packages, to a shared directory."""
        self.templates.push(self.remote.as_uri(), packages=True)

    def ensure_remote(self) -> None:
        """Make sure that the template is on a remote, and nowhere else."""
        pushed = self.top / "pushed"
        if not (self.remote.exists() and pushed.exists()):
            self.forget_remote()
            pushed.write_text(self.template_id())
            succeed(self.push, "making ready")
        self.forget_templates()

    def pull(self) -> None:
        """Pull the template, and clone it."""
        pushed = (self.top / "pushed").read_text()
        self.templates.pull([pushed], self.remote.as_uri())
        self.clone_template()

    def forget_layers(self) -> None:
        """Remove the layers of the store, and what is remembered of them; packages stay."""
        remove(self.store / "v1/requests")
        for told in (self.store / "v1/pkgs").glob("*/*/record.json"):
            if "layer" in told.read_text():
                remove(told.parent)

    def show_layers(self) -> None:
        """Have the packages as layers, and know what is in them."""
        shown = self.templates.layered(["tool"], [str(self.channel)])
        entry = Path(shown.entry)
        names = json.loads((entry / "record.json").read_text())["layers"]
        tool, text = (entry.parents[1] / n[:2] / n / "content" for n in names)
        assert (tool / "bin/tool").read_text() == f"#!{shown.path}/bin/sh\n"
        assert (text / "share/3.txt").read_text() == "3\n"
        assert (entry / "content/conda-meta/history").exists()

    def can(self, what: str) -> bool:
        """Say whether snapshots can be made here, or overlays."""
        from cenv import _native

        told = _native.call(_native.extension.doctor, str(self.top))
        return bool(told[what]["works"])

    def forget_archive(self) -> None:
        """Make a template to be exported."""
        remove(self.archive)
        self.clone_anew()

    def spoil_clone(self) -> None:
        """Make a clone, and change it."""
        self.clone_anew()
        self.spoil(self.made)

    @staticmethod
    def spoil(clone: Path) -> None:
        """Change a clone."""
        (clone / "share/0.txt").unlink()
        (clone / "share/new").write_text("new")

    def clone(self, mode: str) -> None:
        """Clone the environment."""
        import cenv

        cenv.clone(self.source, self.made, store=self.store, mode=mode)

    def solve(self) -> None:
        """Solve, and know the solution."""
        import cenv

        found = cenv.solve(["tool"], [self.channel], store=self.store)
        names = [record.name for record in found.records]
        assert names == ["text", "tool"], names

    def solve_in_vain(self) -> None:
        """Ask for what there is not, and know what is said of it."""
        import cenv
        from cenv.errors import UnsatisfiableError

        said = None
        try:
            cenv.solve(["tool", "text <1"], [self.channel], store=self.store)
        except UnsatisfiableError as failure:
            said = failure
        assert said, "it solves"
        assert said.conflict == ("text <1",), said.conflict
        assert "text 1.0" in str(said), said

    def copy_channel(self) -> None:
        """Make a channel without an index."""
        remove(self.indexed)
        shutil.copytree(self.channel, self.indexed)
        for path in self.indexed.glob("noarch/repodata*"):
            path.unlink()

    def index(self) -> None:
        """Index it, with shards."""
        import cenv

        cenv.index(self.indexed, shards=True)

    def verify(self) -> None:
        """Verify the environment."""
        import cenv

        report = cenv.verify(self.source)
        assert report.ok, report

    def remove_clone(self) -> None:
        """Remove the clone."""
        import cenv

        cenv.remove(self.made, store=self.store)
        assert not self.made.exists(), "it is still there"

    def check_template(self) -> None:
        """Read all of the template's files."""
        template = self.templates.template(["tool"], channels=[str(self.channel)])
        report = template.check(content=True)
        assert not report.altered, report

    def collect(self) -> None:
        """Collect the template."""
        self.templates.gc()
        assert not list((self.store / "v1/templates").iterdir()), "it is still there"

    def operations(self) -> list[Operation]:
        """Return all that is tried."""
        import cenv

        package = next((self.channel / "noarch").glob("*.conda"), None) or next(
            self.channel.rglob("*.conda")
        )
        layers = self.forget_layers, self.show_layers
        snapshot = self.forget_twins, self.clone_template
        return [
            Operation(
                "create",
                lambda: remove(self.store, self.made),
                lambda: self.create(self.made),
                self.made,
            ),
            Operation(
                "clone", self.ensure_source, lambda: self.clone("copy"), self.made
            ),
            Operation(
                "hardlink",
                self.ensure_source,
                lambda: self.clone("hardlink"),
                self.made,
            ),
            Operation(
                "remember", self.forget_memories, self.clone_remembered, self.made
            ),
            Operation("recall", self.ensure_memory, self.clone_remembered, self.made),
            Operation(
                "template", self.forget_templates, self.clone_template, self.made
            ),
            Operation(
                "import",
                self.ensure_archive,
                lambda: (self.templates.import_(self.archive), self.clone_template()),
                self.made,
            ),
            Operation(
                "export",
                self.forget_archive,
                lambda: self.templates.export(self.archive),
                self.archive,
            ),
            Operation("push", self.forget_remote, self.push),
            Operation("pull", self.ensure_remote, self.pull, self.made),
            Operation(
                "reset",
                self.spoil_clone,
                lambda: cenv.reset(self.made),
                changed=self.made,
            ),
            Operation(
                "extract",
                lambda: remove(self.made),
                lambda: cenv.extract(package, self.made),
                self.made,
            ),
            Operation("solve", lambda: remove(self.store), self.solve),
            Operation("explain", lambda: remove(self.store), self.solve_in_vain),
            Operation("index", self.copy_channel, self.index, changed=self.indexed),
            Operation("verify", self.ensure_source, self.verify),
            Operation("remove", self.spoil_clone, self.remove_clone),
            Operation("check", self.clone_anew, self.check_template),
            Operation("gc", self.clone_anew, self.collect),
            *([Operation("layers", *layers)] if self.can("overlay") else []),
            *([Operation("snapshot", *snapshot, self.made)] if self.snapshots else []),
        ]


def remove(*paths: Path) -> None:
    """Remove files and trees that may be there."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


# ---- what comes of it ----


def describe(path: Path) -> str:
    """Return what a file holds, but for what differs from run to run."""
    if path.is_symlink():
        return os.readlink(path)
    if path.is_dir() or path.name in ("history", "created_at", "archive"):
        return ""
    data = path.read_bytes()
    if path.parent.name == "conda-meta" and path.suffix == ".json":
        record = json.loads(data)  # a record that does not read back is found here
        record.pop("link", None)
        data = json.dumps(record, sort_keys=True).encode()
    return hashlib.sha256(data).hexdigest()


def snapshot(root: Path) -> dict[str, tuple[int, str]]:
    """Return the mode and content of all that lies in a directory."""
    found = [root] if root.is_file() else sorted(root.rglob("*"))
    return {
        str(path.relative_to(root)): (
            stat.S_IMODE(path.lstat().st_mode),
            describe(path),
        )
        for path in found
    }


def refuse(run: Callable[[], object], call: str, n: int, error: int) -> Outcome:
    """Run it in a child whose n-th such call is refused; n -1: none is."""
    library = ctypes.CDLL(os.environ["CENV_TEST_FAULTS"])

    def arm() -> None:
        library.cenv_test_arm(call.encode(), ctypes.c_long(n), error)

    def disarm() -> int:
        calls = int(library.cenv_test_count())
        library.cenv_test_arm(b"", ctypes.c_long(-1), 0)
        return calls

    return run_in_fork(run, SECONDS, arm, disarm)


def succeed(run: Callable[[], object], what: str) -> None:
    """Run it undisturbed, in a child too: the parent never has threads."""
    outcome = refuse(run, "", -1, 0)
    if outcome.kind:
        raise AssertionError(f"{what}: {outcome.kind}: {outcome.message}")


class Trial:
    """One operation, with what it makes undisturbed."""

    def __init__(self, world: World, operation: Operation) -> None:
        """Run it once undisturbed."""
        self.world, self.operation, self.name = world, operation, operation.name
        self.operation.prepare()
        self.want = self.repeat()

    def repeat(self) -> dict[str, tuple[int, str]]:
        """Run it undisturbed; return what it made."""
        succeed(self.operation.run, "the run undisturbed")
        return self.look()

    def look(self) -> dict[str, tuple[int, str]]:
        """Return what the operation made."""
        made = self.operation.result or self.operation.changed
        return snapshot(made) if made else {}

    def count(self, call: str) -> int:
        """Return how many such calls the operation makes."""
        self.operation.prepare()
        return refuse(self.operation.run, call, 1 << 40, errno.EIO).noted

    def left(self) -> list[str]:
        """Return what lies about that belongs to nobody."""
        world = self.world
        known = {world.source, world.made, world.archive, world.indexed, world.remote}
        scratch = self.world.store / "v1/tmp"
        found = [p for p in self.world.outcomes.iterdir() if p not in known]
        found += scratch.iterdir() if scratch.is_dir() else []
        return [str(path) for path in found]

    def complaints(self, call: str, error: int, outcome: Outcome) -> Iterator[str]:
        """Say what is wrong with an outcome."""
        if not outcome.clean:
            yield f"{outcome.kind}: {outcome.message or 'no message'}"
        if outcome.kind and call == "memory" and outcome.kind != "MemoryError":
            yield f"exhausted memory told as {outcome.kind}: {outcome.message}"
        if outcome.errno not in (0, error):
            yield f"another error number: {outcome.message}"
        if not outcome.kind and self.look() != self.want:
            differ = set(self.look().items()) ^ set(self.want.items())
            yield f"it says that it succeeded, but these differ: {sorted(differ)[:4]}"
        result = self.operation.result
        if outcome.kind and result and os.path.lexists(result):
            yield f"a result is left, though it says: {outcome.message}"
        if call not in MAY_LEAVE and self.left():
            yield f"left behind: {self.left()}, after: {outcome.message or 'success'}"

    def judge(self, call: str, n: int, error: int) -> list[str] | None:
        """Try one point; return what is wrong, None where there are no such calls left."""
        self.operation.prepare()
        outcome = refuse(self.operation.run, call, n, error)
        if not outcome.kind and outcome.noted < n:
            return None
        wrong = list(self.complaints(call, error, outcome))
        remove(*map(Path, self.left()))
        try:
            if outcome.kind and self.repeat() != self.want:
                wrong.append("run again, it makes something else")
        except (AssertionError, OSError, ValueError) as failure:
            wrong.append(f"run again: {failure} (after {outcome.message})")
            self.start_over()
        return wrong

    def start_over(self) -> None:
        """Forget all that was made: what comes next must not suffer from what was wrong."""
        world = self.world
        remove(*world.outcomes.iterdir(), world.store)
        self.operation.prepare()
        self.want = self.repeat()

    def findings(self, call: str, most: int | None) -> Iterator[Finding]:
        """Try this call's points: all, or its share of `most`, spread evenly."""
        return self.try_all(call) if most is None else self.try_samples(call, most)

    def try_samples(self, call: str, most: int) -> Iterator[Finding]:
        """Try some of the points."""
        share, total = max(1, most // len(REFUSALS)), self.count(call)
        step = max(1.0, total / share)
        for i in range(min(total, share)):
            n = 1 + int((i + 0.5) * step if step > 1 else i)
            error = REFUSALS[call][n % len(REFUSALS[call])]
            yield Finding(n, error, self.judge(call, n, error) or [])

    def try_all(self, call: str) -> Iterator[Finding]:
        """Try every point. How many there are differs a little from run to run."""
        for error in REFUSALS[call]:
            missed = n = 0
            while missed < MISSED:
                n += 1
                wrong = self.judge(call, n, error)
                missed = missed + 1 if wrong is None else 0
                if wrong is not None:
                    yield Finding(n, error, wrong)


@dataclass(frozen=True)
class Finding:
    """What is wrong where the n-th call is refused: nothing, it is hoped."""

    n: int
    error: int
    wrong: list[str]


def load_all() -> None:
    """Load what the children would each load for themselves."""
    import cenv.demo.package
    import cenv.solving.index_dir

    importlib.import_module("cenv._cenv")
    for name in cenv.__all__:
        getattr(cenv, name)
    ctypes.CDLL("libcurl.so.4")  # the extension loads it later; it is watched too
    gc.disable()  # a collection in each child would copy all that they share


def main() -> int:
    """Try all points; say what is wrong with which."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, help="of each operation (default: all)")
    parser.add_argument("--only", default="", help="operations, with commas")
    parser.add_argument("--calls", default=",".join(REFUSALS), help="with commas")
    parser.add_argument("--place", help="a directory to work in (default: in memory)")
    asked = parser.parse_args()
    preload()
    load_all()
    memory = "/dev/shm"
    place = asked.place or (memory if os.access(memory, os.W_OK) else None)
    tried = failed = 0
    with tempfile.TemporaryDirectory(prefix="cenv-faults-", dir=place) as top:
        os.environ |= {"HOME": top, "CENV_STORE": top + "/store"}
        world = World(Path(top))
        for operation in world.operations():
            if asked.only and operation.name not in asked.only.split(","):
                continue
            points, wrong = try_operation(Trial(world, operation), asked)
            tried += points
            failed += wrong
    print(f"all: {tried} points, {failed} wrong")
    return 1 if failed or not tried else 0


def try_operation(trial: Trial, asked: argparse.Namespace) -> tuple[int, int]:
    """Try one operation; return how many points there were, and at how many it was wrong."""
    tried = failed = 0
    for call in asked.calls.split(","):
        began = time.monotonic()
        points = wrong = 0
        for finding in trial.findings(call, asked.points):
            points += 1
            wrong += bool(finding.wrong)
            for what in finding.wrong:
                error = errno.errorcode[finding.error]
                print(f"{trial.name}, {call} {finding.n} {error}: {what}", flush=True)
        seconds = time.monotonic() - began
        print(
            f"{trial.name}, {call}: {points} points, {wrong} wrong, {seconds:.0f} s",
            flush=True,
        )
        tried += points
        failed += wrong
    print(f"{trial.name}: {tried} points, {failed} wrong", flush=True)
    return tried, failed


if __name__ == "__main__":
    sys.exit(main())
