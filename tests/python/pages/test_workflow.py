# SPDX-License-Identifier: BSD-3-Clause
"""The workflow of docs/ci.md for GitHub Actions: its commands, run one after another."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import cenv

ROOT = Path(__file__).resolve().parents[3]
TESTS = """
from pathlib import Path
import pytest

@pytest.fixture(scope="session")
def template(cenv_template):
    return cenv_template(file=Path(__file__).parent / "env.lock")

def test_tool(template, cenv_env):
    assert (cenv_env(template=template) / "bin/tool").exists()

@pytest.mark.benchmark
def test_bench(benchmark, template, cenv_env):
    def setup():
        return (cenv_env(template=template),), {}
    benchmark.pedantic(lambda env: list(env.__fspath__()), setup=setup)
"""


@pytest.fixture
def workflow() -> dict[str, Any]:
    text = (ROOT / "docs/ci.md").read_text()
    (block,) = re.findall(r"```yaml\n(.*?)```", text, re.S)
    found: dict[str, Any] = YAML(typ="safe").load(block)
    return found


@pytest.fixture
def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    (job,) = workflow["jobs"].values()
    found: list[dict[str, Any]] = job["steps"]
    return found


class Runner:
    """Runs steps as GitHub's runner does, in a checkout of its own."""

    def __init__(self, place: Path, channel: Path, workflow: dict[str, Any]) -> None:
        self.place = place
        (place / "tests").mkdir(parents=True)
        (place / "tests/test_it.py").write_text(TESTS)
        records = cenv.solve(["tool"], [channel], store=place / "solver").records
        urls = [f"{record.url}#{record.sha256}" for record in records]
        (place / "tests/env.lock").write_text("\n".join(["@EXPLICIT", *urls, ""]))
        shutil.rmtree(place / "solver")
        given = {
            k: v.replace("${{ github.workspace }}", str(place))
            for k, v in workflow["env"].items()
        }
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.environment = {**os.environ, **given, "PATH": path, "CI": "true"}

    def run(self, script: str, **more: str) -> str:
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=self.place,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def job(self, steps: list[dict[str, Any]]) -> list[str]:
        """Run the steps that need neither GitHub nor a package index."""
        said = []
        for step in steps:
            if "run" in step and step["name"] != "install":
                report = f" --cenv-json {step['name']}.json" * ("pytest" in step["run"])
                said.append(self.run(step["run"] + report))
            elif step.get("uses", "").startswith("CodSpeedHQ/action"):
                command = step["with"]["run"] + " --cenv-json codspeed.json"
                profile = str(self.place / ".codspeed")
                variables = {"CODSPEED_ENV": "1", "CODSPEED_PROFILE_FOLDER": profile}
                said.append(self.run(command, **variables))
        return said

    def built(self, name: str) -> list[int]:
        report = json.loads((self.place / f"{name}.json").read_text())
        assert report["clones"]["count"] > 0
        return [template["builds"] for template in report["templates"]]


def test_workflow__its_commands_work(
    workflow: dict[str, Any],
    steps: list[dict[str, Any]],
    tmp_path: Path,
    small_channel: Path,
) -> None:
    first = Runner(tmp_path / "first", small_channel, workflow)
    templates, tests, benchmarks = first.job(steps)
    assert "built" in templates
    assert "1 passed" in tests
    assert "1 passed" in benchmarks
    assert (first.built("tests"), first.built("codspeed")) == ([0], [0])
    second = Runner(tmp_path / "another/runner", small_channel, workflow)
    shutil.copy(first.place / "templates.czt", second.place)  # actions/cache
    shutil.rmtree(first.place)
    templates, *_ = second.job(steps)
    assert "already there" in templates
    assert (second.built("tests"), second.built("codspeed")) == ([0], [0])


def test_workflow__installs_what_is_needed(steps: list[dict[str, Any]]) -> None:
    (install,) = (step["run"] for step in steps if step.get("name") == "install")
    known = (ROOT / ".ci/setup").read_text()
    wanted = re.search(r"--no-install-recommends (.*?)\n *pip", install, re.S)
    assert wanted
    packages = wanted[1].replace("\\", " ").split()
    assert {"g++", "pkg-config"} < set(packages)
    assert all(name in known for name in packages)
    libraries = re.findall(r"^ *library \S+ (\S+)", known, re.M)
    assert set(libraries) <= set(packages)
