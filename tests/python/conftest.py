# SPDX-License-Identifier: BSD-3-Clause
"""A channel server on this machine that can misbehave in every way a real one does."""

from __future__ import annotations

import hashlib
import http.server
import socketserver
import threading
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
    times: int = 1_000_000


class Server:
    """Serves a directory; `faults` by path, `seen` all requests in order."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.faults: dict[str, Reply] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        self._httpd = _Threads(("127.0.0.1", 0), _Handler)
        self._httpd.server = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(
            target=self._httpd.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()

    @property
    def netloc(self) -> str:
        return f"127.0.0.1:{self._httpd.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.netloc}"

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
        file = self.top / path.lstrip("/")
        if not file.is_file():
            return Reply(404)
        body = file.read_bytes()
        etag = f'"{hashlib.md5(body).hexdigest()}"'
        known = {"ETag": etag, **(fault.headers if fault else {})}
        if headers.get("if-none-match") == etag:
            return Reply(304, headers=known)
        return Reply(200, body, known, fault.cut if fault else None)

    def close(self) -> None:
        self._httpd.shutdown()
        self._httpd.server_close()
        self._thread.join()


class _Threads(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


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
        self.wfile.write(body if reply.cut is None else body[: reply.cut])
        if reply.cut is not None:
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Callable[[Path], Server]]:
    """Return a function that serves a directory until the end of the test."""
    servers: list[Server] = []

    def start(top: Path) -> Server:
        servers.append(Server(top))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def reply() -> type[Reply]:
    """Return the class of faults."""
    return Reply
