# SPDX-License-Identifier: BSD-3-Clause
"""Templates through servers that teams run: nginx, WebDAV, S3, registries of images."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cenv
from cenv.errors import RemoteError

KINDS = ["nginx", "webdav", "s3", "registry", "private-registry"]
Reach = Callable[[str], Any]


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, small_channel: Path
) -> cenv.TemplateStore:
    """Return a store with one template in it."""
    store = cenv.TemplateStore(tmp_path_factory.mktemp("made"), remote="")
    store.template(["tool"], [small_channel])
    return store


@pytest.fixture
def reach(servers: Reach, monkeypatch: pytest.MonkeyPatch) -> Reach:
    """Return `servers`, which sets the variables of a remote's clients, too."""

    def get(kind: str) -> Any:
        remote = servers(kind)
        for name, value in remote.variables.items():
            monkeypatch.setenv(name, value)
        return remote

    return get


@pytest.mark.parametrize("kind", KINDS)
def test_server__gives_what_was_pushed(
    kind: str, reach: Reach, made: cenv.TemplateStore, tmp_path: Path
) -> None:
    remote = reach(kind)
    (first,) = made.push(remote.url, packages=True)
    (again,) = made.push(remote.url, packages=True)
    assert first["pushed"]
    assert not again["pushed"]
    elsewhere = cenv.TemplateStore(tmp_path / "elsewhere", remote=remote.url)
    (got,) = elsewhere.pull([first["id"]])
    assert got["pulled"]
    assert cenv.verify(got["prefix"]).ok
    assert elsewhere.find(first["id"]).check(content=True).ok


PUSH = """
import sys, cenv
(done,) = cenv.TemplateStore(sys.argv[1], remote="").push(sys.argv[2], packages=True)
"""


@pytest.mark.parametrize("kind", ["nginx", "registry"])
def test_server__takes_two_pushes_at_once(
    kind: str, reach: Reach, made: cenv.TemplateStore, tmp_path: Path
) -> None:
    remote = reach(kind)
    url = remote.url + "/at-once"
    argv = [sys.executable, "-c", PUSH, made.path, url]
    running = [subprocess.Popen(argv, stderr=subprocess.PIPE) for _ in range(3)]
    assert [process.communicate()[1] for process in running] == [b""] * 3
    elsewhere = cenv.TemplateStore(tmp_path / "elsewhere", remote=url)
    (had,) = made.push(url)
    assert not had["pushed"]
    (got,) = elsewhere.pull([had["id"]])
    assert cenv.verify(got["prefix"]).ok


def fetch_image(program: Any, remote: str, tag: str, place: Path) -> list[str]:
    """Fetch an image by skopeo, each blob checked; return the types of its layers."""
    skopeo = program("skopeo")
    image = remote.replace("oci+http", "docker") + f":{tag}"
    manifest = json.loads(skopeo("inspect", "--raw", "--tls-verify=false", image))
    plain = ("--insecure-policy", "--src-tls-verify=false")
    skopeo("copy", *plain, image, f"dir:{place}")
    for blob in [manifest["config"], *manifest["layers"]]:
        digest = blob["digest"].removeprefix("sha256:")
        content = (place / digest).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest
    return [layer["mediaType"] for layer in manifest["layers"]]


@pytest.mark.parametrize("mount", ["", "team/cenv"])
def test_registry__is_read_by_other_clients(
    mount: str,
    reach: Reach,
    made: cenv.TemplateStore,
    tmp_path: Path,
    program: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remote = reach("registry")
    (pushed,) = made.push(remote.url, packages=True)
    url = remote.url
    if mount:  # packages come from the repository above, and are as good in this one
        monkeypatch.setenv("CENV_REMOTE_MOUNT", mount)
        url += "-mounted"
        (again,) = made.push(url, packages=True)
        assert again["pushed"]
    types = fetch_image(program, url, pushed["id"], tmp_path / "image")
    assert types.count("application/vnd.conda.package.v2") == 2
    assert types.count("application/vnd.cenv.delta.v1+zstd") == 1


REFUSALS = [
    ("nginx", "/closed", "read-only (HTTP 405)"),
    ("nginx", "/small", "too large for the server (HTTP 413)"),
    ("webdav", "wrong password", "wants a login (HTTP 401)"),
    ("s3", "wrong secret", "access is refused (HTTP 403, SignatureDoesNotMatch)"),
    ("private-registry", "unknown certificate", "certificate"),
    ("private-registry", "no login", "wants a login (HTTP 401, UNAUTHORIZED)"),
]


@pytest.mark.parametrize(("kind", "what", "message"), REFUSALS)
def test_server__refusals_are_told_without_secrets(
    kind: str,
    what: str,
    message: str,
    reach: Reach,
    made: cenv.TemplateStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remote = reach(kind)
    url = remote.url
    if what.startswith("/"):
        url = url.replace("/cenv", what)
    elif what == "wrong password":
        url = url.replace(":secret@", ":other@")
    elif what == "wrong secret":
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "other")
    elif what == "unknown certificate":
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    else:
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with pytest.raises(RemoteError) as caught:
        made.push(url, packages=True)
    assert message in str(caught.value)
    assert caught.value.hint
    assert "other" not in str(caught.value).replace(url, "")
