# SPDX-License-Identifier: BSD-3-Clause
"""How the modules of the package stand to each other: no circles, no privates of others."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

FACADE = "cenv"  # its names are fetched when they are used; nothing depends on it


class Module:
    """One module of the package."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.tree = ast.parse(path.read_text())

    def imports(self) -> Iterator[tuple[str, str]]:
        """Yield module and name of each import of ours, wherever it stands."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield alias.name, ""
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield node.module or "", alias.name

    def defined(self) -> set[str]:
        """Return every name and attribute that the module itself defines."""
        found = set()
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                found.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found.add(node.attr)
        return found

    def used(self) -> Iterator[tuple[int, str]]:
        """Yield line and name of each attribute and keyword."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute):
                yield node.lineno, node.attr
            elif isinstance(node, ast.keyword) and node.arg:
                yield node.value.lineno, node.arg


@pytest.fixture(scope="module")
def modules(top: Path) -> dict[str, Module]:
    """Return the modules of the package by their full names."""
    found = {}
    for path in sorted((top / "python" / "cenv").rglob("*.py")):
        parts = path.relative_to(top / "python").with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = Module(name, path)
    assert len(found) > 50
    return found


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def needs(module: Module, modules: dict[str, Module]) -> set[str]:
    """Return which modules one imports: at its top, in a function, or for types alone."""
    found = set()
    for source, name in module.imports():
        whole = f"{source}.{name}"
        target = whole if whole in modules else source
        if target in modules and target not in (FACADE, module.name):
            found.add(target)
    return found


def test_imports__make_no_circle(modules):
    graph = {
        name: needs(module, modules)
        for name, module in modules.items()
        if name != FACADE
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_imports__take_no_private_name(modules):
    wrong = [
        f"{module.name} imports {name} from {source}"
        for module in modules.values()
        for source, name in module.imports()
        if source in modules and is_private(name) and f"{source}.{name}" not in modules
        if name != "_cenv"
    ]
    assert wrong == []


def test_privates__stay_in_their_module(modules):
    owners: dict[str, set[str]] = {}
    for module in modules.values():
        for name in filter(is_private, module.defined()):
            owners.setdefault(name, set()).add(module.name)
    wrong = [
        f"{module.name}:{line}: {name} is of {', '.join(sorted(owners[name]))}"
        for module in modules.values()
        for line, name in module.used()
        if name in owners and module.name not in owners[name]
    ]
    assert wrong == []


WRONG_CALLS = """
from cenv import _native

_native.extension.no_such_name
_native.call(_native.extension.verify, 1)
_native.call(_native.extension.verify)
_native.extension.current_subdir("more")
"""


def test_boundary__is_seen_by_mypy(top: Path, tmp_path: Path) -> None:
    probe = tmp_path / "probe.py"
    probe.write_text(WRONG_CALLS)
    command = [sys.executable, "-m", "mypy", "--config-file", top / "pyproject.toml"]
    done = subprocess.run(
        [*command, "--no-pretty", probe], cwd=top, capture_output=True, text=True
    )
    lines = {int(n) for n in re.findall(r"probe\.py:(\d+): error:", done.stdout)}
    assert lines == {4, 5, 6, 7}, done.stdout


def test_terminals__are_written_to_through_one_door(top):
    """Names from outside steer no terminal: cenv.printable shows them."""
    doors = {"cli/output.py", "cli/options.py", "pytest_plugin/format.py"}
    doors |= {"clones/spares.py", "clones/background_removal.py"}  # JSON, to a parent
    writes = re.compile(r"print|\w*eporter\.write_line|sys\.stderr\.write")
    wrong = []
    for path in sorted((top / "python/cenv").rglob("*.py")):
        name = path.relative_to(top / "python/cenv").as_posix()
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and name not in doors:
                called = ast.unparse(call.func).removeprefix("self.")
                to = {keyword.arg for keyword in call.keywords}
                if writes.fullmatch(called) and "file" not in to:
                    wrong.append(f"{name}:{call.lineno}: {called}")
    assert wrong == []
