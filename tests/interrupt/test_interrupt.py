# SPDX-License-Identifier: BSD-3-Clause
"""A short form of `make interrupts`: commands end, and leave nothing, whenever that is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType

import pytest

import cenv
from cenv import _native, cli
from cenv.clones import background_sweep

DRIVER = Path(__file__).with_name("interrupt.py")
COMMANDS = (
    "create,clone,extract,run,index,template build,template export,template import,"
    "template push,template pull"
)


def test_interrupted_commands__leave_nothing_half_made() -> None:
    command = [sys.executable, str(DRIVER), "--only", COMMANDS]
    command += ["--points", "1", "--size", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("1 points, 0 wrong") == 12


def test_interrupted_snapshots__leave_nothing_half_made(btrfs: Path) -> None:
    command = [sys.executable, str(DRIVER), "--only", "clone"]
    command += ["--points", "10", "--size", "2", "--place", str(btrfs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("10 points, 0 wrong") == 4


def test_interrupt__that_argparse_hides_is_told_as_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def parse(_arguments: object) -> None:
        try:
            raise KeyboardInterrupt
        finally:
            raise AttributeError("'_StoreAction' object has no attribute 'save_nargs'")

    monkeypatch.setattr("cenv.cli.parser.parse", parse)
    assert cli.main(["doctor"]) == cli.INTERRUPT_EXIT
    assert capsys.readouterr().err == "cenv: error: interrupted\n"


def test_interrupt__of_a_removal_is_told_and_the_rest_goes_in_the_background(
    small_channel: Path, tmp_path: Path
) -> None:
    """The template is out of the way then, which is no reason to return as if nothing were."""
    templates = cenv.TemplateStore(tmp_path)
    template = templates.template(["tool"], channels=[str(small_channel)])
    many = os.open(template.path, os.O_RDONLY)
    for n in range(10_000):
        os.close(os.open(f"{n}", os.O_CREAT | os.O_WRONLY, dir_fd=many))
    os.close(many)

    def stop() -> None:
        while os.path.exists(template.path):
            time.sleep(0.0005)
        os.kill(os.getpid(), signal.SIGINT)

    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(KeyboardInterrupt):
        templates.remove(template.id)
    stopper.join()
    assert templates.templates() == []
    background_sweep.wait()
    assert [path for path in (tmp_path / "v1/tmp").iterdir() if path.is_dir()] == []


def test_fork__looks_at_stores_again(tmp_path: Path) -> None:
    _native.open_store(tmp_path)
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, b"%d" % len(background_sweep._looked_at))
        os._exit(0)
    assert os.read(read, 9) == b"0"


def test_compression__is_interrupted_within_a_file(tmp_path: Path) -> None:
    """Of a channel's repodata at the level of channels, which may take minutes."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    text = b"".join(b'{"name": "p%d"}, ' % (n * n) for n in range(1 << 20))
    before = signal.signal(signal.SIGUSR1, stop)
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            _native.call(_native.extension.zstd_write, tmp_path / "r.zst", text, 19)
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)
    assert list(tmp_path.iterdir()) == []
