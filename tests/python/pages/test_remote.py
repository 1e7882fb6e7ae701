# SPDX-License-Identifier: BSD-3-Clause
"""The commands of docs/remote.md; nginx's lines there serve tests of remotes."""

from __future__ import annotations

from pathlib import Path

import cenv
from cenv.cli import main


def test_remote__commands_of_the_page_work(
    blocks, small_channel: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.setenv("CENV_STORE", str(tmp_path / "store"))
    template = cenv.TemplateStore().template(["tool"], [small_channel])
    (block,) = blocks("docs/remote.md", "console")
    for line in block.splitlines():
        words = line.partition("#")[0].split()
        assert words[:2] == ["$", "cenv"]
        given = [
            word.replace("/srv/cenv", str(tmp_path / "remote")).replace(
                "ID", template.id
            )
            for word in words[2:]
        ]
        assert main(given) == 0
    assert list((tmp_path / "remote/ac").iterdir())
