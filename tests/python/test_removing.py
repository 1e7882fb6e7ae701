# SPDX-License-Identifier: BSD-3-Clause
"""Removing clones: read-only ones, in the background, through crashes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import cenv


@pytest.fixture
def template(tmp_path: Path, small_channel: Path) -> cenv.Template:
    return cenv.TemplateStore(tmp_path / "store").template(["tool"], [small_channel])


def gone(path: Path) -> bool:
    deadline = time.monotonic() + 30
    while os.listdir(path) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not os.listdir(path)


def test_remove__handles_read_only_directories(
    template: cenv.Template, tmp_path: Path
) -> None:
    for background in (False, True):
        clone = template.clone(tmp_path / "home" / "clone")
        for directory, _names, _files in os.walk(clone.path, topdown=False):
            os.chmod(directory, 0o500)
        removal = clone.remove(background=background)
        assert not os.path.lexists(clone.path)
        if background:
            assert removal is not None
            removal.wait()
        assert not os.listdir(tmp_path / "home")
        assert clone.remove(background=background) is None


def test_background__is_out_of_the_way_at_once(
    template: cenv.Template, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    for _round in range(3):  # the path is free again
        clones = [template.clone(home / f"c{i}") for i in range(4)]
        removals = [clone.remove(background=True) for clone in clones]
        assert not [name for name in os.listdir(home) if not name.startswith(".")]
    for removal in reversed(removals):
        assert removal is not None
        removal.wait()
    assert gone(home)


def test_background__tells_what_went_wrong(
    template: cenv.Template, tmp_path: Path
) -> None:
    clone = template.clone(tmp_path / "home" / "clone")
    busy = clone / "busy"
    busy.mkdir()
    mount = ["mount", "-t", "tmpfs", "cenv", str(busy)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        return
    removal = clone.remove(background=True)
    assert removal is not None
    (aside,) = (tmp_path / "home").iterdir()
    try:
        with pytest.raises(OSError, match="busy"):
            removal.wait()
    finally:
        subprocess.run(["umount", str(aside / "busy")], check=True)


CRASHES = """
import os, signal, sys, time
import cenv
from cenv import removing

template = cenv.TemplateStore(sys.argv[1]).template(["tool"], [sys.argv[2]])
clones = [template.clone(f"{sys.argv[3]}/c{i}") for i in range(int(sys.argv[4]))]
for clone in clones:
    clone.remove(background=True)
helper = removing._helpers[0]._process.pid
if "helper" in sys.argv:
    os.kill(helper, signal.SIGKILL)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("killed", ["alone", "helper"])
def test_background__crash_leaves_nothing(
    template: cenv.Template, tmp_path: Path, small_channel: Path, killed: str
) -> None:
    home, store = tmp_path / "home", template.store
    argv = [sys.executable, "-c", CRASHES, store, small_channel, home, "20", killed]
    assert subprocess.run(argv, check=False).returncode == -9
    assert not [name for name in os.listdir(home) if not name.startswith(".")]
    if killed == "helper":
        cenv.TemplateStore(store).sweep()
        assert not os.listdir(home)
    assert gone(home)
