# SPDX-License-Identifier: BSD-3-Clause
"""The code blocks of the pages, run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import cenv
from cenv.errors import LinkError

ROOT = Path(__file__).resolve().parents[3]
LEAN = ("-p", "cenv.pytest_plugin", "-p", "no:cacheprovider")


def run_pytest(project: Path, *more: str) -> str:
    """Run pytest in a project as its user does; return what it says."""
    command = [sys.executable, "-m", "pytest", *LEAN, *more]
    environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        command, cwd=project, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_readme__its_first_test_passes(project, blocks):
    (ini,) = blocks("README.md", "ini")
    first = blocks("README.md", "python")[0]
    (project / "pytest.ini").write_text(ini)
    (project / "test_first.py").write_text(first)
    said = run_pytest(project, "test_first.py")
    assert "2 passed" in said
    assert "2 templates built" in said


def test_pytest_page__its_examples_pass(project, blocks):
    (project / "pytest.ini").write_text("[pytest]\ncenv_channels = conda-forge\n")
    examples = blocks("docs/pytest.md", "python")
    for number, block in enumerate(examples):
        (project / f"test_{number}.py").write_text(block)
    others = ["-p", "pytest_benchmark.plugin", "-p", "anyio.pytest_plugin"]
    said = run_pytest(project, "--ignore=tests", "--doctest-modules", *others)
    tests = sum(len(re.findall(r"def test_|>>> ", block)) for block in examples)
    assert f"{tests} passed" in said


def run_block(code: str, place: Path) -> None:
    """Run Python of a page, with its own places below `place`."""
    exec(compile(code.replace("/tmp/", f"{place}/"), "a page", "exec"), {})


def test_readme__its_python_runs(project, blocks, tmp_path, capsys):
    run_block(blocks("README.md", "python")[1], tmp_path)
    files, relocated, seconds = capsys.readouterr().out.split()
    assert int(files) >= int(relocated) > 0
    assert float(seconds) > 0


@pytest.mark.parametrize("number", range(5))
def test_python_page__its_examples_run(project, blocks, tmp_path, monkeypatch, number):
    monkeypatch.chdir(project)
    examples = blocks("docs/python.md", "python")
    assert len(examples) == 5
    try:
        run_block(examples[number], tmp_path)
    except LinkError as error:  # only views, at the end of their block, need namespaces
        pytest.skip(f"no views on this machine: {error}")


def test_readme__names_targets_and_extras_that_exist(blocks):
    makefiles = (ROOT / "Makefile").read_text() + (ROOT / "csrc/Makefile").read_text()
    settings = (ROOT / "pyproject.toml").read_text()
    for line in "".join(blocks("README.md", "console")).splitlines():
        command = line.partition("#")[0].split()[1:]
        if command[0] == "make":
            assert re.search(rf"^{command[1]}:", makefiles, re.M)
        else:
            assert command[:2] == ["pip", "install"]
            (extra,) = re.findall(r"\[(\w+)\]", command[2])
            assert re.search(rf"^{extra} = \[", settings, re.M)


def commands(page: str) -> set[str]:
    """Return the first words of the commands in a page's tables."""
    text = (ROOT / page).read_text()
    section = text.split("\n## Commands\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)", section, re.M))


@pytest.mark.parametrize("page", ["README.md", "docs/command-line.md"])
def test_pages__name_every_command(page):
    done = subprocess.run(
        [sys.executable, "-m", "cenv", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    listed = done.stdout.split("commands:\n")[1].split("\n\n")[0]
    assert commands(page) == {line.split()[0] for line in listed.splitlines()}


def test_readme__is_short():
    assert len((ROOT / "README.md").read_text().split()) <= 900


def test_python_page__names_every_public_name():
    text = (ROOT / "docs/python.md").read_text()
    assert [name for name in cenv.__all__ if name not in text] == ["__version__"]
