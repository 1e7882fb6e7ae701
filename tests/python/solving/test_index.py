# SPDX-License-Identifier: BSD-3-Clause
"""One index, many solves: in threads, in any order, from any cache, the same answers."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cenv import _native
from cenv.config.config import Config
from cenv.demo.package import Package
from cenv.errors import CenvError, ChannelError
from cenv.solving.index import Index

MACHINE = [["__glibc", "2.36", "0"], ["__linux", "6.1", "0"], ["__unix", "0", "0"]]

SETS = [
    ["python"],
    ["python=3.12", "numpy", "pandas", "scipy"],
    ["jupyterlab"],
    ["flask", "requests>=2.30", "python<3.12"],
    ["python=3.13", "scipy=1.10"],
    ["asdfasdf", "python"],
    ["openssl<3", "curl"],
    ["tk[md5=00000000000000000000000000000000]"],
    ["blas=*=*mkl", "numpy"],
    ["numpy[license=BSD-3-Clause]", "python=3.11"],
]


def open_index(paths: list[Path], cache: Path | None = None) -> Any:
    """Open files .../CHANNEL/SUBDIR/NAME as one index."""
    sources = []
    for path in paths:
        subdir, channel = path.parent.name, path.parent.parent.name
        url = f"https://host/{channel}"
        file = f"{url}/{subdir}/{path.name}"
        sources.append(
            (channel, url, None, subdir, file, os.fsencode(path), None, False)
        )
    return _native.call(_native.extension.Index, sources, cache and os.fsencode(cache))


def solve(index: Any, specs: list[str], **more: Any) -> Any:
    """Return the records in link order, or the message."""
    request = {"specs": specs, "virtual_packages": MACHINE, **more}
    try:
        reply = _native.call(index.solve, json.dumps(request))
    except CenvError as error:
        return str(error)
    return reply["records"]


@pytest.fixture
def real(repodata: Callable[[str], Path]) -> list[Path]:
    return [repodata(f"conda-forge/{subdir}") for subdir in ("linux-64", "noarch")]


def test_index__many_solves_are_as_fresh_ones(real: list[Path]) -> None:
    index = open_index(real)
    first = [solve(index, specs) for specs in SETS]
    again = [solve(index, specs) for specs in reversed(SETS)]
    assert first == again[::-1]
    assert first == [solve(open_index(real), specs) for specs in SETS]
    assert sum(isinstance(reply, list) for reply in first) >= 5


def test_index__serves_threads_at_once(real: list[Path]) -> None:
    index, alone = open_index(real), open_index(real)
    expected = {tuple(specs): solve(alone, specs) for specs in SETS}
    start = threading.Barrier(4)

    def work(seed: int) -> bool:
        sets = list(SETS)
        random.Random(seed).shuffle(sets)
        start.wait()
        return all(solve(index, specs) == expected[tuple(specs)] for specs in sets)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))


def test_index__next_process_finds_what_was_parsed(
    real: list[Path], tmp_path: Path
) -> None:
    plain = open_index(real)
    expected = [solve(plain, specs) for specs in SETS]
    for _ in range(2):
        index = open_index(real, tmp_path)
        assert [solve(index, specs) for specs in SETS] == expected
    kept = sorted(path.name.partition("-")[0] for path in tmp_path.iterdir())
    assert kept == ["index", "index", "names", "names", "text", "text"]


def test_index__wishes_are_met_from_blocks(real: list[Path], tmp_path: Path) -> None:
    """What singles out records looks at keys that a block leaves out."""
    records = solve(open_index(real, tmp_path), SETS[1])
    (numpy,) = (record for record in records if record["name"] == "numpy")
    plain, cached = open_index(real), open_index(real, tmp_path)
    wishes: list[dict[str, Any]] = [
        {"locked": [numpy]},
        {"favored": [numpy]},
        {"pinned": [f"numpy[sha256={numpy['sha256']}]"]},
    ]
    for wish in wishes:
        found = solve(cached, ["numpy", "python=3.12"], **wish)
        assert found == solve(plain, ["numpy", "python=3.12"], **wish)
        assert numpy["fn"] in [record["fn"] for record in found]


@pytest.mark.parametrize("silent", [{"version": None}, {"build": None}, {}])
def test_solve__completes_a_record_from_its_file_name(
    silent: dict[str, None], tmp_path: Path
) -> None:
    subdir = tmp_path / "c/noarch"
    subdir.mkdir(parents=True)
    record = {"name": "a", "version": "1.0", "build": "0", "build_number": 0}
    told = {**record, **silent} if silent else {"name": "a"}
    document = {"packages": {"a-1.0-0.tar.bz2": told}}
    (subdir / "repodata.json").write_text(json.dumps(document))
    (found,) = solve(open_index([subdir / "repodata.json"]), ["a"])
    assert (found["name"], found["version"], found["build"]) == ("a", "1.0", "0")


def random_records(chooser: random.Random) -> dict[str, dict[str, Any]]:
    """Make a universe of records with many ties, some of which cannot be had together."""
    records = {}
    for name, version, build in (
        (f"p{n}", f"{v}.{v % 3}", b) for n in range(24) for v in range(6) for b in "abc"
    ):
        others = chooser.sample(range(24), k=chooser.randint(0, 3))
        limits = [chooser.choice(["", f" <{i % 6}", f" >={i % 4}"]) for i in others]
        needs = [f"p{i}{limit}" for i, limit in zip(others, limits, strict=True)]
        record = {"name": name, "version": version, "build": build, "build_number": 0}
        record["depends"] = needs
        record["constrains"] = [f"p{chooser.randrange(24)} <{chooser.randint(3, 6)}"]
        record["timestamp"] = chooser.randint(1, 4)
        if chooser.random() < 0.1:
            record["track_features"] = "slow"
        records[f"{name}-{version}-{build}.conda"] = record
    return records


def write(
    top: Path, records: dict[str, dict[str, Any]], chooser: random.Random
) -> list[Path]:
    """Write the records in random order over two subdirs of a channel, in random order."""
    names = sorted(records)
    chooser.shuffle(names)
    paths = []
    for subdir, wanted in (("linux-64", "ab"), ("noarch", "c")):
        chosen = {}
        for fn in names:
            record = dict(records[fn])
            if record["build"] not in wanted:
                continue
            for key in ("depends", "constrains"):
                record[key] = chooser.sample(record[key], k=len(record[key]))
            items = list(record.items())
            chooser.shuffle(items)
            chosen[fn] = dict(items)
        path = top / "c" / subdir / "repodata.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"packages.conda": chosen}))
        paths.append(path)
    chooser.shuffle(paths)
    return paths


@pytest.mark.parametrize("seed", range(8))
def test_solve__does_not_depend_on_order(seed: int, tmp_path: Path) -> None:
    chooser = random.Random(seed)
    records = random_records(chooser)
    sets = [[f"p{n}" for n in chooser.sample(range(24), k=3)] for _ in range(12)]
    answers = []
    for shuffle in range(3):
        paths = write(tmp_path / str(shuffle), records, random.Random(shuffle))
        index = open_index(paths)
        replies = [solve(index, specs) for specs in sets]
        answers.append(
            [
                reply if isinstance(reply, str) else [r["fn"] for r in reply]
                for reply in replies
            ]
        )
    assert answers[0] == answers[1] == answers[2]
    assert any(isinstance(answer, list) for answer in answers[0])


class AlarmError(Exception):
    pass


@pytest.fixture
def alarm() -> Iterator[None]:
    def ring(_signal: int, _frame: object) -> None:
        raise AlarmError

    before = signal.signal(signal.SIGALRM, ring)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def hard_channel(top: Path) -> Path:
    """Write random 3-SAT where it is hardest, as packages: nobody waits for its end."""
    chooser = random.Random(7)
    records = {}

    def add(name: str, version: int, depends: list[str]) -> None:
        record = {"name": name, "version": str(version), "build": "0"}
        records[f"{name}-{version}-0.conda"] = {**record, "depends": depends}

    for n in range(420):
        add(f"v{n}", 1, [])
        add(f"v{n}", 2, [])
    for n in range(1790):
        for version in (1, 2, 3):
            literal = f"v{chooser.randrange(420)} =={chooser.randint(1, 2)}"
            add(f"c{n}", version, [literal])
    add("all", 1, [f"c{n}" for n in range(1790)])
    path = top / "c" / "noarch" / "repodata.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"packages.conda": records}))
    return path


@pytest.mark.usefixtures("alarm")
def test_solve__ends_at_a_signal(tmp_path: Path) -> None:
    index = open_index([hard_channel(tmp_path)])
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    with pytest.raises(AlarmError):
        solve(index, ["all"])
    assert [record["name"] for record in solve(index, ["v1"])] == ["v1"]


def test_featured__names_those_with_features_of_any_channel(make_channel) -> None:
    noarch = {"subdir": "noarch", "noarch": "generic"}
    old = make_channel(
        Package("lib", "1", extra={"features": "old"}, **noarch),
        Package("blank", "1", extra={"features": " "}, **noarch),
        Package("switch", "1", extra={"track_features": "old"}, **noarch),
    )
    new = make_channel(Package("lib", "2"), Package("other", "1"))
    index = Index([new, old], "linux-64")
    names = ["lib", "other", "blank", "switch", "unknown", "lib"]
    assert index.featured(names) == ["lib", "lib"]
    assert index.featured([]) == []


# ---- channels that later specs name ----


def test_index__searches_channels_of_later_specs(
    write_channel, serve, tmp_path: Path
) -> None:
    write_channel(tmp_path, "a", "1")
    write_channel(tmp_path, "b", "2")
    server = serve(tmp_path)
    index = Index([f"{server.url}/a"], "linux-64", store=tmp_path / "store")
    before = index.channels
    assert index.solve(["x"]).records[0].version == "1"
    server.paths()
    for spec in (f"{server.url}/b::x", f"x[channel={server.url}/b]"):
        solution = index.solve([spec])
        assert [r.version for r in solution.records] == ["2"]
        assert solution.channels == (f"{server.url}/a", f"{server.url}/b")
    asked = server.paths()
    assert asked
    assert all(path.startswith("/b/") for path in asked)
    assert len(asked) == len(set(asked))  # opened once
    assert index.channels == before
    assert index.solve(["x"]).records[0].version == "1"


def test_index__searches_channels_of_later_specs_from_threads(
    write_channel, tmp_path: Path
) -> None:
    names = [write_channel(tmp_path, f"c{i}", str(i)) for i in range(8)]
    index = Index([names[0]], "linux-64", store=tmp_path / "store")

    def version(i: int) -> str:
        return index.solve([f"{names[i % 8]}::x"]).records[0].version

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(version, range(64))) == [str(i % 8) for i in range(64)]


def test_index__obeys_policies_for_channels_of_later_specs(
    write_channel, tmp_path: Path
) -> None:
    a, b = write_channel(tmp_path, "a", "1"), write_channel(tmp_path, "b", "2")
    config = Config(denylist_channels=(f"file://{b}",))
    index = Index([a], "linux-64", store=tmp_path / "store", config=config)
    with pytest.raises(ChannelError, match="is denied by denylist_channels"):
        index.solve([f"{b}::x"])


def test_index__tells_of_a_later_channel_that_is_not_there(
    write_channel, tmp_path: Path
) -> None:
    a = write_channel(tmp_path, "a", "1")
    index = Index([a], "linux-64", store=tmp_path / "store")
    with pytest.raises(ChannelError, match=r"gone/noarch' has no repodata.json there"):
        index.solve([f"{tmp_path}/gone::x"])
    assert index.solve(["x"]).names() == ("x",)
