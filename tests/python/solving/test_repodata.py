# SPDX-License-Identifier: BSD-3-Clause
"""Repodata of ten years, read whole: what Python's json finds, the scanner finds."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cenv import _native
from cenv.errors import ChannelError, IntegrityError
from cenv.tracing import recorder as trace

# What `count` finds in the real files.
REAL = {
    "bioconda-2018/noarch": (0, 0, 0, 0),
    "bioconda-2018/osx-64": (16713, 3859, 16713, 83875),
    "conda-forge-2016/linux-64": (4858, 902, 4858, 22219),
    "conda-forge/linux-64": (18047, 1212, 17975, 135279),
    "conda-forge/linux-aarch64": (7313, 901, 7240, 43567),
    "conda-forge/noarch": (10481, 1361, 10378, 51589),
    "conda-forge/osx-64": (11250, 980, 11188, 66412),
    "conda-forge/osx-arm64": (12867, 985, 12805, 82426),
    "conda-forge/win-64": (11752, 827, 11692, 90870),
    "defaults-2018/free/noarch": (0, 0, 0, 0),
    "defaults-2018/free/osx-64": (12987, 709, 12987, 53177),
    "defaults-2018/main/osx-64": (9356, 965, 9356, 41494),
    "defaults-2018/r/osx-64": (3755, 395, 3755, 14477),
    "dummy/linux-64": (29, 11, 24, 5),
    "intel-2023/linux-64": (4549, 414, 4549, 25554),
    "intel-2023/noarch": (202, 106, 202, 1124),
    "main-2022/linux-aarch64": (5486, 804, 2750, 19035),
    "main-2022/noarch": (7372, 1344, 4015, 13595),
    "pytorch-2023/linux-64": (2181, 49, 2181, 10272),
    "robostack-humble/linux-64": (685, 342, 685, 10551),
    "robostack-jazzy/linux-64": (1115, 401, 1115, 17162),
    "robostack-staging/linux-64": (1224, 540, 1224, 18163),
    "subchannel-2024/linux-64": (2709, 63, 2709, 7053),
    "subchannel-2024/noarch": (205, 13, 205, 295),
    "subchannel-2024/osx-arm64": (832, 46, 832, 2305),
    "sudoku/noarch": (729, 81, 729, 15552),
    "virtual-packages/linux-64": (0, 0, 0, 0),
    "virtual-packages/noarch": (5, 5, 5, 0),
}


def inspect(path: Path, subdir: str) -> dict[str, Any]:
    """Read one file whole."""
    url = "https://host/c"
    source = (
        "c",
        url,
        None,
        subdir,
        f"{url}/{subdir}/{path.name}",
        os.fsencode(path),
        None,
        False,
    )
    index = _native.call(_native.extension.Index, [source], None)
    (found,) = _native.call(index.inspect)
    result: dict[str, Any] = found
    return result


def count(path: Path) -> tuple[int, ...]:
    """Count with json: entries, names, records (.conda before its twin), their depends."""
    data = json.loads(path.read_bytes())
    files = {**data["packages"], **data["packages.conda"]}
    twins = {fn.replace(".conda", ".tar.bz2") for fn in data["packages.conda"]}
    records = [files[fn] for fn in files if fn not in twins]
    names = {record["name"] for record in records}
    return len(files), len(names), len(records), sum(len(r["depends"]) for r in records)


@pytest.mark.parametrize("place", REAL)
def test_scanner__reads_whole_files(
    place: str,
    repodata: Callable[[str], Path],
    plain_repodata: Callable[[str], Path],
    real_repodata: Path | None,
) -> None:
    path = repodata(place)
    found = inspect(path, path.parent.name)
    counts = tuple(found[k] for k in ("entries", "names", "records", "depends"))
    assert found["skipped"] == []
    assert counts == (REAL[place] if real_repodata else count(plain_repodata(place)))


def test_scanner__keeps_the_reason_of_a_skipped_record(tmp_path: Path) -> None:
    path = tmp_path / "repodata.json"
    good = {"name": "a", "version": "1", "build": "0", "license": 'é"\n'}
    bad = good | {"depends": ["b", 3]}
    packages = {"a-1-0.conda": good, "a-2-0.conda": bad}
    path.write_text(json.dumps({"packages": packages}), encoding="utf-8")
    found = inspect(path, "linux-64")
    assert found["records"] == 1
    (skip,) = found["skipped"]
    assert skip["fn"] == "a-2-0.conda"
    assert "expected a string" in skip["reason"]


@pytest.mark.parametrize("key", ["name", "version", "build"])
def test_solve__takes_from_the_file_name_what_is_null(tmp_path: Path, key: str) -> None:
    import cenv

    record = {"name": "a", "version": "1", "build": "0", "depends": []}
    for subdir, found in (
        ("linux-64", {"a-1-0.conda": record | {key: None}}),
        ("noarch", {}),
    ):
        (tmp_path / subdir).mkdir()
        text = json.dumps({"packages.conda": found})
        (tmp_path / subdir / "repodata.json").write_text(text)
    index = cenv.Index([tmp_path], "linux-64", store=tmp_path / "store")
    (got,) = index.solve(["a"]).records
    assert (got.name, got.version, got.build) == ("a", "1", "0")


def test_solve__tells_what_it_could_not_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from cenv.cli import main

    good = {"name": "a", "version": "1", "build": "0", "depends": []}
    packages = {"a-1-0.conda": good, "a-2-0.conda": good | {"version": 7}}
    for subdir, found in (("linux-64", packages), ("noarch", {})):
        (tmp_path / subdir).mkdir()
        text = json.dumps({"packages.conda": found})
        (tmp_path / subdir / "repodata.json").write_text(text)
    common = ["solve", "a", "-c", str(tmp_path), "--override-channels"]
    common += ["--platform", "linux-64", "--store", str(tmp_path / "store")]
    assert main([*common, "--json"]) == 0
    (skip,) = json.loads(capsys.readouterr().out)["skipped"]
    assert (skip["fn"], bool(skip["reason"])) == ("a-2-0.conda", True)
    assert main([*common, "-v"]) == 0
    assert "not used: a-2-0.conda: " in capsys.readouterr().err


def test_scanner__names_the_byte_of_a_truncated_zst(tmp_path: Path) -> None:
    path = tmp_path / "repodata.json.zst"
    text = json.dumps({"packages": {}, "x": os.urandom(999).hex()}).encode()
    _native.call(_native.extension.zstd_write, path, text, 1)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(
        IntegrityError, match=r"repodata\.json\.zst: .*in the middle \(byte 500\)"
    ) as caught:
        inspect(path, "linux-64")
    assert caught.value.hint


def test_scanner__refuses_a_file_beyond_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "repodata.json"
    with path.open("wb") as file:
        file.truncate((2 << 30) + 1)  # of holes: takes no space
    with pytest.raises(IntegrityError, match="2147483649 bytes") as caught:
        inspect(path, "linux-64")
    assert "shard" in caught.value.hint


def test_scanner__refuses_another_subdir(tmp_path: Path) -> None:
    path = tmp_path / "repodata.json"
    path.write_text('{"info": {"subdir": "win-64"}}')
    with pytest.raises(ChannelError, match=r"win-64, not of linux-64"):
        inspect(path, "linux-64")


def test_scanner__names_the_byte_of_a_truncated_file(tmp_path: Path) -> None:
    path = tmp_path / "repodata.json"
    path.write_text('{"packages": {"a-1-0.conda": {"name": "a"')
    with pytest.raises(
        IntegrityError, match=r"repodata\.json: byte 29 of 41"
    ) as caught:
        inspect(path, "linux-64")
    assert caught.value.hint


# ---- the binary index ----


def write_large(path: Path, version: str = "1") -> None:
    """Write more than a megabyte, which packs badly: small files get no binary index."""
    base = {"version": version, "build": "0", "build_number": 0}
    packages = {
        f"p{i}-{version}-0.conda": {**base, "name": f"p{i}", "x": os.urandom(400).hex()}
        for i in range(1500)
    }
    text = json.dumps({"packages.conda": packages}).encode()
    if path.suffix == ".zst":
        _native.call(_native.extension.zstd_write, path, text, 1)
    else:
        path.write_bytes(text)


def open_cached(path: Path, cache: Path) -> tuple[int, str, list[dict[str, Any]]]:
    """Open an index; return hits, the reason of a miss, and what is in it."""
    source = ("c", "https://h/c", None, "linux-64", "", os.fsencode(path), None, False)
    with trace.recording() as recorder:
        index = _native.call(_native.extension.Index, [source], os.fsencode(cache))
    (span,) = (s for s in recorder.spans if s["stage"] == "process indices")
    return span["hits"], span["reason"], _native.call(index.inspect)


@pytest.fixture(params=["repodata.json", "repodata.json.zst"])
def large(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / request.param
    write_large(path)
    (tmp_path / "cache").mkdir()
    return path


def test_binary_index__serves_the_second_time(large: Path) -> None:
    cache = large.parent / "cache"
    hits, reason, first = open_cached(large, cache)
    assert (hits, reason) == (0, "no binary index yet")
    assert first[0]["records"] == 1500
    assert open_cached(large, cache) == (1, "", first)
    kept = {"index", "text"} if large.suffix == ".zst" else {"index"}
    assert {name.partition("-")[0] for name in os.listdir(cache)} == kept


def test_binary_index__of_another_file_is_not_used(large: Path) -> None:
    cache = large.parent / "cache"
    open_cached(large, cache)
    write_large(large, "2")
    hits, reason, found = open_cached(large, cache)
    assert (hits, reason) == (0, "the repodata or its index has changed")
    assert found[0]["records"] == 1500
    assert open_cached(large, cache)[0] == 1


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "directory", "gone"])
@pytest.mark.parametrize("victim", ["index", "text"])
def test_binary_index__that_is_damaged_is_not_believed(
    large: Path, damage: str, victim: str
) -> None:
    cache = large.parent / "cache"
    wanted = open_cached(large, cache)[2]
    victims = list(cache.glob(f"{victim}-*"))
    for path in victims:
        data = bytearray(path.read_bytes())
        path.unlink()
        if damage == "directory":
            path.mkdir()
        elif damage != "gone":
            data[len(data) // 2] ^= 1
            path.write_bytes({"cut": data[:-1], "flip": data, "empty": b""}[damage])
    hits, _, found = open_cached(large, cache)
    assert found == wanted
    assert hits == (0 if victims else 1)


def test_binary_index__that_cannot_be_written_is_no_failure(large: Path) -> None:
    assert open_cached(large, large.parent / "absent")[0] == 0
    (large.parent / "file").write_text("")
    assert open_cached(large, large.parent / "file")[2][0]["records"] == 1500


def test_binary_index__is_not_written_for_small_files(tmp_path: Path) -> None:
    path = tmp_path / "repodata.json"
    path.write_text("{}")
    (tmp_path / "cache").mkdir()
    assert open_cached(path, tmp_path / "cache")[:2] == (0, "")
    assert os.listdir(tmp_path / "cache") == []
