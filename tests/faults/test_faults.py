# SPDX-License-Identifier: BSD-3-Clause
"""A short form of `make faults`: every kind of call fails somewhere in each operation."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import cenv

DRIVER = Path(__file__).with_name("faults.py")


@pytest.mark.skipif(
    not shutil.which("cc"), reason="no C compiler is installed (apt install gcc)"
)
@pytest.mark.parametrize(
    "operation", ["create", "clone", "template", "import", "remember", "layers"]
)
def test_failing_calls__end_in_one_message_and_leave_nothing(operation: str) -> None:
    command = [sys.executable, DRIVER, "--only", operation, "--points", "30"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 wrong" in done.stdout


@pytest.mark.skipif(
    not shutil.which("cc"), reason="no C compiler is installed (apt install gcc)"
)
def test_failing_calls__of_a_snapshot(btrfs: Path) -> None:
    command = [sys.executable, DRIVER, "--only", "snapshot", "--points", "60"]
    command += ["--place", btrfs]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 wrong" in done.stdout


@pytest.mark.skipif(
    not shutil.which("cc"), reason="no C compiler is installed (apt install gcc)"
)
@pytest.mark.parametrize(
    ("operation", "calls"),
    [
        ("create", "unlink,chmod"),  # a probe that cannot be removed is no part of it
        ("template", "unlink"),
        ("template", "chmod"),  # which is no time that a file system does not take
        ("template", "utimens,sync,fork"),  # a file of another time is the same file
        ("extract", "memory"),  # what is done is told as done
        ("reset", "stat"),
        ("check", "stat"),
    ],
)
def test_failing_calls__every_one_of_a_kind(operation: str, calls: str) -> None:
    command = [sys.executable, DRIVER, "--only", operation, "--calls", calls]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 wrong" in done.stdout


@pytest.mark.skipif(
    not shutil.which("cc"), reason="no C compiler is installed (apt install gcc)"
)
def test_failing_looks__are_not_taken_for_absence() -> None:
    command = [sys.executable, DRIVER.with_name("unseen.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 wrong" in done.stdout


@pytest.mark.skipif(
    sys.version_info >= (3, 12),
    reason="this Python itself does not survive it; run it with 3.10 or 3.11",
)
def test_failing_allocations_of_python__leave_the_store_right() -> None:
    """Each 301st; all of them are `tests/faults/python_memory.py --step 1`."""
    pytest.importorskip("_testcapi", reason="this Python cannot make memory run out")
    command = [sys.executable, DRIVER.with_name("python_memory.py"), "--step", "301"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 wrong" in done.stdout


@pytest.fixture
def unlink_refused(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which nothing can be removed."""
    library, source = tmp_path / "calls.so", DRIVER.parents[1] / "interpose/calls.c"
    command = ["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"]
    subprocess.run(command, check=True)
    wish = {"LD_PRELOAD": str(library), "CENV_TEST_REFUSE": "unlink:0:5"}
    return {**os.environ, **wish, "CENV_STORE": str(tmp_path / "store")}


@pytest.mark.skipif(
    not shutil.which("cc"), reason="no C compiler is installed (apt install gcc)"
)
@pytest.mark.parametrize("background", [False, True])
def test_removal__that_fails_names_the_environment(
    tmp_path: Path,
    small_channel: Path,
    unlink_refused: dict[str, str],
    background: bool,
) -> None:
    env, clone = tmp_path / "env", tmp_path / "clone"
    cenv.create(env, ["data"], [small_channel], store=tmp_path / "store")
    cenv.clone(env, clone, store=tmp_path / "store")
    removal = (
        "import cenv, sys\n"
        "from cenv.clones.background_removal import remove_in_background\n"
        "if sys.argv[2]: remove_in_background(sys.argv[1], None).wait()\n"
        "else: cenv.remove(sys.argv[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", removal, clone, "yes" if background else ""],
        env=unlink_refused,
        capture_output=True,
        text=True,
        check=False,
    )
    last = done.stderr.splitlines()[-1]
    assert "OSError: [Errno 5] cannot remove" in last
    assert f"'{clone}'" in last
    if not background:
        assert (clone / "conda-meta/history").exists()
        assert ".cenv-" not in last
