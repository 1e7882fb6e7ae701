# SPDX-License-Identifier: BSD-3-Clause
"""A run goes on whatever a remote does, and says once what that was."""

from __future__ import annotations

import socketserver
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import cenv
from cenv.cli import main
from cenv.templates.remote import Remote

HANG = b""  # takes the request, and says nothing
CASES = {
    "login": (
        b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
        "wants a login (HTTP 401)",
    ),
    "forbidden": (
        b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
        "refused (HTTP 403)",
    ),
    "busy": (
        b"HTTP/1.1 429 No\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n",
        "too many requests (HTTP 429)",
    ),
    "broken": (
        b"HTTP/1.1 503 No\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n",
        "the server fails (HTTP 503)",
    ),
    "no HTTP": (b"\x16\x03\x01 not HTTP\r\n\r\n", ""),
    "circle": (
        b"HTTP/1.1 302 No\r\nLocation: /x\r\nConnection: close\r\n\r\n",
        "redirects",
    ),
    "hang": (HANG, "imed out"),
    "nonsense": (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n[{]}", ""),
    "too much": (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{", "bytes"),
    "terminal": (b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n\x1b]0;evil\x07{}", ""),
}
Faulty = Callable[[bytes], tuple[str, list[bytes]]]


@pytest.fixture
def faulty() -> Iterator[Faulty]:
    """Return a function that starts a server of one reply: its URL, and what it is asked."""
    running = []
    stop = threading.Event()

    def start(reply: bytes) -> tuple[str, list[bytes]]:
        asked: list[bytes] = []

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                asked.append(self.rfile.readline())
                length = 0
                while line := self.rfile.readline().strip():
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.partition(b":")[2])
                self.rfile.read(length)
                if reply is HANG:
                    stop.wait()
                else:
                    self.wfile.write(reply)

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        running.append((server, thread))
        return f"http://user:secret@127.0.0.1:{server.server_address[1]}/base", asked

    yield start
    stop.set()
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("case", CASES)
def test_fault__costs_a_run_nothing_but_a_word(
    case: str, faulty: Faulty, small_channel: Path, tmp_path: Path
) -> None:
    reply, message = CASES[case]
    url, asked = faulty(reply)
    remote = Remote(url, push=True, timeout=0.3)
    store = cenv.TemplateStore(tmp_path / "store", remote=remote)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        first = store.template(["tool"], [small_channel])
        second = store.template(["data"], [small_channel])
    assert first.built
    assert second.built
    told = [str(warning.message) for warning in said]
    assert message in told[0]
    assert len(set(told)) == len(told) <= 3
    assert not [word for word in ("secret", "user:", "\x1b") if word in " ".join(told)]
    assert 0 < len(asked) <= 25
    if case == "hang":
        assert len(asked) == 1


def test_credentials__are_in_no_file_trace_or_word(
    faulty: Faulty,
    small_channel: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of remotes that refuse a push, and of the one that a push goes to at last."""
    monkeypatch.setenv("CENV_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret-session")
    url, _ = faulty(CASES["login"][0])
    port = url.rpartition(":")[2].partition("/")[0]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    remotes = [url, f"oci+http://user:secret@127.0.0.1:{port}/a", "s3://bucket"]
    for number, remote in enumerate(remotes):
        monkeypatch.setenv("CENV_REMOTE", remote)
        monkeypatch.setenv("CENV_REMOTE_PUSH", "1")
        trace = str(tmp_path / f"store/trace{number}.json")
        spec = ("tool", "data", "data <3")[number]
        channel = ("--override-channels", "-c", str(small_channel))
        assert main(["template", "build", spec, *channel, "--trace", trace]) == 0
        assert main(["template", "push", remote]) == 1
    told = capsys.readouterr()
    assert told.err.count("HTTP 401") >= 6
    assert "secret" not in told.out + told.err
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if b"secret" in path.read_bytes()] == []


def test_fault__in_the_middle_costs_the_blob(
    faulty: Faulty, small_channel: Path, tmp_path: Path
) -> None:
    """A push that ends early shows nothing: the key comes last."""
    made = cenv.TemplateStore(tmp_path / "made", remote="")
    made.template(["tool"], [small_channel])
    url, asked = faulty(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(cenv.RemoteError, match="HTTP 404"):
        made.push(url, packages=True)
    assert not [line for line in asked if line.startswith(b"PUT /base/ac/")]


@pytest.mark.parametrize("headers", [b"Content-Length: 0", b"Connection: close"])
def test_push__to_what_says_yes_to_everything_is_none(
    headers: bytes, faulty: Faulty, small_channel: Path, tmp_path: Path
) -> None:
    made = cenv.TemplateStore(tmp_path / "made", remote="")
    made.template(["data"], [small_channel])
    url, _ = faulty(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n\r\n")
    with pytest.raises(
        cenv.RemoteError, match=r"has (it not|something else)"
    ) as caught:
        made.push(url)
    assert "remote http://127" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "check the URL" in (caught.value.hint or "")
