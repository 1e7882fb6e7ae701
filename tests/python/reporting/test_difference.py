# SPDX-License-Identifier: BSD-3-Clause
"""What made two runs differ: the cause that was planted, its seconds, and no other."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest

from cenv.reporting import difference, text
from cenv.reporting.run import Run


def compare(before: Run, after: Run) -> difference.Difference:
    """Compare two runs; the seconds of what was found add up."""
    found = difference.between(before, after)
    told = sum(cause.seconds for cause in found.causes) + found.left
    assert told == pytest.approx(found.seconds)
    return found


def sentence(before: Run, after: Run) -> str:
    """Return the first sentence, whose cause accounts for nearly all."""
    found = compare(before, after)
    assert abs(found.left) <= 0.1 * abs(found.seconds)
    assert abs(found.causes[0].seconds) >= 0.85 * abs(found.seconds)
    return text.headline_of_two(found)


def test_channel__that_grew_is_named_with_what_grew(made: SimpleNamespace) -> None:
    app = [made.package("app", link=0.1)]
    old = made.run(packages=app, channels=[made.channel()], names={"app": 5, "lib": 10})
    big = made.channel(records=5000, seconds=0.9)
    new = made.run(packages=app, channels=[big], names={"app": 50, "lib": 100})
    told = sentence(old, new)
    assert "channel main grew from 500 to 5,000 records" in told
    assert "lib has 100 candidates for 10" in told
    assert "channel main shrank from 5,000 to 500 records" in sentence(new, old)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_dependency__that_a_package_declares_is_named(
    made: SimpleNamespace, version: str
) -> None:
    needs = {f"d{i}": ["app"] if i < 8 else ["d0"] for i in range(40)}
    more = [
        made.package(n, needed_by=by, link=0.02, extract=0.03, size=80_000)
        for n, by in needs.items()
    ]
    old = made.run(packages=[made.package("app", link=0.1)], names={"app": 5})
    new = made.run(
        packages=[made.package("app", version, link=0.1), *more],
        names={"app": 5, **{n: (3, by[0]) for n, by in needs.items()}},
        stages={"solve": 0.01},
    )
    told = sentence(old, new)
    assert f"app {version} " in told
    assert "now needs d0, d1, d2 and 5 more" in told
    assert "40 packages" in told
    assert "3.2 MB" in told
    assert ("the same build" in told) == (version == "1.0")
    assert (
        "needs d0, d1, d2 and 5 more no more: that takes away 40 packages"
        in sentence(new, old)
    )


def test_spec__that_lost_its_pin_is_named(made: SimpleNamespace) -> None:
    app = made.package("app", link=0.1)
    old = made.run(
        ["python=3.12", "app"],
        [made.package("python", "3.12"), app],
        names={"python": 1, "app": 4},
        stages={"solve": 0.01},
    )
    new = made.run(
        ["python", "app"],
        [made.package("python", "3.13"), app],
        names={"python": 400, "app": 4},
        stages={"solve": 0.4},
    )
    told = sentence(old, new)
    assert (
        "python in place of python=3.12: 400 candidates of python instead of 1" in told
    )


def test_spec__that_was_added_is_named_with_its_bytes(made: SimpleNamespace) -> None:
    app = made.package("app", link=0.1)
    torch = made.package("pytorch", size=460_000_000, extract=20.0, download=10.0)
    lib = made.package("lib", needed_by=["pytorch"], extract=0.1)
    old = made.run(["app"], [app])
    new = made.run(["app", "pytorch"], [app, torch, lib])
    told = sentence(old, new)
    assert "because the spec pytorch is asked for, and was not before" in told
    assert "2 packages (pytorch and lib; 460 MB" in told
    assert "the spec pytorch is asked for no more" in sentence(new, old)


def test_channel__that_gives_nothing_is_named(made: SimpleNamespace) -> None:
    app = [made.package("app", link=0.1)]
    other = made.channel("other", records=28_000, seconds=2.0, packages_taken=0)
    old = made.run(packages=app, channels=[made.channel()])
    new = made.run(packages=app, channels=[made.channel(), other])
    told = sentence(old, new)
    assert "channel other is searched, and was not before: 28,000 records" in told
    assert "it gives nothing" in told


def _indexed(run: Run, missed: int) -> Run:
    """Return the run, in which the indices of some subdirs were not there."""
    for span in run.spans:
        span["misses"] = missed * (span["stage"] == "process indices")
    return run


def test_channel__that_is_new_had_no_index_to_lose(made: SimpleNamespace) -> None:
    """Of channels that are read in place no seconds are known: the cache told of all."""
    here = made.channel(seconds=0.0, bytes_on_disk=9000)
    other = made.channel(
        "other", seconds=0.0, bytes_on_disk=100, records=50, packages_taken=0
    )
    old = made.run(channels=[here], stages={"process indices": 0.01})
    later = {"channels": [here, other], "stages": {"process indices": 1.0}}
    told = sentence(old, _indexed(made.run(**later), 1))
    assert "because channel other is searched, and was not before: 50 records" in told
    told = text.headline_of_two(compare(old, _indexed(made.run(**later), 2)))
    assert "because repodata of 2 subdirs had to be indexed, and was before" in told


def test_channel__that_grew_saves_no_time(made: SimpleNamespace) -> None:
    big = made.channel(records=5000, seconds=0.4)
    old, new = made.run(channels=[made.channel(seconds=0.5)]), made.run(channels=[big])
    assert [cause.seconds for cause in compare(old, new).causes] == [0.0]
    assert [cause.seconds for cause in compare(new, old).causes] == [0.0]
    assert "because" not in text.headline_of_two(compare(old, new))


def test_index__that_was_made_anew_names_its_channel(made: SimpleNamespace) -> None:
    whole = {"stages": {"process indices": 0.01}}
    old = made.run(channels=[made.channel(version="1")], **whole)
    whole = {"stages": {"process indices": 1.0}}
    new = _indexed(made.run(channels=[made.channel(version="2")], **whole), 1)
    assert "because repodata of main/noarch had to be indexed" in sentence(old, new)


def test_record__that_is_not_chosen_is_not_said_to_need_more(
    made: SimpleNamespace,
) -> None:
    app = [made.package("app", link=0.1)]
    old = made.run(packages=app, names={"app": 5}, stages={"solve": 0.1})
    names = {"app": 5, "lib": (40, "app")}
    new = made.run(packages=app, names=names, stages={"solve": 2.0})
    assert "because records of app that may be chosen now need lib: that" in sentence(
        old, new
    )
    assert "that may be chosen need lib no more: that takes away 1 name" in sentence(
        new, old
    )


def test_cache__that_was_cold_is_named(made: SimpleNamespace) -> None:
    old = made.run(packages=[made.package(n, link=0.1) for n in "ab"])
    new = made.run(
        packages=[made.package(n, link=0.1, download=1.0, extract=0.4) for n in "ab"]
    )
    told = sentence(old, new)
    assert "2 packages (a and b; 2.0 kB, 20 files) had to be downloaded" in told
    assert "were in the store already" in sentence(new, old)


def test_repodata__that_was_not_here_is_named(made: SimpleNamespace) -> None:
    lost = made.channel(
        cache="miss", reason="not there", bytes_transferred=14_000_000, seconds=2.0
    )
    told = sentence(made.run(channels=[made.channel()]), made.run(channels=[lost]))
    assert (
        "channel main had to be fetched, and was here before (not there): 14 MB" in told
    )


def linked(kind: str, device: int, mode: str, *fallbacks: Any) -> dict[str, Any]:
    """Return what the machine tells of a store on one device and a destination on 1."""
    places = {"store": device, "destination": 1}
    return {
        "link": {"mode": mode, "fallbacks": list(fallbacks)},
        "file_systems": {p: {"type": kind, "device": d} for p, d in places.items()},
    }


def test_placing__that_fell_back_to_copies_is_named(made: SimpleNamespace) -> None:
    slow = {"to": "copy", "files": 6800, "reason": "ext4 has no reflinks"}
    old = made.run(
        packages=[made.package("app", link=0.1)], **linked("xfs", 1, "reflink")
    )
    new = made.run(
        packages=[made.package("app", link=2.0)], **linked("ext4", 2, "reflink", slow)
    )
    told = sentence(old, new)
    assert (
        "6,800 files could not be placed by reflink (ext4 has no reflinks), and" in told
    )
    assert "the destination lies on ext4, before on xfs" in told
    assert "the store lies on another file system than the destination" in told


def test_server__that_is_slow_is_named(made: SimpleNamespace) -> None:
    fast = made.run(packages=[made.package("app", download=0.1, size=4_000_000)])
    slow = made.run(packages=[made.package("app", download=3.0, size=4_000_000)])
    assert "channel main was served slowly: 1.3 MB/s, before 40 MB/s" in sentence(
        fast, slow
    )


def test_disk__of_another_kind_is_named(made: SimpleNamespace) -> None:
    old = made.run(
        packages=[made.package("app", extract=0.4)], **linked("xfs", 1, "copy")
    )
    new = made.run(
        packages=[made.package("app", extract=2.0)], **linked("nfs", 1, "copy")
    )
    told = sentence(old, new)
    assert (
        "the store lies on nfs, before on xfs: extract took 2.00 s, before 400 ms"
        in told
    )


def test_load__of_the_machine_is_named(made: SimpleNamespace) -> None:
    old = made.run(packages=[made.package("app", link=0.5, extract=1.0)], outside=0.0)
    new = made.run(
        packages=[made.package("app", link=0.9, extract=2.0)], outside=0.0, load=9.0
    )
    assert "a load of 9.0 on 2 processors, before 0.5" in sentence(old, new)


def test_release__that_is_larger_takes_longer_by_that(made: SimpleNamespace) -> None:
    old = made.run(packages=[made.package("app", "1", extract=1.0, size=1_000_000)])
    new = made.run(packages=[made.package("app", "2", extract=3.0, size=3_000_000)])
    assert "app 2, before 1 (3.0 MB, before 1.0 MB)" in sentence(old, new)


def test_template__that_was_not_there_is_named(made: SimpleNamespace) -> None:
    built = made.run(packages=[made.package("app", link=2.0, extract=1.0)])
    built.facts["caches"] = {"template": {"hit": False, "reason": "new specs"}}
    there = made.run(packages=[made.package("app")])
    there.facts["caches"] = {"template": {"hit": True, "reason": ""}}
    told = sentence(there, built)
    assert "the template had to be built, and was there before (new specs)" in told


def test_clone__of_more_files_takes_longer_by_that(made: SimpleNamespace) -> None:
    old, new = (made.run([], stages={"files": took}) for took in (1.0, 3.0))
    new.spans[0]["items"] = 30
    assert "files had to do with 30 files, before 10" in sentence(old, new)
    assert "files had to do with 10 files, before 30" in sentence(new, old)


def test_pytest__that_found_its_template_asks_for_no_less(
    made: SimpleNamespace,
) -> None:
    built = made.run(packages=[made.package("app", link=2.0, extract=1.0)])
    built.facts["caches"] = {"template": {"hit": False, "reason": ""}}
    found = made.run([], stages={"files": 0.3})
    idle = made.run([])
    for run in (built, found, idle):
        run.facts["command"] = "pytest"
    told = [cause.text for cause in compare(built, found).causes]
    assert told == ["the template was there already, and had to be built before"]
    assert "template" not in text.headline_of_two(compare(idle, built))


def test_trace__without_facts_is_compared_by_its_stages(made: SimpleNamespace) -> None:
    app = [made.package("app", link=2.0)]
    old, new = made.run([], stages={"link": 1.0}), made.run(packages=app)
    old.facts.clear()
    found = compare(old, new)
    assert found.causes == ()
    assert text.doubts(found) == ["The earlier trace does not tell what was worked on."]


def test_difference__of_each_kind_is_told_apart(made: SimpleNamespace) -> None:
    app, torch = made.package("app", link=0.1), made.package("pytorch", extract=5.0)
    channel = made.channel(records=5000, seconds=3.0)
    old = made.run(["app"], [app], [made.channel()])
    new = made.run(["app", "pytorch"], [app, torch], [channel])
    found = compare(old, new)
    told = [(cause.kind, round(cause.seconds, 3)) for cause in found.causes]
    assert told == [("spec", 5.0), ("channel", 2.9)]


def jittered(made: SimpleNamespace, rng: random.Random) -> Run:
    """Return a run of always the same work, whose times are as noisy as real ones."""

    def noisy(seconds: float) -> float:
        return seconds * rng.uniform(0.75, 1.6)

    packages = [
        made.package(n, extract=noisy(0.5), link=noisy(0.2), download=noisy(0.1))
        for n in "abcdef"
    ]
    return made.run(
        packages=packages,
        channels=[made.channel(seconds=noisy(0.3), bytes_transferred=9_000_000)],
        names={"a": 10, "b": 30},
        stages={"solve": noisy(0.2), "setup": noisy(1.0)},
        outside=noisy(0.3),
        load=rng.uniform(0.1, 1.5),
        **linked("ext4", 1, "hardlink"),
    )


def test_noise__names_no_cause(made: SimpleNamespace) -> None:
    rng = random.Random(11)
    for _ in range(100):
        found = compare(jittered(made, rng), jittered(made, rng))
        assert found.causes == ()
        told = text.headline_of_two(found)
        assert "the same work" in told or "Nothing that was recorded explains" in told


def test_rows__show_figures_that_add_up(made: SimpleNamespace) -> None:
    rng = random.Random(5)
    old, new = jittered(made, rng), jittered(made, rng)
    rows = text.difference_rows(compare(old, new))
    parts = [float(row[0].split()[0]) for row in rows]
    assert sum(parts[:-1]) == pytest.approx(parts[-1])
    assert rows[-2][1].startswith("nothing that was recorded explains this (")


def test_doubts__tell_that_two_runs_are_no_pair(made: SimpleNamespace) -> None:
    app = [made.package("app")]
    old, new = made.run(packages=app), made.run(packages=app)
    assert text.doubts(compare(old, new)) == []
    old.facts.update({"command": "solve", "when": "2026-01-02T00:00:00+00:00"})
    new.facts["when"] = "2026-01-01T00:00:00+00:00"
    assert text.doubts(compare(old, new)) == [
        "The earlier trace is of solve, the later of create.",
        "The first trace is of a later run than the second.",
    ]
