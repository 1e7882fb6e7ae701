# SPDX-License-Identifier: BSD-3-Clause
"""The channel of a spec: mirrors go by its name, other hosts' channels do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cenv.config.channels import among, names_of, resolve
from cenv.config.config import Config
from cenv.errors import UnsatisfiableError
from cenv.solving.index import Index


@pytest.fixture
def chosen(tmp_path: Path) -> Callable[..., str]:
    """Return a function that solves one spec, and returns the version of `x`."""

    def solve(spec: str, *channels: object, **keys: Any) -> str:
        options = {"config": Config(**keys), "store": tmp_path / "store"}
        index = Index([str(c) for c in channels], "linux-64", specs=[spec], **options)
        return index.solve([spec]).records[0].version

    return solve


def test_name__is_that_of_a_mirror(write_channel, serve, tmp_path, chosen):
    write_channel(tmp_path / "mirror", "forge", "1")
    write_channel(tmp_path / "mirror", "other", "2")
    mirror = serve(tmp_path / "mirror")
    given = [f"{mirror.url}/other", f"{mirror.url}/forge"]
    nowhere = "http://127.0.0.1:9/conda"
    assert chosen("x", *given) == "2"
    assert chosen("forge::x", *given, channel_alias=nowhere) == "1"
    assert chosen("x[channel=forge]", *given, channel_alias=nowhere) == "1"


def test_name__is_that_of_a_directory(write_channel, tmp_path, chosen):
    forge = write_channel(tmp_path / "a", "forge", "1")
    other = write_channel(tmp_path / "a", "other", "2")
    assert chosen("forge::x", other, forge, channel_alias="http://127.0.0.1:9") == "1"


def test_name__of_a_custom_channel_is_that_place(
    write_channel, serve, tmp_path, chosen
):
    write_channel(tmp_path / "corp", "internal", "1")
    write_channel(tmp_path / "evil", "internal", "66")
    corp, evil = serve(tmp_path / "corp"), serve(tmp_path / "evil")
    custom = {"internal": corp.url}
    for given in ([f"{evil.url}/internal"], [f"{evil.url}/internal", "internal"]):
        assert chosen("internal::x", *given, custom_channels=custom) == "1"
    local = write_channel(tmp_path / "home", "internal", "67")
    assert chosen("internal::x", local, custom_channels=custom) == "1"
    both = [f"{evil.url}/internal", "internal"]
    assert chosen(f"{evil.url}/internal::x", *both, custom_channels=custom) == "66"
    with pytest.raises(
        UnsatisfiableError, match=f"66 is there, but only in {evil.url}"
    ):
        chosen("internal::x=66", *both, custom_channels=custom)


def test_url__below_the_alias_is_a_name(write_channel, serve, tmp_path, chosen):
    """So it is in conda: a mirror serves for it. Any other URL is that place."""
    write_channel(tmp_path / "corp", "conda/forge", "1")
    write_channel(tmp_path / "public", "forge", "2")
    corp, public = serve(tmp_path / "corp"), serve(tmp_path / "public")
    alias = {"channel_alias": f"{corp.url}/conda"}
    assert chosen("forge::x", "forge", f"{public.url}/forge", **alias) == "1"
    assert chosen(f"{public.url}/forge::x", "forge", **alias) == "2"
    assert chosen(f"{corp.url}/conda/forge::x", f"{public.url}/forge", **alias) == "2"


def test_url__of_conda_s_own_host_is_no_name_of_another(
    write_channel, serve, tmp_path, chosen
):
    write_channel(tmp_path, "conda/forge", "1")
    corp = serve(tmp_path)
    alias = {"channel_alias": f"{corp.url}/conda", "offline": True}
    config = Config(channel_alias=f"{corp.url}/conda")
    known = resolve(["forge"], config)
    assert not among("https://conda.anaconda.org/forge", known, config)
    chosen("x", "forge", channel_alias=f"{corp.url}/conda")
    with pytest.raises(Exception, match=r"conda\.anaconda\.org/forge/.*--offline"):
        chosen("https://conda.anaconda.org/forge::x", "forge", **alias)


def test_strict_priority__yields_to_the_channel_of_a_spec(
    write_channel, tmp_path, chosen
):
    first, second = (
        write_channel(tmp_path, "first", "1"),
        write_channel(tmp_path, "second", "2"),
    )
    strict = {"channel_priority": "strict"}
    assert chosen("second::x", first, second, **strict) == "2"
    places = {"custom_channels": {"second": f"file://{tmp_path}"}}
    assert chosen("second::x", first, "second", **strict, **places) == "2"


@pytest.mark.parametrize(
    ("keys", "name", "channel", "is_it"),
    [
        ({}, "forge", "https://mirror.example/forge", True),
        ({}, "forge", "https://mirror.example/x/forge", False),
        ({}, "forge/linux-64", "https://mirror.example/forge", True),
        ({}, "forge", "file:///srv/forge", True),
        ({}, "https://a.example/forge", "https://b.example/forge", False),
        ({}, "https://a.example/forge", "http://a.example/forge", True),
        ({}, "defaults", "https://mirror.example/pkgs/main", True),
        ({}, "defaults", "https://mirror.example/pkgs/free", False),
        ({}, "pkgs/pro", "https://repo.anaconda.com/pkgs/pro", True),
        ({}, "pkgs/pro", "https://mirror.example/pkgs/pro", False),
        ({"corp": "https://c.example"}, "corp", "https://c.example/corp", True),
        ({"corp": "https://c.example"}, "corp", "https://mirror.example/corp", False),
        ({"corp": "https://c.example"}, "corp/x", "https://c.example/corp/x", True),
        ({"corp": "https://c.example"}, "corp-x", "https://m.example/corp-x", True),
        ({"corp": "other"}, "corp", "https://mirror.example/corp", True),
    ],
)
def test_among__agrees_with_what_matches(keys, name, channel, is_it):
    config = Config(**({"custom_channels": keys} if keys else {}))
    assert among(name, resolve([channel], config), config) is is_it


def test_names_of__a_configuration():
    config = Config(
        channel_alias="https://u:p@corp.example/conda/",
        custom_channels={"in": "https://me:pw@corp.example/x", "std": "name"},
        custom_multichannels={"mine": ("https://corp.example/a", "/srv/b", "forge")},
    )
    assert names_of(config) == {
        "alias": "https://corp.example/conda",
        "places": {"in": "https://corp.example/x/in"},
        "groups": {
            "mine": ["a", "b", "forge"],
            "defaults": ["pkgs/main", "pkgs/r"],
        },
    }
