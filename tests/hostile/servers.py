# SPDX-License-Identifier: BSD-3-Clause
"""Servers that misbehave, each in one place, in a process of their own."""

from __future__ import annotations

import contextlib
import gzip
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

Files = dict[str, bytes]
ENDLESS = "endless"
# What a client may also take for good; the digest decides.
TOLERATED = (
    "a header of 1 MB",
    "a length beyond all",
    "a negative length",
    "a wrong encoding",
)


@dataclass(frozen=True)
class Fault:
    """What is answered to a request for the file: raw bytes, whatever was asked."""

    name: str
    file: str
    reply: bytes | str
    fatal: bool | None = True


def read_files(channel: Path) -> Files:
    """Return the files of a channel by their path in URLs."""
    return {
        "/" + str(path.relative_to(channel)): path.read_bytes()
        for path in sorted(channel.rglob("*"))
        if path.is_file()
    }


def answer(
    body: bytes, status: str = "200 OK", *more: str, length: int | None = None
) -> bytes:
    """Return a reply with its headers."""
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Length: {len(body) if length is None else length}",
        "Connection: close",
        *more,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def faults(files: Files) -> Iterator[Fault]:
    """Yield all that is tried."""
    yield Fault("well-behaved", "", b"", False)
    for file, body in files.items():
        for status in ("400 Bad", "401 No", "403 No", "404 None", "410 Gone", "500 Oops",
                       "999 What"):  # fmt: skip
            yield Fault(f"{status} for {file}", file, answer(b"", status))
        for name, reply in {
            "an empty body": answer(b""),
            "a body cut short": answer(body[:-5], length=len(body)),
            "a body of more": answer(body + b"more", length=len(body) + 4),
            "another body": answer(b"<html>" * 100),
            "no length": b"HTTP/1.0 200 OK\r\n\r\n" + body[: len(body) // 2],
            "a negative length": answer(body, length=-1),
            "a length beyond all": answer(body, length=10**30),
            "garbage": b"\0\xff\r\n\r\n" + body,
            "nothing": b"",
            "a header of 1 MB": answer(body, "200 OK", "X: " + "x" * (1 << 20)),
            "a control character": answer(b"", "404 \x1b[31mred"),
            "a wrong encoding": answer(body, "200 OK", "Content-Encoding: gzip"),
            "bad chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
            + body,
            "a redirect to itself": answer(b"", "302 Found", f"Location: {file}"),
            "a redirect to a file": answer(
                b"", "302 Found", "Location: file:///etc/passwd"
            ),
            "a redirect nowhere": answer(b"", "302 Found", "Location: ://"),
            "wait for ever": answer(b"", "503 Later", "Retry-After: -1"),
        }.items():
            fatal = None if name in TOLERATED else True
            yield Fault(f"{name} for {file}", file, reply, fatal)
    repodata = next(file for file in files if file.endswith("repodata.json"))
    for text in (
        b"[]", b"null", b'{"packages": []}', b'{"packages": {"a": null}}', b"{" * 100000,
        b'{"info": {"base_url": "file:///etc"}, "packages": {}}', b'{"repodata_version": 99}',
        b'{"packages": {"../../evil-1.0-0.conda": {"name": "evil", "version": "1.0", '
        b'"build": "0", "build_number": 0, "depends": []}}}',
        files[repodata].replace(b"evil", b"\x1b[2J"), files[repodata].replace(b'"1.0"', b"5"),
    ):  # fmt: skip
        yield Fault(f"repodata {text[:40]!r}", repodata, answer(text))
    yield Fault("endless repodata", repodata, ENDLESS)
    bomb = gzip.compress(bytes(64 << 20))
    packed = answer(bomb, "200 OK", "Content-Encoding: gzip")
    yield Fault("repodata that expands", repodata, packed)


def serve(listener: socket.socket, files: Files, fault: Fault) -> None:
    """Answer requests, one at a time, for ever."""
    while True:
        connection, _ = listener.accept()
        with contextlib.suppress(OSError):  # the other side may have had enough
            reply_to(connection, files, fault)
        connection.close()


def reply_to(connection: socket.socket, files: Files, fault: Fault) -> None:
    """Read one request, and answer it."""
    connection.settimeout(10)
    request = b""
    while b"\r\n\r\n" not in request and (piece := connection.recv(65536)):
        request += piece
    path = request.split(b" ")[1].decode() if request.count(b" ") > 1 else ""
    if path == fault.file and fault.reply == ENDLESS:
        connection.sendall(b'HTTP/1.1 200 OK\r\n\r\n{"packages": {')
        while True:
            connection.sendall(b" " * (1 << 16))
    elif path == fault.file and isinstance(fault.reply, bytes):
        connection.sendall(fault.reply)
    elif path in files:
        connection.sendall(answer(files[path]))
    else:
        connection.sendall(answer(b"", "404 Not Found"))


class Server:
    """A server in a child; a context manager that gives its URL."""

    def __init__(self, files: Files, fault: Fault) -> None:
        """Say what is served."""
        self.files, self.fault = files, fault

    def __enter__(self) -> str:
        """Start it."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.child = os.fork()
        if self.child == 0:
            serve(listener, self.files, self.fault)
        port = listener.getsockname()[1]
        listener.close()
        return f"http://127.0.0.1:{port}"

    def __exit__(
        self,
        kind: type | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
