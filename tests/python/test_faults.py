# SPDX-License-Identifier: BSD-3-Clause
"""No space and no permission: one clear error, nothing left behind, the source untouched."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import cenv
from cenv import _native
from cenv.demo.package import Member, Package

NOBODY = 65534


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system with 3 MB of room."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", place]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root mounts a small file system")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture(scope="module")
def big_channel(make_channel) -> Path:
    members = [Member(f"share/{n}.bin", os.urandom(1 << 20)) for n in range(6)]
    return make_channel(Package("big", "1.0", members=members))


def left_in(place: Path) -> list[str]:
    return [p.name for p in place.iterdir() if p.name != "lost+found"]


def test_full_disk__leaves_no_prefix(
    small_disk: Path, big_channel: Path, session_store: Path
) -> None:
    with pytest.raises(OSError, match="No space") as caught:
        cenv.create(small_disk / "e", ["big"], [big_channel], store=session_store)
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename
    assert left_in(small_disk) == []


def test_full_disk__leaves_no_clone(
    small_disk: Path, big_channel: Path, session_store: Path, tmp_path: Path
) -> None:
    source = tmp_path / "e"
    cenv.create(source, ["big"], [big_channel], store=session_store)
    with pytest.raises(OSError, match="No space"):
        cenv.clone(source, small_disk / "f", store=session_store, mode="copy")
    assert left_in(small_disk) == []
    assert cenv.verify(source).ok


def test_full_disk__leaves_no_store(
    small_disk: Path, big_channel: Path, tmp_path: Path
) -> None:
    with pytest.raises(OSError, match="No space"):
        cenv.create(tmp_path / "e", ["big"], [big_channel], store=small_disk / "s")
    assert not (tmp_path / "e").exists()
    assert left_in(small_disk / "s/v1/tmp") == []
    assert [p for p in (small_disk / "s/v1/pkgs").rglob("*") if p.is_file()] == []


def as_somebody_else(work: Callable[[], None]) -> int:
    """Run `work` in a child without root's rights; return its exit status."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            if os.geteuid() == 0:
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_permission__denied_is_one_message(
    small_channel: Path, session_store: Path, tmp_path: Path
) -> None:
    """The parent's calls load every module, which the child may not be allowed to read."""
    source = tmp_path / "e"
    cenv.create(source, ["tool"], [small_channel], store=session_store)
    cenv.clone(source, tmp_path / "f", store=session_store)
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o555)
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o055)

    def refused() -> None:
        clone = _native.extension.clone
        with pytest.raises(PermissionError) as caught:
            _native.call(clone, None, str(source), str(closed / "g"), "{}")
        assert caught.value.filename

    assert as_somebody_else(refused) == 0
    assert left_in(closed) == []


def test_refused_times__are_a_warning(
    calls_library: Path, small_channel: Path, tmp_path: Path
) -> None:
    """A file system without times (exFAT refuses some) still gets whole environments."""
    program = """
import sys, cenv
for mode in ("copy", "auto"):
    made = cenv.create(
        sys.argv[1] + "/e", ["tool"], [sys.argv[2]], store=sys.argv[1] + "/s", link_mode=mode
    )
    print(*made.warnings)
    assert cenv.verify(made.prefix).ok
    if mode == "copy":
        cenv.remove(made.prefix)
for mode in ("copy", "hardlink"):
    told = cenv.clone(made.prefix, f"{sys.argv[1]}/{mode}", store=sys.argv[1] + "/s", mode=mode)
    print(*(notice.reason for notice in told.notices))
    cenv.reset(told.prefix, store=sys.argv[1] + "/s")
    assert cenv.verify(told.prefix).ok
"""
    env = {**os.environ, "LD_PRELOAD": str(calls_library)}
    env["CENV_TEST_REFUSE"] = f"utimens:0:{errno.EINVAL}"
    command = [sys.executable, "-c", program, str(tmp_path), str(small_channel)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("refuses times") == 4
