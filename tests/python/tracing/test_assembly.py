# SPDX-License-Identifier: BSD-3-Clause
"""The facts of real runs of the command line, as its traces have them."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from cenv.cli import main
from cenv.demo.package import PLACEHOLDER, Member, Package
from cenv.tracing import kept, trace_file
from cenv.tracing.facts import Facts


def _package(name: str, *depends: str) -> Package:
    """Return a package of two files and a script that names the prefix."""
    when, script = 1_600_000_000_000_000_000, f"#!{PLACEHOLDER}/bin/sh\n".encode()
    files = [Member(f"share/{name}/{n}", b"x" * 10, 0o644, when) for n in range(2)]
    named = Member(f"bin/{name}", script, 0o755, when, placeholder=PLACEHOLDER)
    return Package(name, "1.0", depends=list(depends), members=[*files, named])


@pytest.fixture(scope="module")
def run(tmp_path_factory, make_channel) -> SimpleNamespace:
    """Create an environment, warm and cold, and clone it; return the traces and the store."""
    top = tmp_path_factory.mktemp("runs")
    channel = make_channel(
        _package("app", "lib", "util >=1"),
        _package("lib", "base"),
        _package("util", "base"),
        _package("base"),
        _package("alone"),
    )
    store = str(top / "store")
    request = ["app", "alone", "-c", str(channel), "--override-channels"]
    traces: dict[str, Facts] = {}

    def facts_of(name: str, *words: str) -> None:
        path = top / f"{name}.json"
        assert main([*words, "--store", store, "--trace", str(path), "-q"]) == 0
        traces[name] = trace_file.read(path).facts

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(top))
        facts_of("cold", "create", "-p", str(top / "one"), *request)
        facts_of("warm", "create", "-p", str(top / "two"), *request)
        facts_of("template", "template", "build", *request)
        facts_of("clone", "clone", str(top / "one"), str(top / "three"))
        facts_of("solve", "solve", *request)
    return SimpleNamespace(top=top, store=store, channel=channel, **traces)


def test_facts__tell_what_was_asked_for_and_where(run):
    asked = run.cold["request"]
    assert asked["specs"] == ["app", "alone"]
    assert asked["prefix"] == str(run.top / "one")
    assert run.cold["command"] == "create"
    assert run.template["command"] == "template build"
    places = run.cold["machine"]["file_systems"]
    assert set(places) == {"store", "packages", "destination"}
    assert places["store"]["device"] == places["destination"]["device"]
    assert run.cold["machine"]["cores"] >= 1
    assert run.cold["machine"]["link"]["mode"] in {"reflink", "hardlink", "copy"}


def test_facts__tell_of_each_package_who_needs_it_and_what_it_took(run):
    packages = {package["name"]: package for package in run.cold["packages"]}
    assert set(packages) == {"app", "lib", "util", "base", "alone"}
    assert packages["base"]["needed_by"] == ["lib", "util"]
    assert packages["alone"]["needed_by"] == []
    app = packages["app"]
    assert (app["origin"], app["reason"]) == ("file", "not there")
    assert app["files"] == 3
    assert app["size"] > 0
    assert app["installed_size"] > 20
    assert {"verify", "extract", "link", "relocate"} <= set(app["stages"])
    assert app["stages"]["relocate"]["files"] == 1
    assert app["stages"]["link"]["files"] == 2


def test_facts__of_a_warm_run_extract_nothing(run):
    assert {p["origin"] for p in run.warm["packages"]} == {"store"}
    assert not any("extract" in p["stages"] for p in run.warm["packages"])
    assert run.warm["caches"]["packages"]["hit"]
    assert not run.cold["caches"]["packages"]["hit"]
    assert not run.template["caches"]["template"]["hit"]
    assert run.template["caches"]["template"]["reason"]


def test_facts__tell_what_each_spec_brings_in(run):
    specs = {spec["spec"]: spec for spec in run.solve["specs"]}
    assert specs["app"] == {"spec": "app", "only_names": 4, "only_candidates": 4}
    assert specs["alone"]["only_names"] == 1
    names = {name["name"]: name for name in run.solve["names"]}
    assert names["util"]["reached_through"] == "app"
    assert names["util"]["requirement"] == "util >=1"
    families = run.solve["solver"]["families"]
    assert {family["name"] for family in families} == set(names)


def test_facts__tell_what_channels_gave(run):
    given = {channel["subdir"]: channel for channel in run.cold["channels"]}
    here = max(given.values(), key=lambda channel: channel["records"])
    assert (here["records"], here["names_read"], here["packages_taken"]) == (5, 5, 5)
    assert here["cache"] == "local"
    assert here["bytes_on_disk"] > 0


def test_facts__of_a_clone_tell_how_files_got_there(run):
    assert run.clone["request"]["source"] == str(run.top / "one")
    assert run.clone["machine"]["link"]["mode"]
    assert "packages" not in run.clone


def test_traces__of_all_these_are_kept(run):
    commands = [trace.command for trace in kept.kept(run.store)]
    assert commands == ["solve", "clone", "template build", "create", "create"]
    warm, cold = kept.last(2, run.store, "create")
    assert warm.read().facts == run.warm
    assert cold.read().facts == run.cold


def test_channels__tell_why_repodata_was_downloaded(run, serve, tmp_path):
    server = serve(run.channel)
    words = ["solve", "app", "-c", f"http://user:hidden@{server.netloc}"]
    told = []
    for number in range(2):
        path = tmp_path / f"{number}.json"
        common = ["--override-channels", "--store", str(tmp_path / "s"), "-q"]
        assert main([*words, *common, "--trace", str(path)]) == 0
        told.append(trace_file.read(path).facts)
        assert "hidden" not in path.read_text()
    for trace in kept.kept(tmp_path / "s"):
        assert "hidden" not in Path(trace.path).read_text()
    first, second = (facts["channels"][0] for facts in told)
    assert first["cache"] == "miss"
    assert first["reason"] == "it was never fetched into this store"
    assert first["bytes_transferred"] > 0
    assert first["seconds"] > 0
    assert (second["cache"], second["bytes_transferred"]) in [
        ("checked", 0),
        ("hit", 0),
    ]
    assert first["version"] == second["version"]


def test_failure__keeps_no_trace_and_writes_the_one_asked_for(run, tmp_path, capsys):
    before = len(kept.kept(run.store))
    words = ["solve", "nowhere", "-c", str(run.channel), "--override-channels"]
    path = tmp_path / "failed.json"
    assert main([*words, "--store", run.store, "--trace", str(path), "--json"]) == 1
    assert len(kept.kept(run.store)) == before
    facts = trace_file.read(path).facts
    assert {name["name"]: name["candidates"] for name in facts["names"]} == {
        "nowhere": 0
    }
    assert "error" in json.loads(capsys.readouterr().out)
