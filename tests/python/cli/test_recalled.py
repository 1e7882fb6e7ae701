# SPDX-License-Identifier: BSD-3-Clause
"""What a command line led to is recalled while nothing that has a say is another."""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path

import pytest

import cenv
from cenv import _native
from cenv.cli import parser, recalled
from cenv.demo.package import Package, write


@pytest.fixture(scope="module")
def scene(small_channel, tmp_path_factory) -> tuple[cenv.TemplateStore, Path]:
    """Return a store and a channel of the module's own, which tests change."""
    place = tmp_path_factory.mktemp("recalled")
    if not _native.call(_native.extension.doctor, str(place))["overlay"]["works"]:
        pytest.skip("this machine refuses mount namespaces")
    shutil.copytree(small_channel, place / "channel")
    return cenv.TemplateStore(place / "store"), place / "channel"


@pytest.fixture
def options(scene, monkeypatch) -> argparse.Namespace:
    """Return a command line that was given before, in a home that tests change."""
    store, channel = scene
    home = channel.parent / "home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    apart = recalled._OF_SHELLS | {"PYTEST_CURRENT_TEST"}  # another in each phase
    monkeypatch.setattr(recalled, "_OF_SHELLS", apart)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("CENV_STORE", store.path)
    found = parsed(channel)
    made = store.layered(found.specs, found.channels)
    recalled.keep(found, made)
    made.lease.release()
    return found


def parsed(channel: Path, *more: str) -> argparse.Namespace:
    given = ["exec", "data", "-c", str(channel), "--override-channels", *more]
    return parser.parse([*given, "--", "true"])


def is_recalled(options: argparse.Namespace) -> bool:
    found = recalled.find(options)
    if found is not None:
        found.lease.release()
    return found is not None


def test_recalled__is_what_a_solve_led_to(options, scene) -> None:
    store, _channel = scene
    found = recalled.find(options)
    made = store.layered(options.specs, options.channels)
    assert (found.path, found.view) == (made.path, made.entry)
    with pytest.raises(cenv.CenvError, match="in use"):
        store.gc()
    found.lease.release()
    made.lease.release()


def test_recalled__solves_other_specs_as_those_before(options, scene) -> None:
    store, _channel = scene
    options.specs = ["data >0"]
    found = recalled.find(options)
    made = store.layered(options.specs, options.channels)
    assert (found.path, found.view) == (made.path, made.entry)
    found.lease.release()
    made.lease.release()
    for file in Path(store.path, "v1/requests").iterdir():
        if "solving" in file.read_text():
            file.unlink()
    assert is_recalled(options)
    options.specs = ["data >=0"]
    assert not is_recalled(options)


def test_recalled__leaves_other_specs_to_the_long_way(options, scene) -> None:
    for specs in (["no-such-package"], ["file:///x::data"], ["data[channel=x]"], []):
        options.specs = specs
        assert not is_recalled(options)


@pytest.mark.parametrize("key", ["disallowed_packages", "denylist_channels"])
def test_recalled__solves_nothing_where_more_has_a_say(options, scene, key) -> None:
    store, _channel = scene
    Path(os.environ["HOME"], ".condarc").write_text(f"{key}: [nothing]\n")
    made = store.layered(options.specs, options.channels)
    recalled.keep(options, made)
    made.lease.release()
    assert is_recalled(options)
    options.specs = ["data >0"]
    assert not is_recalled(options)


def test_recalled__makes_no_layers(options, scene) -> None:
    store, _channel = scene
    options.specs = ["tool"]
    assert not is_recalled(options)
    store.layered(options.specs, options.channels).lease.release()
    assert is_recalled(options)


def test_recalled__not_where_the_arguments_are_others(options, scene) -> None:
    _store, channel = scene
    assert is_recalled(parsed(channel))
    assert is_recalled(parsed(channel, "--keep", "x"))
    assert not is_recalled(parsed(channel, "--channel-priority", "strict"))
    assert not is_recalled(parsed(channel, "-v"))
    assert not is_recalled(parsed(channel, "--exclude-newer", "7d"))


def test_recalled__not_where_variables_or_places_are_others(
    options, monkeypatch, tmp_path
) -> None:
    with monkeypatch.context() as other:
        other.setenv("CONDA_OVERRIDE_GLIBC", "2.17")
        assert not is_recalled(options)
    assert is_recalled(options)
    monkeypatch.chdir(tmp_path)
    assert not is_recalled(options)


def test_recalled__in_a_directory_that_was_removed(
    options, scene, monkeypatch, tmp_path
) -> None:
    store, _channel = scene
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert not is_recalled(options)
    made = store.layered(options.specs, options.channels)
    recalled.keep(options, made)
    made.lease.release()
    assert is_recalled(options)


def test_recalled__not_where_the_user_is_another(options, monkeypatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert not is_recalled(options)


def test_recalled__not_where_the_configuration_is_another(options) -> None:
    assert is_recalled(options)
    Path(os.environ["HOME"], ".condarc").write_text("offline: true\n")
    assert not is_recalled(options)


def test_recalled__not_where_the_configuration_of_conda_is_another(
    scene, options, monkeypatch
) -> None:
    store, _channel = scene
    root = Path(os.environ["HOME"], "conda")
    root.mkdir()
    monkeypatch.setenv("CONDA_EXE", str(root / "bin/conda"))
    made = store.layered(options.specs, options.channels)
    recalled.keep(options, made)
    made.lease.release()
    assert is_recalled(options)
    (root / ".condarc").write_text("offline: true\n")
    assert not is_recalled(options)


def test_recalled__not_where_repodata_is_another(options, scene) -> None:
    _store, channel = scene
    assert is_recalled(options)
    write(Package("data", "9.0"), channel)
    cenv.index(channel)
    assert not is_recalled(options)


@pytest.mark.parametrize(
    "damage",
    [
        {"prefix": 3, "solving": 3},
        {"prefix": None, "path": ["x"], "solving": [[], "", "", {}, {}]},
        {"prefix": 3, "solving": [[[]], "", "", {}, {}]},
        {"prefix": 3, "solving": [[], "/", "{}", {"specs": 3}, {}]},
        {"solved_on": 3},
        {"solved_on": ["{", []]},
        {"files": [3]},
        {"files": [[["x"], None]]},
        {"machine": {}},
    ],
)
def test_recalled__not_where_the_stores_file_is_damaged(options, scene, damage) -> None:
    store, _channel = scene
    files = list(Path(store.path, "v1/requests").iterdir())
    whole = {file: json.loads(file.read_text()) for file in files}
    assert is_recalled(options)
    for file, told in whole.items():
        file.write_text(json.dumps({**told, **damage}))
    assert not is_recalled(options)
    for file, told in whole.items():
        file.write_text(json.dumps({k: told[k] for k in told if k not in damage}))
    assert not is_recalled(options)


def test_recalled__not_where_gc_took_it(options, scene) -> None:
    store, _channel = scene
    assert is_recalled(options)
    store.gc()
    assert not is_recalled(options)


def test_recalled__not_where_the_url_has_a_secret(options, scene) -> None:
    store, channel = scene
    made = store.layered(options.specs, options.channels)
    asked = '{"repodata": [{"url": "https://user:word@host/noarch"}]}'
    object.__setattr__(made, "solved_on", made.solved_on._replace(options=asked))
    other = parsed(channel, "--channel-priority", "strict")
    recalled.keep(other, made)
    made.lease.release()
    assert not is_recalled(other)
    assert "word" not in "".join(
        path.read_text() for path in Path(store.path, "v1/requests").iterdir()
    )
