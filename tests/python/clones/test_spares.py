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


def test_spares__are_handed_over_once(template: cenv.Template, tmp_path: Path) -> None:
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


def test_spares__of_a_killed_parent_go(template: cenv.Template, tmp_path: Path) -> None:
    script = (
        "import itertools, sys, time\n"
        "from cenv.templates.template import Template\n"
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


KILLED = """
import os, signal, sys, time
import cenv
from cenv.clones import spares

template = cenv.TemplateStore(sys.argv[1]).template(["tool"], [sys.argv[2]])
numbers = iter(range(1000))
template.spares(40, new_path=lambda: f"{sys.argv[3]}/s{next(numbers)}")
kept = spares.kept_for(template)
time.sleep(float(sys.argv[4]))
taken = template.clone()
helper = kept.helper
if "both" in sys.argv:
    os.kill(helper, signal.SIGKILL)
if "helper" in sys.argv:
    os.kill(helper, signal.SIGKILL)
    print(template.clone().path, flush=True)
    taken.remove()
    template.spares(0)
    sys.exit()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("killed", ["parent", "both", "helper"])
@pytest.mark.parametrize("after", [0.05, 0.3, 0.6])
def test_spares__crash_leaves_nothing(
    tmp_path: Path, small_channel: Path, killed: str, after: float
) -> None:
    store = cenv.TemplateStore(tmp_path / "store")
    store.template(["tool"], [small_channel])
    home = tmp_path / "home"
    home.mkdir()
    argv = [sys.executable, "-c", KILLED, store.path, small_channel, home]
    done = subprocess.run(
        [*argv, str(after), killed], check=False, stdout=subprocess.PIPE, text=True
    )
    assert done.returncode == (0 if killed == "helper" else -9)
    for path in done.stdout.split():
        cenv.remove(path)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        store.sweep()  # of those handed over the owner is dead
        if not os.listdir(home):
            break
        time.sleep(0.05)
    assert not os.listdir(home)
