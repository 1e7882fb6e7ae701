# SPDX-License-Identifier: BSD-3-Clause
"""One name for one thing in JSON: an environment's directory is `prefix`, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

import cenv
from cenv import api
from cenv.cli import main


def named(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Return every text in a document with the key it stands under."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from named(item, str(name))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from named(item, key)
    elif isinstance(value, str):
        yield key, value


def is_environment(text: str) -> bool:
    return Path(text).is_absolute() and (Path(text) / "conda-meta").is_dir()


def check(document: object) -> set[str]:
    """Check the names of all directories of environments; return what has such a name."""
    for key, text in named(document):
        if is_environment(text):
            assert key in {"prefix", "source"}, (key, text)
        elif key == "prefix":
            assert not Path(text).exists(), (key, text)
    return {text for key, text in named(document) if key == "prefix"}


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], small_channel: Path, tmp_path: Path) -> Any:
    """Run a command with --json and return what it says."""

    def run(*argv: object, channel: bool = False) -> Any:
        words = [str(word) for word in argv]
        if channel:
            words += ["-c", str(small_channel), "--override-channels"]
        assert main(["--json", *words]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def test_json__of_commands_names_environments_alike(say: Any, tmp_path: Path) -> None:
    env, copy, store = tmp_path / "env", tmp_path / "copy", tmp_path / "store"
    at = ("--store", store)
    assert check(say("create", "-p", env, "tool", *at, channel=True)) == {str(env)}
    assert check(say("clone", env, copy, *at)) == {str(copy)}
    assert check(say("reset", copy, *at)) == {str(copy)}
    check(say("verify", copy))
    built = say("template", "build", "tool", *at, channel=True)
    (template,) = check(built)
    found = cenv.TemplateStore(store).templates()
    assert check(found) == check(say("template", "list", *at)) == {template}
    assert check(say("template", "path", found[0]["id"], *at)) == {template}
    assert check(say("template", "check", found[0]["id"], *at)) == set()
    archive = tmp_path / "all.czt"
    check(say("template", "export", archive, *at))
    taken = say("template", "import", archive, "--store", tmp_path / "other")
    (there,) = check(taken)
    assert there.startswith(str(tmp_path / "other"))
    check(say("doctor", tmp_path, *at))
    check(say("template", "gc", "--dry-run", *at))


def test_json__of_values_names_environments_alike(
    tmp_path: Path, small_channel: Path
) -> None:
    env, store = tmp_path / "env", cenv.TemplateStore(tmp_path / "store")
    made = cenv.create(env, ["tool"], channels=[small_channel], store=store.path)
    assert check(made.to_json()) == {str(env)}
    report = cenv.clone(env, tmp_path / "copy", store=store.path)
    assert check(report.to_json()) == {report.prefix} == {str(tmp_path / "copy")}
    reset = cenv.reset(tmp_path / "copy", store=store.path)
    assert check(reset.to_json()) == {reset.prefix} == {str(tmp_path / "copy")}
    kept = api.materialize(tmp_path / "copy", store=store.path)
    assert check(kept.to_json()) == {str(tmp_path / "copy")}


def test_json__of_the_plugin_names_environments_alike() -> None:
    """Its report is held to the schema; there no environment has another name."""
    text = resources.files("cenv.pytest_plugin").joinpath("report.schema.json")
    schema = json.loads(text.read_text())
    names = schema["$defs"]["template"]["properties"]
    assert "prefix" in names
    assert "path" not in names
