# SPDX-License-Identifier: BSD-3-Clause
"""What a clone asks of the kernel and of the processor: strace and valgrind watch one.

A clone runs in the set-up of tests and benchmarks, in CodSpeed's jobs under valgrind: no
process is started, nothing but what is relocated is opened, and nothing is hashed for nothing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import cenv

CLONE = """
import os, sys, cenv
source, clone, mode, store = sys.argv[1:]
os.access("/the-clone-begins", 0)
report = cenv.clone(source, clone, mode=mode, store=store)
os.access("/the-clone-ends", 0)
"""
SIZE = 50_000
# CodSpeed's own (runner, src/executor/valgrind/measure.rs), but for what depends on its fork.
VALGRIND = """-q --tool=callgrind --trace-children=yes --cache-sim=yes --I1=32768,8,64
--D1=32768,8,64 --LL=8388608,16,64 --collect-systime=nsec --compress-strings=no
--combine-dumps=yes --dump-line=no --read-inline-info=yes""".split()

needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is not installed"
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return an environment of 200 plain files and one that is relocated."""
    env = tmp_path / "env"
    for name in ("bin", "lib", "conda-meta"):
        (env / name).mkdir(parents=True)
    (env / "conda-meta/history").touch()
    (env / "lib/module.py").write_text(f"where = '{env}'\n")
    for number in range(200):
        (env / f"lib/plain-{number}.so").write_bytes(bytes([number]) * SIZE)
    return env


def run(tool: list[str], source: Path, mode: str) -> subprocess.CompletedProcess[str]:
    """Clone in another process, watched by a tool; the manifest is there already."""
    store = source.parent / "store"
    cenv.clone(source, source.parent / "first", mode=mode, store=store)
    argv = [sys.executable, "-c", CLONE, source, source.parent / "clone", mode, store]
    done = subprocess.run([*tool, *argv], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def same(source: Path, clone: Path) -> None:
    for path in source.rglob("*"):
        if path.is_file():
            data = path.read_bytes().replace(os.fsencode(source), os.fsencode(clone))
            assert (clone / path.relative_to(source)).read_bytes() == data


def between(log: Path) -> list[str]:
    lines = log.read_text().splitlines()
    marks = [
        i
        for i, line in enumerate(lines)
        if re.search(r' \w*access\w*\(.*"/the-c', line)
    ]
    assert len(marks) == 2
    return lines[marks[0] + 1 : marks[1]]


@needs_strace
@pytest.mark.parametrize("mode", ["hardlink", "copy"])
def test_clone__makes_few_system_calls(source: Path, tmp_path: Path, mode: str) -> None:
    log = tmp_path / "log"
    tool = ["strace", "-f", "-y", "-qq", "-s", "200", "-o", str(log)]
    run(tool, source, mode)
    calls = between(log)
    same(source, tmp_path / "clone")
    names = {re.sub(r"^\d+\s+", "", line).split("(")[0] for line in calls}
    assert len(calls) > 200
    assert not names & {"execve", "execveat", "fork", "vfork"}
    assert not names & {"socket", "connect", "sendto", "sendmsg", "bind"}
    started = [c for c in calls if re.search(r" clone3?\(", c)]
    assert all("CLONE_THREAD" in call for call in started)
    opened = re.findall(rf"= \d+<{re.escape(str(source))}/(\S+)>", "\n".join(calls))
    files = {name for name in opened if (source / name).is_file()}
    if mode == "hardlink":
        assert files == {"lib/module.py", "conda-meta/history"}
    else:
        assert len(files) == 202


@needs_strace
def test_clone__works_on_kernels_without_the_newest_calls(
    source: Path, tmp_path: Path
) -> None:
    """As under valgrind and old kernels' seccomp filters: openat2, clone3 are not there."""
    tool = ["strace", "-f", "-qq", "-o", str(tmp_path / "log")]
    tool += ["-e", "inject=openat2,clone3:error=ENOSYS"]
    run(tool, source, "copy")
    same(source, tmp_path / "clone")


@pytest.mark.skipif(
    shutil.which("valgrind") is None, reason="valgrind is not installed"
)
def test_clone__works_under_valgrind(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "callgrind.out"
    tool = ["valgrind", *VALGRIND, "--instr-atstart=no", f"--callgrind-out-file={out}"]
    done = run(tool, source, "hardlink")
    # Beside what it says of the caches it simulates: not one call that it does not know.
    said = [line for line in done.stderr.splitlines() if "LL" not in line]
    assert [line for line in said if "source line" not in line] == []
    same(source, tmp_path / "clone")


def spent_in_cenv(profile: Path) -> int:
    """Return the instructions of a profile in calls of the extension, and all that they call.

    What calls what is known of each ELF file; a wheel's has no names of functions.
    """
    names: dict[str, str] = {}
    caller = callee = ""
    spent, is_cost = 0, False
    for line in profile.read_text().splitlines():
        if is_cost and "/_cenv." in callee and "/_cenv." not in caller:
            spent += int(line.split()[1])
        if is_cost:
            callee = caller  # of the next call, unless it says otherwise
        is_cost = line.startswith("calls=")
        if told := re.match(r"(c?)ob=(\(\d+\))(?: (.+))?", line):
            called, key, name = told.groups()
            callee = names.setdefault(key, name)
            caller = caller if called else callee
    return spent


@pytest.mark.skipif(
    shutil.which("valgrind") is None, reason="valgrind is not installed"
)
def test_clone__takes_few_instructions(source: Path, tmp_path: Path) -> None:
    """Ten megabytes lie in the source: to read them would take more instructions than bytes."""
    out = tmp_path / "callgrind.out"
    tool = ["valgrind", "-q", "--tool=callgrind", "--combine-dumps=yes"]
    run([*tool, f"--callgrind-out-file={out}"], source, "hardlink")
    assert 100_000 < spent_in_cenv(out) < 200 * SIZE / 2
