# SPDX-License-Identifier: BSD-3-Clause
"""Locks: one process at a time, the others told who has it, the next after a kill."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import cenv
from cenv.tracing import recorder as trace

HOLDER = """
import sys, time, cenv
with cenv.TemplateStore(sys.argv[1]).lock("a turn"):
    print("mine", flush=True)
    time.sleep(60)
"""


def test_lock__tells_waiters_of_the_holder_and_passes_on(tmp_path: Path) -> None:
    store = cenv.TemplateStore(tmp_path)
    told: list[str] = []
    argv = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"mine\n"

        def progress(stage: str, done: int, total: int) -> None:
            told.append(stage)
            holder.kill()

        with trace.recording(progress), store.lock("a turn"):
            holder.wait()
    since = r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
    assert re.fullmatch(
        rf"wait for process {holder.pid} on {os.uname().nodename} {since}", told[0]
    )
    with store.lock("a turn"), store.lock("another"):
        pass
    assert not list(tmp_path.glob("v1/locks/*"))


def test_remember__serves_other_processes(tmp_path: Path) -> None:
    cenv.TemplateStore(tmp_path).remember("a key", {"x": [1]})
    assert cenv.TemplateStore(tmp_path).recall("a key") == {"x": [1]}
    assert cenv.TemplateStore(tmp_path).recall("other") is None


def test_sweep__leaves_clones_without_an_owner(
    tmp_path: Path, small_channel: Path, session_store: Path
) -> None:
    code = (
        "import sys, cenv\n"
        "store = cenv.TemplateStore(sys.argv[1])\n"
        "template = store.template(['tool'], [sys.argv[2]])\n"
        "template.clone(sys.argv[3] + '/mine')\n"
        "template.clone(sys.argv[3] + '/owned', owner=__import__('os').getpid())\n"
        "kept = template.clone(sys.argv[3] + '/kept', owner=__import__('os').getpid())\n"
        "store.set_owner(kept)\n"
    )
    argv = [sys.executable, "-c", code, session_store, small_channel, tmp_path]
    subprocess.run(argv, check=True)
    cenv.TemplateStore(session_store).sweep()
    assert sorted(os.listdir(tmp_path)) == ["kept", "mine"]
