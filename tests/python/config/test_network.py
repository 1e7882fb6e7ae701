# SPDX-License-Identifier: BSD-3-Clause
"""The network as .condarc and the environment shape it, and bodies that break off."""

from __future__ import annotations

import hashlib
import json
import os
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cenv import _native
from cenv.config.config import Config
from cenv.errors import ChannelError
from cenv.solving.index import Index

TEXT = json.dumps({"info": {"subdir": "noarch"}, "packages": {}})


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what the machine says about proxies and certificates."""
    for name in list(os.environ):
        known = (
            "REQUESTS_CA_BUNDLE",
            "CURL_CA_BUNDLE",
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
        )
        if name.lower().endswith("_proxy") or name in (*known, "NETRC"):
            monkeypatch.delenv(name)


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    top = tmp_path / "channel"
    (top / "noarch").mkdir(parents=True)
    (top / "noarch/repodata.json").write_text(TEXT)
    return top


@pytest.fixture
def ask(tmp_path: Path):
    """Return a function that fetches a channel's noarch under some settings."""

    def fetch(url: str, **settings: Any) -> Any:
        config = Config(**settings)
        wanted = [{"url": f"{url}/noarch", "required": True}]
        request = {**config.connecting(), "ttl": 0, "repodata": wanted}
        store = _native.extension.Store(os.fsencode(tmp_path / "store"))
        (found,) = _native.call(store.fetch_repodata, json.dumps(request))
        return found

    return fetch


# Certificates.


def openssl(folder: Path, *command: str) -> None:
    done = ["openssl", *command]
    subprocess.run(done, cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with an authority and what it signed: a server and a client."""
    folder = tmp_path_factory.mktemp("ca")
    key = ("-newkey", "rsa:2048", "-nodes", "-days", "2")
    openssl(
        folder,
        *("req", "-x509", *key, "-subj", "/CN=test authority"),
        *("-keyout", "ca.key", "-out", "ca.pem"),
    )
    names = {"server": "subjectAltName=IP:127.0.0.1", "client": "subjectAltName=DNS:me"}
    for name, alternative in names.items():
        (folder / f"{name}.ext").write_text(alternative)
        files = ("-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl(folder, "req", *key[:3], "-subj", f"/CN={name}", *files)
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2")
        files = ("-in", f"{name}.csr", "-out", f"{name}.pem")
        openssl(folder, "x509", "-req", *signed, *files, "-extfile", f"{name}.ext")
    (folder / "hashed").mkdir()
    (folder / "hashed/ca.pem").write_bytes((folder / "ca.pem").read_bytes())
    openssl(folder, "rehash", "hashed")
    return folder


@pytest.fixture
def secure(serve, channel, authority):
    """Return a server whose certificate no system knows."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(authority / "server.pem", authority / "server.key")
    return serve(channel, tls)


def test_certificate__that_is_unknown_is_refused(secure, ask):
    with pytest.raises(ChannelError, match="certificate") as caught:
        ask(secure.url)
    assert "SSL_CERT_FILE" in caught.value.hint
    assert secure.paths() == []


def test_redirect__from_https_to_http_is_refused(
    secure, serve, reply, channel, ask, authority
):
    plain = serve(channel)
    for path in ("/noarch/repodata.json", "/noarch/repodata.json.zst"):
        secure.faults[path] = reply(302, headers={"Location": plain.url + path})
    with pytest.raises(ChannelError):
        ask(secure.url, ssl_verify=str(authority / "ca.pem"))
    assert secure.paths() != []
    assert plain.paths() == []


@pytest.mark.parametrize("verify", ["{ca}/ca.pem", "{ca}/hashed", False])
def test_ssl_verify__says_whom_to_trust(secure, ask, authority, verify):
    where = verify.format(ca=authority) if verify else verify
    assert ask(secure.url, ssl_verify=where)["bytes"] == len(TEXT)


@pytest.mark.parametrize(
    "name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"]
)
def test_ssl_variables__say_whom_to_trust(secure, ask, authority, monkeypatch, name):
    place = "hashed" if name.endswith("DIR") else "ca.pem"
    monkeypatch.setenv(name, str(authority / place))
    assert ask(secure.url)
    with pytest.raises(ChannelError, match="certificate"):
        ask(secure.url, ssl_verify="truststore")


def test_ssl_verify__comes_before_the_environment(secure, ask, authority, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority / "client.pem"))
    assert ask(secure.url, ssl_verify=str(authority / "ca.pem"))
    with pytest.raises(ChannelError, match="certificate"):
        ask(secure.url)


def test_client_certificate__is_shown(serve, channel, ask, authority):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(authority / "server.pem", authority / "server.key")
    tls.load_verify_locations(authority / "ca.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    url = serve(channel, tls).url
    trust = {"ssl_verify": str(authority / "ca.pem"), "remote_max_retries": 0}
    with pytest.raises(ChannelError):
        ask(url, **trust)
    own = {
        "client_ssl_cert": str(authority / "client.pem"),
        "client_ssl_cert_key": str(authority / "client.key"),
    }
    assert ask(url, **trust, **own)
    both = authority / "both.pem"
    both.write_bytes(
        b"".join((authority / f"client.{x}").read_bytes() for x in ("pem", "key"))
    )
    assert ask(url, **trust, client_ssl_cert=str(both))


# Proxies.

FAR = "http://channel.invalid:81"


@pytest.mark.parametrize(
    ("configured", "environment", "taken"),
    [
        ({"http": "a"}, {}, "a"),
        ({"http://channel.invalid": "a", "http": "b"}, {}, "a"),
        ({"all": "a"}, {}, "a"),
        ({"all://channel.invalid": "a", "all": "b"}, {}, "a"),
        ({"http": "a", "all": "b", "https": "b"}, {}, "a"),
        ({"http://other.invalid": "b", "all": "a"}, {}, "a"),
        ({}, {"http_proxy": "a"}, "a"),
        ({}, {"HTTP_PROXY": "a"}, "a"),
        ({}, {"ALL_PROXY": "a"}, "a"),
        ({"http": "b"}, {"http_proxy": "a"}, "a"),
        ({"http://channel.invalid": "a"}, {"http_proxy": "b"}, "a"),
        ({}, {"HTTPS_PROXY": "a"}, None),
        ({}, {"http_proxy": "a", "no_proxy": "channel.invalid"}, None),
        ({"http": "a"}, {"NO_PROXY": ".invalid"}, None),
        ({}, {"HTTP_PROXY": "a", "REQUEST_METHOD": "GET"}, None),
    ],
)
def test_proxy__is_chosen_as_conda_chooses(
    serve, channel, ask, monkeypatch, configured, environment, taken
):
    proxies = {name: serve(channel) for name in "ab"}
    for name, value in environment.items():
        url = proxies[value].url if value in proxies else value
        monkeypatch.setenv(name, url)
    settings = {where: proxies[name].url for where, name in configured.items()}
    if taken is None:
        with pytest.raises(ChannelError, match="resolve"):
            ask(FAR, proxy_servers=settings, remote_max_retries=0)
    else:
        assert ask(FAR, proxy_servers=settings)
    asked = {name for name, proxy in proxies.items() if proxy.seen}
    assert asked == ({taken} if taken else set())


def test_proxy__gets_its_login_and_nobody_sees_it(serve, channel, ask, reply):
    proxy = serve(channel)
    url = f"http://me:canary@{proxy.netloc}"
    assert ask(FAR, proxy_servers={"http": url})
    assert proxy.seen[0][1]["proxy-authorization"].startswith("Basic ")
    proxy.faults[f"{FAR}/noarch/repodata.json"] = reply(407)
    with pytest.raises(ChannelError, match="proxy wants a login") as caught:
        ask(FAR, proxy_servers={"http": url})
    assert "canary" not in f"{caught.value} {caught.value.hint}"


def test_netrc__gives_the_login(serve, channel, ask, monkeypatch, tmp_path):
    server = serve(channel)
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password word\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    ask(server.url)
    assert server.seen[0][1]["authorization"].startswith("Basic ")


# Patience.


@pytest.mark.parametrize("retries", [0, 2])
def test_retries__are_counted(serve, channel, ask, reply, retries):
    server = serve(channel)
    path = "/noarch/repodata.json"
    server.faults[path] = reply(503)
    with pytest.raises(ChannelError, match="503"):
        ask(server.url, remote_max_retries=retries)
    assert server.paths().count(path) == retries + 1


def test_read_timeout__leaves_a_silent_server(serve, channel, ask, reply):
    server = serve(channel)
    server.faults["/noarch/repodata.json"] = reply(stall=6)
    patience = {"remote_read_timeout_secs": 1.0, "remote_max_retries": 0}
    with pytest.raises(ChannelError) as caught:
        ask(server.url, **patience)
    assert "too slow" in caught.value.hint


def test_offline__opens_no_socket(serve, channel, tmp_path):
    server = serve(channel)
    config = Config(channels=(server.url,), offline=True)
    with pytest.raises(ChannelError, match="offline"):
        Index(config=config, store=tmp_path / "store")
    assert server.paths() == []


# Bodies that break off.


@pytest.fixture
def package(small_channel: Path) -> Path:
    return min(small_channel.glob("*/data-3.0*"))


def fetch(store: Path, server: Any, package: Path) -> Any:
    """Fetch one package and return the requests this took."""
    data = package.read_bytes()
    record = {
        **dict(zip(("name", "version", "build"), package.stem.rsplit("-", 2))),
        "fn": package.name,
        "url": f"{server.url}/{package.name}",
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    _native.call(
        _native.extension.Store(os.fsencode(store)).fetch_packages,
        json.dumps([record]),
        "{}",
    )
    return [headers for _path, headers in server.seen]


@pytest.mark.parametrize("part", [0, 1, 50, 99])
def test_download__goes_on_where_it_broke_off(serve, package, reply, tmp_path, part):
    server = serve(package.parent)
    size = package.stat().st_size
    cut = size - 1 if part == 99 else size * part // 100
    server.faults[f"/{package.name}"] = reply(cut=cut, times=1)
    first, second = fetch(tmp_path, server, package)
    assert "range" not in first
    assert second.get("range") == (f"bytes={cut}-" if cut else None)
    assert ("if-range" in second) == bool(cut)


def test_download__may_break_off_twice(serve, package, reply, tmp_path):
    server = serve(package.parent)
    server.faults[f"/{package.name}"] = reply(cut=100, times=2)
    asked = fetch(tmp_path, server, package)
    assert [h.get("range") for h in asked] == [None, "bytes=100-", "bytes=200-"]


def test_download__starts_over_without_ranges(serve, package, reply, tmp_path):
    server = serve(package.parent)
    server.ranges = False
    server.faults[f"/{package.name}"] = reply(cut=100, times=1)
    assert len(fetch(tmp_path, server, package)) == 2


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 416},
        {"status": 206, "body": b"x" * 50},
        {
            "status": 206,
            "body": b"x" * 50,
            "headers": {"Content-Range": "bytes 7-56/999"},
        },
    ],
    ids=["416", "no range", "another range"],
)
def test_download__starts_over_after_an_answer_that_does_not_fit(
    serve, package, reply, tmp_path, answer
):
    server = serve(package.parent)
    path = f"/{package.name}"
    server.faults[path] = reply(cut=100, times=1)
    usual, replies = server.reply, []

    def answers(asked: str, headers: dict[str, str]) -> Any:
        replies.append(headers)
        found = usual(asked, headers)
        return reply(**answer) if len(replies) == 2 else found

    server.reply = answers
    fetch(tmp_path, server, package)
    assert [h.get("range") for h in replies] == [None, "bytes=100-", None]


def test_download__takes_a_weak_version_for_no_promise(serve, package, reply, tmp_path):
    server = serve(package.parent)
    fault = reply(cut=100, times=1, headers={"ETag": 'W/"1"'})
    server.faults[f"/{package.name}"] = fault
    _first, second = fetch(tmp_path, server, package)
    assert "range" not in second
