# SPDX-License-Identifier: BSD-3-Clause
"""Servers that teams run, started for these tests: nginx, rclone, docker's registry."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
UNPACKED = ROOT / "build/servers"
BIN = Path(sys.executable).parent
# htpasswd -nbB user secret
HTPASSWD = "user:$2b$05$fRj5UJPUNBaf3scVLcywzeM/OCZcof3yacLK0C8SY/mQjvzh/Oxgy\n"
NGINX = """
daemon off; master_process off; worker_processes 1;
pid {top}/pid; error_log {top}/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {top}/temp; proxy_temp_path {top}/temp;
    fastcgi_temp_path {top}/temp; uwsgi_temp_path {top}/temp; scgi_temp_path {top}/temp;
    server {{
        listen 127.0.0.1:{port};
        root {top}/www;
        client_max_body_size 0;
{locations}
        location /closed/ {{ alias {top}/www/none/; }}
        location /small/ {{ dav_methods PUT; create_full_put_path on; client_max_body_size 1; }}
    }}
}}
"""
REGISTRY = """
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {top}/data}}}}
http: {{addr: "127.0.0.1:{port}"{tls}}}
"""


def find_program(name: str) -> str:
    """Return a server's path, or skip: the set-up could not get it."""
    path = os.pathsep.join((str(BIN), os.environ["PATH"], "/usr/sbin"))
    found = shutil.which(name, path=path)
    places = [UNPACKED / "usr/sbin" / name, UNPACKED / "usr/bin" / name]
    found = found or next((str(p) for p in places if p.exists()), None)
    if found is None:
        pytest.skip(f"there is no {name}: apt and the Python index brought none")
    return found


def environment() -> dict[str, str]:
    """Return the variables of a program that was unpacked and not installed."""
    libraries = {str(path.parent) for path in UNPACKED.glob("usr/lib/*/*.so*")}
    return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(sorted(libraries))}


@pytest.fixture
def program() -> Callable[[str], Callable[..., str]]:
    """Return a function that gives a program as a function: what it says."""

    def get(name: str) -> Callable[..., str]:
        path = find_program(name)

        def run(*argv: str) -> str:
            done = subprocess.run(
                [path, *argv],
                env=environment(),
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        return run

    return get


@dataclass
class Remote:
    """A remote on a server that runs, and what its clients have in their environment."""

    url: str
    port: int
    top: Path
    variables: dict[str, str] = field(default_factory=dict)


Start = Callable[..., subprocess.Popen[bytes]]


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server takes connections; it has a minute."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, "the server ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("the server does not start")


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Return a function that starts a server on a port; all end with the module."""
    running = []

    def run(port: int, *argv: str) -> subprocess.Popen[bytes]:
        log = tmp_path_factory.mktemp("log") / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=environment(),
            )
        running.append(process)
        wait_for(port, process)
        return process

    yield run
    for process in running:
        process.send_signal(signal.SIGTERM)
    for process in running:
        process.wait()


def run_nginx(top: Path, start: Start) -> Remote:
    """Serve as docs/remote.md says."""
    page = (ROOT / "docs/remote.md").read_text()
    (locations,) = re.findall(r"^```nginx\n(.*?)^```", page, re.M | re.S)
    port = free_port()
    (top / "www").mkdir()
    for path in (top, top / "www"):  # nginx gives root's rights up
        path.chmod(0o777)
    config = top / "nginx.conf"
    config.write_text(NGINX.format(top=top, port=port, locations=locations))
    start(port, find_program("nginx"), "-p", str(top), "-c", str(config))
    return Remote(f"http://127.0.0.1:{port}/cenv", port, top)


def run_webdav(top: Path, start: Start) -> Remote:
    port = free_port()
    login = ("--user", "user", "--pass", "secret")
    where = ("--addr", f"127.0.0.1:{port}", "--config", "/dev/null")
    start(port, find_program("rclone"), "serve", "webdav", *where, *login, str(top))
    return Remote(f"http://user:secret@127.0.0.1:{port}/cenv", port, top)


def run_s3(top: Path, start: Start) -> Remote:
    port = free_port()
    (top / "bucket").mkdir()
    where = ("--addr", f"127.0.0.1:{port}", "--config", "/dev/null")
    start(
        port,
        find_program("rclone"),
        "serve",
        "s3",
        *where,
        "--auth-key",
        "KEY,secret",
        str(top),
    )
    variables = {
        "AWS_ACCESS_KEY_ID": "KEY",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }
    return Remote("s3://bucket/some/prefix", port, top, variables)


def run_registry(top: Path, start: Start, more: str = "", tls: str = "") -> Remote:
    port = free_port()
    config = top / "config.yml"
    config.write_text(REGISTRY.format(top=top, port=port, tls=tls) + more)
    start(port, find_program("docker-registry"), "serve", str(config))
    none = {"DOCKER_CONFIG": str(top)}
    return Remote(f"oci+http://127.0.0.1:{port}/team/cenv", port, top, none)


def run_private_registry(top: Path, start: Start) -> Remote:
    """A registry with TLS and logins, and a client that logged in as docker does."""
    certificate, key = top / "certificate.pem", top / "key.pem"
    subprocess.run(
        [
            *(find_program("openssl"), "req", "-x509", "-nodes", "-days", "2"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-subj", "/CN=registry", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    (top / "htpasswd").write_text(HTPASSWD)
    login = f"auth: {{htpasswd: {{realm: r, path: {top}/htpasswd}}}}\n"
    remote = run_registry(
        top, start, login, f", tls: {{certificate: {certificate}, key: {key}}}"
    )
    remote.url = remote.url.replace("oci+http", "oci")
    auth = base64.b64encode(b"user:secret").decode()
    auths = {f"127.0.0.1:{remote.port}": {"auth": auth}}
    (top / "config.json").write_text(json.dumps({"auths": auths}))
    remote.variables["REQUESTS_CA_BUNDLE"] = str(certificate)
    return remote


SERVERS = {
    "nginx": run_nginx,
    "webdav": run_webdav,
    "s3": run_s3,
    "registry": run_registry,
    "private-registry": run_private_registry,
}


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory, start: Start
) -> Callable[[str], Remote]:
    """Return a function that gives the remote on a server, started once."""
    found: dict[str, Remote] = {}

    def get(kind: str) -> Remote:
        if kind not in found:
            found[kind] = SERVERS[kind](tmp_path_factory.mktemp(kind), start)
        return found[kind]

    return get
