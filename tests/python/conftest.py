# SPDX-License-Identifier: BSD-3-Clause
"""A channel server on this machine that can misbehave in every way a real one does."""

from __future__ import annotations

import hashlib
import http.server
import re
import shutil
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest


@dataclass
class Reply:
    """What to answer instead of the file: `times` times, then normally again."""

    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None  # send this many bytes of the body, then hang up
    stall: float = 0  # wait so many seconds before the body
    times: int = 1_000_000


class Server:
    """Serves a directory; `faults` by path, `seen` all requests in order.

    A proxy for any other server too: it answers a whole URL as if it were its path.
    """

    def __init__(self, top: Path, tls: ssl.SSLContext | None = None) -> None:
        self.top = top
        self.ranges = True  # answers with a part where one is asked for
        self.scheme = "https" if tls else "http"
        self.faults: dict[str, Reply] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        self._httpd = _Threads(("127.0.0.1", 0), _Handler)
        self._httpd.server = self  # type: ignore[attr-defined]
        if tls:
            listening = self._httpd.socket
            self._httpd.socket = tls.wrap_socket(listening, server_side=True)
        self._thread = threading.Thread(
            target=self._httpd.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()

    @property
    def netloc(self) -> str:
        return f"127.0.0.1:{self._httpd.server_address[1]}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.netloc}"

    def paths(self) -> list[str]:
        """Return the paths asked for, and forget them."""
        found = [path for path, _headers in self.seen]
        self.seen.clear()
        return found

    def reply(self, path: str, headers: dict[str, str]) -> Reply:
        """Return what is answered: a fault, the file, 304, or 404."""
        self.seen.append((path, headers))
        fault = self.faults.get(path)
        if fault and fault.times == 0:
            fault = None
        if fault:
            fault.times -= 1
            if fault.status != 200 or fault.body is not None:
                return fault
        file = self.top / re.sub(r"^http://[^/]*", "", path).lstrip("/")
        if not file.is_file():
            return Reply(404)
        body = file.read_bytes()
        etag = f'"{hashlib.md5(body).hexdigest()}"'
        known = {"ETag": etag, **(fault.headers if fault else {})}
        if headers.get("if-none-match") == etag:
            return Reply(304, headers=known)
        cut, stall = (fault.cut, fault.stall) if fault else (None, 0)
        if self.ranges and headers.get("if-range") == etag:
            return _part(body, headers["range"], Reply(206, body, known, cut, stall))
        return Reply(200, body, known, cut, stall)

    def close(self) -> None:
        self._httpd.shutdown()
        self._httpd.server_close()
        self._thread.join()


def _part(body: bytes, wanted: str, whole: Reply) -> Reply:
    """Return the end of a body that "bytes=N-" asks for."""
    start = int(wanted.removeprefix("bytes=").removesuffix("-"))
    if start >= len(body):
        return Reply(416, headers={"Content-Range": f"bytes */{len(body)}"})
    span = f"bytes {start}-{len(body) - 1}/{len(body)}"
    whole.headers = {"Content-Range": span, **whole.headers}
    whole.body = body[start:]
    return whole


class _Threads(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # of a client that does not like our certificate


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server: Server = self.server.server  # type: ignore[attr-defined]
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = server.reply(self.path, headers)
        body = reply.body or b""
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        time.sleep(reply.stall)
        self.wfile.write(body if reply.cut is None else body[: reply.cut])
        if reply.cut is not None:
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Return a function that serves a directory until the end of the test."""
    servers: list[Server] = []

    def start(top: Path, tls: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(top, tls))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def reply() -> type[Reply]:
    """Return the class of faults."""
    return Reply


@pytest.fixture(scope="session")
def calls_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the library that counts, refuses and kills at calls of the file system."""
    source = Path(__file__).parents[1] / "interpose/calls.c"
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        pytest.skip("no C compiler is installed")
    library = tmp_path_factory.mktemp("interpose") / "calls.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]
    subprocess.run(command, check=True)
    return library


@pytest.fixture(scope="session")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a venv with pip, which no test changes."""
    place = tmp_path_factory.mktemp("made") / "venv"
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    return place
