# SPDX-License-Identifier: BSD-3-Clause
"""What makes environments slow, planted: the first sentence of a report names it.

Each case runs commands twice, with one thing changed between, and compares their traces.
Where that costs too little to be seen on a busy machine, it is made to cost a second.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cenv.cli import main
from cenv.demo.package import Member, Package, write
from cenv.reporting import difference, text
from cenv.reporting.run import Run
from cenv.solving.index_dir import index
from cenv.tracing import trace_file

Traced = Callable[..., Path]


@pytest.fixture
def traced(tmp_path: Path) -> Traced:
    """Return a function that runs a command and returns its trace."""
    count = 0

    def run(command: str, *words: str, store: str = "store") -> Path:
        nonlocal count
        count += 1
        file = tmp_path / f"trace-{count}.json"
        where = ["--store", str(tmp_path / store), "--override-channels"]
        if command == "create":
            where += ["--prefix", str(tmp_path / f"env-{count}")]
        assert main(["-q", "--trace", str(file), command, *where, *words]) == 0
        return file

    return run


def repodata(place: Path, records: Mapping[str, Mapping[str, Any]]) -> str:
    """Write a channel of records alone, `name-version-build` to more keys; return it."""
    filled = {}
    for key, more in records.items():
        name, version, build = key.rsplit("-", 2)
        plain = {"name": name, "version": version, "build": build, "build_number": 0}
        plain |= {"subdir": "noarch", "depends": [], "size": 1000}
        filled[f"{key}.conda"] = {**plain, **more}
    (place / "noarch").mkdir(parents=True, exist_ok=True)
    document = json.dumps({"packages.conda": filled})
    (place / "noarch/repodata.json").write_text(document)
    return str(place)


def plant(file: Path, stage: str, seconds: float, packages: str = "") -> Path:
    """Make a stage of a trace take longer, whose seconds this machine makes uncertain.

    What began later begins later; `packages` that begin so are those that took longer.
    """
    trace = json.loads(file.read_text())
    facts = trace["cenv"]
    spans = [e for e in trace["traceEvents"] if e["ph"] == "X"]
    last = max((e for e in spans if e["cat"] == stage), key=lambda e: e["ts"])
    for event in spans:
        if event["ts"] > last["ts"]:
            event["ts"] += seconds * 1e6
    last["dur"] += seconds * 1e6
    facts["seconds"] += seconds
    slow = [p for p in facts["packages"] if packages and p["name"].startswith(packages)]
    for package in slow:
        package["stages"][stage]["seconds"] += seconds / len(slow)
    file.write_text(json.dumps(trace))
    return file


def told(before: Path, after: Path) -> str:
    """Return the first sentence of the report of two traces, whose seconds add up."""
    found = difference.between(*(Run.of(trace_file.read(f)) for f in (before, after)))
    parts = sum(cause.seconds for cause in found.causes) + found.left
    assert parts == pytest.approx(found.seconds)
    assert found.causes
    return text.headline_of_two(found)


def test_index__that_grew_tenfold(traced: Traced, tmp_path: Path, capsys) -> None:
    def records(versions: int) -> dict[str, dict[str, Any]]:
        return {f"lib{n}-{v}-0": {} for n in range(150) for v in range(versions)}

    channel = repodata(tmp_path / "main", records(2))
    old = traced("solve", "lib7", "lib9", "-c", channel)
    repodata(tmp_path / "main", records(20))
    new = plant(traced("solve", "lib7", "lib9", "-c", channel), "process indices", 1.0)
    sentence = told(old, new)
    assert f"channel file://{channel} grew from 300 to 3,000 records" in sentence
    assert "has 20 candidates for 2" in sentence
    capsys.readouterr()
    assert main(["report", str(old), str(new)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == sentence


def test_dependency__that_brings_forty_packages(traced: Traced, tmp_path: Path) -> None:
    channel = tmp_path / "main"
    write(Package("app", "1.0"), channel)
    (channel / "noarch").mkdir(exist_ok=True)
    index(channel)
    old = traced("create", "app", "-c", str(channel))
    needs = [f"dep{n}" for n in range(40)]
    write(Package("app", "1.1", depends=needs[:8]), channel)
    for n, name in enumerate(needs):
        below = needs[8:] if n == 0 else []
        member = Member(f"share/{name}", b"x" * 1000)
        write(Package(name, "1.0", depends=below, members=[member]), channel)
    index(channel)
    new = plant(traced("create", "app", "-c", str(channel)), "extract", 1.0, "dep")
    sentence = told(old, new)
    assert "app 1.1 (before 1.0) now needs dep" in sentence
    assert " and 5 more: that brings 40 packages" in sentence


def test_python__without_a_pin(traced: Traced, tmp_path: Path) -> None:
    pythons = {f"python-3.{m}.{b}-{b}": {} for m in range(5, 13) for b in range(50)}
    apps = {f"app-{m}-0": {"depends": [f"python 3.{m}.*"]} for m in range(5, 13)}
    channel = repodata(tmp_path / "main", {**pythons, **apps})
    old = traced("solve", "python=3.8", "app", "-c", channel)
    new = plant(traced("solve", "python", "app", "-c", channel), "solve", 1.0)
    sentence = told(old, new)
    assert "the request has python in place of python=3.8" in sentence
    assert "400 candidates of python to choose from" in sentence
    assert "python 3.12.49, before 3.8.49" in sentence


def test_package__of_460_mb(traced: Traced, tmp_path: Path) -> None:
    records = {
        "app-1-0": {},
        "torch-2.1-0": {"size": 460_000_000, "depends": ["mkl"]},
        "mkl-1-0": {"size": 90_000_000},
    }
    channel = repodata(tmp_path / "main", records)
    old = traced("solve", "app", "-c", channel)
    sentence = told(old, traced("solve", "app", "torch", "-c", channel))
    assert "the spec torch is asked for, and was not before" in sentence
    assert "2 packages (torch and mkl; 550 MB)" in sentence


def test_channel__that_gives_nothing(traced: Traced, tmp_path: Path) -> None:
    main_ = repodata(tmp_path / "main", {"app-1-0": {}})
    other = repodata(tmp_path / "other", {f"lib{n}-1-0": {} for n in range(2000)})
    old = traced("solve", "app", "-c", main_)
    new = traced("solve", "app", "-c", main_, "-c", other)
    sentence = told(old, plant(new, "process indices", 1.0))
    assert f"channel file://{other} is searched, and was not before" in sentence
    assert "2,000 records; it gives nothing" in sentence


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a channel of four packages of many files that do not compress."""
    channel = tmp_path_factory.mktemp("real")
    rng = random.Random(1)
    for name in ("app", "one", "two", "three"):
        files = [Member(f"lib/{name}/{n}", rng.randbytes(9000)) for n in range(150)]
        needs = ["one", "two", "three"] if name == "app" else []
        write(Package(name, "1.0", depends=needs, members=files), channel)
    (channel / "noarch").mkdir(exist_ok=True)
    index(channel)
    return channel


def test_cache__that_is_cold(traced: Traced, real: Path, tmp_path: Path) -> None:
    traced("create", "app", "-c", str(real))
    warm = traced("create", "app", "-c", str(real))
    shutil.rmtree(tmp_path / "store")
    cold = plant(traced("create", "app", "-c", str(real)), "extract", 1.0)
    sentence = told(warm, cold)
    assert "4 packages (" in sentence
    assert "had to be extracted, which the store had before" in sentence


def test_noise__of_the_same_work_names_no_cause(traced: Traced, real: Path) -> None:
    traced("create", "app", "-c", str(real))
    pair = [traced("create", "app", "-c", str(real)) for _ in range(2)]
    for file in pair:  # this machine may be busy with other tests, and that is a cause
        set_facts(file, load=1.0)
    found = difference.between(*(Run.of(trace_file.read(file)) for file in pair))
    assert [cause.text for cause in found.causes] == []


def set_facts(file: Path, **machine: Any) -> None:
    """Change what a trace tells of the machine."""
    trace = json.loads(file.read_text())
    trace["cenv"]["machine"].update(machine)
    file.write_text(json.dumps(trace))


def test_file_system__without_reflinks(traced: Traced, real: Path) -> None:
    traced("create", "app", "-c", str(real))
    old = traced("create", "app", "-c", str(real))
    copied = traced("create", "app", "-c", str(real), "--link-mode", "copy")
    new = plant(copied, "link", 1.0)
    for file, kind, mode in ((old, "xfs", "reflink"), (new, "ext4", "copy")):
        trace = json.loads(file.read_text())
        link = trace["cenv"]["machine"]["link"]
        assert link["mode"] == ("copy" if mode == "copy" else link["mode"])
        lies = {"type": kind, "device": 1}
        places = {"store": lies, "destination": lies}
        set_facts(file, link={**link, "mode": mode}, file_systems=places)
    sentence = told(old, new)
    assert "files were placed by copy, before by reflink" in sentence
    assert "the destination lies on ext4, before on xfs" in sentence


def test_server__that_is_slow(traced: Traced, real: Path, serve, reply) -> None:
    server = serve(real)
    fast = traced("create", "app", "-c", server.url, store="one")
    for package in real.glob("*/*.conda"):
        path = f"/{package.relative_to(real)}"
        server.faults[path] = reply(stall=0.5)
    slow = traced("create", "app", "-c", server.url, store="two")
    sentence = told(fast, slow)
    assert f"channel {server.url} was served slowly" in sentence
    assert "/s, before " in sentence
