# SPDX-License-Identifier: BSD-3-Clause
"""What stands in the tree: licence lines, no traces of one machine, true stubs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

TOP_LEVEL = {
    ".ci", ".clang-format", ".git-blame-ignore-revs", ".github", ".gitignore",
    "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "MANIFEST.in", "Makefile", "README.md",
    "SECURITY.md", "benchmarks", "csrc", "docs", "pyproject.toml", "python", "recipe",
    "action.yml", "setup.py", "tests",
}  # fmt: skip
SOURCE = re.compile(r".*\.(c|cc|h|py|pyi|sh)|Makefile")
TEST_NAME = re.compile(r"test_[a-z0-9]+(?:_[a-z0-9]+)*__[a-z0-9]+(?:_[a-z0-9]+)*")
# One machine's paths, and hosts that serve packages: apt and pip know their own.
TRACES = re.compile(
    r"(?<![\w.}])/(?:[w]ork|[r]oot)/"
    r"|[p]ypi\.org|[p]ythonhosted|[d]eb\.debian|[a]rchive\.ubuntu"
)


def test_tree__top_level_is_the_agreed_one(top, tracked):
    assert {path.relative_to(top).parts[0] for path in tracked} <= TOP_LEVEL


def test_tree__sources_name_their_licence(tracked):
    wrong = [
        str(path)
        for path in tracked
        if SOURCE.fullmatch(path.name)
        and "SPDX-License-Identifier: BSD-3-Clause" not in path.read_text()[:120]
    ]
    assert wrong == []


def test_tree__holds_no_traces_of_a_machine(tracked):
    wrong = [
        f"{path}: {found[0]}"
        for path in tracked
        if (found := TRACES.search(path.read_bytes().decode(errors="replace")))
    ]
    assert wrong == []


def test_names__of_tests_say_subject_and_behaviour(top):
    wrong = [
        f"{path.relative_to(top)}: {node.name}"
        for path in sorted((top / "tests").rglob("test_*.py"))
        for node in ast.parse(path.read_text()).body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.name.startswith("test_")
        and not TEST_NAME.fullmatch(node.name)
    ]
    assert wrong == []


def test_stubs__tell_what_the_extension_has(top, tmp_path):
    command = [sys.executable, "-m", "mypy.stubtest", "cenv._cenv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
