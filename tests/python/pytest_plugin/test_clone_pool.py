# SPDX-License-Identifier: BSD-3-Clause
"""Places of clones that come back from run to run, where pytest chooses its own directory."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import cenv
from cenv.pytest_plugin.clone_pool import take_slot

Start = Callable[..., "subprocess.CompletedProcess[str]"]

PRINTS = """
    def test_says_where(cenv_env):
        for _twice in range(2):
            clone = cenv_env()
            print("clone:", clone.path, clone.report.remembered)
"""


@pytest.fixture
def root(
    pytester: pytest.Pytester, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Return a root of temporary directories, which is not pytester's."""
    monkeypatch.setenv("PYTEST_DEBUG_TEMPROOT", str(tmp_path))
    return tmp_path


@pytest.fixture
def start(root: Path, fresh: pytest.Pytester) -> Start:
    """Return a function that runs pytest without --basetemp."""

    def run(*argv: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "pytest", "-rA", *argv]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    return run


def pool_of(root: Path) -> Path:
    (of_user,) = root.glob("pytest-of-*")
    return of_user / "cenv"


def told(done: subprocess.CompletedProcess[str]) -> list[tuple[str, int]]:
    """Return the clones that the tests of PRINTS told, and what was remembered of each."""
    lines = [line.split() for line in done.stdout.splitlines()]
    return [(line[1], int(line[2])) for line in lines if line[:1] == ["clone:"]]


def test_place__comes_back_in_the_next_run(
    root: Path, fresh: pytest.Pytester, start: Start
) -> None:
    fresh.makepyfile(PRINTS)
    runs = [told(start("-p", "no:xdist")) for _run in range(3)]
    places = {place for run in runs for place, _remembered in run}
    assert all(len(run) == 2 for run in runs)
    assert len(places) == 2
    assert {Path(place).parent for place in places} == {pool_of(root) / "00"}
    # A path is known once it was seen: what is relocated comes from the store then.
    assert [run[0][1] > 0 for run in runs] == [False, True, True]
    assert not any(map(os.path.lexists, places))


def test_place__is_the_run_s_own_with_basetemp(
    root: Path, fresh: pytest.Pytester, start: Start
) -> None:
    fresh.makepyfile(PRINTS)
    base = root / "base"
    clones = told(start("-p", "no:xdist", f"--basetemp={base}"))
    assert {Path(place).parent for place, _remembered in clones} == {base / "cenv"}
    assert list(root.glob("pytest-of-*")) == []


def test_workers__share_no_slot(
    root: Path, fresh: pytest.Pytester, start: Start
) -> None:
    fresh.makepyfile(
        """
        import pytest, time

        @pytest.mark.parametrize("number", range(2))
        def test_says_where(cenv_env, number, testrun_uid, tmp_path_factory):
            met = tmp_path_factory.getbasetemp().parent / f"met{number}"
            met.write_text(cenv_env().path)
            end = time.monotonic() + 60  # until the other worker has its own
            other = met.with_name(f"met{1 - number}")
            while not (other.exists() and other.read_text()) and time.monotonic() < end:
                time.sleep(0.01)
            assert met.read_text().split("/")[-2] != other.read_text().split("/")[-2]
        """
    )
    done = start("-n", "2")
    assert "2 passed" in done.stdout, done.stdout
    assert sorted(p.name for p in pool_of(root).glob("0?")) == ["00", "01"]


def test_kept_clone__stays_as_long_as_its_run(
    root: Path, fresh: pytest.Pytester, start: Start
) -> None:
    fresh.makepyfile(
        """
        import os

        def test_fails(cenv_env):
            (cenv_env() / "note").write_text(os.environ["NOTE"])
            assert False
        """
    )
    notes = []
    for number in range(5):
        os.environ["NOTE"] = str(number)
        try:
            done = start("-p", "no:xdist")
        finally:
            del os.environ["NOTE"]
        assert "1 failed" in done.stdout, done.stdout
        notes.append({p.read_text() for p in pool_of(root).glob("00/*/note")})
        links = list(pool_of(root).parent.glob("pytest-[0-9]*/cenv/*/note"))
        assert {p.read_text() for p in links} <= notes[-1]
        assert str(number) in {p.read_text() for p in links}
    # As many as pytest keeps directories of runs, and those that ended meanwhile.
    assert notes[0] == {"0"}
    assert "0" not in notes[4]
    assert {"2", "3", "4"} <= notes[4]


def test_kept_clone__of_a_worker_stays_no_longer(
    root: Path, fresh: pytest.Pytester, start: Start
) -> None:
    fresh.makepyfile(
        """
        import os, time, pytest

        @pytest.mark.parametrize("number", range(2))
        def test_fails(cenv_env, number, tmp_path_factory):
            met = tmp_path_factory.getbasetemp().parent / f"met{number}"
            met.write_text(cenv_env().path)
            other, end = met.with_name(f"met{1 - number}"), time.monotonic() + 60
            while "BOTH" in os.environ and not other.exists() and time.monotonic() < end:
                time.sleep(0.01)
            assert "BOTH" not in os.environ
        """
    )
    os.environ["BOTH"] = "1"
    try:
        assert "2 failed" in start("-n", "2").stdout
    finally:
        del os.environ["BOTH"]
    assert len(list(pool_of(root).glob("01/[!.]*"))) == 1
    for _run in range(4):  # of one process, which takes the first slot
        assert "2 passed" in start("-p", "no:xdist").stdout
    assert list(pool_of(root).glob("0?/[!.]*")) == []
    assert list(pool_of(root).glob("0?/.kept/*")) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts file systems")
@pytest.mark.parametrize("workers", [["-p", "no:xdist"], ["-n", "2"]])
def test_clone__that_cannot_be_removed_is_told(
    root: Path, fresh: pytest.Pytester, start: Start, workers: list[str]
) -> None:
    fresh.makepyfile(
        """
        import subprocess, pytest

        @pytest.mark.parametrize("number", range(6))
        def test_mounts(cenv_env, number):
            inside = cenv_env() / "mounted"
            inside.mkdir()
            argv = ["mount", "-t", "tmpfs", "cenv", inside]
            if number % 2 == 0 and subprocess.run(argv).returncode:
                pytest.fail("cannot mount")
        """
    )
    told = []
    try:
        done = start("-q", *workers)
        if "cannot mount" in done.stdout:
            pytest.skip("cannot mount")
        left = [where for where in root.rglob("mounted") if os.path.ismount(where)]
        told = [line for line in done.stdout.splitlines() if "cannot remove" in line]
    finally:
        for where in root.rglob("mounted"):
            subprocess.run(["umount", "-l", where], capture_output=True, check=False)
    assert "6 passed" in done.stdout, done.stdout
    assert done.returncode == 0
    assert len(left) == len(told) == 3, done.stdout
    again = start("-q", "-p", "no:xdist", "-k", "1 or 3")
    assert "2 passed" in again.stdout
    assert "cannot remove" not in again.stdout
    assert list(pool_of(root).glob("0?/[!.]*")) == []


def test_killed_run__leaves_nothing_in_the_next_one_s_way(
    root: Path, fresh: pytest.Pytester, start: Start
) -> None:
    fresh.makepyfile(
        """
        import os, signal

        def test_is_killed(cenv_env):
            (cenv_env() / "left").touch()
            if "KILLED" in os.environ:
                os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    os.environ["KILLED"] = "1"
    try:
        assert start("-p", "no:xdist").returncode < 0
    finally:
        del os.environ["KILLED"]
    assert list(pool_of(root).glob("00/*/left"))
    stray = pool_of(root) / "00/stray"  # not of cenv: the slot is the pool's own
    stray.mkdir()
    done = start("-p", "no:xdist")
    assert "1 passed" in done.stdout, done.stdout
    assert [p.name for p in pool_of(root).glob("00/[!.]*")] == []


def make_odd_slot(slot: Path, kind: str, precious: Path) -> None:
    """Put in the place of a slot what no run of the plugin makes."""
    if kind == "link":
        slot.symlink_to(precious)
    elif kind == "dangling":
        slot.symlink_to(precious / "absent")
    elif kind == "file":
        slot.touch()
    elif kind == "lock":
        Path(f"{slot}.lock").mkdir()
    else:
        slot.mkdir(mode=0o700)
        if kind == "open":
            slot.chmod(0o777)
        else:
            (slot / ".kept").symlink_to(precious)


@pytest.mark.parametrize("kind", ["link", "dangling", "file", "lock", "open", "kept"])
def test_slot__that_is_not_ours_alone_is_passed_over(tmp_path: Path, kind: str) -> None:
    base, precious = tmp_path / "pytest-of-me/pytest-0", tmp_path / "precious"
    pool = base.parent / "cenv"
    base.parent.mkdir(mode=0o700)
    pool.mkdir(mode=0o700)
    precious.mkdir(mode=0o700)
    (precious / "file").touch()
    make_odd_slot(pool / "00", kind, precious)
    slot = take_slot(base)
    assert slot is not None
    assert slot.path == pool / "01"
    slot.clear(pytest.fail)
    slot.clear_free(pytest.fail)
    slot.close()
    assert (precious / "file").exists()


@pytest.mark.parametrize("kind", ["link", "open"])
def test_pool__is_no_place_that_others_made(
    root: Path, fresh: pytest.Pytester, start: Start, kind: str
) -> None:
    fresh.makepyfile(PRINTS)
    start("-p", "no:xdist")
    pool, elsewhere = pool_of(root), root / "elsewhere"
    wait_for_end(pool / "00")
    shutil.rmtree(pool)
    elsewhere.mkdir(mode=0o700)
    if kind == "link":
        pool.symlink_to(elsewhere)
    else:
        pool.mkdir()
        pool.chmod(0o777)
    clones = told(start("-p", "no:xdist"))
    assert [Path(place).parent.name for place, _remembered in clones] == ["cenv"] * 2
    assert all("/pytest-1/" in place for place, _remembered in clones)
    assert list(elsewhere.iterdir()) == list(pool.iterdir()) == []


def test_memory__is_bounded_by_a_setting(
    root: Path, fresh: pytest.Pytester, start: Start
) -> None:
    fresh.makepyfile(PRINTS)
    for _run in range(2):
        clones = told(start("-p", "no:xdist", "--cenv-memory=0"))
        assert [remembered for _place, remembered in clones] == [0, 0]
    clones = told(start("-p", "no:xdist", "-o", "cenv_memory=1M"))
    assert clones[0][1] == 0
    clones = told(start("-p", "no:xdist", "-o", "cenv_memory=1M"))
    assert clones[0][1] > 0


FIVE = """
    import pytest

    @pytest.mark.parametrize("n", range(5))
    def test_has_clones(cenv_env, n):
        assert cenv_env() and cenv_env()
"""
HOLDS = """
    import os, signal
    from pathlib import Path
    from cenv.clones import helper

    start = helper.start_outliving

    def hold(*words):
        found = start(*words)
        os.kill(found.pid, signal.SIGSTOP)
        with open("held", "a") as file:
            print(found.pid, file=file)
        return found

    helper.start_outliving = hold
"""


def names_in(slot: Path) -> list[str]:
    return sorted(name for name in os.listdir(slot) if name != ".kept")


def wait_for_end(slot: Path) -> None:
    deadline = time.monotonic() + 30
    while names_in(slot) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert names_in(slot) == []


@pytest.fixture
def held(fresh: pytest.Pytester) -> Iterator[Callable[[int], None]]:
    """Return what sends a signal to the helpers that remove, which stand still in a run."""
    fresh.makeconftest(HOLDS)
    told = fresh.path / "held"

    def send(number: int) -> None:
        for pid in told.read_text().split():
            os.kill(int(pid), number)

    yield send
    with contextlib.suppress(OSError):
        send(signal.SIGKILL)


def test_end__does_not_wait_for_removals(
    root: Path, fresh: pytest.Pytester, start: Start, held: Callable[[int], None]
) -> None:
    fresh.makepyfile(FIVE)
    done = start("-p", "no:xdist", "--cenv-spares=0")
    assert done.returncode == 0, done.stdout + done.stderr
    slot = pool_of(root) / "00"
    assert names_in(slot)
    assert all(name.startswith(".") for name in names_in(slot))
    held(signal.SIGCONT)
    wait_for_end(slot)
    wait_for_end(fresh.path / "store/v1/clones")


def test_end__that_is_cut_off_is_swept(
    root: Path, fresh: pytest.Pytester, start: Start, held: Callable[[int], None]
) -> None:
    fresh.makepyfile(FIVE)
    assert start("-p", "no:xdist", "--cenv-spares=0").returncode == 0
    held(signal.SIGKILL)
    assert names_in(pool_of(root) / "00")
    cenv.TemplateStore(fresh.path / "store").sweep()
    wait_for_end(pool_of(root) / "00")


@pytest.mark.parametrize("why", ["container", "measured", "place"])
def test_end__waits_where_nothing_of_it_may_go_on(
    root: Path, fresh: pytest.Pytester, start: Start, why: str
) -> None:
    fresh.makepyfile(FIVE)
    lines = ["import os, pytest"]
    if why == "container":
        lines.append("os.getppid = lambda: 1")
    if why == "measured":
        lines.append("os.environ['CODSPEED_ENV'] = 'x'")
    fresh.makeconftest("\n".join(lines))
    options = [f"--basetemp={root / 'base'}"] if why == "place" else []
    done = start("-p", "no:xdist", "--cenv-spares=0", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    home = root / "base/cenv" if why == "place" else pool_of(root) / "00"
    assert names_in(home) == []


def test_leftover__that_cannot_go_is_told_and_fails_no_test(
    root: Path, fresh: pytest.Pytester, start: Start, held: Callable[[int], None]
) -> None:
    fresh.makepyfile(FIVE)
    assert start("-p", "no:xdist", "--cenv-spares=0").returncode == 0
    held(signal.SIGKILL)
    slot = pool_of(root) / "00"
    busy = slot / names_in(slot)[0] / "busy"
    busy.mkdir()
    mount = ["mount", "-t", "tmpfs", "cenv", str(busy)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        return
    (fresh.path / "conftest.py").unlink()
    try:
        done = start("-p", "no:xdist", "--cenv-spares=0")
    finally:
        subprocess.run(["umount", "-l", busy], check=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "what an earlier run left cannot be removed" in done.stdout
