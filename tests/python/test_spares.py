# SPDX-License-Identifier: BSD-3-Clause
"""Spares: clones made ahead, handed over once each, none left behind."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import cenv


@pytest.fixture
def template(small_channel: Path, session_store: Path) -> cenv.Template:
    return cenv.TemplateStore(session_store).template(["tool"], [small_channel])


def wait_for(condition, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    assert condition()


def test_spares_are_handed_over_once(template: cenv.Template, tmp_path: Path) -> None:
    names = itertools.count()
    template.spares(2, new_path=lambda: str(tmp_path / f"{next(names):03d}"))
    wait_for(lambda: (tmp_path / "001").exists())
    time.sleep(0.1)
    first, second = template.clone(), template.clone()
    assert [Path(first.path).name, Path(second.path).name] == ["000", "001"]
    for clone in (first, second):
        assert f"here={clone}/lib" in (clone / "etc/tool.conf").read_text()
    wait_for(lambda: (tmp_path / "003").exists())
    template.spares(0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["000", "001"]


def test_a_killed_parent_leaves_none(template: cenv.Template, tmp_path: Path) -> None:
    script = (
        "import itertools, sys, time\n"
        "from cenv.store import Template\n"
        "names = itertools.count()\n"
        f"template = Template(path={template.path!r}, id='', store={template.store!r})\n"
        f"template.spares(2, new_path=lambda: {str(tmp_path)!r} + f'/{{next(names)}}')\n"
        "print('on', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout
        parent.stdout.readline()
        wait_for(lambda: (tmp_path / "1").exists())
        os.kill(parent.pid, signal.SIGKILL)
    wait_for(lambda: not any(tmp_path.iterdir()))
