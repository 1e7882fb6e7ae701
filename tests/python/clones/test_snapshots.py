# SPDX-License-Identifier: BSD-3-Clause
"""Clones that are snapshots of a subvolume of btrfs: as those of any mode, made at once."""

from __future__ import annotations

import json
import os
import shutil
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import pytest

import cenv
from cenv.demo.package import PLACEHOLDER, Member, Package
from cenv.doctor import examine

SUBVOLUME = 256  # the inode of the root of each
NOBODY = 65534


@pytest.fixture
def template(small_channel: Path, btrfs: Path) -> cenv.Template:
    return cenv.TemplateStore(btrfs / "store").template(["tool"], [small_channel])


def facts(top: Path) -> dict[str, tuple[object, ...]]:
    """Return all that is to be seen of a tree, but for inodes."""
    found: dict[str, tuple[object, ...]] = {}
    for path in [top, *sorted(top.rglob("*"))]:
        st = path.lstat()
        data: object = None
        if path.is_symlink():
            data = os.readlink(path)
        elif path.is_file():
            data = path.read_bytes()
        names = os.listxattr(path, follow_symlinks=False)
        attributes = {n: os.getxattr(path, n, follow_symlinks=False) for n in names}
        owner = st.st_uid, st.st_gid
        one = st.st_nlink if path.is_file() else 0
        found[str(path.relative_to(top))] = (
            *(st.st_mode, owner, one, st.st_mtime_ns),
            *(data, attributes),
        )
    return found


def is_subvolume(path: Path | cenv.Clone) -> bool:
    return os.stat(path).st_ino == SUBVOLUME


def subvolumes(top: Path) -> set[str]:
    """Return the subvolumes below a directory, by their paths in it."""
    found = set()
    for where, names, _files in os.walk(top):
        paths = [Path(where, name) for name in names]
        found |= {
            str(path.relative_to(top))
            for path in paths
            if path.lstat().st_ino == SUBVOLUME
        }
    return found


def subvolume(action: str, *paths: Path | str) -> None:
    argv = ["btrfs", "subvolume", action, *paths]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


def twin(template: cenv.Template) -> Path:
    return Path(template.path).parent / "twin"


# ---- what a clone is ----


def odd_source(make_channel: Callable[..., Path]) -> Path:
    """Return a channel of one package with what a snapshot may have trouble with."""
    text = f"here={PLACEHOLDER}\n".encode()
    plain = [
        Member(f"plain/{n % 7}/{n}", b"%d" % n * (n * 37), 0o444) for n in range(99)
    ]
    own = [
        Member(f"own/{n % 3}/{n}", text * n, 0o444, placeholder=PLACEHOLDER)
        for n in range(9)
    ]
    records = [
        Member(
            "lib/python3.12/site-packages/a/__init__.py", text, placeholder=PLACEHOLDER
        ),
        Member(
            "lib/python3.12/site-packages/a-1.dist-info/RECORD",
            b"a/__init__.py,sha256=x,1\na-1.dist-info/RECORD,,\n",
        ),
    ]
    links = [Member("bin/link", link="../plain/1/1")]
    return make_channel(Package("odd", "1", members=[*plain, *own, *records, *links]))


def make_odd(prefix: Path) -> None:
    """Add what packages cannot bring."""
    (prefix / "abs").symlink_to(prefix / "plain")
    (prefix / "one").write_text(f"in {prefix}\n" * 9)
    (prefix / "plain/other").hardlink_to(prefix / "one")
    (prefix / "two").write_text("a pair")
    (prefix / "own/0/pair").hardlink_to(prefix / "two")
    os.setxattr(prefix / "two", "user.note", b"kept")
    os.setxattr(prefix / "own/1", "user.note", b"of a directory")
    (prefix / "own/2").chmod(0o555)
    (prefix / "plain/3").chmod(0o500)
    (prefix / "plain/4").chmod(0o000)


def test_snapshot__is_what_a_reflink_is(
    make_channel: Callable[..., Path], btrfs: Path
) -> None:
    store = cenv.TemplateStore(btrfs / "store")
    template = store.template(
        ["odd"],
        [odd_source(make_channel)],
        setup=lambda draft: make_odd(Path(draft.path)),
        key="odd",
    )
    place = btrfs / "clone"
    told = []
    for mode in ("copy", "snapshot", "snapshot", "reflink"):
        clone = template.clone(place, mode=mode)
        assert clone.report is not None
        report = clone.report
        told.append(
            (
                facts(place),
                report.files,
                report.relocated,
                report.fallbacks,
                report.skipped,
            )
        )
        assert (report.mode, is_subvolume(clone)) == (mode, mode == "snapshot")
        assert cenv.verify(clone).ok
        clone.remove()
        assert not place.exists()
    assert told[1:] == told[:1] * 3


def test_snapshot__goes_where_an_empty_directory_is(
    template: cenv.Template, btrfs: Path
) -> None:
    place = btrfs / "there"
    place.mkdir(mode=0o750)
    with template.clone(place, mode="snapshot"):
        assert is_subvolume(place)
        assert stat.S_IMODE(place.stat().st_mode) == 0o750
        assert cenv.verify(place).ok
    assert not place.exists()


def test_clone__into_a_subvolume_that_is_empty(
    template: cenv.Template, btrfs: Path
) -> None:
    """Nothing can be renamed over one; what is made in it is as anywhere."""
    place = btrfs / "volume"
    subvolume("create", place)
    for mode in ("snapshot", "copy"):
        with pytest.raises(cenv.PrefixError, match="it is a subvolume") as caught:
            template.clone(place, mode=mode)
        assert "choose a path in it" in str(caught.value.hint)
        assert list(place.iterdir()) == []
        with template.clone(place / "env", mode=mode) as clone:
            assert cenv.verify(clone).ok
    place.rmdir()


def test_snapshot__is_its_own(template: cenv.Template, btrfs: Path) -> None:
    """What happens to one clone is seen in no other, and not in the template."""
    before = facts(Path(template.path))
    one = template.clone(btrfs / "one", mode="snapshot")
    two = template.clone(btrfs / "two", mode="snapshot")
    new = facts(btrfs / "two")
    for path in (btrfs / "one").rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o644)
            path.write_bytes(b"of one")
    shutil.rmtree(btrfs / "one/lib")
    assert facts(btrfs / "two") == new
    assert facts(Path(template.path)) == before
    assert template.check(content=True).ok
    with template.clone(btrfs / "three", mode="snapshot") as three:
        assert cenv.verify(three).ok
    one.remove()
    two.remove()


@pytest.mark.parametrize("remember", [False, True])
def test_reset__of_a_snapshot(
    template: cenv.Template, btrfs: Path, *, remember: bool
) -> None:
    """A file that was written to and given its old time again counts as changed, too."""
    with template.clone(btrfs / "env", mode="snapshot", remember=remember) as clone:
        new = facts(btrfs / "env")
        plain = clone / "lib/plain.txt"
        was = plain.stat()
        plain.write_bytes(b"PLAIN\n")
        os.utime(plain, ns=(was.st_atime_ns, was.st_mtime_ns))
        (clone / "share/data.txt").unlink()
        (clone / "lib/new").mkdir()
        (clone / "bin/tool").write_text("other")
        (clone / "etc").chmod(0o700)
        report = clone.reset()
        assert (report.restored, report.removed) == (3, 1)
        assert facts(btrfs / "env") == new
        assert clone.reset().restored == 0
        assert is_subvolume(clone)


def test_reset__of_closed_directories(
    make_channel: Callable[..., Path], btrfs: Path
) -> None:
    """One that is opened to be looked into is closed again, be it for its owner, too."""
    template = cenv.TemplateStore(btrfs / "store").template(
        ["odd"],
        [odd_source(make_channel)],
        setup=lambda draft: make_odd(Path(draft.path)),
        key="odd",
    )
    for mode in ("copy", "snapshot"):
        with template.clone(btrfs / "env", mode=mode) as clone:
            new = facts(btrfs / "env")
            (clone / "plain/3/new").touch()
            (clone / "plain/4/new").touch()
            assert clone.reset().removed == 2
            assert facts(btrfs / "env") == new


@pytest.mark.parametrize("mode", ["snapshot", "reflink"])
def test_reset__replaces_the_users_own_subvolumes(
    template: cenv.Template, btrfs: Path, mode: cenv.CloneMode
) -> None:
    """Files in them have whichever inodes, and times from before the clone was made."""
    place, volume = btrfs / "env", btrfs / "volume"
    subvolume("create", volume)
    with template.clone(place, mode=mode):
        new = facts(place)
        shutil.copytree(place / "etc", volume, dirs_exist_ok=True)
    conf = volume / "tool.conf"
    was = conf.stat()
    conf.write_bytes(conf.read_bytes()[::-1])
    os.utime(conf, ns=(was.st_atime_ns, was.st_mtime_ns))
    with template.clone(place, mode=mode) as clone:
        shutil.rmtree(place / "etc")
        volume.rename(place / "etc")
        subvolume("create", place / "lib/own")
        clone.reset()
        assert facts(place) == new
        assert subvolumes(place) == set()


# ---- the twin ----


def test_twin__is_made_once(template: cenv.Template, btrfs: Path) -> None:
    assert not twin(template).exists()
    template.clone(btrfs / "one", mode="snapshot").remove()
    first = (twin(template) / "facts").stat()
    for number in range(3):
        with template.clone(btrfs / f"{number}", mode="snapshot") as clone:
            clone.run("true", check=False)
    second = (twin(template) / "facts").stat()
    assert (first.st_ino, first.st_mtime_ns) == (second.st_ino, second.st_mtime_ns)
    names = {path.name for path in (twin(template) / "tree/bin").iterdir()}
    assert names == {"sh-link"}  # what is relocated is each clone's


def test_twin__that_was_read_is_the_same(template: cenv.Template, btrfs: Path) -> None:
    template.clone(btrfs / "one", mode="snapshot").remove()
    tree = twin(template) / "tree"
    plain, number = tree / "lib/plain.txt", tree.stat().st_dev
    was = (twin(template) / "facts").read_bytes()
    changed = plain.stat().st_ctime_ns
    assert facts(tree)  # the first look at a file changes its time of access
    os.sync()
    template.clone(btrfs / "one", mode="snapshot").remove()
    assert (tree.stat().st_dev, plain.stat().st_ctime_ns) == (number, changed)
    assert (twin(template) / "facts").read_bytes() != was  # it was looked through


@pytest.mark.parametrize(
    "what", ["content", "added", "gone", "mode", "facts", "subvolume"]
)
def test_twin__that_was_changed_is_made_anew(
    template: cenv.Template, btrfs: Path, what: str
) -> None:
    with template.clone(btrfs / "one", mode="snapshot"):
        new = facts(btrfs / "one")
    tree = twin(template) / "tree"
    plain = tree / "lib/plain.txt"
    was = plain.stat()
    if what == "content":
        plain.write_bytes(b"PLAIN\n")
        os.utime(plain, ns=(was.st_atime_ns, was.st_mtime_ns))
    elif what == "added":
        (tree / "added").touch()
    elif what == "gone":
        plain.unlink()
    elif what == "mode":
        plain.chmod(0o600)
    elif what == "facts":
        (twin(template) / "facts").write_bytes(b"nonsense")
    else:
        tree.rename(twin(template) / "old")
        shutil.copytree(twin(template) / "old", tree, symlinks=True)
    with template.clone(btrfs / "one", mode="snapshot"):
        assert facts(btrfs / "one") == new
    assert subvolumes(Path(template.store)) == {f"v1/templates/{template.id}/twin/tree"}


CLONES = """
import itertools, os, sys, cenv
store, template, place, end = sys.argv[1:]
for n in itertools.count():
    if n >= 3 and os.path.exists(end):
        break
    with cenv.TemplateStore(store).find(template).clone(f"{place}-{n}", mode="snapshot") as clone:
        assert cenv.verify(clone).ok
        assert (clone / "lib/plain.txt").read_text() == "plain\\n"
"""


def test_twin__is_made_by_one_of_many(template: cenv.Template, btrfs: Path) -> None:
    """All wait for it, and none gets half of one that goes meanwhile."""
    argv = [sys.executable, "-c", CLONES, template.store, template.id]
    end = btrfs / "store/end"  # once the twin was spoiled they need not go on
    running = [
        subprocess.Popen([*argv, str(btrfs / f"{n}"), end], stderr=subprocess.PIPE)
        for n in range(2)
    ]
    spoiled = 0
    while any(each.poll() is None for each in running):
        with suppress(OSError):
            (twin(template) / "tree/lib" / f"new{spoiled}").touch()
            spoiled += 1
            end.touch()
        time.sleep(0.2)
    said = [each.communicate()[1].decode() for each in running]
    assert [each.returncode for each in running] == [0] * 2, said
    assert spoiled > 0
    assert {path.name for path in btrfs.iterdir()} == {"store"}
    assert list((btrfs / "store/v1/tmp").iterdir()) == []


def test_twin__goes_with_its_template(template: cenv.Template, btrfs: Path) -> None:
    store = cenv.TemplateStore(template.store)
    clone = template.clone(btrfs / "env", mode="snapshot")
    archive = btrfs / "archive"
    store.export(archive, [template.id])
    store.remove(template.id)
    assert subvolumes(btrfs) == {"env"}
    assert cenv.verify(clone).ok
    store.import_(archive)
    again = store.find(template.id)
    assert again is not None
    assert not twin(again).exists()
    with again.clone(btrfs / "second", mode="snapshot") as second:
        assert cenv.verify(second).ok
    store.gc()
    assert subvolumes(btrfs) == {"env"}
    cenv.remove(clone, store=store.path)
    assert subvolumes(btrfs) == set()


def test_twin__is_counted(template: cenv.Template, btrfs: Path) -> None:
    store = cenv.TemplateStore(template.store)
    (before,) = store.templates()
    left = store.gc(2**60, dry_run=True)["left"]
    assert before["twin"] == 0
    template.clone(btrfs / "env", mode="snapshot")
    (after,) = store.templates()
    entries = sum(len(d) + len(f) for _, d, f in os.walk(twin(template) / "tree"))
    assert after["twin"] >= 512 * entries
    assert {**after, "twin": 0, "used": 0} == {**before, "used": 0}
    assert store.gc(2**60, dry_run=True)["left"] == left + after["twin"]
    assert examine(btrfs, store.path)["store"]["twin_bytes"] == after["twin"]


AUTO = """
import sys, cenv
cenv.clone(sys.argv[1], sys.argv[2], store=sys.argv[3])
"""


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_twin__is_opened_once_a_clone(
    make_channel: Callable[..., Path], btrfs: Path
) -> None:
    members = [Member(f"lib/{n}", b"%d" % n) for n in range(300)]
    channel = make_channel(Package("many", "1", members=members))
    template = cenv.TemplateStore(btrfs / "store").template(["many"], [channel])
    log = btrfs / "log"
    for number in range(2):
        words = [sys.executable, "-c", AUTO, template.path, btrfs / str(number)]
        watched = ["strace", "-f", "-e", "trace=openat,ioctl", "-o", log, *words]
        subprocess.run([*watched, str(template.store)], check=True)
    lines = log.read_text().splitlines()
    assert is_subvolume(btrfs / "1")
    assert sum('"twin", ' in line for line in lines) == 1
    asked = [line for line in lines if "BTRFS_IOC_GET_SUBVOL_INFO" in line]
    assert (
        len(asked) == 4
    )  # of the place and the twin, before the snapshot and behind it


def test_twin__holds_nothing_that_the_template_got_later(
    template: cenv.Template, btrfs: Path
) -> None:
    """Bytecode of a program that ran in it is none of a clone that was to be as it was built."""
    with template.clone(btrfs / "one", mode="snapshot"):
        new = facts(btrfs / "one")
    late = Path(template.path) / "lib/__pycache__"
    late.mkdir()
    (late / "late.pyc").write_bytes(b"late")
    with template.clone(btrfs / "one", mode="snapshot"):
        assert facts(btrfs / "one") == new


# ---- which mode ----


def test_auto__takes_snapshots_of_large_templates(
    make_channel: Callable[..., Path], btrfs: Path
) -> None:
    store = cenv.TemplateStore(btrfs / "store")
    for number, mode in ((20, "reflink"), (320, "snapshot")):
        members = [Member(f"lib/{n}", b"%d" % n) for n in range(number)]
        channel = make_channel(Package(f"of{number}", "1", members=members))
        with store.template([f"of{number}"], [channel]).clone(btrfs / mode) as clone:
            assert clone.mode == mode
            assert cenv.verify(clone).ok


def refuses(template: cenv.Template, place: Path, why: str) -> None:
    with pytest.raises(cenv.LinkError, match=why) as caught:
        template.clone(place / "env", mode="snapshot")
    assert "mode auto or copy" in str(caught.value.hint)
    assert not (place / "env").exists()
    with template.clone(place / "env") as clone:
        assert clone.mode != "snapshot"


def test_snapshot__is_refused_where_it_cannot_be(
    template: cenv.Template, small_channel: Path, btrfs: Path, tmp_path: Path
) -> None:
    refuses(template, tmp_path, "source and clone are on different file systems")
    near = cenv.TemplateStore(tmp_path / "store").template(["tool"], [small_channel])
    refuses(near, tmp_path, "the file system is not btrfs")
    source = btrfs / "source"
    cenv.create(source, ["tool"], [small_channel], store=template.store)
    with pytest.raises(cenv.LinkError, match="not a template of the store"):
        cenv.clone(source, btrfs / "env", mode="snapshot", store=template.store)


def test_snapshot__is_refused_where_new_files_would_be_others(
    template: cenv.Template, btrfs: Path
) -> None:
    """By group, by owner, by a list of access: a snapshot has those of the template."""
    place = btrfs / "place"
    place.mkdir()
    os.chown(place, -1, NOBODY)
    place.chmod(0o2755)
    refuses(template, place, "another group")
    os.chown(place, -1, 0)
    place.chmod(0o755)
    entry = struct.Struct("<HHI")
    entries = [(1, 7, -1), (2, 7, NOBODY), (4, 5, -1), (16, 7, -1), (32, 5, -1)]
    acl = struct.pack("<I", 2) + b"".join(
        entry.pack(tag, mode, who & 0xFFFFFFFF) for tag, mode, who in entries
    )
    os.setxattr(place, "system.posix_acl_default", acl)
    refuses(template, place, "a list of access")
    os.removexattr(place, "system.posix_acl_default")
    for where, _names, files in os.walk(template.path):
        for path in (where, *(os.path.join(where, name) for name in files)):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    refuses(template, place, "another user's or group's")


def test_doctor__says_what_snapshots_can_do(btrfs: Path, tmp_path: Path) -> None:
    found = examine(btrfs, btrfs / "store")["clones"]
    assert found["snapshot"] == "yes, removed at once"
    assert found["auto_for_templates"] == "snapshot"
    assert found["auto_for_small_templates"] == "reflink"
    assert examine(btrfs, tmp_path)["clones"]["auto_for_templates"] == "copy"
    subvolume("create", btrfs / "volume")
    found = examine(btrfs / "volume", btrfs / "store")["clones"]
    assert found["shares_the_store's_file_system"] is True
    assert found["auto_for_templates"] == "snapshot"
    (btrfs / "volume").rmdir()
    elsewhere = examine(tmp_path, tmp_path)["clones"]["snapshot"]
    assert elsewhere.startswith("no: the file system is not btrfs")
    assert list(btrfs.iterdir()) == []


# ---- subvolumes in the way of others ----


def test_clone_of_a_snapshot__is_of_its_template(
    template: cenv.Template, btrfs: Path
) -> None:
    with template.clone(btrfs / "one", mode="snapshot") as one:
        for mode in ("snapshot", "reflink", "hardlink"):
            report = cenv.clone(one, btrfs / mode, mode=mode, store=template.store)
            assert (report.source, report.mode) == (template.path, mode)
            cenv.remove(btrfs / mode, store=template.store)
        (one / "lib/new").write_text("new")
        report = cenv.clone(one, btrfs / "changed", store=template.store)
        assert (report.source, report.mode) == (one.path, "reflink")
        assert (btrfs / "changed/lib/new").read_text() == "new"
        assert facts(btrfs / "changed/share") == facts(btrfs / "one/share")
        cenv.remove(btrfs / "changed", store=template.store)


def test_clone__of_what_has_snapshots_in_it(
    template: cenv.Template, small_channel: Path, btrfs: Path
) -> None:
    """Two snapshots have files of the same inodes, and yet they are not one file."""
    outer = btrfs / "outer"
    cenv.create(outer, ["tool"], [small_channel], store=template.store)
    subvolume("create", outer / "a")
    (outer / "a/one").write_text("one")
    (outer / "a/same").hardlink_to(outer / "a/one")
    subvolume("snapshot", outer / "a", outer / "b")
    (outer / "b/one").write_text("other")
    assert (outer / "a/one").stat().st_ino == (outer / "b/same").stat().st_ino
    report = cenv.clone(outer, btrfs / "clone", store=template.store)
    assert (report.mode, report.fallbacks) == ("reflink", {})
    assert (btrfs / "clone/a/same").read_text() == "one"
    assert (btrfs / "clone/b/same").read_text() == "other"
    assert subvolumes(outer) == {"a", "b"}
    cenv.remove(outer, store=template.store)
    assert not outer.exists()


def test_removal__takes_the_users_own_subvolumes_along(
    template: cenv.Template, btrfs: Path
) -> None:
    clone = template.clone(btrfs / "env", mode="snapshot")
    subvolume("create", btrfs / "env/share/own")
    (btrfs / "env/share/own/file").write_text("text")
    removal = clone.remove(background=True)
    assert removal is not None
    removal.wait()
    assert subvolumes(btrfs) == {f"store/v1/templates/{template.id}/twin/tree"}


DIES = """
import os, sys, cenv
cenv.TemplateStore(sys.argv[1]).find(sys.argv[2]).clone(
    sys.argv[3], mode="snapshot", owner=os.getpid())
os._exit(0)
"""


def test_sweep__removes_snapshots_of_the_dead(
    template: cenv.Template, btrfs: Path
) -> None:
    argv = [sys.executable, "-c", DIES, template.store, template.id, btrfs / "env"]
    subprocess.run(list(map(str, argv)), check=True)
    assert is_subvolume(btrfs / "env")
    store = cenv.TemplateStore(template.store)
    assert [found["path"] for found in store.orphans()] == [str(btrfs / "env")]
    store.sweep()
    assert not (btrfs / "env").exists()


MAKES = """
import os, sys, cenv
top, channel = sys.argv[1:]
template = cenv.TemplateStore(f"{top}/store").template(["tool"], [channel])
template.clone(f"{top}/kept", mode="snapshot")
template.clone(f"{top}/owned", mode="snapshot", owner=os.getpid())
os._exit(0)
"""


def test_snapshot__is_known_after_a_mount(
    mount_btrfs: Callable[..., AbstractContextManager[Path]], small_channel: Path
) -> None:
    """Its device number is another one then: they are given as subvolumes are looked at."""
    with mount_btrfs() as top:
        argv = [sys.executable, "-c", MAKES, top, small_channel]
        subprocess.run(list(map(str, argv)), check=True)
        for name in ("a", "b", "c"):
            subvolume("create", top / name)
        new, was = facts(top / "kept"), os.stat(top / "kept").st_dev
        subprocess.run(["umount", top], check=True)
        subprocess.run(["mount", "-o", "loop", top.parent / "image", top], check=True)
        assert {os.stat(top / name).st_ino for name in ("c", "b", "a")} == {SUBVOLUME}
        assert os.stat(top / "kept").st_dev != was
        store = cenv.TemplateStore(top / "store")
        (top / "kept/lib/plain.txt").write_text("other")
        assert cenv.reset(top / "kept", store=store.path).restored == 1
        assert facts(top / "kept") == new
        store.sweep()
        assert not (top / "owned").exists()
        template = store.template(["tool"], [small_channel])
        with template.clone(top / "kept again", mode="snapshot") as clone:
            assert cenv.verify(clone).ok


# ---- as an ordinary user ----


def exercise(place: Path, channel: Path) -> None:
    """Do with snapshots all that may need to be allowed."""
    store = cenv.TemplateStore(place / "store")
    template = store.template(["tool"], [channel])
    told = examine(place, place / "store")["clones"]
    (place / "told").write_text(json.dumps(told))
    first = template.clone(place / "first", mode="snapshot")
    new = facts(place / "first")
    (first / "bin/tool").unlink()
    (first / "lib/closed").mkdir(mode=0o500)
    first.reset()
    assert facts(place / "first") == new
    assert cenv.verify(first).ok
    second = template.clone(place / "second", mode="snapshot")
    (second / "share").chmod(0o500)
    subvolume("create", place / "own")
    (place / "own/file").touch()
    subvolume("snapshot", "-r", place / "own", place / "second/lib/read-only")
    (place / "own/file").unlink()
    (place / "own").rmdir()
    second.remove()
    first.remove()
    plain = twin(template) / "tree/lib/plain.txt"
    plain.write_text("changed")
    with template.clone(place / "third", mode="snapshot") as third:
        assert cenv.verify(third).ok
        assert subvolumes(place) == {
            "third",
            f"store/v1/templates/{template.id}/twin/tree",
        }
    store.gc()
    assert subvolumes(place) == set()


def as_nobody(call: Callable[[], object]) -> int:
    """Run it in a child of another user; return its exit status."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            call()
            os._exit(0)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            sys.stderr.flush()
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize(
    ("options", "removed"),
    [((), "file by file"), (("user_subvol_rm_allowed",), "at once")],
    ids=["file by file", "at once"],
)
def test_snapshot__needs_no_root(
    mount_btrfs: Callable[..., AbstractContextManager[Path]],
    small_channel: Path,
    options: tuple[str, ...],
    removed: str,
) -> None:
    with mount_btrfs(*options) as top:
        exercise(top / "own", small_channel)  # loads what the child may not read
        place, channel = top / "nobodys", top / "channel"
        shutil.copytree(small_channel, channel)
        place.mkdir()
        give = ["chown", "-R", f"{NOBODY}:{NOBODY}", channel, place]
        subprocess.run(give, check=True)
        assert as_nobody(lambda: exercise(place, channel)) == 0
        told = json.loads((place / "told").read_text())
        assert told["snapshot"].startswith(f"yes, removed {removed}")
        assert told["auto_for_templates"] == "snapshot"
