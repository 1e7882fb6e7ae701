# SPDX-License-Identifier: BSD-3-Clause
"""Clones that were played with in every way, and given back: as new ones, or not handed over."""

from __future__ import annotations

import os
import random
import shutil
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import cenv
from cenv import api
from cenv.templates.template import Clone

State = dict[bytes, tuple[object, ...]]


def state(root: Path) -> State:
    """Return all that is to be seen of what lies at `root`."""
    return {
        os.path.relpath(path, os.fsencode(root)): _facts(path) for path in _all(root)
    }


def _all(root: Path) -> Iterator[bytes]:
    top = os.fsencode(root)
    yield top
    for where, directories, files in os.walk(top):
        for name in directories + files:
            yield os.path.join(where, name)


def _facts(path: bytes) -> tuple[object, ...]:
    found = os.lstat(path)
    data: object = None
    if stat.S_ISLNK(found.st_mode):
        data = os.readlink(path)
    elif stat.S_ISREG(found.st_mode):
        data = Path(os.fsdecode(path)).read_bytes()
    names = sorted(os.listxattr(path, follow_symlinks=False))
    values = [os.getxattr(path, name, follow_symlinks=False) for name in names]
    owner = found.st_uid, found.st_gid
    return found.st_mode, owner, found.st_mtime_ns, data, names, values


class Player:
    """Changes a clone at random, but writes to no file that it shares with its template."""

    def __init__(self, clone: Clone, seed: int) -> None:
        self.root = os.fsencode(clone.path)
        self.random = random.Random(seed)
        self.outside = self.root + b"-outside"

    def play(self) -> list[str]:
        """Do some of all; return what was done, for the message of a failure."""
        moves = [name for name in dir(self) if name.startswith("do_")]
        chosen = self.random.choices(moves, k=self.random.randint(1, 12))
        for name in chosen:
            act: Callable[[], None] = getattr(self, name)
            try:
                act()
            except (FileNotFoundError, FileExistsError, NotADirectoryError):
                pass  # an earlier move took its ground away
            except (
                OSError
            ) as error:  # into itself, one kind over another, out of a snapshot
                if error.errno not in (18, 21, 22, 39):
                    raise
        return chosen

    def some(self, wanted: Callable[[bytes], bool]) -> bytes:
        found = [path for path in _all(Path(os.fsdecode(self.root))) if wanted(path)]
        if not found:
            raise FileNotFoundError(self.root)
        return self.random.choice(sorted(found))

    def any(self) -> bytes:
        return self.some(lambda path: path != self.root)

    def directory(self) -> bytes:
        return self.some(lambda path: os.path.isdir(path) and not os.path.islink(path))

    def own(self) -> bytes:
        return self.some(_is_own)

    def new(self) -> bytes:
        count = self.random.randint(1, 40)
        letters = (byte for byte in self.random.randbytes(count) if byte not in b"/\0")
        return os.path.join(self.directory(), b"+" + bytes(letters))

    def do_write(self) -> None:
        with open(self.own(), self.random.choice(["ab", "wb", "r+b"])) as file:
            file.write(self.random.randbytes(self.random.randint(0, 5000)))

    def do_write_and_hide(self) -> None:
        path = self.own()
        before = os.lstat(path)
        Path(os.fsdecode(path)).write_bytes(b"x" * before.st_size)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def do_replace(self) -> None:
        new = self.new()
        Path(os.fsdecode(new)).write_bytes(b"new")
        os.rename(new, self.some(os.path.isfile))

    def do_delete(self) -> None:
        _remove(self.any())

    def do_empty(self) -> None:
        if self.random.random() < 0.1:
            for name in os.listdir(self.root):
                _remove(os.path.join(self.root, name))

    def do_chmod(self) -> None:
        path = self.random.choice([self.own, self.directory])()
        os.chmod(path, self.random.choice([0, 0o400, 0o555, 0o777, 0o2755, 0o1777]))

    def do_touch(self) -> None:
        path = self.random.choice([self.own, self.directory])()
        os.utime(path, ns=(1, self.random.randint(0, 1 << 60)))

    def do_rename(self) -> None:
        os.rename(self.any(), self.random.choice([self.new, self.any])())

    def do_swap(self) -> None:
        one, other, between = self.any(), self.any(), self.new()
        os.rename(one, between)
        os.rename(other, one)
        os.rename(between, other)

    def do_link(self) -> None:
        os.link(self.some(os.path.isfile), self.new(), follow_symlinks=False)

    def do_link_outside(self) -> None:
        path = self.own()
        os.makedirs(self.outside, exist_ok=True)
        there = os.path.join(self.outside, b"%x" % self.random.getrandbits(60))
        os.link(path, there, follow_symlinks=False)

    def do_symlink(self) -> None:
        target = self.random.choice([self.any, self.new])()
        os.symlink(self.random.choice([target, b"..", b"/"]), self.new())

    def do_symlink_in_place(self) -> None:
        path = self.any()
        os.rename(path, self.new())
        os.symlink(self.directory(), path)

    def do_attributes(self) -> None:
        path = self.random.choice([self.own, self.directory])()
        os.setxattr(path, "user.a", self.random.randbytes(20))

    def do_fifo(self) -> None:
        os.mkfifo(self.new())

    def do_socket(self) -> None:
        with socket.socket(socket.AF_UNIX) as bound:
            here = os.getcwd()
            os.chdir(self.directory())  # names of sockets are short
            try:
                bound.bind(b"s%x" % self.random.getrandbits(30))
            finally:
                os.chdir(here)

    def do_deep(self) -> None:
        path = self.new()
        for _ in range(self.random.randint(1, 60)):
            os.mkdir(path)
            path = os.path.join(path, b"deep" * self.random.randint(1, 9))

    def do_huge(self) -> None:
        with open(self.new(), "wb") as file:
            file.truncate(self.random.randint(1, 1 << 33))

    def do_many(self) -> None:
        where = self.directory()
        for n in range(30):
            Path(os.fsdecode(os.path.join(where, b"many-%d" % n))).touch()

    def do_change_kind(self) -> None:
        path = self.any()
        directory = os.path.isdir(path)
        os.rename(path, self.new())
        Path(os.fsdecode(path)).touch() if directory else os.mkdir(path)


def _remove(path: bytes) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def _is_own(path: bytes) -> bool:
    found = os.lstat(path)
    return (
        stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and found.st_size < 1 << 20
    )


@pytest.fixture
def template(session_store: Path, small_channel: Path) -> cenv.Template:
    return cenv.TemplateStore(session_store).template(["tool"], [small_channel])


def check_recycled(
    template: cenv.Template, place: Path, mode: str, rounds: int
) -> None:
    """Play with a clone so many times, each time from a seed of its own."""
    clone = template.clone(place, mode=mode, owner=os.getpid())
    new = state(place)
    for seed in range(rounds):
        player = Player(clone, seed)
        did = player.play()
        api.recycle(clone, store=template.store)
        for path in Path(os.fsdecode(player.outside)).glob("*"):
            path.write_bytes(b"from outside")
        assert state(place) == new, f"seed {seed}: {did}"
        shutil.rmtree(player.outside, ignore_errors=True)
    clone.remove()
    template.clone(place, mode=mode, owner=os.getpid())
    assert state(place) == new
    assert template.check(content=True).ok


@pytest.mark.parametrize("mode", ["hardlink", "copy"])
def test_recycled__equals_a_new_clone(
    template: cenv.Template, tmp_path: Path, mode: str
) -> None:
    check_recycled(template, tmp_path / "clone", mode, 25)


def test_recycled_snapshot__equals_a_new_clone(
    small_channel: Path, btrfs: Path
) -> None:
    template = cenv.TemplateStore(btrfs / "store").template(["tool"], [small_channel])
    check_recycled(template, btrfs / "clone", "snapshot", 25)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("mode", ["hardlink", "copy"])
def test_recycled__equals_a_new_clone_at_length(
    template: cenv.Template, tmp_path: Path, mode: str
) -> None:
    check_recycled(template, tmp_path / "clone", mode, 1000)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_recycled_snapshot__equals_a_new_clone_at_length(
    small_channel: Path, btrfs: Path
) -> None:
    template = cenv.TemplateStore(btrfs / "store").template(["tool"], [small_channel])
    check_recycled(template, btrfs / "clone", "snapshot", 1000)


def test_recycled__is_none_whose_template_was_altered(
    template: cenv.Template, tmp_path: Path
) -> None:
    clone = template.clone(tmp_path / "clone", mode="hardlink", owner=os.getpid())
    shared = clone / "share/data.txt"
    before = shared.stat()
    try:
        with shared.open("a") as file:
            file.write("through the link")
        with pytest.raises(cenv.PrefixError, match="altered through a hard link"):
            api.recycle(clone, store=template.store)
    finally:
        os.truncate(shared, before.st_size)
        os.utime(shared, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert template.check(content=True).ok


def test_recycled__is_none_that_is_the_users(
    template: cenv.Template, tmp_path: Path
) -> None:
    clone = template.clone(tmp_path / "clone")
    (clone / "mine").touch()
    with pytest.raises(cenv.PrefixError, match="is to stay"):
        api.recycle(clone, store=template.store)
    assert (clone / "mine").exists()
