# SPDX-License-Identifier: BSD-3-Clause
"""The man page: whole, and without a warning of groff."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from cenv.cli import manual, parser, tree


def test_page__has_every_command_and_option() -> None:
    page = manual.page().replace(r"\-", "-")
    for words in tree.every():
        assert f"\n.SS cenv {' '.join(words)} " in f"{page} ", words
        for action in parser.command_parser(words).actions():
            assert all(option in page for option in action.option_strings), words
    assert ".SS cenv run [OPTION ...] PREFIX [--] COMMAND ..." in page
    assert ".SS cenv template export [OPTION ...] FILE [ID ...]" in page


def test_page__is_read_by_groff() -> None:
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("there is no groff (package groff-base)")
    done = subprocess.run(
        [groff, "-man", "-Tascii", "-ww", "-z"],
        input=manual.page(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")
