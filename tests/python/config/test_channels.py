# SPDX-License-Identifier: BSD-3-Clause
"""What names, URLs and paths of channels stand for, as conda has it."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import re
from pathlib import Path

import pytest

from cenv.config.channels import resolve
from cenv.config.config import Config
from cenv.config.urls import redact
from cenv.errors import ChannelError

ALIAS = "https://conda.anaconda.org"
MAIN = "https://repo.anaconda.com/pkgs"
CONFIG = Config(
    custom_channels={
        "mine": "https://u:p@my.host/conda",
        "deep/mine": "https://other/t/tk-1",
        "local": "file:///srv/channels",
    },
    custom_multichannels={"both": ("group-b", "https://h/a"), "none": ()},
)

CASES: dict[str, list[tuple[str, str, str | None]]] = {
    "conda-forge": [("conda-forge", f"{ALIAS}/conda-forge", None)],
    "conda-forge/label/rc": [
        ("conda-forge/label/rc", f"{ALIAS}/conda-forge/label/rc", None)
    ],
    "group-b": [("group-b", f"{ALIAS}/group-b", "both")],
    "https://h/a/label/x": [("a/label/x", "https://h/a/label/x", None)],
    "defaults": [
        ("pkgs/main", f"{MAIN}/main", "defaults"),
        ("pkgs/r", f"{MAIN}/r", "defaults"),
    ],
    "pkgs/main": [("pkgs/main", f"{MAIN}/main", "defaults")],
    "pkgs/free": [("pkgs/free", f"{ALIAS}/pkgs/free", None)],
    f"{MAIN}/main": [("pkgs/main", f"{MAIN}/main", "defaults")],
    f"{MAIN}/main/linux-64": [("pkgs/main", f"{MAIN}/main", "defaults")],
    f"{MAIN}/free": [(f"{MAIN}/free", f"{MAIN}/free", None)],
    "both": [
        ("group-b", f"{ALIAS}/group-b", "both"),
        ("a", "https://h/a", "both"),
    ],
    "none": [],
    "nodefaults": [],
    "file://localhost/srv/c": [("file:///srv/c", "file:///srv/c", None)],
    "mine": [("mine", "https://my.host/conda/mine", None)],
    "mine/label/dev": [
        ("mine/label/dev", "https://my.host/conda/mine/label/dev", None)
    ],
    "https://my.host/conda/mine/x": [("mine/x", "https://my.host/conda/mine/x", None)],
    "deep/mine": [("deep/mine", "https://other/deep/mine", None)],
    "local": [("local", "file:///srv/channels/local", None)],
    f"{ALIAS}/bioconda": [("bioconda", f"{ALIAS}/bioconda", None)],
    "http://conda.anaconda.org/t/tk-9/bioconda": [
        ("bioconda", "http://conda.anaconda.org/bioconda", None)
    ],
    "https://me:pw@host:8080/a/b/": [
        ("https://host:8080/a/b", "https://host:8080/a/b", None)
    ],
    "https://host": [("https://host", "https://host", None)],
    "file:///srv/c/": [("file:///srv/c", "file:///srv/c", None)],
    "/srv/c": [("file:///srv/c", "file:///srv/c", None)],
    "/srv/with space": [("file:///srv/with%20space", "file:///srv/with%20space", None)],
    "/srv/../etc/./c": [("file:///etc/c", "file:///etc/c", None)],
}


@pytest.mark.parametrize("text", CASES)
def test_resolve__gives_the_urls_of_conda(text: str) -> None:
    found = resolve([text], CONFIG)
    assert [(c.name, c.safe_url, c.multichannel) for c in found] == CASES[text]


def test_channel__shows_secrets_only_in_urls_to_open() -> None:
    secret = "https://user:pass@h/t/tk-77/chan/linux-64?sig=qq-1"
    (channel,) = resolve([secret], CONFIG)
    assert channel.url.for_request == "https://user:pass@h/t/tk-77/chan?sig=qq-1"
    urls = list(channel.subdir_urls("osx-64"))
    assert urls == [
        ("linux-64", "https://h/chan/linux-64"),
        ("noarch", "https://h/chan/noarch"),
    ]
    assert [url.for_request for _subdir, url in urls] == [
        "https://user:pass@h/t/tk-77/chan/linux-64?sig=qq-1",
        "https://user:pass@h/t/tk-77/chan/noarch?sig=qq-1",
    ]


SHOWS = [str, repr, "{}".format, "%s".__mod__, json.dumps, pickle.dumps, copy.deepcopy]


@pytest.mark.parametrize("show", SHOWS)
def test_url__has_no_secrets_whatever_is_done_with_it(show) -> None:
    (channel,) = resolve(["https://user:pass@h/t/tk-77/chan?sig=qq-1"], CONFIG)
    shown = show(channel.url)
    assert not hasattr(shown, "for_request")
    assert not re.search("pass|tk-77|qq-1", str(shown))


@pytest.mark.parametrize("show", [str, repr, vars, pickle.dumps, dataclasses.asdict])
def test_channel__has_no_secrets_whatever_is_done_with_it(show) -> None:
    (channel,) = resolve(["https://user:pass@h/t/tk-77/chan?sig=qq-1"], CONFIG)
    assert not re.search("pass|tk-77|qq-1", str(show(channel)))
    assert not copy.deepcopy(channel).secrets


def test_resolve__adds_the_secrets_of_the_configuration() -> None:
    (mine,) = resolve(["mine"], CONFIG)
    assert mine.url.for_request == "https://u:p@my.host/conda/mine"
    (deep,) = resolve(["deep/mine"], CONFIG)
    assert deep.url.for_request == "https://other/t/tk-1/deep/mine"
    alias = Config(channel_alias="https://u:p@h/t/tk-2/conda/")
    (channel,) = resolve(["c"], alias)
    assert channel.safe_url == "https://h/conda/c"
    assert channel.url.for_request == "https://u:p@h/conda/t/tk-2/c"
    assert channel.name == "c"


@pytest.mark.parametrize(
    ("text", "platform", "subdirs"),
    [
        ("c", "linux-64", ["linux-64", "noarch"]),
        ("c", "noarch", ["noarch"]),
        ("c/osx-64", "linux-64", ["osx-64", "noarch"]),
        ("c/noarch", "linux-64", ["noarch"]),
        ("https://h/c/osx-64/", "linux-64", ["osx-64", "noarch"]),
        ("./c/win-64", "linux-64", ["win-64", "noarch"]),
    ],
)
def test_channel__limits_its_subdirs(
    text: str, platform: str, subdirs: list[str]
) -> None:
    (channel,) = resolve([text], CONFIG)
    found = dict(channel.subdir_urls(platform))
    assert list(found) == subdirs
    assert all(url == f"{channel.safe_url}/{subdir}" for subdir, url in found.items())


def test_resolve__takes_paths_relative_to_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    places = ["./a", "../b", ".", "~/c", Path("a"), tmp_path / "d"]
    wanted = [
        tmp_path / "a",
        tmp_path.parent / "b",
        tmp_path,
        tmp_path / "home" / "c",
        tmp_path / "d",
    ]
    assert [c.safe_url for c in resolve(places, CONFIG)] == [p.as_uri() for p in wanted]


def test_resolve__gives_each_channel_once_in_order() -> None:
    found = resolve(["b", "defaults", "b", "pkgs/main", f"{ALIAS}/b"], CONFIG)
    assert [c.name for c in found] == ["b", "pkgs/main", "pkgs/r"]


@pytest.mark.parametrize("text", ["", "  ", "a b", "conda-forge[x]", "*", "a\tb"])
def test_resolve__refuses_what_is_no_channel(text: str) -> None:
    with pytest.raises(ChannelError) as caught:
        resolve([text], CONFIG)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("get https://u:p@h/t/tk-1/c", "get https://***@h/t/***/c"),
        ("//a:b@c/d", "//***@c/d"),
        ("me@host, https://h/a@b", "me@host, https://h/a@b"),
        ("'https://a:p@x@h/c'", "'https://***@h/c'"),
    ],
)
def test_redact__hides_every_secret(text: str, shown: str) -> None:
    assert redact(text) == shown
