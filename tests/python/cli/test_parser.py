# SPDX-License-Identifier: BSD-3-Clause
"""The table of commands: each has a module of its name, and a row in the page."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import re
from pathlib import Path

import pytest

from cenv.cli import commands, main, parser, tree
from cenv.errors import UsageError

PAGE = Path(__file__).resolve().parents[3] / "docs/command-line.md"


def test_commands__are_the_modules_there_are() -> None:
    modules = {module.name for module in pkgutil.iter_modules(commands.__path__)}
    assert modules == set(tree.COMMANDS)
    groups = [name for name in tree.COMMANDS if tree.actions(name)]
    assert groups == ["template"]
    for name in groups:
        place = importlib.import_module(f"cenv.cli.commands.{name}").__path__
        inside = {module.name.rstrip("_") for module in pkgutil.iter_modules(place)}
        assert inside == set(tree.actions(name))


@pytest.mark.parametrize("words", list(tree.every()), ids=" ".join)
def test_command__has_its_arguments_and_its_function(words: tree.Words) -> None:
    module = tree.load(words)
    given = argparse.ArgumentParser()
    module.add_arguments(given)
    assert callable(module.run)
    assert given.format_usage().count("[-h]") == 1


@pytest.mark.parametrize("words", [(), *tree.every()], ids=" ".join)
def test_every_argument__has_help(words: tree.Words) -> None:
    given = parser.command_parser(words) if words else parser.main_parser()
    assert [action for action in given.actions() if not action.help] == []


def test_actions__have_their_own_options_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = parser.parse(["template", "--store", "S", "gc", "--dry-run"])
    assert (options.store, options.dry_run) == ("S", True)
    assert main(["template", "list", "--dry-run"]) == 2
    assert main(["template", "list", "-c", "channel"]) == 2
    assert main(["template", "--json"]) == 2
    assert "no action given" in capsys.readouterr().out
    assert main(["template", "--help"]) == 0
    told = capsys.readouterr().out
    assert all(f"\n  {action} " in told for action in tree.actions("template"))
    with pytest.raises(UsageError, match="no such action: eksport") as caught:
        parser.parse(["template", "eksport"])
    assert caught.value.hint == "did you mean export?"


@pytest.mark.parametrize("option", ["--mode", "--link-mode"])
def test_mode__is_what_every_command_calls_it(option: str) -> None:
    argv = ["create", "-p", "p", "x", option, "copy"]
    assert parser.parse(argv).mode == "copy"
    assert parser.parse(["clone", "a", "b", "--mode", "copy"]).mode == "copy"


def test_commands__are_all_on_the_page() -> None:
    told = re.findall(r"(?m)^\| `(\w+)", PAGE.read_text())
    assert set(told) >= set(tree.COMMANDS)


def test_unknown_command__names_the_near_one() -> None:
    with pytest.raises(UsageError, match="no such command: clon") as caught:
        parser.parse(["clon"])
    assert caught.value.hint == "did you mean clone?"


WRONG = [
    [],
    ["nocommand"],
    ["solve", "--no-such-option", "x"],
    ["solve", "--channel-priority", "best", "x"],
    ["solve", "--file"],
    ["create", "x"],
    ["clone", "a"],
    ["template", "bake"],
    ["verify"],
    ["extract", "a", "b", "c"],
    ["solve"],
    ["run", "prefix", "--"],
]


@pytest.mark.parametrize("argv", WRONG, ids=" ".join)
def test_wrong_usage__is_one_json_object_where_that_is_asked_for(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    at = argv.index("--") if "--" in argv else len(argv)
    assert main([*argv[:at], "--json", *argv[at:]]) == 2
    told = capsys.readouterr()
    error = json.loads(told.out)["error"]
    assert (error["type"], told.err) == ("UsageError", "")
    assert error["message"]
    assert main(argv) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"cenv: error: {error['message']}")


def test_dashes__end_the_options() -> None:
    assert parser.parse(["solve", "a", "--", "-b", "--json"]).specs == [
        "a",
        "-b",
        "--json",
    ]
    clone = parser.parse(["clone", "--", "-src", "dst"])
    assert (clone.src, clone.dst, clone.json) == ("-src", "dst", False)
    run = parser.parse(["run", "prefix", "--", "ls", "-l"])
    assert (run.prefix, run.command) == ("prefix", ["ls", "-l"])


def test_fault__of_ours_is_json_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_unused: object) -> int:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr("cenv.cli.commands.doctor.run", fail)
    assert main(["doctor", "--json"]) == 1
    told = capsys.readouterr()
    error = json.loads(told.out)["error"]
    assert (error["type"], error["message"]) == ("ZeroDivisionError", "of ours")
    assert "Traceback" in told.err
    with pytest.raises(ZeroDivisionError):
        main(["doctor"])
