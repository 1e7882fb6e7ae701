# SPDX-License-Identifier: BSD-3-Clause
"""Removing clones: read-only ones, in the background, through crashes."""

from __future__ import annotations

import json
import os
import signal
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
        subprocess.run(["umount", "-l", str(aside / "busy")], check=True)


def registry(store: str | None) -> set[str]:
    """Return the paths of the clones that the store knows."""
    entries = Path(str(store), "v1", "clones").iterdir()
    found = [json.loads(entry.read_text())["path_hex"] for entry in entries]
    return {os.fsdecode(bytes.fromhex(path)) for path in found}


def test_remove__is_forgotten(template: cenv.Template, tmp_path: Path) -> None:
    kept = template.clone(tmp_path / "kept")
    mine = tmp_path / "elsewhere"
    for name in ("plain", "by path", "\udcff"):
        clone = template.clone(tmp_path / name)
        assert len(registry(template.store)) == 2
        if name == "by path":
            cenv.remove(clone, store=template.store)
        else:
            clone.remove()
        assert registry(template.store) == {kept.path}
    clone = template.clone(tmp_path / "moved")
    os.rename(clone.path, mine)
    mine.with_name("moved").mkdir()
    clone.remove()  # another directory: the entry is not its
    assert registry(template.store) == {kept.path, clone.path}
    os.rename(mine, clone.path)
    assert clone.reset().prefix == clone.path


def test_background__is_forgotten(template: cenv.Template, tmp_path: Path) -> None:
    home = tmp_path / "home"
    clone = template.clone(home / "clone")
    removal = clone.remove(background=True)
    again = template.clone(home / "clone")  # takes the place, and the entry
    assert removal is not None
    removal.wait()
    assert registry(template.store) == {again.path}
    again.reset()
    removal = again.remove(background=True)
    assert removal is not None
    removal.wait()
    assert not registry(template.store)


def test_remove__that_fails_forgets_nothing(
    template: cenv.Template, tmp_path: Path
) -> None:
    clone = template.clone(tmp_path / "clone", owner=os.getpid())
    (clone / "busy").mkdir()
    mount = ["mount", "-t", "tmpfs", "cenv", str(clone / "busy")]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        return
    try:
        with pytest.raises(OSError, match="busy"):
            clone.remove()
        assert registry(template.store) == {clone.path}
    finally:
        subprocess.run(["umount", "-l", clone / "busy"], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts file systems")
@pytest.mark.parametrize("at", ["lib", "added/deep", ""])
def test_remove__leaves_what_is_mounted_there(
    template: cenv.Template, tmp_path: Path, at: str
) -> None:
    clone = template.clone(tmp_path / "clone")
    others = tmp_path / "others"
    others.mkdir()
    (others / "file").write_text("kept")
    (clone / at).mkdir(parents=True, exist_ok=True)
    if subprocess.run(["mount", "--bind", others, clone / at], check=False).returncode:
        pytest.skip("cannot mount")
    try:
        with pytest.raises(OSError, match="busy"):
            clone.remove()
        if at:
            with pytest.raises((OSError, cenv.PrefixError), match=r"busy|is mounted"):
                clone.reset()
        assert (others / "file").read_text() == "kept"
    finally:
        subprocess.run(["umount", "-l", clone / at], check=True)
    clone.remove()
    assert (others / "file").read_text() == "kept"


def test_remove__keeps_the_registry_small(
    template: cenv.Template, tmp_path: Path
) -> None:
    for number in range(100):
        template.clone(tmp_path / f"c{number % 3}").remove()
    assert not registry(template.store)
    assert not os.listdir(Path(str(template.store), "v1", "locks"))


SAME_PLACE = """
import sys
import cenv

template = cenv.TemplateStore(sys.argv[1]).find(sys.argv[2])
sys.stdin.read(1)
try:
    template.clone(sys.argv[3])
except cenv.PrefixError:
    sys.exit(7)
"""


def test_same_place__the_winner_is_known(
    template: cenv.Template, tmp_path: Path
) -> None:
    argv = [sys.executable, "-c", SAME_PLACE, str(template.store), template.id]
    for number in range(8):
        home = tmp_path / f"home{number}"
        running = [
            subprocess.Popen([*argv, str(home)], stdin=subprocess.PIPE)
            for _ in range(4)
        ]
        for process in running:
            assert process.stdin is not None
            process.stdin.close()
        assert sorted(process.wait() for process in running) == [0, 7, 7, 7]
        assert registry(template.store) == {str(home)}
        assert cenv.reset(home, store=template.store).removed == 0
        cenv.remove(home, store=template.store)


CRASHES = """
import os, signal, sys, time
import cenv
from cenv.clones import background_removal

template = cenv.TemplateStore(sys.argv[1]).template(["tool"], [sys.argv[2]])
clones = [template.clone(f"{sys.argv[3]}/c{i}") for i in range(int(sys.argv[4]))]
for clone in clones:
    clone.remove(background=True)
helper = background_removal._helpers[0]._process.pid
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


STOPS = """
import os, signal, sys
import cenv
from cenv.clones import background_removal

template = cenv.TemplateStore(sys.argv[1]).template(["tool"], [sys.argv[2]])
removal = template.clone(sys.argv[3]).remove(background=True)
helper = background_removal._helpers[0]._process.pid
os.kill(helper, signal.SIGSTOP)
print(helper, removal.is_over())
"""


def test_background__holds_nobody_up_who_reads_the_output(
    template: cenv.Template, tmp_path: Path, small_channel: Path
) -> None:
    home = tmp_path / "home"
    argv = [sys.executable, "-c", STOPS, template.store, small_channel, home / "clone"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    helper, over = done.stdout.split()
    assert (over, done.stderr) == ("False", "")
    assert [name[0] for name in os.listdir(home)] == ["."]
    os.kill(int(helper), signal.SIGCONT)
    assert gone(home)
    assert gone(Path(str(template.store), "v1", "clones"))


def test_background__tells_when_it_is_over(
    template: cenv.Template, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    removals = [
        template.clone(home / f"c{n}").remove(background=True) for n in range(5)
    ]
    for removal in removals:
        assert removal is not None
        while not removal.is_over():
            time.sleep(0.001)
        removal.wait()
    assert not os.listdir(home)


def test_remove__by_two_at_once_leaves_nothing(tmp_path: Path) -> None:
    """Each finds directories gone that the other removed."""
    from concurrent.futures import ThreadPoolExecutor

    for number in range(20):
        tree = tmp_path / f"t{number}"
        for n in range(40):
            (tree / f"{n}/a/b").mkdir(parents=True)
            (tree / f"{n}/a/b/file").touch()
        (tmp_path / "clone").mkdir(exist_ok=True)
        with ThreadPoolExecutor(4) as pool:
            done = [
                pool.submit(cenv.api.remove_tree, tree, clone=tmp_path / "clone")
                for _ in range(4)
            ]
        assert [item.result() for item in done] == [None] * 4
        assert not tree.exists()
