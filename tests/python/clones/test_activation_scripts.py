# SPDX-License-Identifier: BSD-3-Clause
"""Activation scripts of a clone whose path has a meaning in shells: asked of the shells."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import cenv

NAMES = [
    *("plain", "with blank", "it's", 'say "x"', "semi;touch hacked;colon"),
    *("$(touch hacked)", "`touch hacked`", "$HOME", "wow!", "&(é)#~*?"),
]
SCRIPTS = {
    "sh": ("activate", '. {}; printf "%s\\n" "$VIRTUAL_ENV"'),
    "bash": ("activate", '. {}; printf "%s\\n" "$VIRTUAL_ENV"'),
    "tcsh": ("activate.csh", 'source {}; printf "%s\\n" $VIRTUAL_ENV:q'),
    "fish": ("activate.fish", 'source {}; printf "%s\\n" $VIRTUAL_ENV'),
}
FORMS = {"quoted always": '"{}"', "quoted at need": None}


@pytest.fixture(params=FORMS)
def source(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Return a venv whose scripts are as those of Pythons before and since 3.13.1."""
    place = tmp_path / "source"
    venv.create(place, with_pip=False)
    form = FORMS[request.param]
    written = shlex.quote(str(place)) if form is None else form.format(place)
    for name in ("activate", "activate.csh", "activate.fish"):
        script = place / "bin" / name
        text = script.read_text()
        for old in (f'"{place}"', f"'{place}'", str(place)):
            text = text.replace(old, "@")
        assert "@" in text
        script.write_text(text.replace("@", written))
    return place


def activated(shell: str, clone: Path, tmp_path: Path) -> str:
    """Return what VIRTUAL_ENV is after activation, by a link that needs no quotes."""
    name, script = SCRIPTS[shell]
    link = tmp_path / "link"
    link.unlink(missing_ok=True)
    link.symlink_to(clone / "bin" / name)
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"there is no {shell} (package {shell})")
    (tmp_path / "cwd").mkdir(exist_ok=True)
    done = subprocess.run(
        [program, *(["-f"] if shell == "tcsh" else [])],
        input=script.format(link) + "\n",
        cwd=tmp_path / "cwd",
        capture_output=True,
        text=True,
        check=False,
    )
    assert list((tmp_path / "cwd").iterdir()) == [], "something was executed"
    assert done.stderr == ""
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("shell", SCRIPTS)
def test_activation__finds_the_clone(source: Path, shell: str, tmp_path: Path) -> None:
    store = tmp_path / "store"
    cenv.clone(source, tmp_path / "back\\slash", store=store)
    assert activated(shell, tmp_path / "back\\slash", tmp_path).endswith("k\\slash")
    for name in NAMES:
        clone = tmp_path / "clones" / name
        cenv.clone(source, clone, store=store)
        assert activated(shell, clone, tmp_path) == str(clone)
        again = tmp_path / "again" / f"{name} too"
        report = cenv.clone(clone, again, store=store)
        assert activated(shell, again, tmp_path) == str(again)
        assert not [n for n in report.unrelocatable if "activate" in n.path]


POWERSHELL = r"""
$Env:CONDA_EXE = "{0}/bin/conda"
$Env:CONDA_ROOT = '{0}'
# of {0}
Import-Module {0}/shell/Conda.psm1
"""


def test_powershell__is_quoted_as_it_asks(source: Path, tmp_path: Path) -> None:
    script = source / "bin/conda-hook.ps1"
    script.write_text(POWERSHELL.format(source))
    clone = tmp_path / "it's $(x) `a"
    cenv.clone(source, clone, store=tmp_path / "store")
    double = str(clone).replace("`", "``").replace("$", "`$")
    single = str(clone).replace("'", "''")
    word = double
    for special in " '()":
        word = word.replace(special, f"`{special}")
    assert (clone / "bin/conda-hook.ps1").read_text().splitlines() == [
        "",
        f'$Env:CONDA_EXE = "{double}/bin/conda"',
        f"$Env:CONDA_ROOT = '{single}'",
        f"# of {clone}",
        f"Import-Module {word}/shell/Conda.psm1",
    ]
    plain = tmp_path / "it's"
    cenv.clone(source, plain, store=tmp_path / "store")
    again = tmp_path / "plain"
    cenv.clone(plain, again, store=tmp_path / "store")
    assert (again / "bin/conda-hook.ps1").read_text() == POWERSHELL.format(again)
    assert sys.platform != "win32"
