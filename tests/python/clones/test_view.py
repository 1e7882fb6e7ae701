# SPDX-License-Identifier: BSD-3-Clause
"""Throw-away views: the same path, private writes, nothing left; exit status and signals."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import cenv
from cenv import _native
from cenv.templates.template import Template


def run_in_view(
    prefix: Path, argv: list[str], **options: object
) -> subprocess.CompletedProcess:
    return Template(str(prefix), "").run(*argv, **options)


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    place = tmp_path / "env, with odd name"
    (place / "bin").mkdir(parents=True)
    (place / "kept.txt").write_text("old")
    tool = place / "bin/tool"
    tool.write_text(
        f'#!/bin/sh\ncat "{place}/kept.txt"; echo new > "{place}/kept.txt"\n'
    )
    tool.chmod(0o755)
    return place


@pytest.fixture
def _views(prefix: Path) -> None:
    if not _native.call(_native.extension.doctor, str(prefix))["overlay"]["works"]:
        pytest.skip("this machine refuses mount namespaces")


def cli(*argv: object, **keywords: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cenv", *map(str, argv)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, **keywords
    )


@pytest.mark.usefixtures("_views")
def test_view__shows_the_prefix_and_loses_writes(prefix: Path) -> None:
    for _again in range(2):
        done = cli("run", prefix, "--", "tool")
        assert (done.returncode, done.stdout) == (0, "old"), done.stderr
    assert (prefix / "kept.txt").read_text() == "old"
    assert cli("run", prefix, "--", "sh", "-c", "exit 7").returncode == 7
    inside = cli("run", prefix, "--", "sh", "-c", "echo x > here; ls", cwd=prefix)
    assert "here" in inside.stdout.split()
    assert not (prefix / "here").exists()


@pytest.mark.usefixtures("_views")
def test_view__keeps_the_differences(prefix: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    done = cli(
        "run",
        prefix,
        "--keep",
        kept,
        "--",
        "sh",
        "-c",
        "tool; touch added; exit 3",
        cwd=prefix,
    )
    assert done.returncode == 3, done.stderr
    assert (kept / "kept.txt").read_text() == "new\n"
    assert sorted(p.name for p in kept.iterdir()) == ["added", "kept.txt"]
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".kept")] == []
    assert (prefix / "kept.txt").read_text() == "old"


def test_view__keeps_nothing_in_the_prefix(prefix: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(prefix)
    for place in (prefix / "kept", tmp_path / "link/kept", prefix):
        done = cli("run", prefix, "--keep", place, "--", "tool")
        assert done.returncode == 1
        assert f"'{place}' lies in '{prefix}'" in done.stderr
    assert sorted(path.name for path in prefix.iterdir()) == ["bin", "kept.txt"]


@pytest.mark.usefixtures("_views")
def test_view__passes_signals_on(prefix: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "cenv",
        "run",
        str(prefix),
        "--",
        "sh",
        "-c",
        "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 9


@pytest.mark.usefixtures("_views")
def test_run_in_view__works_from_a_process_with_threads(prefix: Path) -> None:
    """Under root; a user namespace is made in the child, whatever threads the parent has."""
    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    other.start()
    try:
        done = run_in_view(prefix, ["tool"], capture_output=True, text=True)
        assert done.stdout == "old"
        echoed = run_in_view(prefix, ["cat"], input=b"said", stdout=subprocess.PIPE)
        assert echoed.stdout == b"said"
        quiet = run_in_view(
            prefix,
            ["sh", "-c", "echo x; exit 4"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        assert quiet.returncode == 4
        with pytest.raises(subprocess.TimeoutExpired):
            run_in_view(prefix, ["sleep", "10"], timeout=0.1)
        with pytest.raises(subprocess.CalledProcessError):
            run_in_view(prefix, ["false"], check=True)
    finally:
        stop.set()
        other.join()
    assert (prefix / "kept.txt").read_text() == "old"


@pytest.mark.usefixtures("_views")
def test_view__ends_with_the_last_child(prefix: Path, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    script = f'(sleep 0.3; cat kept.txt > "{flag}") & echo changed > kept.txt'
    run_in_view(prefix, ["sh", "-c", script], cwd=prefix)
    for _wait in range(100):
        if flag.exists() and flag.read_text():
            break
        time.sleep(0.05)
    assert flag.read_text() == "changed\n"
    assert str(prefix) not in Path("/proc/mounts").read_text().replace("\\040", " ")


@pytest.mark.usefixtures("_views")
def test_view__names_a_missing_program(prefix: Path) -> None:
    missing = cli("run", prefix, "--", "no-such-program")
    assert missing.returncode == 127
    assert "no-such-program" in missing.stderr


def test_run__refuses_what_cannot_be_run(prefix: Path) -> None:
    assert cli("run", prefix).returncode == 2
    absent = cli("run", prefix / "absent", "--", "true")
    assert absent.returncode == 1
    assert "absent" in absent.stderr
    with pytest.raises(cenv.UsageError):
        run_in_view(prefix, ["true"], shell=True)
