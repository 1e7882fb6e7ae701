# SPDX-License-Identifier: BSD-3-Clause
"""Completion of command lines, asked of the shells themselves."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from cenv.cli import main, tree
from cenv.cli.shells import bash, fish, zsh

LINES = {
    "cenv temp": ["template"],
    "cenv template g": ["gc"],
    "cenv --json template --store s import": ["import"],
    "cenv create --mode ref": ["reflink"],
    "cenv create -p x --chan": ["--channel", "--channel-priority"],
    "cenv template gc --d": ["--dry-run"],
    "cenv template list --d": [],
}


def shell(name: str, script: str) -> list[str]:
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"there is no {name} (package {name})")
    done = subprocess.run(
        [program], input=script, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return sorted(done.stdout.split())


@pytest.mark.parametrize("line", LINES)
def test_bash__completes(line: str) -> None:
    words = line.split()
    asked = f"COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _cenv"
    assert shell("bash", f'{bash()}\n{asked}\necho "${{COMPREPLY[@]}}"') == LINES[line]


def test_bash__leaves_files_to_the_shell(tmp_path: Path) -> None:
    asked = "COMP_WORDS=(cenv verify x); COMP_CWORD=2; _cenv"
    assert shell("bash", f"{bash()}\n{asked}\necho ${{#COMPREPLY[@]}}") == ["0"]
    assert "complete -o default -F _cenv cenv\n" in bash()


@pytest.mark.parametrize("line", LINES)
def test_fish__completes(line: str) -> None:
    found = shell("fish", f"{fish()}\ncomplete -C {line!r} | cut -f1")
    begun = line.split()[-1]  # fish 4 offers what has it within, too
    offered = [word for word in found if word.startswith(begun)]
    assert [word for word in offered if not Path(word).exists()] == LINES[line]


def test_zsh__takes_the_script() -> None:
    asked = (
        "COMP_WORDS=(cenv temp); COMP_CWORD=1; emulate ksh -c _cenv; echo $COMPREPLY"
    )
    assert "template" in shell("zsh", f"{zsh()}\n{asked}")  # zsh itself filters


def test_command__prints_the_script(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    assert capsys.readouterr().out == bash()
    assert main(["completion", "tcsh"]) == 2
    assert set(tree.COMMANDS) <= set(bash().split())
