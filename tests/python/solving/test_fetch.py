# SPDX-License-Identifier: BSD-3-Clause
"""Repodata and packages over HTTP, from servers good and bad, and from this machine."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from cenv import _native
from cenv.errors import CenvError, ChannelError, IntegrityError

SECRET = "canary-1234567890"


def open_store(path: Path) -> Any:
    return _native.extension.Store(os.fsencode(path))


def fetch_repodata(store: Any, *urls: str, **options: Any) -> Any:
    """Ask for the repodata of each subdir URL; noarch is required."""
    wanted = [{"url": url, "required": url.endswith("/noarch")} for url in urls]
    request = {"repodata": wanted, **options}
    return _native.call(store.fetch_repodata, json.dumps(request))


def fetch(store: Any, records: list[dict[str, Any]], **options: Any) -> Any:
    return _native.call(store.fetch_packages, json.dumps(records), json.dumps(options))


def records_of(channel: Path, base: str) -> list[dict[str, Any]]:
    """Return the channel's records as the solver would hand them over."""
    found = []
    for subdir in sorted(path.parent for path in channel.glob("*/repodata.json")):
        repodata = json.loads((subdir / "repodata.json").read_text())
        for key in ("packages", "packages.conda"):
            for name, record in repodata[key].items():
                url = f"{base}/{subdir.name}/{name}"
                found.append({**record, "fn": name, "url": url})
    return found


def is_empty(store: Path) -> bool:
    """Tell whether nothing is published and nothing half-made is left."""
    published = list((store / "v1/pkgs").glob("*/*"))
    return not published and not list((store / "v1/tmp").iterdir())


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def channel(small_channel: Path, tmp_path: Path) -> Path:
    """Return a copy of the small channel, to be damaged."""
    return shutil.copytree(small_channel, tmp_path / "copy")


def subdir_of(channel: Path) -> str:
    return next(p.name for p in channel.iterdir() if p.name != "noarch")


# Repodata.


def test_repodata__prefers_zst_and_keeps_its_etag(serve, channel, place):
    server = serve(channel)
    url = f"{server.url}/noarch"
    store = open_store(place)
    (first,) = fetch_repodata(store, url)
    assert server.paths() == ["/noarch/repodata.json.zst"]
    assert first["url"] == f"{url}/repodata.json"
    assert (first["hit"], Path(first["path"]).suffix) == (False, ".zst")
    (second,) = fetch_repodata(store, url)
    asked = server.seen[0][1]
    assert asked["if-none-match"].strip('"')
    assert (second["hit"], second["identity"]) == (True, first["identity"])
    assert second["path"] == first["path"]


def test_repodata__falls_back_to_json_and_remembers_that(serve, channel, place):
    (channel / "noarch/repodata.json.zst").unlink()
    server = serve(channel)
    store = open_store(place)
    fetch_repodata(store, f"{server.url}/noarch")
    assert server.paths() == ["/noarch/repodata.json.zst", "/noarch/repodata.json"]
    (again,) = fetch_repodata(store, f"{server.url}/noarch")
    assert server.paths() == ["/noarch/repodata.json"]
    assert again["hit"]


def test_repodata__that_changed_is_another(serve, channel, place):
    server = serve(channel)
    store = open_store(place)
    (first,) = fetch_repodata(store, f"{server.url}/noarch")
    (channel / "noarch/repodata.json.zst").unlink()
    (channel / "noarch/repodata.json").write_text('{"packages": {}, "info": {}}')
    (second,) = fetch_repodata(store, f"{server.url}/noarch")
    assert not second["hit"]
    assert second["identity"] != first["identity"]


def test_repodata__altered_in_the_store_is_fetched_again(serve, channel, place):
    server = serve(channel)
    store = open_store(place)
    (first,) = fetch_repodata(store, f"{server.url}/noarch")
    Path(first["path"]).write_bytes(b"altered")
    (second,) = fetch_repodata(store, f"{server.url}/noarch")
    assert "if-none-match" not in server.seen[-1][1]
    assert (second["hit"], second["identity"]) == (False, first["identity"])


@pytest.mark.parametrize(
    ("header", "ttl", "asked"),
    [
        ("max-age=600", None, 0),
        ("no-cache", None, 1),
        ("max-age=600", 0, 1),
        ("", 600, 0),
    ],
)
def test_repodata__is_fresh_for_as_long_as_said(
    serve, reply, channel, place, header, ttl, asked
):
    server = serve(channel)
    server.faults["/noarch/repodata.json.zst"] = reply(
        headers={"Cache-Control": header}
    )
    store = open_store(place)
    fetch_repodata(store, f"{server.url}/noarch")
    server.seen.clear()
    (second,) = fetch_repodata(store, f"{server.url}/noarch", ttl=ttl)
    assert second["hit"]
    assert len(server.paths()) == asked


def test_repodata__of_an_absent_subdir_may_be_missing(serve, channel, place):
    server = serve(channel)
    store = open_store(place)
    found = fetch_repodata(store, f"{server.url}/linux-32", f"{server.url}/noarch")
    assert found[0] is None
    assert found[1]["path"]
    shutil.rmtree(channel / "noarch")
    with pytest.raises(ChannelError, match=r"does not exist \(HTTP 404\)") as caught:
        fetch_repodata(open_store(place / "other"), f"{server.url}/noarch")
    assert f"{server.url}/noarch" in str(caught.value)


@pytest.mark.parametrize(
    ("body", "error", "text"),
    [
        (b"<html>not found</html>", ChannelError, "it is not JSON"),
        (b"", ChannelError, "it is not JSON"),
        (b'{"packages": {', IntegrityError, "its JSON is cut short"),
    ],
)
def test_repodata__that_is_none_is_refused(
    serve, reply, channel, place, body, error, text
):
    server = serve(channel)
    server.faults["/noarch/repodata.json.zst"] = reply(404)
    server.faults["/noarch/repodata.json"] = reply(body=body)
    with pytest.raises(error, match=text) as caught:
        fetch_repodata(open_store(place), f"{server.url}/noarch")
    assert f"{server.url}/noarch/repodata.json" in str(caught.value)
    assert not list((place / "v1/repodata").iterdir())


PAGE = b"<!DOCTYPE html><title>login</title>"


@pytest.mark.parametrize("form", ["repodata.json.zst", "repodata_shards.msgpack.zst"])
@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ({"body": PAGE, "headers": {"Content-Type": "text/html"}}, "zstd"),
        ({"body": b""}, "bad repodata from"),
        ({"status": 401}, "HTTP 401"),
        ({"status": 501}, "HTTP 501"),
        ({"cut": 10, "headers": {"Content-Length": "4000"}}, ""),
    ],
)
def test_repodata__in_a_broken_better_form_is_the_plain_one(
    serve, reply, channel, place, form, fault, why
):
    server = serve(channel)
    (channel / "noarch/repodata.json.zst").unlink(missing_ok=True)
    body = b"x" * 4000 if "cut" in fault else None
    server.faults[f"/noarch/{form}"] = reply(**{"body": body, **fault})
    store = open_store(place)
    (found,) = fetch_repodata(store, f"{server.url}/noarch", shards=True)
    assert Path(found["path"]).suffix == ".json"
    assert not found["shards"]
    (note,) = found["notes"]
    assert note.startswith("the plain repodata.json is taken instead: ")
    assert form in note
    assert why in note
    server.faults.clear()
    server.seen.clear()
    fetch_repodata(store, f"{server.url}/noarch", shards=True)
    assert f"/noarch/{form}" in server.paths()  # it is asked for again


def test_repodata__of_a_server_that_is_gone_is_asked_for_once(place):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    network = {"remote_max_retries": 0}
    with pytest.raises(ChannelError, match="repodata_shards"):
        fetch_repodata(open_store(place), f"{url}/noarch", shards=True, network=network)


def test_repodata__cut_short_in_every_form_is_refused(serve, channel, place):
    for name in ("repodata.json.zst", "repodata.json"):
        whole = (channel / "noarch" / name).read_bytes()
        (channel / "noarch" / name).write_bytes(whole[:-4])
    server = serve(channel)
    with pytest.raises(IntegrityError, match="its JSON is cut short"):
        fetch_repodata(open_store(place), f"{server.url}/noarch")


@pytest.mark.parametrize("value", ["-5", "+5", "-1e9", "soon", "0x7f", ""])
def test_repodata__a_bad_retry_after_is_ignored(serve, reply, channel, place, value):
    server = serve(channel)
    fault = reply(503, headers={"Retry-After": value}, times=3)
    server.faults["/noarch/repodata.json.zst"] = fault
    (found,) = fetch_repodata(open_store(place), f"{server.url}/noarch")
    assert Path(found["path"]).suffix == ".zst"
    assert len(server.paths()) == 4  # a minute before each would be the test's end


def test_repodata__offline_is_what_was_fetched(serve, channel, place):
    server = serve(channel)
    store = open_store(place)
    url = f"{server.url}/noarch"
    with pytest.raises(ChannelError, match="has never been fetched") as caught:
        fetch_repodata(store, url, offline=True)
    assert url in str(caught.value)
    assert caught.value.hint == "run once without --offline"
    assert server.paths() == []
    fetch_repodata(store, url)
    server.seen.clear()
    (found,) = fetch_repodata(store, url, offline=True)
    assert found["hit"]
    assert server.paths() == []


def test_repodata__on_this_machine_is_read_in_place(channel, place):
    store = open_store(place)
    for url in (f"file://{channel}/noarch", f"{channel}/noarch"):
        (found,) = fetch_repodata(store, url)
        assert found["path"] == str(channel / "noarch/repodata.json")
        assert found["url"] == f"file://{channel}/noarch/repodata.json"
    assert fetch_repodata(store, f"{channel}/linux-32") == [None]
    with pytest.raises(ChannelError, match=r"has no repodata\.json"):
        fetch_repodata(store, f"{channel}/none/noarch")


@pytest.mark.parametrize("url", ["ftp://host/noarch", "file:noarch", "noarch"])
def test_repodata__of_an_odd_url_is_refused(place, url):
    with pytest.raises(ChannelError, match="only http, https and file URLs"):
        fetch_repodata(open_store(place), url)


# Packages.


def test_packages__arrive_once(serve, channel, place):
    server = serve(channel)
    records = records_of(channel, server.url)
    store = open_store(place)
    found = fetch(store, records)
    assert [record["fn"] for record in found] == [record["fn"] for record in records]
    assert sorted(server.paths()) == sorted(
        r["url"][len(server.url) :] for r in records
    )
    for record in records:
        entry = place / "v1/pkgs" / record["sha256"][:2] / record["sha256"]
        index = json.loads((entry / "content/info/index.json").read_text())
        assert index["name"] == record["name"]
        assert (entry / "manifest").stat().st_size > 0
    fetch(store, records)
    assert server.paths() == []
    assert not list((place / "v1/tmp").iterdir())


def test_packages__come_from_a_directory(channel, place):
    records = records_of(channel, f"file://{channel}")
    fetch(open_store(place), records, offline=True)
    assert len(list((place / "v1/pkgs").glob("*/*"))) == len(records)


def test_packages__are_described_by_themselves(serve, channel, place):
    server = serve(channel)
    (full, *_others) = records_of(channel, server.url)
    (found,) = fetch(open_store(place), [{"url": full["url"]}])
    for key in ("name", "version", "build", "sha256", "size", "fn"):
        assert found[key] == full[key]
    (again,) = fetch(open_store(place), [{"url": full["url"]}], offline=True)
    assert again["name"] == full["name"], (
        "the hash learnt from the download is remembered"
    )


def test_packages__without_sha256_are_checked_by_md5(serve, channel, place):
    server = serve(channel)
    (full, *_others) = records_of(channel, server.url)
    record = {key: full[key] for key in ("url", "name", "version", "build", "md5")}
    (found,) = fetch(open_store(place), [record])
    assert found["sha256"] == full["sha256"]
    with pytest.raises(IntegrityError, match="its MD5 is"):
        fetch(open_store(place / "b"), [{**record, "md5": "0" * 32}])
    assert is_empty(place / "b")


def test_packages__cut_short_are_fetched_again(serve, reply, channel, place):
    server = serve(channel)
    (record, *_others) = records_of(channel, server.url)
    path = record["url"][len(server.url) :]
    server.faults[path] = reply(cut=100, times=1)
    fetch(open_store(place), [record])
    assert server.paths() == [path, path]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_failures__that_pass_are_tried_again(serve, reply, channel, place, status):
    server = serve(channel)
    (record, *_others) = records_of(channel, server.url)
    path = record["url"][len(server.url) :]
    server.faults[path] = reply(status, times=2)
    fetch(open_store(place), [record])
    assert server.paths() == [path] * 3


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (401, "wants a login"),
        (403, "access is refused"),
        (404, "not there"),
        (410, "HTTP 410"),
    ],
)
def test_failures__that_last_are_not_tried_again(
    serve, reply, channel, place, status, text
):
    server = serve(channel)
    (record, *_others) = records_of(channel, server.url)
    path = record["url"][len(server.url) :]
    server.faults[path] = reply(status)
    with pytest.raises(ChannelError, match=text) as caught:
        fetch(open_store(place), [record])
    assert record["fn"] in str(caught.value)
    assert record["url"] in str(caught.value)
    assert caught.value.hint
    assert server.paths() == [path]
    assert is_empty(place)


def test_server__that_is_not_there_is_one_message(channel, place):
    (record, *_others) = records_of(channel, "http://127.0.0.1:1")
    record["url"] = record["url"].replace("http://", f"http://user:{SECRET}@")
    with pytest.raises(ChannelError, match="cannot fetch http://") as caught:
        fetch(open_store(place), [record])
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("change", ["flip", "cut", "grow", "other"])
def test_packages__of_wrong_bytes_are_never_published(serve, channel, place, change):
    server = serve(channel)
    (record, other, *_others) = records_of(channel, server.url)
    file = channel / record["url"][len(server.url) + 1 :]
    data = file.read_bytes()
    middle = len(data) // 2
    file.write_bytes(
        {
            "flip": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
            "cut": data[:middle],
            "grow": data + b"more",
            "other": (channel / other["url"][len(server.url) + 1 :]).read_bytes(),
        }[change]
    )
    with pytest.raises(IntegrityError) as caught:
        fetch(open_store(place), [record])
    assert record["fn"] in str(caught.value)
    assert is_empty(place)
    file.write_bytes(data)
    fetch(open_store(place), [record])


def test_packages__of_another_record_are_refused(channel, place):
    (record, *_others) = records_of(channel, f"file://{channel}")
    with pytest.raises(IntegrityError, match="its record says version"):
        fetch(open_store(place), [{**record, "version": "9"}])
    assert is_empty(place)


def test_failures__keep_what_arrived(serve, reply, channel, place):
    server = serve(channel)
    records = records_of(channel, server.url)
    small = min(records, key=lambda record: record["size"])
    server.faults[small["url"][len(server.url) :]] = reply(404)
    with pytest.raises(ChannelError):
        fetch(open_store(place), records)
    assert not list((place / "v1/tmp").iterdir())
    server.faults.clear()
    server.seen.clear()
    fetch(open_store(place), records)
    assert small["url"][len(server.url) :] in server.paths()


def test_offline__names_what_is_missing(serve, channel, place):
    server = serve(channel)
    records = records_of(channel, server.url)
    store = open_store(place)
    fetch(store, records[:1])
    server.seen.clear()
    with pytest.raises(ChannelError, match="--offline forbids") as caught:
        fetch(store, records, offline=True)
    assert records[0]["fn"] not in str(caught.value)
    assert records[1]["fn"] in str(caught.value)
    assert server.paths() == []


def test_packages__altered_are_extracted_again(channel, place):
    (record, *_others) = records_of(channel, f"file://{channel}")
    store = open_store(place)
    fetch(store, [record])
    entry = place / "v1/pkgs" / record["sha256"][:2] / record["sha256"]
    index = entry / "content/info/index.json"
    before = index.read_bytes()
    index.write_bytes(b"altered")
    fetch(store, [record])
    assert index.read_bytes() == before


# Secrets.


@pytest.mark.parametrize("shape", ["token", "password"])
def test_secrets__reach_the_server_and_nothing_else(
    serve, channel, tmp_path, place, shape
):
    top = tmp_path / "top"
    prefix = f"t/{SECRET}/" if shape == "token" else ""
    shutil.copytree(channel, top / prefix / "chan")
    server = serve(top)
    login = f"user:{SECRET}@" if shape == "password" else ""
    secret = f"http://{login}{server.netloc}/{prefix}chan"
    safe = f"http://{server.netloc}/chan"
    store = open_store(place)
    (found,) = fetch_repodata(store, f"{secret}/noarch")
    assert found["url"] == f"{safe}/noarch/repodata.json"
    records = records_of(channel, safe)
    out = fetch(store, records, secrets={safe: secret})
    sent = server.seen[-1]
    assert SECRET in sent[0] or "authorization" in sent[1]
    missing = [
        {**records[0], "url": f"{safe}/noarch/none-1-0.conda", "sha256": "0" * 64}
    ]
    with pytest.raises(ChannelError) as caught:
        fetch(store, missing, secrets={safe: secret})
    assert SECRET not in json.dumps([found, out]) + str(caught.value) + str(
        caught.value.hint
    )
    for path in place.rglob("*"):
        assert SECRET not in str(path)
        assert not path.is_file() or SECRET.encode() not in path.read_bytes()


def test_redirects__take_no_login_along(serve, reply, channel, place):
    other, server = serve(channel), serve(channel)
    (record, *_others) = records_of(channel, server.url)
    path = record["url"][len(server.url) :]
    server.faults[path] = reply(302, headers={"Location": other.url + path})
    secrets = {server.url: server.url.replace("://", f"://user:{SECRET}@")}
    fetch(open_store(place), [record], secrets=secrets)
    assert "authorization" in server.seen[0][1]
    assert "authorization" not in other.seen[0][1]


def test_redirects__end(serve, reply, channel, place):
    server = serve(channel)
    (record, *_others) = records_of(channel, server.url)
    path = record["url"][len(server.url) :]
    server.faults[path] = reply(302, headers={"Location": record["url"]})
    with pytest.raises(ChannelError, match="redirects"):
        fetch(open_store(place), [record])
    assert len(server.paths()) == 11


# Several at once.


def _fetch_in_child(place: Path, records: list[dict[str, Any]], results: Any) -> None:
    try:
        results.put(len(fetch(open_store(place), records)))
    except CenvError as error:
        results.put(str(error))


def test_processes__share_the_work(serve, channel, place):
    server = serve(channel)
    records = records_of(channel, server.url)
    open_store(place)
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    children = [
        context.Process(target=_fetch_in_child, args=(place, records, results))
        for _ in range(4)
    ]
    for child in children:
        child.start()
    assert [results.get(timeout=60) for _ in children] == [len(records)] * 4
    for child in children:
        child.join()
    assert sorted(server.paths()) == sorted(
        r["url"][len(server.url) :] for r in records
    )


# Package caches of other tools.


def test_package_cache__serves_before_the_server(serve, channel, place, tmp_path):
    server = serve(channel)
    records = records_of(channel, server.url)
    cache = tmp_path / "pkgs"
    cache.mkdir()
    for record in records:
        shutil.copy(channel / record["url"][len(server.url) + 1 :], cache)
    before = sorted(cache.iterdir())
    fetch(open_store(place), records, pkgs_dirs=[str(cache)])
    assert server.paths() == []
    assert sorted(cache.iterdir()) == before
    (cache / records[0]["fn"]).write_bytes(b"damaged")
    fetch(open_store(place / "b"), records, pkgs_dirs=[str(cache)])
    assert server.paths() == [records[0]["url"][len(server.url) :]]
    digest = hashlib.sha256(
        (channel / records[0]["url"][len(server.url) + 1 :]).read_bytes()
    )
    assert digest.hexdigest() == records[0]["sha256"]
