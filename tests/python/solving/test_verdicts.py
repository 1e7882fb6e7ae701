# SPDX-License-Identifier: BSD-3-Clause
"""Answers on repodata of real size: judged by other code, and independent of the files' order."""

from __future__ import annotations

import importlib.util
import json
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
SETS = 12
NAMES = ("conda-forge", "defaults-2018", "bioconda flexible", "bioconda strict")


@pytest.fixture(scope="module")
def verdicts() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import verdicts

        yield verdicts
        for name in ("verdicts", "judge", "solver"):
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def root(plain_repodata: Callable[[str], Path], verdicts: ModuleType) -> Path:
    """Return the folder of all repodata of the worlds compared."""
    for place in sorted({d for name in NAMES for d in verdicts.WORLDS[name][0]}):
        top = plain_repodata(place).parents[len(Path(place).parts)]
    return top


@dataclass
class Scene:
    """A world, what is asked of it, and what cenv answers."""

    world: Any
    job: dict[str, Any]
    ours: list[Any]


@pytest.fixture(scope="module")
def scene(request: pytest.FixtureRequest, verdicts: ModuleType, root: Path) -> Scene:
    world, job = verdicts.prepare(request.param, SETS, root)
    return Scene(world, job, verdicts.ask([sys.executable, "-c", verdicts.CENV], job))


@pytest.mark.parametrize("scene", NAMES, indirect=True)
def test_answers__are_valid_and_no_peer_has_better(
    verdicts: ModuleType, scene: Scene
) -> None:
    peers = {"itself": verdicts.CENV}
    if importlib.util.find_spec("rattler"):
        peers["py-rattler"] = verdicts.RATTLER
    for peer, code in peers.items():
        command = [sys.executable, "-c", code]
        tally = verdicts.judge_peer(peer, scene.world, scene.job, scene.ours, command)
        assert tally.faults == []
        assert tally.verdicts == SETS


def _shuffled(record: dict[str, Any], chooser: random.Random) -> dict[str, Any]:
    mixed = dict(chooser.sample(sorted(record.items()), len(record)))
    for key in ("depends", "constrains"):
        if mixed.get(key):
            mixed[key] = chooser.sample(mixed[key], len(mixed[key]))
    return mixed


def _shuffle(source: dict[str, str], target: Path, chooser: random.Random) -> None:
    data = json.loads(Path(source["path"]).read_bytes())
    for section in ("packages", "packages.conda"):
        files = list(data.get(section, {}).items())
        chooser.shuffle(files)
        data[section] = {fn: _shuffled(record, chooser) for fn, record in files}
    target.write_text(json.dumps(data))


@pytest.mark.parametrize("scene", NAMES[:3], indirect=True)
def test_answers__do_not_depend_on_the_order_of_files_records_and_dependencies(
    verdicts: ModuleType, scene: Scene, tmp_path: Path
) -> None:
    chooser = random.Random(5)
    mixed = []
    for number, source in enumerate(scene.job["sources"]):
        path = tmp_path / f"{number}.json"
        _shuffle(source, path, chooser)
        mixed.append({**source, "path": str(path)})
    # Within a channel the order of files means nothing; that of channels does.
    channels = list(dict.fromkeys(source["url"] for source in mixed))
    mixed = [s for url in channels for s in reversed(mixed) if s["url"] == url]
    command = [sys.executable, "-c", verdicts.CENV]
    again = verdicts.ask(command, {**scene.job, "sources": mixed})
    assert [sorted(found or ()) for _, found in again] == [
        sorted(found or ()) for _, found in scene.ours
    ]
    assert any(found for _, found in scene.ours)


RECORDS = {
    "a-1-0.conda": {"name": "a", "version": "1", "build": "0", "depends": ["b"]},
    "a-2-0.conda": {"name": "a", "version": "2", "build": "0", "depends": ["b <2"]},
    "b-1-0.conda": {"name": "b", "version": "1", "build": "0"},
    "b-2-0.conda": {"name": "b", "version": "2", "build": "0"},
}


@pytest.fixture
def world(verdicts: ModuleType, tmp_path: Path) -> Any:
    path = tmp_path / "repodata.json"
    path.write_text(json.dumps({"packages.conda": RECORDS}))
    source = {"channel": "c", "url": "c", "subdir": "noarch", "path": str(path)}
    return verdicts.judge.World([source], [], "flexible")


def urls(*names: str) -> list[str]:
    return [f"c/noarch/{name}.conda" for name in names]


@pytest.mark.parametrize(
    ("ours", "theirs", "complaint"),
    [
        (["a-2-0", "b-1-0"], ["a-1-0", "b-2-0"], None),
        (["a-1-0", "b-2-0"], ["a-2-0", "b-1-0"], "the peer's a is better"),
        (["a-1-0", "b-1-0"], ["a-1-0", "b-2-0"], "the peer's b is better"),
        (["a-2-0", "b-2-0"], ["a-1-0", "b-2-0"], "cenv: a lacks b <2"),
        (["a-2-0"], ["a-1-0", "b-2-0"], "cenv: a lacks b <2"),
    ],
)
def test_judge__finds_what_is_invalid_or_worse(
    verdicts: ModuleType,
    world: Any,
    ours: list[str],
    theirs: list[str],
    complaint: str | None,
) -> None:
    _kind, faults = verdicts.compare(world, ["a"], urls(*ours), urls(*theirs))
    assert any(complaint in fault for fault in faults) if complaint else not faults
