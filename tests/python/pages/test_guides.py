# SPDX-License-Identifier: BSD-3-Clause
"""The guides of docs/: their commands, settings and programs, run as they stand."""

from __future__ import annotations

import configparser
import os
import re
import runpy
import shlex
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import cenv

ROOT = Path(__file__).resolve().parents[3]
# What a reader's pytest loads of all that is installed: the rest takes most of the time.
LEAN = "-p no:cacheprovider -p xdist -p cenv -p pytest_benchmark.plugin"
# Those whose commands need nothing but a project and a channel.
GUIDES = ["install", "environments", "stages", "why-slow", "comparison", "docker"]


def run_shell(script: str, place: Path, **more: str) -> str:
    """Run a script as its reader does, stopping at the first failure; what it says."""
    environ = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_ADDOPTS": LEAN,
        **more,
    }
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=place,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, script + done.stdout + done.stderr
    return done.stdout + done.stderr


def commands_of(blocks: list[str]) -> str:
    """Return the commands of console blocks, one script."""
    lines = [line for block in blocks for line in block.splitlines()]
    assert all(line.startswith("$ ") for line in lines)
    return "\n".join(line[2:] for line in lines)


@pytest.mark.parametrize("page", GUIDES)
def test_guides__their_commands_work(page, project, blocks):
    script = commands_of(blocks(f"docs/{page}.md", "console"))
    # The demonstration has tests of its own, in both its forms.
    run_shell(re.sub("^cenv demo$", "true", script, flags=re.M), project)


def test_environments__its_test_passes(project, blocks):
    (example,) = blocks("docs/environments.md", "python")
    cenv.create(project / "env", ["python=3.12"], channels=["conda-forge"])
    (project / "test_mine.py").write_text(example)
    assert "1 passed" in run_shell("pytest test_mine.py", project)


def test_suite__its_project_passes(project, blocks):
    (settings,) = blocks("docs/suite.md", "toml")
    (project / "pyproject.toml").write_text(settings)
    for number, block in enumerate(blocks("docs/suite.md", "python")):
        (project / f"test_{number}.py").write_text(block)
    said = run_shell(
        commands_of(blocks("docs/suite.md", "console")),
        project,
        PYTEST_ADDOPTS=f"{LEAN} --ignore=tests",
    )
    assert said.count("5 passed") == 2
    assert "6 clones" in said


def test_tox__its_commands_work(project, blocks):
    (text,) = blocks("docs/tox-nox.md", "ini")
    tox = configparser.ConfigParser(interpolation=None)
    tox.read_string(text)
    command = re.sub(r"{posargs:(.*?)}", r"\1", tox["testenv"]["commands"])
    assert "1 passed" in run_shell(command, project)
    for name in ("CENV_STORE", "CONDA_CHANNELS", "XDG_CACHE_HOME"):
        patterns = tox["testenv"]["pass_env"].split()
        assert any(re.fullmatch(p.replace("*", ".*"), name) for p in patterns)


class Session:
    """What a nox session does for the examples: commands run, but nothing installed."""

    posargs: tuple[str, ...] = ()

    def __init__(self, place: Path) -> None:
        self.place = place
        self.said: list[str] = []

    def install(self, *requirements: str) -> None:
        assert requirements

    def run(self, *argv: str, external: bool = False) -> None:
        assert external == (os.sep in argv[0])
        self.said.append(run_shell(shlex.join(argv), self.place))


def test_nox__its_sessions_work(project, blocks, tmp_path, monkeypatch):
    nox: Any = types.ModuleType("nox")
    nox.session = nox.parametrize = lambda *_, **__: lambda function: function
    monkeypatch.setitem(sys.modules, "nox", nox)
    for number, block in enumerate(blocks("docs/tox-nox.md", "python")):
        noxfile = tmp_path / f"noxfile_{number}.py"
        noxfile.write_text(block)
        found = runpy.run_path(str(noxfile))
        session = Session(project)
        if "tests" in found:
            found["tests"](session)
        else:
            found["conda_tests"](session, "3.12")
        assert "1 passed" in session.said[-1]


def test_gitlab__its_job_works_twice(project, blocks, tmp_path):
    (text,) = blocks("docs/gitlab.md", "yaml")
    pipeline = YAML(typ="safe").load(text)
    store = pipeline["variables"]["CENV_STORE"]
    (project / "tests/env.lock").write_text(
        run_shell(
            "cenv solve python=3.12 --explicit", project, CONDA_CHANNELS="conda-forge"
        )
    )
    for job, expected in ((1, "built"), (2, "already there")):
        place = store.replace("$CI_PROJECT_DIR", str(tmp_path / f"runner{job}"))
        script = "\n".join(pipeline["tests"]["script"])
        assert expected in run_shell(script, project, CENV_STORE=place)
    assert pipeline["tests"]["cache"]["paths"] == ["templates.czt"]


def test_docker__its_image_has_the_template_alone(project, blocks, tmp_path):
    (text,) = blocks("docs/docker.md", "dockerfile")
    lock = run_shell(
        "cenv solve python=3.12 --explicit", project, CONDA_CHANNELS="conda-forge"
    )
    (project / "env.lock").write_text(lock)
    lines = re.findall(r"^RUN (.*?)$", text.replace("\\\n", ""), re.M)
    run = [re.sub(r"--mount=\S+", "", line) for line in lines if "pip" not in line]
    build, take_in = (
        line.replace("/tmp/", f"{project}/").replace("/mnt/", f"{project}/")
        for line in run
    )
    run_shell(build, project, CENV_STORE=str(tmp_path / "first"))
    run_shell(take_in, project, CENV_STORE=str(tmp_path / "image"))
    said = run_shell(
        "cenv --offline template build --file env.lock",
        project,
        CENV_STORE=str(tmp_path / "image"),
    )
    assert "already there" in said
    assert not list((tmp_path / "image/v1/pkgs").glob("*/*"))


def test_install__names_what_there_is(blocks):
    text = "".join(blocks("docs/install.md", "sh"))
    settings = (ROOT / "pyproject.toml").read_text()
    for extra in re.findall(r"\[(\w+)\]", text):
        assert re.search(rf"^{extra} = \[", settings, re.M)
    known = (ROOT / ".ci/setup").read_text()
    packages = re.search(r"apt-get install (.*?)\npip", text.replace("\\\n", ""), re.S)
    assert packages
    assert all(name in known for name in packages[1].split())
    assert set(re.findall(r"^ *library \S+ (\S+)", known, re.M)) <= set(
        packages[1].split()
    )


def test_troubleshooting__quotes_messages_that_there_are():
    text = (ROOT / "docs/troubleshooting.md").read_text()
    sources = [*ROOT.glob("csrc/*/*.c"), *ROOT.glob("csrc/os/*/*.c")]
    sources += (ROOT / "python/cenv").rglob("*.py")
    # Literals that stand side by side are one text, as for the compiler.
    literals = "\n".join(
        re.sub(r'"\s*f?"', "", path.read_text().replace("\\\n", "")) for path in sources
    )
    headings = re.findall(r"^### (.*)$", text, re.M)
    assert len(headings) > 15
    missing = [
        heading
        for heading in headings
        for part in heading.replace("'", "").split("…")
        if part.strip() and part.strip() not in literals.replace("'", "")
    ]
    assert missing == []


def test_reference__is_what_the_code_says(tmp_path):
    script = runpy.run_path(str(ROOT / ".ci/reference.py"))
    script["main"](tmp_path)
    pages = {path.name for path in (ROOT / "docs/reference").iterdir()}
    assert pages == {path.name for path in tmp_path.iterdir()}
    for name in pages:
        made = (tmp_path / name).read_text()
        hint = f"`make docs` writes docs/reference/{name} anew"
        assert (ROOT / "docs/reference" / name).read_text() == made, hint


def test_pages__make_a_site_without_a_warning(tmp_path):
    """Every page is in the table of contents, every link leads somewhere."""
    sphinx = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q"]
    done = subprocess.run(
        [
            *sphinx,
            "-c",
            ROOT / "docs",
            "-d",
            tmp_path / "doctrees",
            ROOT,
            tmp_path / "site",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    home = (tmp_path / "site/README.html").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert page.stem == "README" or f'href="docs/{page.stem}.html"' in home
