# SPDX-License-Identifier: BSD-3-Clause
"""Advice, which was tried: the solve repeated, what it saves, and nothing untried."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import cenv
from cenv.reporting import advice, confirming, difference, placing, replay
from cenv.reporting.run import Run
from cenv.solving.index_dir import write_shards


def write_channel(place: Path, packages: Mapping[str, Mapping[str, Any]]) -> str:
    """Write repodata of `name-version-build` to more keys; return the channel."""
    filled = {}
    for key, more in packages.items():
        name, version, build = key.split("-")
        plain = {"name": name, "version": version, "build": build, "build_number": 0}
        filled[f"{key}.conda"] = {**plain, "subdir": "noarch", "depends": [], **more}
    (place / "noarch").mkdir(parents=True)
    (place / "noarch/repodata.json").write_text(json.dumps({"packages.conda": filled}))
    return str(place)


@pytest.fixture
def channels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Return a channel of an app and of much beside it, and one that gives nothing."""
    monkeypatch.setenv("CENV_STORE", str(tmp_path / "store"))
    pythons = {f"python-3.{n}.0-{b}": {} for n in range(6, 13) for b in range(5)}
    needs = {
        "app-1.0-0": {"depends": ["lib", "python"], "size": 1000},
        "app-1.1-0": {"depends": ["lib", "python", "extra"], "size": 1000},
        "lib-1.0-0": {"size": 1000},
        "extra-1.0-0": {"size": 50_000},
        "torch-2.0-0": {"depends": ["mkl"], "size": 460_000_000},
        "mkl-1.0-0": {"size": 90_000_000},
    }
    main = write_channel(tmp_path / "main", {**needs, **pythons})
    return main, write_channel(tmp_path / "other", {"unused-1.0-0": {}})


@pytest.fixture
def slow(made: SimpleNamespace, channels: tuple[str, str]) -> Run:
    """Return a run that asked for an app and torch, and searched both channels."""
    packages = [
        made.package("app", "1.1", link=0.1),
        made.package("lib", link=0.1, needed_by=["app"]),
        made.package("extra", link=0.1, needed_by=["app"], size=50_000),
        made.package("python", "3.12.0", build="4", link=0.1, needed_by=["app"]),
        made.package("torch", "2.0", extract=20.0, size=460_000_000),
        made.package("mkl", extract=4.0, needed_by=["torch"], size=90_000_000),
    ]
    main, other = channels
    return made.run(
        ["app", "torch"],
        packages,
        [
            made.channel(main, seconds=0.1),
            made.channel(other, seconds=2.0, packages_taken=0),
        ],
        names={"python": (35, "app"), "app": 2, "lib": (1, "app")},
        searched=[main, other],
    )


def test_advice__is_what_saves_when_it_is_tried(slow: Run, channels) -> None:
    found = advice.tried(slow)
    assert found.untried == ()
    told = {(a.kind, a.subject): a for a in found.helps}
    assert list(told) == [("drop_spec", "torch"), ("drop_channel", channels[1])]
    torch, other = told.values()
    assert "without the spec torch, which nothing else asked for needs" in torch.text
    assert "2 packages and 550 MB fewer" in torch.text
    assert torch.saves == pytest.approx(24.0, abs=0.3)
    assert other.saves == pytest.approx(2.0, abs=0.3)
    assert "which gives nothing: the same packages" in other.text


def test_advice__that_saves_nothing_is_told_as_tried_in_vain(slow: Run) -> None:
    found = {a.subject: a for a in advice.tried(slow).in_vain}
    assert set(found) == {"app", "python=3.12"}
    assert "the same 6 packages" in found["python=3.12"].text


def test_advice__is_not_given_where_nothing_can_be_tried(made: SimpleNamespace) -> None:
    found = advice.tried(made.run(packages=[made.package("app", link=9.0)]))
    assert found.helps == found.in_vain == ()
    (reason,) = found.untried
    assert "cannot be repeated here" in reason


def test_advice__says_that_the_repodata_is_another(slow: Run) -> None:
    slow.facts["packages"][0]["version"] = "1.0"
    (told,) = advice.tried(slow).untried
    assert told == "the repodata here gives 1 package otherwise than the run (app)"


def test_advice__tries_how_files_could_be_placed(
    made: SimpleNamespace, tmp_path: Path
) -> None:
    copied = {"to": "copy", "files": 10, "reason": "another file system"}
    places = {
        "store": {"type": "ext4", "device": 1, "path": "/nowhere"},
        "destination": {"type": "xfs", "device": 2, "path": str(tmp_path / "env")},
    }
    link = {"mode": "hardlink", "fallbacks": [copied]}
    run = made.run(
        packages=[made.package("app", link=4.0)], link=link, file_systems=places
    )
    found = placing.trial(run)
    assert found is not None
    assert found.share == 1
    assert found.ratio > 0
    assert f"the store on the file system of {tmp_path} (CENV_STORE)" in found.text
    assert list(tmp_path.iterdir()) == []
    places["destination"]["path"] = "env"
    assert placing.trial(run) is None


def test_replay__tries_each_cause(made: SimpleNamespace, slow: Run, channels) -> None:
    before = made.run(
        ["app"],
        [
            made.package("app", "1.0", link=0.1),
            made.package("lib", link=0.1, needed_by=["app"]),
            made.package("python", "3.12.0", build="4", link=0.1, needed_by=["app"]),
        ],
        [made.channel(channels[0], seconds=0.1)],
        searched=[channels[0]],
    )
    found = difference.between(before, slow)
    kinds = [(cause.kind, cause.subject) for cause in found.causes]
    assert kinds == [("spec", "torch"), ("channel", channels[1]), ("needs", "app")]
    told = confirming.confirmed(found, None)
    assert told[0] == (
        "the earlier request gives 2 packages otherwise than then (app and extra): "
        "the channels have changed"
    )
    assert told[1].startswith(
        "without the spec torch: 2 packages and 550 MB fewer; it saves"
    )
    assert told[2].startswith(f"without the channel {channels[1]}: the same 6 packages")
    assert told[3].startswith("with app==1.0 as before: 1 package and 50 kB fewer")


def configured(place: Path, monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """Let lines be the configuration, and a store below `place` the store."""
    (place / "condarc").write_text("".join(f"{line}\n" for line in lines))
    monkeypatch.setenv("CONDARC", str(place / "condarc"))
    monkeypatch.setenv("CENV_STORE", str(place / "store"))


def test_advice__tries_packages_in_the_other_format(
    made: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(tmp_path, monkeypatch, "use_only_tar_bz2: true")
    channel = write_channel(tmp_path / "main", {"app-1.0-0": {}, "lib-1.0-0": {}})
    file = tmp_path / "main/noarch/repodata.json"
    document = json.loads(file.read_text())
    document["packages"] = {
        name.replace(".conda", ".tar.bz2"): record
        for name, record in document["packages.conda"].items()
    }
    file.write_text(json.dumps(document))
    packages = [
        made.package("app", file="app-1.0-0.tar.bz2", extract=8.0, size=1_000_000),
        made.package("lib", file="lib-1.0-0.conda", extract=1.0, size=1_000_000),
    ]
    run = made.run(["app", "lib"], packages, searched=[channel])
    (found,) = (a for a in advice.tried(run).helps if a.kind == "format")
    assert found.saves == pytest.approx(7.0)
    assert "use_only_tar_bz2: false" in found.text


def test_advice__tries_shards_where_it_may_ask_the_channel(
    made: SimpleNamespace, serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(tmp_path, monkeypatch, "repodata_use_shards: false")
    top = Path(write_channel(tmp_path / "main", {"app-1.0-0": {"sha256": "0" * 64}}))
    document = json.loads((top / "noarch/repodata.json").read_text())
    write_shards(top / "noarch", document, 3)
    server = serve(top)
    cenv.solve(["app"], [server.url])
    run = made.run(
        packages=[made.package("app")],
        channels=[made.channel(server.url, seconds=9.0)],
        searched=[server.url],
    )
    server.paths()
    assert [a.kind for a in advice.tried(run).helps] == []
    assert server.paths() == []
    (found,) = advice.tried(run, online=True).helps
    assert found.kind == "shards"
    assert 0 < found.saves < 9.0
    assert any("/shards/" in path or "shards" in path for path in server.paths())


def test_replay__keeps_to_the_options_of_the_run(slow: Run) -> None:
    slow.facts["request"]["options"] = {
        "pinned": "app=1.0",
        "channel_priority": "strict",
    }
    found = replay.Replay(slow)
    assert found.base.records["app"].version == "1.0"
    slow.facts["request"]["options"] = {"locked": "0123456789ab"}
    (told,) = advice.tried(slow).untried
    assert "records to keep" in told
