# SPDX-License-Identifier: BSD-3-Clause
"""Sharded repodata (CEP 16): the same answers as from whole repodata, of fewer bytes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from cenv import _native
from cenv.config.config import Config
from cenv.errors import CenvError, ChannelError, IntegrityError, SpecError
from cenv.solving.index import Index
from cenv.solving.index_dir import SHARD_INDEX, index, write_shards
from cenv.tracing import assembly, recorder

SUBDIR = "linux-64"


def record(name: str, version: str, *depends: str, **more: Any) -> dict[str, Any]:
    """Return a repodata record with hashes of its own."""
    text = f"{name}-{version}".encode()
    return {
        "name": name,
        "version": version,
        "build": "0",
        "build_number": 0,
        "depends": list(depends),
        "sha256": hashlib.sha256(text).hexdigest(),
        "md5": hashlib.md5(text).hexdigest(),
        **more,
    }


def document(*records: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a repodata.json of .conda packages."""
    found = {f"{r['name']}-{r['version']}-{r['build']}.conda": r for r in records}
    info = {"subdir": SUBDIR, **more.pop("info", {})}
    return {"info": info, "packages": {}, "packages.conda": found, **more}


def write(channel: Path, repodata: dict[str, Any], *, plain: bool = False) -> Path:
    """Write a channel whose noarch is empty, in shards unless `plain`."""
    documents = {SUBDIR: repodata, "noarch": {"packages": {}}}
    for subdir, text in documents.items():
        (channel / subdir).mkdir(parents=True, exist_ok=True)
        if plain:
            (channel / subdir / "repodata.json").write_text(json.dumps(text))
        else:
            write_shards(channel / subdir, text, 3)
    return channel


LIBRARY = document(
    record("app", "1.0", "lib >=2", "__unix"),
    record("lib", "1.0"),
    record("lib", "2.0", "base"),
    record("base", "1", constrains=["other <1"]),
    record("other", "1", "lonely"),
    record("lonely", "1"),
)


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    return write(tmp_path / "channel", LIBRARY)


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Index]:
    """Return a function that opens an index on the test's own store."""

    def open_index(*channels: object, offline: bool = False, **keys: Any) -> Index:
        names = [str(c) if isinstance(c, str) else c for c in channels]
        config = Config(**keys)
        store = tmp_path / "store"
        return Index(names, SUBDIR, store=store, offline=offline, config=config)  # type: ignore[arg-type]

    return open_index


def shards_of(paths: list[str]) -> list[str]:
    return [p for p in paths if "/shards/" in p]


def shard_path(channel: Path, name: str) -> Path:
    """Find the shard of a name by what is in it."""
    for path in (channel / SUBDIR / "shards").iterdir():
        with zstandard.open(path) as file:
            text = file.read()
        if f"{name}-1".encode() in text or f"{name}-2".encode() in text:
            return path
    raise LookupError(name)


def names(index: Index, *specs: str) -> dict[str, str]:
    return {r.name: r.version for r in index.solve(specs).records}


# What is fetched, and what is not.


def test_shards__are_all_fetched_for_a_spec_without_a_name(serve, tmp_path, opened):
    repodata = document(record("a", "1", track_features="x"), record("b", "1"))
    server = serve(write(tmp_path / "channel", repodata))
    index = opened(server.url)
    assert names(index, "*[track_features=x]") == {"a": "1"}
    assert len(shards_of(server.paths())) == 2
    assert names(index, "x@") == {"a": "1"}
    assert server.paths() == []


def test_shards__of_many_names_are_not_fetched_for_one_without(serve, tmp_path, opened):
    server = serve(write(tmp_path / "channel", many_names(2049)))
    server.paths()
    with pytest.raises(ChannelError, match="2049 shards would have to be fetched") as e:
        names(opened(server.url), "*[track_features=x]")
    assert "repodata_use_shards: false" in (e.value.hint or "")
    assert shards_of(server.paths()) == []


def many_names(nr: int) -> dict[str, Any]:
    return document(*(record(f"n{i}", "1", license="MIT") for i in range(nr)))


@pytest.mark.parametrize(("nr", "refused"), [(256, False), (257, True)])
def test_spec_without_a_name__matches_so_many_names(tmp_path, opened, nr, refused):
    index = opened(write(tmp_path / "channel", many_names(nr), plain=True))
    if not refused:
        assert names(index, "*[license=MIT]") == {"n0": "1"}
        return
    with pytest.raises(SpecError, match="more than 256 names match it") as e:
        names(index, "*[license=MIT]")
    assert e.value.hint == "name the package, or say more of it"


def test_shards__are_fetched_as_far_as_can_be_reached(serve, channel, opened):
    server = serve(channel)
    index = opened(server.url)
    assert sorted(server.paths()) == [
        f"/{SUBDIR}/{SHARD_INDEX}",
        f"/noarch/{SHARD_INDEX}",
    ]
    assert names(index, "app") == {"app": "1.0", "lib": "2.0", "base": "1"}
    assert len(shards_of(server.paths())) == 3  # not of other, which is constrained
    assert names(index, "app") == {"app": "1.0", "lib": "2.0", "base": "1"}
    assert server.paths() == []


def test_shards__that_were_fetched_count_as_their_channels(serve, channel, opened):
    server = serve(channel)
    told = []
    for _ in range(2):
        with recorder.recording() as recorded:
            names(opened(server.url), "app")
        facts = assembly.assemble(recorded, "solve")
        told.append({c["subdir"]: c for c in facts["channels"]}[SUBDIR])
        stages = {stage["name"]: stage["bytes"] for stage in facts["stages"]}
        received = sum(c["bytes_transferred"] for c in facts["channels"])
        assert received == stages["download indices"]
    shards = sum(shard_path(channel, n).stat().st_size for n in ("app", "lib", "base"))
    index = (channel / SUBDIR / SHARD_INDEX).stat().st_size
    assert [c["bytes_transferred"] for c in told] == [shards + index, 0]
    assert told[0]["names_read"] == 3


def test_shards__are_fetched_once_for_all_time(serve, channel, opened):
    server = serve(channel)
    names(opened(server.url), "app")
    server.paths()
    names(opened(server.url), "app")
    assert sorted(server.paths()) == [
        f"/{SUBDIR}/{SHARD_INDEX}",
        f"/noarch/{SHARD_INDEX}",
    ]
    changed = document(*LIBRARY["packages.conda"].values(), record("lib", "3.0"))
    write(channel, changed)
    assert names(opened(server.url), "app")["lib"] == "3.0"
    assert len(shards_of(server.paths())) == 1


def test_shard_index__is_asked_for_again_when_old(serve, channel, opened, reply):
    server = serve(channel)
    for subdir in (SUBDIR, "noarch"):
        path = f"/{subdir}/{SHARD_INDEX}"
        server.faults[path] = reply(headers={"Cache-Control": "max-age=600"})
    opened(server.url)
    server.paths()
    opened(server.url)
    assert server.paths() == []


def test_shards__offline_are_those_that_were_fetched(serve, channel, opened):
    server = serve(channel)
    names(opened(server.url), "app")
    server.paths()
    index = opened(server.url, offline=True)
    assert names(index, "app")["lib"] == "2.0"
    with pytest.raises(ChannelError, match=r"offline.*other of ") as caught:
        index.solve(["other"])
    assert caught.value.hint
    assert server.paths() == []


def test_shards__of_a_name_nobody_has_are_not_found(serve, channel, opened):
    index = opened(serve(channel).url)
    with pytest.raises(CenvError, match="lonlyx") as caught:
        index.solve(["lonlyx"])
    assert "lonely" in f"{caught.value} {caught.value.hint}"


# Servers without, and the way out.


@pytest.mark.parametrize("status", [404, 403])
def test_channel__without_shards_is_read_whole(serve, tmp_path, opened, reply, status):
    server = serve(write(tmp_path / "plain", LIBRARY, plain=True))
    for subdir in (SUBDIR, "noarch"):
        server.faults[f"/{subdir}/{SHARD_INDEX}"] = reply(status)
    assert names(opened(server.url), "app")["lib"] == "2.0"
    assert f"/{SUBDIR}/{SHARD_INDEX}" in server.paths()
    opened(server.url)
    assert sorted(server.paths()) == [
        f"/{SUBDIR}/repodata.json",
        "/noarch/repodata.json",
    ]


def test_shards__are_looked_for_again_after_a_week(serve, tmp_path, opened):
    channel = write(tmp_path / "plain", LIBRARY, plain=True)
    server = serve(channel)
    opened(server.url)
    for state in (tmp_path / "store/v1/repodata").glob("*.state.json"):
        known = json.loads(state.read_text())
        known["no_shards"] -= 8 * 86400
        state.write_text(json.dumps(known))
    write(channel, LIBRARY)
    server.paths()
    assert names(opened(server.url), "app")["lib"] == "2.0"
    assert len(shards_of(server.paths())) == 3


def test_shards__can_be_turned_off(serve, tmp_path, opened):
    channel = write(tmp_path / "both", LIBRARY, plain=True)
    server = serve(write(channel, LIBRARY))
    opened(server.url)
    server.paths()
    index = opened(server.url, repodata_use_shards=False)
    assert names(index, "app")["lib"] == "2.0"
    assert not any("shards" in path for path in server.paths())


# Broken and hostile ones.


@pytest.mark.parametrize("damage", ["other", "cut", "empty"])
def test_shards__that_are_broken_are_refused(serve, channel, opened, damage):
    path = shard_path(channel, "lib")
    data = path.read_bytes()
    broken = {"other": shard_path(channel, "base").read_bytes(), "cut": data[:-3]}
    path.write_bytes(broken.get(damage, b""))
    index = opened(serve(channel).url)
    with pytest.raises(IntegrityError, match=r"shard of lib .*SHA-256") as caught:
        index.solve(["app"])
    assert path.name in str(caught.value)
    assert "repodata_use_shards" in caught.value.hint
    path.write_bytes(data)
    assert names(index, "app")["lib"] == "2.0"


def pack(value: dict[str, Any]) -> bytes:
    data = json.dumps(value).encode()
    packed: bytes = _native.call(_native.extension.pack_shard, data, 3)
    return packed


def replace_shard(channel: Path, name: str, data: bytes) -> None:
    """Give a name another shard, of a right hash."""
    digest = hashlib.sha256(data).hexdigest()
    (channel / SUBDIR / "shards" / f"{digest}.msgpack.zst").write_bytes(data)
    info = {"base_url": "", "shards_base_url": "shards", "subdir": SUBDIR}
    whole = {"version": 1, "info": info, "shards": {name: digest}}
    (channel / SUBDIR / SHARD_INDEX).write_bytes(pack(whole))


@pytest.mark.parametrize(
    ("shard", "reason"),
    [
        (b"no zstd", "zstd"),
        (pack({"packages": []}), "expected an object of records"),
        (pack({"packages.conda": {}, "removed": 7}), "expected a list"),
    ],
)
def test_shards__of_another_shape_are_refused(serve, channel, opened, shard, reason):
    replace_shard(channel, "lib", shard)
    index = opened(serve(channel).url)
    with pytest.raises(IntegrityError, match=f"shard of lib .*{reason}"):
        index.solve(["lib"])


def test_shards__that_are_missing_are_named(serve, channel, opened):
    path = shard_path(channel, "lib")
    path.unlink()
    index = opened(serve(channel).url)
    with pytest.raises(ChannelError, match=r"shard of lib.*404"):
        index.solve(["app"])


@pytest.mark.parametrize(
    ("value", "kind", "reason"),
    [
        ({"version": 1, "info": {}}, IntegrityError, "no shards"),
        ({"version": 9, "shards": {}}, ChannelError, "version 9"),
        ({"shards": {"a": "00"}}, IntegrityError, "32 bytes"),
        ({"shards": {"a": 7}}, IntegrityError, "expected a string"),
        ({"shards": []}, IntegrityError, "not a map"),
        ({"info": 3, "shards": {}}, IntegrityError, "not a map"),
        ({"info": {"subdir": "win-64"}, "shards": {}}, ChannelError, "of win-64"),
        (
            {"info": {"base_url": "https://u:p@h/"}, "shards": {}},
            ChannelError,
            "credentials",
        ),
        ({"shards": {"a": "0" * 64, "A": "0" * 64}}, IntegrityError, "'a' twice"),
    ],
)
def test_shard_index__of_another_shape_is_refused(
    serve, channel, opened, tmp_path, value, kind, reason
):
    (channel / SUBDIR / SHARD_INDEX).write_bytes(pack(value))
    with pytest.raises(kind, match=f"{SUBDIR}/{SHARD_INDEX}.*{reason}") as caught:
        opened(serve(channel).url)
    assert caught.value.hint
    kept = (tmp_path / "store/v1/repodata").glob("*.shards")
    assert pack(value) not in [path.read_bytes() for path in kept]


@pytest.mark.parametrize("cut", [1, 40])
def test_shard_index__cut_short_is_refused(serve, channel, opened, cut):
    path = channel / SUBDIR / SHARD_INDEX
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(IntegrityError, match=SHARD_INDEX):
        opened(serve(channel).url)


def test_shard_index__does_not_lead_to_files_here(serve, channel, opened):
    info = {"base_url": "", "shards_base_url": f"file://{channel}/{SUBDIR}/shards"}
    value = {"version": 1, "info": info, "shards": {}}
    (channel / SUBDIR / SHARD_INDEX).write_bytes(pack(value))
    with pytest.raises(ChannelError, match="files of this machine"):
        opened(serve(channel).url)


def test_shard_cache__that_is_damaged_is_fetched_again(
    serve, channel, opened, tmp_path
):
    server = serve(channel)
    names(opened(server.url), "app")
    for path in (tmp_path / "store/v1/repodata/shards").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    server.paths()
    assert names(opened(server.url), "app")["lib"] == "2.0"
    assert len(shards_of(server.paths())) == 3


# Where things lie.


def test_shards__send_logins_to_the_same_server_only(serve, channel, opened):
    server, other = serve(channel), serve(channel / SUBDIR)
    for place, login in ((other, False), (server, True)):
        path = "" if place is other else f"/{SUBDIR}"
        info = {"base_url": "", "shards_base_url": f"{place.url}{path}/shards"}
        digest = shard_path(channel, "lonely").name.partition(".")[0]
        value = {"version": 1, "info": info, "shards": {"lonely": digest}}
        (channel / SUBDIR / SHARD_INDEX).write_bytes(pack(value))
        names(opened(f"http://u:secret@{server.netloc}"), "lonely")
        (asked,) = [h for p, h in place.seen if p.endswith(f"{digest}.msgpack.zst")]
        assert ("authorization" in asked) == login
        cached = channel.parent / f"store/v1/repodata/shards/{digest}.msgpack.zst"
        cached.unlink()


@pytest.mark.parametrize(
    ("base_url", "found"),
    [
        ("", "{url}/linux-64"),
        ("../pool", "{url}/pool"),
        ("https://h/x/", "https://h/x"),
    ],
)
def test_base_url__says_where_packages_lie(serve, tmp_path, opened, base_url, found):
    repodata = document(record("a", "1"), info={"base_url": base_url})
    server = serve(write(tmp_path / "c", repodata))
    (got,) = opened(server.url).solve(["a"]).records
    assert got.url == f"{found.format(url=server.url)}/a-1-0.conda"


def test_shards__keep_every_key_of_a_record(serve, tmp_path, opened):
    more = {"run_exports": {"weak": ["a >=1"]}, "new": [1, 2.5, None, {"é": True}]}
    repodata = document(record("a", "1", **more), record("a", "2"))
    repodata["removed"] = ["a-2-0.conda"]
    (got,) = opened(serve(write(tmp_path / "c", repodata)).url).solve(["a"]).records
    assert {key: got.to_json()[key] for key in more} == more
    assert got.sha256 == hashlib.sha256(b"a-1").hexdigest()


def test_local_channel__is_read_in_shards(channel, opened):
    assert names(opened(channel), "app")["lib"] == "2.0"
    path = shard_path(channel, "lib")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match=r"shard of lib .*SHA-256"):
        opened(channel).solve(["app"])


def test_local_channel__leaves_old_shards_unread(channel, opened):
    write(channel, document(record("lib", "9")), plain=True)
    for subdir in (SUBDIR, "noarch"):
        os.utime(channel / subdir / SHARD_INDEX, (1, 1))
    assert names(opened(channel), "lib") == {"lib": "9"}


def test_shards__mix_with_whole_channels(serve, channel, tmp_path, opened):
    plain = write(
        tmp_path / "plain", document(record("top", "1", "app", "leaf")), plain=True
    )
    far = write(tmp_path / "far", document(record("leaf", "1", "lonely")))
    index = opened(serve(channel).url, plain, serve(far).url)
    assert set(names(index, "top")) == {"top", "app", "lib", "base", "leaf", "lonely"}


def test_shards__serve_many_threads(serve, channel, opened):
    from concurrent.futures import ThreadPoolExecutor

    index = opened(serve(channel).url)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: names(index, "app", "lonely"), range(24)))
    assert all(answer == found[0] for answer in found)


# Extras and conditions lead to further shards.


def test_shards__follow_extras_and_conditions(serve, tmp_path, opened):
    extra = record("a", "1", 'c[when="b"]', extra_depends={"x": ["d"]})
    key = "a-1-0"
    records = [record(name, "1") for name in "bcd"]
    repodata = {**document(*records), "v3": {"conda": {key: extra}}}
    index = opened(serve(write(tmp_path / "c", repodata)).url)
    assert set(names(index, "a")) == {"a"}
    assert set(names(index, "a[extras=[x]]", "b")) == {"a", "b", "c", "d"}


# The writer.


def test_index__writes_shards_when_asked(small_channel, tmp_path, opened):
    import shutil

    channel = Path(shutil.copytree(small_channel, tmp_path / "copy"))
    index(channel)
    assert not list(channel.glob(f"*/{SHARD_INDEX}"))
    index(channel, shards=True)
    first = {p: p.read_bytes() for p in channel.rglob("*.msgpack.zst")}
    assert len(first) == 2 + 2  # an index each, tool and data
    index(channel)  # kept up to date from now on
    assert {p: p.read_bytes() for p in channel.rglob("*.msgpack.zst")} == first
    for file in channel.glob("*/repodata.json*"):
        file.unlink()
    platform = next(p.name for p in channel.iterdir() if p.name != "noarch")
    found = Index([channel], platform, store=tmp_path / "store").solve(["tool"])
    assert {r.name for r in found.records} == {"tool", "data"}


# Repodata of conda-forge's kind, both ways.


@pytest.fixture(scope="module")
def whole(repodata: Callable[[str], Path]) -> Path:
    """Return conda-forge as a channel of whole repodata."""
    for subdir in (SUBDIR, "noarch"):
        file = repodata(f"conda-forge/{subdir}")
    return file.parents[1]


@pytest.fixture(scope="module")
def sharded(
    plain_repodata: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return the same channel in shards."""
    top = tmp_path_factory.mktemp("sharded")
    for subdir in (SUBDIR, "noarch"):
        (top / subdir).mkdir()
        document = json.loads(plain_repodata(f"conda-forge/{subdir}").read_bytes())
        write_shards(top / subdir, document, 1)
    return top


def essence(solution: Any) -> list[dict[str, Any]]:
    place = ("channel", "url")
    return [
        {k: v for k, v in r.to_json().items() if k not in place}
        for r in solution.records
    ]


@pytest.mark.parametrize(
    "specs",
    [
        ["python=3.12", "numpy", "pandas", "scipy"],
        ["jupyterlab"],
        ["gdal", "geopandas", "xarray", "dask"],
        ["pytorch"],
        ["r-base"],
        ["ros-jazzy-desktop"],
        ["python=3.13", "scipy=1.10"],
        ["numpy=1.21", "pandas>=3"],
        ["libgdal-core=3.13", "openssl<3"],
    ],
    ids=" ".join,
)
def test_shards__of_large_channels_give_the_same_answer(whole, sharded, opened, specs):
    answers = []
    for channel in (whole, sharded):
        try:
            answers.append(essence(opened(channel).solve(specs)))
        except CenvError as error:
            answers.append(str(error))
    assert answers[0] == answers[1]
