# SPDX-License-Identifier: BSD-3-Clause
"""The action for GitHub: its steps, run one after another as a runner does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[3]
ACTION = YAML(typ="safe").load((ROOT / "action.yml").read_text())
ARCHIVE = ".cenv-templates.czt"


class Job:
    """A workspace in which the action runs with some inputs."""

    def __init__(self, place: Path, channel: Path) -> None:
        place.mkdir(parents=True)
        self.place = place
        self.environment = {
            **os.environ,
            "GITHUB_WORKSPACE": str(place),
            "GITHUB_ENV": str(place / "env"),
            "GITHUB_OUTPUT": str(place / "output"),
            "CI": "true",
        }
        (place / "env.txt").write_text("tool\n")
        (place / "env").touch()
        self.inputs = {
            name: str(one["default"]) for name, one in ACTION["inputs"].items()
        }
        self.inputs |= {
            "python": sys.executable,
            "file": "env.txt",
            "channels": f"{channel}\n",
        }

    def holds(self, condition: str) -> bool:
        """Evaluate conditions as they are written here: inputs compared with ''."""
        terms = re.findall(r"inputs\.(\w+) (==|!=) ''", condition)
        assert " && ".join(f"inputs.{n} {o} ''" for n, o in terms) == condition
        return all((self.inputs[n] == "") == (o == "==") for n, o in terms)

    def run(self) -> list[str]:
        """Run the steps but for pip's; return the names of those that ran."""
        ran = []
        for step in ACTION["runs"]["steps"]:
            if step["name"] == "install" or not self.holds(step.get("if", "")):
                continue
            ran.append(step["name"])
            if "run" in step:
                self.run_script(step)
        return ran

    def run_script(self, step: dict[str, Any]) -> None:
        assert "${{" not in step["run"]  # what a caller gives is never a script
        told = dict(
            line.split("=", 1) for line in (self.place / "env").read_text().splitlines()
        )
        given = {
            name: self.inputs[re.fullmatch(r"\$\{\{ inputs\.(\w+) \}\}", text)[1]]
            for name, text in step["env"].items()
        }
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=self.place,
            env={**self.environment, **told, **given},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    @property
    def template(self) -> Path:
        """The path that the action's output tells."""
        text = (self.place / "output").read_text()
        return Path(text.strip().removeprefix("path="))


def test_action__brings_templates_through_the_cache(
    tmp_path: Path, small_channel: Path
) -> None:
    first = Job(tmp_path / "first", small_channel)
    assert first.run() == ["settings", "cache", "template"]
    assert first.template.is_relative_to(first.place / ".cenv-store")
    second = Job(tmp_path / "another/second", small_channel)
    shutil.copy(first.place / ARCHIVE, second.place)  # actions/cache
    shutil.rmtree(first.place)
    before = (second.place / ARCHIVE).read_bytes()
    second.run()
    assert (second.template / "bin/tool").exists()
    assert (second.place / ARCHIVE).read_bytes() == before


def test_action__brings_templates_through_a_remote(
    tmp_path: Path, small_channel: Path
) -> None:
    remote = (tmp_path / "remote").as_uri()
    first = Job(tmp_path / "first", small_channel)
    first.inputs |= {"remote": remote, "push": "true"}
    assert first.run() == ["settings", "template"]
    assert not (first.place / ARCHIVE).exists()
    before = sorted((tmp_path / "remote").rglob("*"))
    assert before
    second = Job(tmp_path / "another/second", small_channel)
    second.inputs |= {"remote": remote}
    second.run()
    assert second.template.name == first.template.name
    assert sorted((tmp_path / "remote").rglob("*")) == before


def test_action__is_told_no_second_variable(
    tmp_path: Path, small_channel: Path
) -> None:
    job = Job(tmp_path / "job", small_channel)
    job.inputs |= {"remote": "file:///x\nLD_PRELOAD=/evil.so"}
    with pytest.raises(AssertionError, match="more than one line"):
        job.run()
    assert "LD_PRELOAD" not in (job.place / "env").read_text()


def test_action__is_used_as_the_page_says(tmp_path: Path) -> None:
    text = (ROOT / "docs/ci.md").read_text()
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.S)
    found = [YAML(typ="safe").load(block) for block in blocks]
    found.append(YAML(typ="safe").load((ROOT / ".github/workflows/ci.yml").read_text()))
    steps = [
        step
        for workflow in found
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if step.get("uses", "").startswith(("./", "OWNER/cenv"))
    ]
    assert len(steps) == 2
    for step in steps:
        assert set(step["with"]) <= set(ACTION["inputs"])


EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.S)


def names(text: str, context: str) -> set[str]:
    """Return what expressions of a document take from `inputs`, `matrix` or `steps`."""
    found = " ".join(EXPRESSION.findall(text) + re.findall(r"if: (.*)", text))
    return set(re.findall(rf"\b{context}\.([\w-]+)", found))


def test_action__names_what_is_there() -> None:
    text = (ROOT / "action.yml").read_text()
    steps = {step.get("id") for step in ACTION["runs"]["steps"]}
    assert names(text, "inputs") == set(ACTION["inputs"])
    assert names(text, "steps") <= steps
    assert all("shell" in step or "uses" in step for step in ACTION["runs"]["steps"])


@pytest.mark.parametrize("name", ["ci", "release"])
def test_workflows__name_what_is_there(name: str) -> None:
    text = (ROOT / f".github/workflows/{name}.yml").read_text()
    jobs = YAML(typ="safe").load(text)["jobs"]
    ids = {step.get("id") for job in jobs.values() for step in job["steps"]}
    axes = {
        axis
        for job in jobs.values()
        for axis in job.get("strategy", {}).get("matrix", {})
    }
    assert names(text, "matrix") == axes
    assert names(text, "steps") <= ids
    for job in jobs.values():
        needs = job.get("needs", [])
        assert set([needs] if isinstance(needs, str) else needs) <= set(jobs)
