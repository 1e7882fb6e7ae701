# SPDX-License-Identifier: BSD-3-Clause
"""Clones on XFS, btrfs, ext4 and tmpfs: small file systems in files, made and mounted by root."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import cenv

MAKE = {
    "xfs": ("mkfs.xfs", "-q", "-m", "reflink=1"),
    "btrfs": ("mkfs.btrfs", "-q"),
    "ext4": ("mkfs.ext4", "-q"),
}
SHARES = ("xfs", "btrfs")
HOLE = 1 << 20


@pytest.fixture(scope="module", params=["xfs", "btrfs", "ext4", "tmpfs"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Mount a file system; its name is that of the directory."""
    kind: str = request.param
    if os.geteuid() != 0:
        pytest.skip("only root mounts file systems")
    if kind in MAKE and not shutil.which(MAKE[kind][0]):
        pytest.skip(f"{MAKE[kind][0]} is not installed")
    top = tmp_path_factory.mktemp("fs")
    image, mounted = top / "image", top / kind
    mounted.mkdir()
    argv: list[object] = ["mount", "-t", "tmpfs", "-o", "size=64m", "cenv", mounted]
    if kind in MAKE:
        with image.open("wb") as file:
            file.truncate(400 << 20)
        subprocess.run([*MAKE[kind], image], check=True)
        argv = ["mount", "-o", "loop", image, mounted]
    made = subprocess.run(argv, capture_output=True, text=True, check=False)
    if made.returncode:  # a container's root may not
        pytest.skip(f"cannot mount {kind}: {made.stderr.strip()}")
    yield mounted
    subprocess.run(["umount", "-l", mounted], check=True)
    image.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def source(place: Path) -> Path:
    """Return an environment with every kind of file that a file system may lose."""
    env = place / "env"
    for name in ("bin", "lib", "conda-meta", "empty", "closed"):
        (env / name).mkdir(parents=True)
    (env / "conda-meta/history").touch()
    (env / "bin/tool").write_text(f"#!{env}/bin/python\n")
    (env / "bin/tool").chmod(0o755)
    (env / "lib/plain").write_bytes(b"plain " * 2000)
    (env / "lib/empty").touch()
    (env / "lib/read-only").write_bytes(b"x" * 5000)
    (env / "lib/read-only").chmod(0o444)
    with (env / "lib/sparse").open("wb") as file:
        file.truncate(8 * HOLE)
        file.seek(4 * HOLE)
        file.write(b"in the middle")
    with contextlib.suppress(OSError):  # tmpfs knows these since Linux 6.6
        os.setxattr(env / "lib/plain", "user.note", b"kept")
        os.setxattr(env / "lib", "user.note", b"of a directory")
    (env / "lib/one").write_bytes(b"a pair" * 1000)
    (env / "lib/other").hardlink_to(env / "lib/one")
    (env / "lib/link").symlink_to("plain")
    (env / "lib/absolute").symlink_to(env / "bin")
    for number, path in enumerate(sorted(env.rglob("*"))):
        time = 1_600_000_000_123_456_789 + number
        os.utime(path, ns=(time, time), follow_symlinks=False)
    (env / "closed").chmod(0o555)
    return env


def facts(top: Path) -> dict[str, object]:
    """Return all that a clone keeps; the path itself written as @."""
    found: dict[str, object] = {}
    for path in sorted(top.rglob("*")):
        st = path.lstat()
        data = b""
        if path.is_symlink():
            data = os.fsencode(os.readlink(path))
        elif path.is_file():
            data = path.read_bytes()
        attributes = {
            name: os.getxattr(path, name, follow_symlinks=False)
            for name in os.listxattr(path, follow_symlinks=False)
            if name.startswith("user.")
        }
        data = data.replace(os.fsencode(top), b"@")
        found[str(path.relative_to(top))] = (
            st.st_mode,
            st.st_mtime_ns,
            data,
            attributes,
        )
    return found


@pytest.mark.parametrize("mode", ["auto", "copy", "hardlink", "reflink", "snapshot"])
def test_mode__is_what_the_file_system_can_do(
    place: Path, source: Path, tmp_path: Path, mode: str
) -> None:
    clone = place / mode
    if mode == "reflink" and place.name not in SHARES:
        with pytest.raises(cenv.LinkError, match="cannot share extents"):
            cenv.clone(source, clone, mode=mode, store=tmp_path)
        assert not clone.exists()
        return
    if mode == "snapshot":  # of templates; test_snapshots.py has those
        with pytest.raises(cenv.LinkError, match="not a template of the store"):
            cenv.clone(source, clone, mode=mode, store=tmp_path)
        assert not clone.exists()
        return
    report = cenv.clone(source, clone, mode=mode, store=tmp_path)
    if mode == "auto":
        assert report.mode == ("reflink" if place.name in SHARES else "copy")
    else:
        assert report.mode == mode
    assert report.fallbacks == {}
    assert facts(clone) == facts(source)
    assert (clone / "lib/one").stat().st_ino == (clone / "lib/other").stat().st_ino
    assert (clone / "lib/sparse").stat().st_blocks * 512 < 2 * HOLE
    shared = (clone / "lib/plain").stat().st_ino == (source / "lib/plain").stat().st_ino
    assert shared == (mode == "hardlink")
    if report.mode == "reflink":
        assert report.bytes_copied < 1000


def test_clone__copies_a_file_that_cannot_share(
    place: Path, source: Path, tmp_path: Path
) -> None:
    """btrfs shares no extents between a file with copy-on-write and one without."""
    odd = place / "odd"
    (odd / "conda-meta").mkdir(parents=True)
    (odd / "conda-meta/history").touch()
    (odd / "plain").write_bytes(b"plain " * 2000)
    (odd / "rigid").touch()
    if place.name == "btrfs":
        subprocess.run(["chattr", "+C", odd / "rigid"], check=True)
    (odd / "rigid").write_bytes(b"rigid " * 2000)
    report = cenv.clone(odd, place / "odd-clone", store=tmp_path)
    assert report.mode == ("reflink" if place.name in SHARES else "copy")
    assert report.fallbacks == ({"not supported": 1} if place.name == "btrfs" else {})
    assert facts(place / "odd-clone") == facts(odd)


@pytest.mark.parametrize("place", ["btrfs"], indirect=True)
def test_reflink__reaches_another_subvolume(
    place: Path, source: Path, tmp_path: Path
) -> None:
    """It has a device of its own, and lies on the same file system."""
    make = ["btrfs", "subvolume", "create", place / "volume"]
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
    assert (place / "volume").stat().st_dev != place.stat().st_dev
    report = cenv.clone(source, place / "volume/clone", store=tmp_path)
    assert (report.mode, report.fallbacks) == ("reflink", {})
    assert facts(place / "volume/clone") == facts(source)
    with pytest.raises(cenv.LinkError, match="different file systems"):
        cenv.clone(source, place / "volume/linked", mode="hardlink", store=tmp_path)
    cenv.remove(place / "volume/clone", store=tmp_path)


def test_clone__copies_onto_another_file_system(
    place: Path, source: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    for mode in ("hardlink", "reflink"):
        with pytest.raises(cenv.LinkError, match="different file systems"):
            cenv.clone(source, clone, mode=mode, store=tmp_path / "store")
    assert cenv.clone(source, clone, store=tmp_path / "store").mode == "copy"
    expected, got = facts(source), facts(clone)
    if place.name != "tmpfs":  # which may not know user.* attributes
        assert got == expected
    else:
        assert (
            {n: f[:3] for n, f in got.items()}
            == {  # type: ignore[index]
                n: f[:3]  # type: ignore[index]
                for n, f in expected.items()
            }
        )


def clone_until_full(source: Path, place: Path, store: Path) -> None:
    for number in range(2000):
        cenv.clone(source, place / f"full-{number}", mode="copy", store=store)


def test_full_file_system__leaves_nothing(
    place: Path, source: Path, tmp_path: Path
) -> None:
    """Nothing is left of a clone that did not fit, and the source stays as it was."""
    before, filler = facts(source), place / "filler"
    free = os.statvfs(place)
    with filler.open("wb") as file:
        try:
            for _ in range(free.f_bavail * free.f_frsize // (1 << 20) + 64):
                file.write(os.urandom(1 << 20))
        except OSError:
            pass
    try:
        with pytest.raises(OSError, match="No space"):
            clone_until_full(source, place, tmp_path)
    finally:
        filler.unlink()
    names = {path.name for path in place.iterdir()}
    assert not [name for name in names if ".cenv-" in name]
    assert facts(source) == before


def env_of(top: Path, nr: int = 4) -> Path:
    """Return a small environment of files that all can be linked."""
    (top / "conda-meta").mkdir(parents=True)
    (top / "conda-meta/history").touch()
    for number in range(nr):
        (top / f"file{number}").write_bytes(b"text %d " % number * 1000)
    return top


def is_shared(clone: Path, source: Path, name: str) -> bool:
    return (clone / name).samefile(source / name)


def test_clone__copies_a_file_with_all_its_links(place: Path, tmp_path: Path) -> None:
    """ext4 gives an inode 65,000 names, the others more."""
    env, names = env_of(place / "linked"), place / "names"
    names.mkdir()
    directory = os.open(names, os.O_RDONLY)
    for number in range(64_999):
        os.link(env / "file1", str(number), dst_dir_fd=directory)
    os.close(directory)
    clone = place / "clone-linked"
    report = cenv.clone(env, clone, mode="hardlink", store=tmp_path)
    full = place.name == "ext4"
    assert report.fallbacks == ({"too many links": 1} if full else {})
    assert report.bytes_copied == ((env / "file1").stat().st_size if full else 0)
    assert facts(clone) == facts(env)
    assert is_shared(clone, env, "file1") != full
    assert is_shared(clone, env, "file2")
    shutil.rmtree(names)


def test_clone__copies_a_file_that_may_not_be_linked(
    place: Path, tmp_path: Path
) -> None:
    env, clone = env_of(place / "immutable"), place / "clone-immutable"
    done = subprocess.run(["chattr", "+i", env / "file1"], capture_output=True)
    refused = done.returncode == 0  # tmpfs knows it since Linux 6.6
    try:
        report = cenv.clone(env, clone, mode="hardlink", store=tmp_path)
    finally:
        subprocess.run(["chattr", "-i", env / "file1"], capture_output=True)
    assert report.fallbacks == ({"not permitted": 1} if refused else {})
    assert facts(clone) == facts(env)
    assert is_shared(clone, env, "file1") != refused
    assert is_shared(clone, env, "file2")


def test_clone__copies_through_another_mount_of_the_same(
    place: Path, tmp_path: Path
) -> None:
    """A bind mount has the device number of what it shows, and yet no link leads there."""
    env, bound = env_of(place / "mounted"), tmp_path / "bound"
    (place / "bind").mkdir()
    bound.mkdir()
    subprocess.run(["mount", "--bind", place / "bind", bound], check=True)
    try:
        assert bound.stat().st_dev == env.stat().st_dev
        report = cenv.clone(env, bound / "clone", mode="hardlink", store=tmp_path / "s")
        assert report.fallbacks == {"another file system": 4}
        assert report.bytes_copied == sum(p.stat().st_size for p in env.glob("file*"))
        assert facts(bound / "clone") == facts(env)
        assert not is_shared(bound / "clone", env, "file1")
    finally:
        subprocess.run(["umount", "-l", bound], check=True)


def test_template__on_another_file_system_is_mirrored(
    place: Path, tmp_path: Path, small_channel: Path
) -> None:
    template = cenv.TemplateStore(tmp_path / "store").template(
        ["tool"], [small_channel]
    )
    clone = template.clone(place / "far")
    assert clone.report is not None
    assert (clone.mode, clone.report.fallbacks) == ("copy", {})
    assert cenv.verify(clone).ok
    for mode in ("hardlink", "reflink"):
        with pytest.raises(cenv.LinkError, match="on different file systems"):
            template.clone(place / f"far-{mode}", mode=mode)
        assert not (place / f"far-{mode}").exists()
    clone.remove()


def test_clone_of_clone__shares_with_what_is_on_its_file_system(
    place: Path, tmp_path: Path, small_channel: Path
) -> None:
    """That is the template, and for a clone far from its template the clone itself."""
    best = "reflink" if place.name in SHARES else "hardlink"
    for top, wanted in ((place, best), (tmp_path, None)):
        store = cenv.TemplateStore(top / "store")
        template = store.template(["tool"], [small_channel])
        with template.clone(place / "first") as first:
            found = cenv.clone(first, place / "second", store=store.path)
            if wanted:
                assert (found.source, found.mode) == (template.path, wanted)
            else:
                assert found.source == first.path
                assert found.mode == ("reflink" if place.name in SHARES else "copy")
            assert cenv.verify(place / "second").ok
            cenv.remove(place / "second", store=store.path)


def test_clone__copies_files_of_another_user(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """protected_hardlinks refuses links to files that one could not write to."""
    if os.geteuid() != 0:
        pytest.skip("only root gives files to others")
    top = Path(tempfile.mkdtemp(prefix="cenv-others-"))
    try:
        top.chmod(0o755)
        env, mine = env_of(top / "env"), top / "mine"
        (env / "file0").chmod(0o666)
        mine.mkdir()
        os.chown(mine, 65534, 65534)
        child = os.fork()
        if child == 0:
            code = 1
            with contextlib.suppress(BaseException):
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                report = cenv.clone(
                    env, mine / "clone", mode="hardlink", store=mine / "store"
                )
                (mine / "report").write_text(json.dumps(report.fallbacks))
                code = 0
            os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        guarded = Path("/proc/sys/fs/protected_hardlinks").read_text().strip() == "1"
        told = json.loads((mine / "report").read_text())
        assert told == ({"not permitted": 3} if guarded else {})
        assert facts(mine / "clone") == facts(env)
        assert is_shared(mine / "clone", env, "file0")
        assert is_shared(mine / "clone", env, "file1") != guarded
    finally:
        shutil.rmtree(top)
