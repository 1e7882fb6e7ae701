# SPDX-License-Identifier: BSD-3-Clause
"""Clones at places that come back, and those of passed tests, which others get as new ones."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]

HELPERS = '''
import os, stat, subprocess, sys, threading, time
from pathlib import Path
import pytest

seen = []
gone = threading.Event()

def state(env):
    found = {}
    for path in [Path(env), *sorted(Path(env).rglob("*"))]:
        status = path.lstat()
        if path.is_symlink():
            data = os.readlink(path)
        else:
            data = path.read_bytes() if path.is_file() else b""
        names = os.listxattr(path, follow_symlinks=False)
        inode = status.st_ino if status.st_nlink > 1 and path.is_file() else None
        key = str(path.relative_to(env))
        found[key] = status.st_mode, status.st_mtime_ns, data, names, inode
    return found

made = {}

def is_new(env):
    """As the first one at its path was, which was made new."""
    assert state(env) == made.setdefault(env.path, state(env))
    return True

def mess(env):
    (env / "added").mkdir()
    (env / "added/name").write_text("x")
    (env / "share/data.txt").unlink()
    (env / "etc/tool.conf").write_text("changed")
    os.utime(env / "etc/tool.conf", ns=(0, (env / "share").stat().st_mtime_ns))
    (env / "etc").chmod(0o700)
    os.setxattr(env / "etc", "user.mine", b"1")
    os.setxattr(env, "user.mine", b"1")
    (env / "conda-meta/frozen").touch()
    (env / "conda-meta/state").write_text('{"env_vars": {"A": "1"}}')
    os.mkfifo(env / "share/fifo")
    os.link(env / "etc/tool.conf", env / "share/data.txt")
'''


def counts(project: pytest.Pytester) -> dict[str, int]:
    told = json.loads((project.path / "report").read_text())["clones"]
    return {key: told[key] for key in ("made", "recycled", "spare")}


def test_place__is_not_given_where_a_clone_was_cut_off(
    project: pytest.Pytester, run: Run
) -> None:
    project.makepyfile(
        """
        import pytest
        from cenv import Template

        def test_is_cut_off(cenv_env, monkeypatch):
            clone = Template.clone

            def cut_off(*args, **options):  # as a timeout's signal may come then
                clone(*args, **options)
                pytest.fail("Timeout")

            monkeypatch.setattr(Template, "clone", cut_off)
            cenv_env()

        def test_after(cenv_env):
            assert cenv_env()
        """
    )
    result = run("-p", "no:xdist", "--cenv-keep=none", "--basetemp=base")
    result.assert_outcomes(passed=1, failed=1)
    assert list(project.path.glob("base/cenv/*")) == []


def test_places__come_back(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(
        """
        from pathlib import Path

        def note(*envs):
            with open("places", "a") as file:
                file.write(" ".join(map(str, envs)) + "\\n")
            assert all(str(env) in (env / "etc/tool.conf").read_text() for env in envs)

        def test_two(cenv_env): note(cenv_env(), cenv_env())
        def test_one(cenv_env): note(cenv_env())
        def test_other(cenv_env): note(cenv_env("tool"), cenv_env())

        def test_is_over(cenv_env):
            with cenv_env() as env:
                note(env)
            assert not Path(env).exists()
        """
    )
    for _ in range(2):
        result = run("--basetemp=base", "--cenv-spares=0")
        result.assert_outcomes(passed=4)
    lines = (project.path / "places").read_text().splitlines()
    assert lines[4:] == lines[:4], "the same in every run"
    (first, second), (third,), (other, fourth), (fifth,) = map(str.split, lines[:4])
    assert first == third == fourth == fifth
    assert len({first, second, other}) == 3
    assert len(set(map(len, (first, second, other)))) == 1


MESSED = (
    HELPERS
    + """
def test_messes(cenv_env):
    env = cenv_env()
    assert is_new(env)
    mess(env)
    seen.append(env)

def test_gets_it_as_new(cenv_env):
    env = cenv_env()
    assert env == seen[0] and env is not seen[0] and is_new(env)
    assert env.report.mode == env.mode and env.report.bytes_copied == 0

def test_fails(cenv_env):
    seen.append(cenv_env())
    mess(seen[1])
    assert False

def test_gets_another(cenv_env):
    assert cenv_env() != seen[1] and (seen[1] / "added").exists()

def test_wants_its_own(cenv_env):
    env = cenv_env(recycle="off")
    assert env not in (cenv_env(), *seen) and not (env / "added").exists()
    seen.append(env)

def test_its_own_is_no_others(cenv_env):
    assert not seen[2].exists()
    with pytest.raises(Exception, match="expected one of auto, off"):
        cenv_env(recycle="maybe")

def test_skips(cenv_env):
    seen.append(cenv_env())
    pytest.skip("inside")

def test_follows_a_skip(cenv_env):
    assert not seen[3].exists()

@pytest.fixture(scope="module")
def shared(cenv_session_env):
    with cenv_session_env() as env:
        yield env

def test_shares(cenv_env, shared):
    mess(shared)
    seen.append(cenv_env())

def test_leaves_the_shared(cenv_env, shared):
    assert cenv_env() == seen[4] != shared and (shared / "added").exists()
"""
)


def test_passed_test__gives_its_clone_back(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(MESSED)
    argv = ["--basetemp=base", "--cenv-spares=0", "--cenv-json=report"]
    run(*argv).assert_outcomes(passed=8, failed=1, skipped=1)
    assert counts(project) == {"made": 5, "recycled": 5, "spare": 0}
    assert len(list(project.path.glob("base/cenv/*"))) == 1, "of the test that failed"
    run(*argv, "--cenv-recycle=off", "-k", "messes or as_new").assert_outcomes(
        passed=1, failed=1
    )
    assert counts(project) == {"made": 2, "recycled": 0, "spare": 0}


ASKED_FOR = (
    HELPERS
    + """
def test_gives_back(cenv_env):
    seen.append(cenv_env(recycle="auto"))
    mess(seen[0])

def test_gets_a_new_one(cenv_env):
    assert cenv_env() != seen[0]

def test_gets_it(cenv_env):
    env = cenv_env(recycle="auto")
    assert env == seen[0] and not (env / "added").exists()
"""
)


def test_recycling__that_is_off_is_for_those_that_ask(
    project: pytest.Pytester, run: Run
) -> None:
    project.makepyfile(ASKED_FOR)
    argv = ["--basetemp=base", "--cenv-spares=0", "--cenv-json=report"]
    run(*argv, "--cenv-recycle=off").assert_outcomes(passed=3)
    assert counts(project) == {"made": 2, "recycled": 1, "spare": 0}


MARKED = (
    HELPERS
    + """
@pytest.mark.cenv(recycle="off")
def test_is_marked(cenv_env):
    seen.append(cenv_env())
    seen.append(cenv_env(recycle="auto"))
    mess(seen[1])

def test_gets_what_may_be_used_again(cenv_env):
    assert cenv_env() == seen[1] and not seen[0].exists()

@pytest.mark.cenv(recycle="maybe")
def test_says_nonsense(cenv_env):
    with pytest.raises(Exception, match="recycle is 'maybe': expected one of auto"):
        cenv_env()
"""
)


def test_recycling__is_as_the_mark_of_the_test_says(
    project: pytest.Pytester, run: Run
) -> None:
    project.makepyfile(MARKED)
    argv = ["--basetemp=base", "--cenv-spares=0", "--cenv-json=report"]
    run(*argv).assert_outcomes(passed=3)
    assert counts(project) == {"made": 2, "recycled": 1, "spare": 0}


FULL = """
import os
import pytest

class Full:
    f_bavail, f_frsize = 1, 4096

os.statvfs = lambda path: Full

@pytest.mark.parametrize("mode", ["copy", "copy", "hardlink", "hardlink"])
def test_each(cenv_env, mode):
    assert cenv_env(mode=mode)
"""


def test_full_disk__keeps_no_copies(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(FULL)
    argv = ["--basetemp=base", "--cenv-spares=0", "--cenv-json=report"]
    run(*argv).assert_outcomes(passed=4)
    assert counts(project) == {"made": 3, "recycled": 1, "spare": 0}


IN_USE = """
import os, subprocess, threading
from pathlib import Path

kept = []
listed = Path("~/.conda/environments.txt").expanduser()

def in_shell(script, env, **variables):
    argv = ["sh", "-c", script, "sh", env.path]
    subprocess.run(argv, check=True, env={**os.environ, **variables})

def test_leaves_a_child(cenv_env):
    cenv_env()
    kept.append(subprocess.Popen(["sleep", "60"]))

def test_leaves_a_thread(cenv_env):
    cenv_env()
    kept.append(threading.Event())
    threading.Thread(target=kept[-1].wait, daemon=True).start()

def test_leaves_a_directory(cenv_env):
    in_shell('cd "$1/share" && { sleep 20 >&- 2>&- & }', cenv_env())

def test_leaves_an_environment(cenv_env):
    env = cenv_env()
    in_shell("sleep 20 >&- 2>&- &", env, CONDA_PREFIX=env.path)

def test_leaves_a_file_open(cenv_env):
    kept.append(open(cenv_env() / "log", "w"))

def test_registers(cenv_env):
    kept.append(cenv_env())
    listed.parent.mkdir(exist_ok=True)
    listed.write_text(f"{kept[-1]}\\n")

def test_is_not_registered(cenv_env):
    assert cenv_env() != kept[-1]

def test_gets_what_nobody_uses(cenv_env):
    assert cenv_env() != kept[-1]
    kept[0].kill(), kept[0].wait(), kept[1].set(), kept[2].close()
    listed.unlink()
"""


def test_clone_in_use__is_nobody_elses(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(IN_USE)
    argv = ["--basetemp=base", "--cenv-spares=0", "--cenv-json=report"]
    run(*argv).assert_outcomes(passed=8)
    assert counts(project) == {"made": 7, "recycled": 1, "spare": 0}
    assert not list(project.path.glob("base/cenv/*"))


def test_helper__puts_back_beside_tests(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(
        HELPERS
        + """
@pytest.mark.parametrize("n", range(8))
def test_many(n, cenv_env):
    env = cenv_env()
    assert is_new(env)
    mess(env)
"""
    )
    run("--basetemp=base", "--cenv-json=report", "--cenv-spares=1").assert_outcomes(
        passed=8
    )
    told = counts(project)
    assert told["made"] == 1
    assert told["spare"] <= 2
    assert told["recycled"] + told["spare"] == 7
    assert not list(project.path.glob("base/cenv/*"))


TAKES_OVER = (
    HELPERS
    + """
from cenv import api

here, before = [], []  # put back in this process; how often that was, before each test
recycle = api.recycle

def note(*arguments, **options):
    here.append(arguments)
    return recycle(*arguments, **options)

api.recycle = note

@pytest.mark.parametrize("n", range(50))
def test_many(n, cenv_env):
    env = cenv_env()
    assert is_new(env)
    before.append(len(here))
    if n > 8 and before[-1] > before[-2]:
        time.sleep(0.4)  # the helper is still at the clone that it has to have
    mess(env)

def test_no_more_are_put_back_here():
    assert 8 <= before[-1] < 49 and before[-1] == before[-2]
"""
)


def test_helper__takes_over_after_many_requests(
    project: pytest.Pytester, run: Run
) -> None:
    project.makepyfile(TAKES_OVER)
    argv = ["--basetemp=base", "--cenv-json=report", "--cenv-spares=1"]
    run(*argv).assert_outcomes(passed=51)
    assert counts(project) == {"made": 1, "recycled": 48, "spare": 1}
    assert not list(project.path.glob("base/cenv/*"))


ROUNDS = (
    HELPERS
    + """
def test_rounds(benchmark, cenv_env):
    held = [cenv_env()]

    def setup():
        env = cenv_env()
        assert is_new(env) and env not in held
        return (env,), {}

    def target(env):
        mess(env)
        rounds.append(1)
        if len(rounds) == 3:
            held.append(env)

    rounds = []
    benchmark.pedantic(target, setup=setup, rounds=6)
    assert not (held[0] / "added").exists()
    assert (held[1] / "added").exists(), "the test has it still"

def test_another(benchmark, cenv_env):
    assert is_new(cenv_env())
    benchmark.pedantic(len, args=("",), rounds=1)
"""
)


@pytest.mark.parametrize(
    "plugin", ["pytest_benchmark.plugin", "pytest_codspeed.plugin"]
)
def test_round__gives_back_when_it_is_over(
    project: pytest.Pytester, run: Run, plugin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
        monkeypatch.delenv(name, raising=False)  # or pytest-benchmark measures nothing
    project.makepyfile(ROUNDS)
    how = "--benchmark-enable" if "benchmark" in plugin else "--codspeed"
    result = run("--basetemp=base", "--cenv-json=report", "-p", plugin, how)
    result.assert_outcomes(passed=2)
    assert counts(project)["recycled"] >= 3
