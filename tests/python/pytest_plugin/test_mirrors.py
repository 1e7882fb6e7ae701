# SPDX-License-Identifier: BSD-3-Clause
"""Copies of templates beside clones on another file system than the store's."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import cenv
from cenv.cli import main
from cenv.doctor import examine

Run = Callable[..., pytest.RunResult]
MEMORY = Path("/dev/shm")


@pytest.fixture
def memory(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Give a temporary directory on another file system, which is this test's TMPDIR."""
    if not MEMORY.is_dir() or MEMORY.stat().st_dev == pytester.path.stat().st_dev:
        pytest.skip("there is no other file system")
    with tempfile.TemporaryDirectory(dir=MEMORY) as place:
        monkeypatch.setenv("TMPDIR", place)
        yield Path(place)


@pytest.fixture
def linked(fresh: pytest.Pytester, memory: Path) -> pytest.Pytester:
    """Return a project whose tests ask for clones that share files."""
    fresh.makepyfile(
        """
        import os
        import pytest

        @pytest.mark.parametrize("n", range(4))
        def test_linked(cenv_env, n):
            links = 1 if os.environ.get("COPIED") else 2
            assert (cenv_env() / "lib/plain.txt").stat().st_nlink >= links
        """
    )
    return fresh


def stays(memory: Path) -> bool:
    return (memory / f"cenv-{os.getuid()}").exists()


def basetemp(memory: Path) -> str:
    return f"--basetemp={memory}/base"


@pytest.mark.parametrize("workers", ["0", "2"])
def test_mirror__ends_with_its_run(
    linked: pytest.Pytester, run: Run, memory: Path, workers: str
) -> None:
    result = run(basetemp(memory), "-n", workers, "--cenv-json=told")
    result.assert_outcomes(passed=4)
    where = f"{memory}/cenv-{os.getuid()}"
    result.stdout.fnmatch_lines([f"1 template (*) copied to {where} for this run, *"])
    (told,) = json.loads((linked.path / "told").read_text())["mirrors"]
    assert (told["path"], told["kept"]) == (where, False)
    assert told["bytes"] > 0
    assert not stays(memory)


def test_mirror__that_is_kept_is_listed_and_serves_the_next_run(
    linked: pytest.Pytester,
    run: Run,
    memory: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    result = run(basetemp(memory), "--cenv-mirrors=keep")
    result.stdout.fnmatch_lines(
        ["1 template (*) copied to */cenv-*, since the store *"]
    )
    copy = next(memory.glob("cenv-*/v1/templates/*/prefix/lib/plain.txt"))
    before = copy.stat().st_ino
    run(basetemp(memory)).assert_outcomes(passed=4)
    assert copy.stat().st_ino == before
    store = linked.path / "store"
    (found,) = examine(memory, store)["store"]["mirrors"]
    assert found["path"] == f"{memory}/cenv-{os.getuid()}"
    assert (found["templates"], found["remove_by"]) == (1, "cenv template gc")
    assert main(["doctor", "--store", str(store)]) == 0
    assert f"{found['path']}: 1 template, " in capsys.readouterr().out
    cenv.TemplateStore(store).gc()
    assert not stays(memory)
    assert examine(memory, store)["store"]["mirrors"] == []


@pytest.mark.parametrize("why", ["off", "no room"])
def test_mirror__can_be_done_without(
    linked: pytest.Pytester,
    run: Run,
    memory: Path,
    monkeypatch: pytest.MonkeyPatch,
    why: str,
) -> None:
    monkeypatch.setenv("COPIED", "1")
    if why == "no room":
        linked.makeconftest(
            "from cenv.pytest_plugin import mirrors; mirrors._SHARE = 1e15"
        )
    result = run(basetemp(memory), *(["--cenv-mirrors=off"] if why == "off" else []))
    result.assert_outcomes(passed=4)
    said = f"1 template (*) on another file system, copied for each clone: * free in {memory}, *"
    if why == "off":
        result.stdout.no_fnmatch_line(said)
    else:
        result.stdout.fnmatch_lines([said])
    assert not stays(memory)


def test_mirror__of_a_killed_run_goes_with_the_next(
    linked: pytest.Pytester, run: Run, memory: Path
) -> None:
    linked.makepyfile(
        test_killed="""
        import os, signal
        def test_killed(cenv_env):
            cenv_env()
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    run(basetemp(memory), "-p", "no:xdist", "test_killed.py")
    assert stays(memory)
    (linked.path / "test_killed.py").unlink()
    run(f"--basetemp={linked.path}/base").assert_outcomes(passed=4)
    assert not stays(memory)
