# SPDX-License-Identifier: BSD-3-Clause
"""The table of commands: each has a module of its name, and a row in the page."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

from cenv.cli import commands, parser

PAGE = Path(__file__).resolve().parents[3] / "docs/command-line.md"


def test_commands__are_the_modules_there_are() -> None:
    modules = {module.name for module in pkgutil.iter_modules(commands.__path__)}
    assert modules == set(parser.COMMANDS)


@pytest.mark.parametrize("name", parser.COMMANDS)
def test_command__has_its_arguments_and_its_function(name: str) -> None:
    module = importlib.import_module(f"cenv.cli.commands.{name}")
    given = argparse.ArgumentParser()
    module.add_arguments(given)
    assert callable(module.run)
    assert given.format_usage().count("[-h]") == 1


def test_commands__are_all_on_the_page() -> None:
    told = re.findall(r"(?m)^\| `(\w+)", PAGE.read_text())
    assert set(told) >= set(parser.COMMANDS)


def test_unknown_command__names_the_near_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stopped:
        parser.parse(["clon"])
    assert stopped.value.code == 2
    assert "did you mean clone?" in capsys.readouterr().err
