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


PLUGINS = "-p cenv -p xdist -p pytest_benchmark.plugin -p pytest_codspeed.plugin"


def workflow_of(name: str) -> dict[str, Any]:
    text = (ROOT / "docs/ci.md").read_text()
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.S)
    found: list[dict[str, Any]] = [YAML(typ="safe").load(block) for block in blocks]
    (one,) = (workflow for workflow in found if workflow["name"] == name)
    return one


def steps_of(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    (job,) = workflow["jobs"].values()
    found: list[dict[str, Any]] = job["steps"]
    return found


@pytest.fixture
def workflow() -> dict[str, Any]:
    return workflow_of("tests")


@pytest.fixture
def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return steps_of(workflow)


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
        # All other plugins that are installed take most of the time.
        self.environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        self.environment["PYTEST_ADDOPTS"] = PLUGINS

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


GIT = "git -c user.name=a -c user.email=a@b.invalid"


def test_benchmarks__of_base_and_change_are_measured_alike(
    tmp_path: Path, small_channel: Path
) -> None:
    workflow = workflow_of("benchmarks")
    runner = Runner(tmp_path / "change", small_channel, workflow)
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("pip", "bencher"):
        log = tmp_path / f"{name}.log"
        (programs / name).write_text(f'#!/bin/sh\necho "$@" >> {log}\n')
        (programs / name).chmod(0o755)
    path = f"{programs}:{runner.environment['PATH']}"
    variables = {
        "PATH": path,
        "GITHUB_HEAD_REF": "change",
        "PYTEST_ADDOPTS": PLUGINS.replace("-p xdist", ""),
    }
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
        runner.environment.pop(name, None)
    runner.run(f"git init -q && git add -A && {GIT} commit -qm base")
    (runner.place / "README").touch()
    runner.run(f"git add -A && {GIT} commit -qm change")
    for step in steps_of(workflow):
        if "run" in step and step["name"] != "install":
            script = step["run"].replace("/tmp/measured", str(tmp_path / "measured"))
            runner.run(script, **variables)
    assert (tmp_path / "pip.log").read_text().split("\n")[0] == "install ../base"
    told = [
        json.loads((runner.place / name).read_text())
        for name in ("base.json", "change.json")
    ]
    environments = [one["benchmarks"][0]["extra_info"]["cenv"] for one in told]
    assert environments[0] == environments[1]
    assert environments[0][0]["mode"] == "hardlink"
    sent = (tmp_path / "bencher.log").read_text().splitlines()
    assert ["base.json" in line for line in sent] == [True, False]
    assert all("--adapter python_pytest" in line for line in sent)
