# SPDX-License-Identifier: BSD-3-Clause
"""What killed runs leave is listed by doctor; altered templates are found on the command line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cenv
from cenv import _native
from cenv.doctor import examine


@pytest.fixture
def template(tmp_path: Path, small_channel: Path) -> cenv.Template:
    return cenv.TemplateStore(tmp_path / "store").template(["tool"], [small_channel])


def cli(*argv: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cenv", *map(str, argv)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def leave(template: cenv.Template, home: Path) -> set[tuple[str, str]]:
    """Kill a process that has clones, one of them being removed; return what it left."""
    program = """
import os, signal, sys
import cenv
template = cenv.TemplateStore(sys.argv[1]).find(sys.argv[2])
dead, aside = (template.clone(f"{sys.argv[3]}/{n}", owner=os.getpid()) for n in "da")
template.clone(f"{sys.argv[3]}/free")
print(os.fsdecode(cenv._native.extension.Store(template.store).clone_set_aside(aside.path)))
sys.stdout.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""
    argv = [sys.executable, "-c", program, template.store, template.id, str(home)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return {("clone", str(home / "d")), ("unfinished", done.stdout.strip())}


def orphans(found: Any) -> set[tuple[str, str]]:
    return {(item["what"], item["path"]) for item in found["store"]["orphans"]}


def test_doctor__lists_orphans(template: cenv.Template, tmp_path: Path) -> None:
    assert not orphans(examine(tmp_path, template.store))
    living = template.clone(tmp_path / "living", owner=os.getpid())
    left = leave(template, tmp_path / "home")
    work = Path(str(template.store), "v1", "tmp", "work-1")
    work.mkdir()
    left.add(("work", str(work)))
    for _again in range(2):  # looking removes nothing
        assert orphans(examine(tmp_path, template.store)) == left
    told = cli("--json", "doctor", tmp_path, "--store", template.store)
    found = json.loads(told.stdout)
    assert orphans(found) == left
    text = cli("doctor", tmp_path, "--store", template.store).stdout
    for _what, path in left:
        assert f"  {path}: " in text
    remedy = found["store"]["orphans"][0]["remove_by"]
    assert f"`{remedy}` removes" in text
    assert cli(*remedy.split()[1:], "--store", template.store).returncode == 0
    assert not orphans(examine(tmp_path, template.store))
    assert not any(os.path.exists(path) for _what, path in left)
    assert os.path.isdir(living)
    assert (tmp_path / "home/free/bin/tool").exists()


def test_gc__sweeps(template: cenv.Template, tmp_path: Path) -> None:
    leave(template, tmp_path / "home")
    argv = ("--json", "template", "gc", "--max-size", "1T", "--store", template.store)
    assert str(tmp_path / "home/d") in json.loads(cli(*argv).stdout)["swept"]
    assert os.listdir(tmp_path / "home") == ["free"]


KILLED = {
    "clone": "cenv.clone({template!r}, {dest!r}, store={store!r}, mode='copy')",
    "create": "cenv.create({dest!r}, ['tool'], [{channel!r}], store={store!r})",
    "export": "cenv.TemplateStore({store!r}).export({dest!r})",
    "template": "cenv.TemplateStore({store!r}).template(['data=1'], [{channel!r}])",
}


@pytest.mark.parametrize("work", KILLED)
def test_next_command__takes_away_what_the_dead_left(
    work: str,
    template: cenv.Template,
    small_channel: Path,
    calls_library: Path,
    tmp_path: Path,
) -> None:
    """Killed in the place of its 3rd, 12th, ... change, and cleaned up after by a clone."""
    store, home = Path(str(template.store)), tmp_path / "home"
    home.mkdir()
    program = KILLED[work].format(
        template=str(template),
        dest=str(home / "dest"),
        store=str(store),
        channel=str(small_channel),
    )
    command = [sys.executable, "-c", f"import cenv; {program}"]
    left = []
    for nth in (3, 12, 18, 24, 30):
        env = {**os.environ, "LD_PRELOAD": str(calls_library)}
        env |= {"CENV_TEST_KILL": str(nth), "PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run(command, env=env, check=False, capture_output=True)
        left.append(_native.open_store(store).has_leftovers())
        argv = ["clone", template, home / f"next{nth}", "--store", store]
        assert cli(*argv).returncode == 0
        wait_until(lambda: not _native.open_store(store).has_leftovers())
        assert not orphans(examine(tmp_path, str(store)))
        shown = {path.name for path in home.iterdir()}
        assert shown <= {"dest", *(f"next{n}" for n in (3, 12, 18, 24, 30))}
        assert not list((store / "v1/tmp").iterdir())
        shutil.rmtree(home / "dest", ignore_errors=True)
    assert any(left)


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for another process."""
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come about")


def test_check__names_what_was_altered(template: cenv.Template, tmp_path: Path) -> None:
    argv = ("template", "check", template.id[:12], "--store", template.store)
    fine = cli(*argv)
    assert (fine.returncode, fine.stdout) == (0, "")
    assert "as it was built" in fine.stderr
    clone = template.clone(tmp_path / "clone", mode="hardlink")
    victim = clone / "lib/plain.txt"
    assert victim.samefile(template / "lib/plain.txt")
    times = victim.stat()
    text = victim.read_text()
    victim.write_text(text + "more")
    done = cli(*argv)
    assert (done.returncode, done.stdout) == (1, "lib/plain.txt: size\n")
    assert "--repair" in done.stderr
    reply = json.loads(cli("--json", *argv, "--repair").stdout)
    assert (reply["ok"], reply["repaired"]) == (False, True)
    assert [item["path"] for item in reply["altered"]] == ["lib/plain.txt"]
    assert cli(*argv).returncode == 0
    # What leaves size and time as they were shows when it is read.
    clone = template.clone(tmp_path / "other", mode="hardlink")
    victim = clone / "lib/plain.txt"
    times = victim.stat()
    victim.write_text(text.swapcase())
    os.utime(victim, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert cli(*argv).returncode == 0
    done = cli(*argv, "--content")
    assert (done.returncode, done.stdout) == (1, "lib/plain.txt: content\n")
    assert (
        cli("template", "check", "nothing", "--store", template.store).returncode == 2
    )


@pytest.mark.parametrize(
    ("mode", "name", "same"),
    [
        ("copy", "bin/tool", "size"),
        ("copy", "bin/tool", "size and time"),
        ("hardlink", "bin/tool", "size and time"),
        ("hardlink", "lib/libtool.so", "time"),
        ("copy", "lib/plain.txt", "size"),
        ("copy", "lib/plain.txt", "time"),
    ],
)
def test_clone__of_an_altered_template_builds_it_anew(
    template: cenv.Template, tmp_path: Path, mode: str, name: str, same: str
) -> None:
    """By size, time and, but for what others may link, time of change."""
    tool = template / name
    right, facts = tool.read_bytes(), tool.stat()
    tool.write_bytes(right[:-2] + b"#\n" + (b"more" if same == "time" else b""))
    if same != "size":
        os.utime(tool, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    with pytest.raises(
        cenv.IntegrityError, match=f"'{name}' (was written|has another)"
    ):
        cenv.clone(template, tmp_path / "refused", mode=mode, store=template.store)
    assert not (tmp_path / "refused").exists()
    with pytest.warns(RuntimeWarning, match=rf"'{name}' .*; it was built anew"):
        clone = template.clone(tmp_path / "clone", mode=mode)
    assert tool.read_bytes() == right
    assert (clone / "bin/tool").read_text().endswith(f"\necho {clone.path}\n")
    assert cenv.verify(clone).ok


def test_help__tells_of_check() -> None:
    text = " ".join(cli("template", "--help").stdout.split())
    assert "check compare one with what was built" in text
    text = cli("template", "check", "--help").stdout
    assert "--content" in text
    assert "--repair" in text


def test_clone__without_descriptors_leaves_the_template_alone(
    template: cenv.Template, tmp_path: Path
) -> None:
    """A template is not taken for altered because the process may open nothing more."""
    code = """
import gc, os, resource, sys
import cenv
gc.disable()
store, id, to = sys.argv[1:]
template = cenv.TemplateStore(store).find(id)
template.clone(f"{to}0", mode="copy")
facts, most = os.stat(template.path), resource.getrlimit(resource.RLIMIT_NOFILE)
first, failed = len(os.listdir("/proc/self/fd")), 0
for limit in range(first, first + 40):
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most[1]))
    try:
        template.clone(f"{to}{limit}", mode="copy")
    except (OSError, cenv.CenvError, ImportError):
        failed += 1
    resource.setrlimit(resource.RLIMIT_NOFILE, most)
assert 5 < failed < 40, failed
assert os.stat(template.path).st_ino == facts.st_ino
assert len(os.listdir("/proc/self/fd")) == first
"""
    argv = [sys.executable, "-W", "error", "-c", code]
    argv += [str(template.store), template.id, str(tmp_path / "c")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
