# SPDX-License-Identifier: BSD-3-Clause
"""Programs of environments: run as by subprocess, ended with all that they started."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT
from typing import Any

import pytest

import cenv
from cenv import _native

SLEEPERS = "sleep 300 & echo $!; exec sleep 300"


@pytest.fixture(params=["clone", "template"])
def env(
    request: pytest.FixtureRequest, small_channel: Path, session_store: Path
) -> Iterator[Any]:
    """Give a clone, and a template, whose programs run in views."""
    template = cenv.TemplateStore(session_store).template(["tool"], [small_channel])
    if request.param == "template":
        if not _native.call(_native.extension.doctor, "/tmp")["overlay"]["works"]:
            pytest.skip("this machine refuses mount namespaces")
        yield template
        return
    with template.clone() as clone:
        yield clone


def sh(env: Any, script: str, **options: Any) -> subprocess.CompletedProcess[Any]:
    done: subprocess.CompletedProcess[Any] = env.run("sh", "-c", script, **options)
    return done


def is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def wait_until_gone(pid: int) -> None:
    for _wait in range(400):
        if not is_running(pid):
            return
        time.sleep(0.01)
    raise AssertionError(f"process {pid} is still running")


def test_run__takes_the_program_and_its_arguments_as_a_list_too(env: Any) -> None:
    for argv in (["sh", "-c", "echo $0 $1", "a b", "c"],), ("echo", "a b", "c"):
        assert env.run(*argv, stdout=PIPE).stdout == b"a b c\n"
    assert env.run(("tool",), stdout=PIPE, text=True).stdout == f"{env}\n"
    assert env.run("tool").args == [f"{env}/bin/tool"]
    for nothing in (), ([],):
        with pytest.raises(cenv.UsageError, match="needs a command"):
            env.run(*nothing)


def test_run__has_the_streams_of_subprocess(env: Any, tmp_path: Path) -> None:
    both = "echo out; echo err >&2"
    assert sh(env, both, capture_output=True).stderr == b"err\n"
    assert sh(env, both, stdout=PIPE, stderr=STDOUT).stdout == b"out\nerr\n"
    quiet = sh(env, both, stdout=DEVNULL, stderr=PIPE)
    assert (quiet.stdout, quiet.stderr) == (None, b"err\n")
    with open(tmp_path / "out", "wb") as file:
        assert sh(env, both, stdout=file, stderr=file.fileno()).stdout is None
    assert (tmp_path / "out").read_bytes() == b"out\nerr\n"
    with open(tmp_path / "out", "rb") as file:
        assert env.run("cat", stdin=file, stdout=PIPE).stdout == b"out\nerr\n"
    assert env.run("cat", stdin=DEVNULL, stdout=PIPE).stdout == b""
    assert env.run("cat", stdin=PIPE, stdout=PIPE).stdout == b""
    with pytest.raises(ValueError, match="stdin and input"):
        env.run("cat", stdin=DEVNULL, input=b"")
    with pytest.raises(ValueError, match="stdout and capture_output"):
        env.run("cat", stdout=DEVNULL, capture_output=True)


def test_run__has_the_text_modes_of_subprocess(env: Any) -> None:
    printed = r"printf 'a\r\nb\rc'"
    for text in {"text": True}, {"encoding": "latin-1"}, {"errors": "replace"}:
        assert sh(env, printed, stdout=PIPE, **text).stdout == "a\nb\nc"
    assert env.run("cat", input="é", stdout=PIPE, encoding="latin-1").stdout == "é"
    assert env.run("cat", input="é", stdout=PIPE, encoding="utf-8").stdout == "é"
    wrong = r"printf '\377'"
    with pytest.raises(UnicodeDecodeError):
        sh(env, wrong, stdout=PIPE, encoding="utf-8")
    assert sh(env, wrong, stdout=PIPE, encoding="utf-8", errors="replace").stdout


def test_run__moves_more_than_a_pipe_holds(env: Any) -> None:
    data = os.urandom(3 << 20)
    assert env.run("cat", input=data, capture_output=True).stdout == data
    assert env.run("true", input=data).returncode == 0  # it does not listen


def test_run__starts_in_a_directory(env: Any, tmp_path: Path) -> None:
    (tmp_path / "here").write_text("#!/bin/sh\npwd\n")
    (tmp_path / "here").chmod(0o755)
    for program in "pwd", "./here":
        said = env.run(program, cwd=tmp_path, stdout=PIPE, text=True).stdout
        assert os.path.samefile(said.strip(), tmp_path)
    with pytest.raises(OSError, match="absent"):
        env.run("true", cwd=tmp_path / "absent")


def test_run__names_what_cannot_be_started(env: Any, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        env.run("no-such-program")
    plain = tmp_path / "plain"
    plain.write_text("text")
    with pytest.raises(PermissionError, match="plain"):
        env.run(plain)
    with pytest.raises(ValueError, match="null byte"):
        env.run("echo", "a\0b")
    for keyword in "shell", "preexec_fn":
        with pytest.raises(cenv.UsageError, match=f"takes no {keyword}"):
            env.run("true", **{keyword: True})


def test_run__tells_how_a_program_ended(env: Any) -> None:
    assert sh(env, "exit 7").returncode == 7
    assert sh(env, "kill -TERM $$").returncode == -signal.SIGTERM
    with pytest.raises(subprocess.CalledProcessError) as raised:
        sh(env, "echo out; echo why >&2; exit 3", check=True, capture_output=True)
    error = raised.value
    assert (error.returncode, error.stdout, error.stderr) == (3, b"out\n", b"why\n")
    assert str(error).endswith("exit status 3.\nstdout:\nout\nstderr:\nwhy")
    many = sh(env, "seq 100", stdout=PIPE, text=True).stdout
    with pytest.raises(subprocess.CalledProcessError) as raised:
        sh(env, "seq 100; exit 1", check=True, stdout=PIPE, text=True)
    assert raised.value.output == many
    assert "(the last 40 lines):\n61\n" in str(raised.value)
    again = pickle.loads(pickle.dumps(raised.value))
    assert (str(again), again.output) == (str(raised.value), many)


def test_run__ignores_no_signal_that_python_ignores(env: Any) -> None:
    done = sh(env, "grep SigIgn /proc/self/status", stdout=subprocess.PIPE)
    ignored = int(done.stdout.split()[1], 16)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        assert not ignored >> (number - 1) & 1, number


def test_run__ends_all_that_was_started_when_time_is_up(env: Any) -> None:
    with pytest.raises(subprocess.TimeoutExpired) as raised:
        sh(env, SLEEPERS, timeout=0.3, stdout=PIPE, text=True)
    error = raised.value
    assert error.timeout == 0.3
    assert error.output is not None
    assert "stdout:" in str(error)
    wait_until_gone(int(error.output))
    with pytest.raises(subprocess.TimeoutExpired):
        env.run("yes", timeout=0.3, stdout=PIPE)
    with pytest.raises(subprocess.TimeoutExpired) as raised:
        env.run("sleep", "300", timeout=0)
    assert raised.value.output is None


def test_run__ends_all_that_was_started_when_interrupted(
    env: Any, tmp_path: Path
) -> None:
    class StopError(Exception):
        pass

    def stop(_number: int, _frame: object) -> None:
        raise StopError

    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.4)
        with open(tmp_path / "pid", "wb") as file, pytest.raises(StopError):
            sh(env, SLEEPERS, stdout=file)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    wait_until_gone(int((tmp_path / "pid").read_text()))


def test_run__waits_for_who_holds_its_output(env: Any) -> None:
    """As subprocess does; what goes on without it is left alone."""
    assert sh(env, "(sleep 0.2; echo late) &", stdout=PIPE).stdout == b"late\n"
    left = sh(env, "sleep 300 >/dev/null & echo $!", stdout=PIPE).stdout
    assert is_running(int(left))
    os.kill(int(left), signal.SIGKILL)


def test_run__passes_on_no_descriptor(small_channel: Path, session_store: Path) -> None:
    template = cenv.TemplateStore(session_store).template(["tool"], [small_channel])
    read, write = os.pipe()
    os.set_inheritable(write, True)
    with template.clone() as clone:
        said = sh(clone, "ls /proc/self/fd", stdout=PIPE, text=True).stdout.split()
        assert sorted(said, key=int) == ["0", "1", "2", "3"]  # the last is ls's own
        left = sh(clone, "sleep 300 >&- & echo $!", stdout=PIPE)
    os.close(write)
    assert os.read(read, 1) == b""
    os.close(read)
    os.kill(int(left.stdout), signal.SIGKILL)


WITHOUT_STREAMS = """
import os, sys
from subprocess import PIPE
from cenv.templates.template import Clone
clone, out = Clone(sys.argv[1]), os.dup(2)
os.closerange(0, 3)
done = clone.run("sh", "-c", "cat; echo err >&2", input=b"in", stdout=PIPE, stderr=PIPE)
quiet = clone.run("sh", "-c", "test ! -e /dev/fd/0")
os.write(out, repr((done.stdout, done.stderr, quiet.returncode)).encode())
"""


def test_run__works_with_stdin_stdout_and_stderr_closed(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", WITHOUT_STREAMS, str(tmp_path)]
    done = subprocess.run(argv, stderr=PIPE, check=False)
    assert done.stderr == b"(b'in', b'err\\n', 0)"


def test_popen__is_a_popen(env: Any) -> None:
    with env.popen("cat", stdin=PIPE, stdout=PIPE, text=True) as process:
        assert isinstance(process, subprocess.Popen)
        assert process.communicate("said")[0] == "said"
    assert process.returncode == 0
    with pytest.raises(cenv.UsageError, match="shell"):
        env.popen("true", shell=True)


MOCKED_FIRST = """
import sys
from unittest import mock
with mock.patch("subprocess.Popen"), mock.patch("subprocess.run"):
    from cenv.templates.template import Clone
    with Clone(sys.argv[1]).popen("echo", "said", stdout=-1) as process:
        print(process.communicate()[0], Clone(sys.argv[1]).run("true").returncode)
"""


def test_popen__is_the_real_one_though_mocked_before_it_is_loaded(
    tmp_path: Path,
) -> None:
    argv = [sys.executable, "-c", MOCKED_FIRST, str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.stdout == "b'said\\n' 0\n", done.stderr


def test_popen__ends_all_that_was_started(env: Any) -> None:
    def leave() -> None:
        with env.popen(["sh", "-c", SLEEPERS], stdout=PIPE) as process:
            pids.append(int(process.stdout.readline()))
            raise RuntimeError

    pids: list[int] = []
    with pytest.raises(RuntimeError):
        leave()
    process = env.popen("sh", "-c", SLEEPERS, stdout=PIPE)
    pids.append(int(process.stdout.readline()))
    process.end()
    process.stdout.close()
    assert process.wait(20) == -signal.SIGKILL
    process.end()  # again, which does nothing
    for pid in pids:
        wait_until_gone(pid)


@pytest.mark.parametrize("env", ["clone"], indirect=True)
def test_environ__serves_other_ways_of_starting(env: Any) -> None:
    """What is started by itself is in no view, so that no template serves."""

    async def said() -> bytes:
        child = await asyncio.create_subprocess_exec(
            "tool", env=env.environ(), stdout=PIPE
        )
        return (await child.communicate())[0]

    variables = env.environ()
    assert asyncio.run(said()) == f"{env}\n".encode()
    done = subprocess.run(["sh", "-c", "tool"], env=variables, stdout=PIPE, check=True)
    assert done.stdout == f"{env}\n".encode()
