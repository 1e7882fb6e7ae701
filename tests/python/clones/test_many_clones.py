# SPDX-License-Identifier: BSD-3-Clause
"""Many clones of one template at once, from several processes."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

import cenv

CLONES = """
import sys, threading
import cenv

template = cenv.TemplateStore(sys.argv[1]).find(sys.argv[2])
threads = [
    threading.Thread(target=template.clone, args=(path,), kwargs={"mode": sys.argv[3]})
    for path in sys.argv[4:]
]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def tree(root: Path) -> dict[str, object]:
    """Return everything below `root`, its own path taken out."""
    found: dict[str, object] = {}
    for path in root.rglob("*"):
        status = path.lstat()
        text: object = None
        if path.is_symlink():
            text = path.readlink()
        elif path.is_file():
            text = path.read_bytes().replace(bytes(root), b"@")
        if path.parent.name == "conda-meta":
            text = None  # hashes of relocated files
        found[str(path.relative_to(root))] = (status.st_mode, status.st_mtime_ns, text)
    return found


def test_many_clones__from_8_processes_are_all_right(
    tmp_path: Path, small_channel: Path
) -> None:
    store = cenv.TemplateStore(tmp_path / "store")
    template = store.template(["tool"], [small_channel])
    for mode in ("hardlink", "copy"):
        homes = [tmp_path / f"{mode}-{i:02}" for i in range(32)]
        argv = [sys.executable, "-c", CLONES, store.path, template.id, mode]
        running = [
            subprocess.Popen([*argv, *map(str, homes[i : i + 4])])
            for i in range(0, 32, 4)
        ]
        assert [process.wait() for process in running] == [0] * 8
        first = tree(homes[0])
        assert len(first) > 8
        for home in homes:
            assert tree(home) == first
            assert cenv.verify(home).ok
        assert template.check(content=True).ok
    assert not [name for name in tmp_path.iterdir() if name.name.startswith(".")]


def test_source__changing_meanwhile_is_noticed(
    tmp_path: Path, small_channel: Path
) -> None:
    """A file is rewritten in place, over and over."""
    source, store = tmp_path / "source", tmp_path / "store"
    cenv.create(source, ["tool"], [small_channel], store=store)
    over = threading.Event()
    (source / "big").write_bytes(bytes(1 << 20))

    def write() -> None:
        with (source / "big").open("r+b", buffering=0) as file:
            while not over.is_set():
                file.seek(0)
                file.write(bytes(1 << 16))

    def clone_on_and_on() -> None:
        for number in range(20):
            cenv.clone(source, tmp_path / f"clone{number}", mode="copy", store=store)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with pytest.raises(cenv.PrefixError, match="changed while it was being"):
            clone_on_and_on()
    finally:
        over.set()
        writer.join()
    assert not list(tmp_path.glob(".clone*"))
    cenv.clone(source, tmp_path / "last", mode="copy", store=store)
