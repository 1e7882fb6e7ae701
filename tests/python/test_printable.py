# SPDX-License-Identifier: BSD-3-Clause
"""What came from outside is shown, and steers neither a terminal nor a CI service."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from cenv import printable
from cenv.errors import CenvError

STEERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)
EVIL = "e\x1b]0;pwned\x07\x9b2J\u202ecod.exe\r\n::error::fake"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("größe 🐍\ttab", "größe 🐍\ttab"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\r\nb", "a\\x0d\\x0ab"),
        ("\x9b\x7f\u202e\u2066\u2028", "\\x9b\\x7f\\u202e\\u2066\\u2028"),
        (os.fsdecode(b"n\xff"), "n\\xff"),
        ("::error file=a::b", "\\x3a:error file=a::b"),
        ("  ::stop-commands::x", "  \\x3a:stop-commands::x"),
        ("##[error]x", "\\x23#[error]x"),
        ("conda-forge::numpy", "conda-forge::numpy"),
    ],
)
def test_line__shows_what_would_steer(text: str, shown: str) -> None:
    assert printable.line(text) == shown


def test_lines__keeps_line_breaks_and_no_command() -> None:
    assert printable.lines("a\n::error::b\x1b") == "a\n\\x3a:error::b\\x1b"


def test_markdown__is_shown_as_it_stands() -> None:
    evil = "<img src=x> ![a](http://h/i) `c` _u_ *b* | @who #1 &lt; ~s~"
    shown = printable.markdown(f"1.2 MB, a-b:c {evil}\n\x1b")
    assert shown == (
        r"1.2 MB, a-b:c \<img src=x\> \!\[a\](http\://h/i) \`c\` \_u\_ \*b\* \| \@who"
        r" \#1 \&lt; \~s\~\\x0a\\x1b"
    )


def test_errors__steer_no_terminal() -> None:
    error = CenvError(EVIL, hint=EVIL)
    for text in (str(error), repr(error), error.hint):
        assert not STEERS.search(text.replace("\n", ""))
        assert "\n::" not in text


def cenv(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cenv", *map(os.fspath, arguments)]
    return subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, text=True
    )


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_cli__shows_names_of_files_and_variables(tmp_path: Path, options) -> None:
    for done in (
        cenv(*options, "verify", tmp_path / EVIL),
        cenv(*options, "extract", tmp_path / EVIL, tmp_path / "d"),
        cenv(*options, "create", "-p", tmp_path / "e", EVIL),
        cenv(*options, "create", "-p", tmp_path / "e", "-c", EVIL, "x"),
        cenv(*options, "solve", "x", CONDA_CHANNEL_PRIORITY=EVIL),
        cenv(*options, "template", "remove", EVIL, CENV_STORE=str(tmp_path / "s")),
    ):
        assert done.returncode
        shown = done.stdout + done.stderr
        assert shown
        assert not STEERS.search(shown.replace("\n", "")), shown
        assert not re.search("(?m)^::", shown)


@pytest.mark.parametrize("key", ["name", "version", "build", "depends", "license"])
def test_cli__shows_names_of_packages(tmp_path: Path, key: str) -> None:
    record = {"name": "good", "version": "1.0", "build": "0", "depends": []}
    record[key] = [f"x {EVIL}", EVIL] if key == "depends" else EVIL
    repodata = {"packages.conda": {"good-1.0-0.conda": record}}
    (tmp_path / "noarch").mkdir()
    (tmp_path / "noarch/repodata.json").write_text(json.dumps(repodata))
    for spec in ("good", "good >2", "*[license=x]"):
        done = cenv("solve", "-v", "-c", tmp_path, "--override-channels", spec)
        shown = done.stdout + done.stderr
        assert shown
        assert not STEERS.search(shown.replace("\n", "")), shown
        assert not re.search("(?m)^::", shown)


def test_cli__shows_names_in_archives(tmp_path: Path) -> None:
    package = tmp_path / "evil-1.0-0.tar.bz2"
    index = json.dumps({"name": EVIL, "version": "1.0", "build": "0"}).encode()
    with tarfile.open(package, "w:bz2") as tar:
        for name, data in (("info/index.json", index), (f"share/{EVIL}", b"")):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    done = cenv("extract", package, tmp_path / "d")
    assert done.returncode
    assert not STEERS.search(done.stderr.replace("\n", "")), done.stderr
