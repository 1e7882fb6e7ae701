# SPDX-License-Identifier: BSD-3-Clause
"""Try a wheel as its user gets it, where no compiler and none of cenv's libraries are.

    python3 .ci/smoke.py DIST [PEMS]

Into a new environment comes the wheel DIST, or that of the directory DIST which pip chooses
for this machine; then doctor, demo, `create` over HTTPS from a server of ours whose authority
only SSL_CERT_FILE names, and a pytest run. Standard library only; any Python from 3.10.
PEMS has what `python -m trustme -i 127.0.0.1` writes, for a Python without trustme.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SERVER = """
import functools, http.server, pathlib, ssl, sys
import cenv
from cenv.demo.package import Package, write

top, pems = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
write(Package("tool", "1.0", subdir="noarch", noarch="generic"), top / "channel")
cenv.index(top / "channel")
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(pems / "server.pem", pems / "server.key")
handler = functools.partial(
    http.server.SimpleHTTPRequestHandler, directory=top / "channel"
)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
"""
TESTS = """
def test_clones(cenv_env):
    first, second = cenv_env(), cenv_env()
    (first / "bin" / "mine").write_text("")
    assert not (second / "bin" / "mine").exists()
    assert first.run("python", "-c", "import ssl, zlib").returncode == 0
"""


def say(text: str) -> None:
    """Tell what is tried."""
    print(f"smoke: {text}", flush=True)


class Place:
    """A directory with an environment, where commands are run."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.bin = top / "venv" / "bin"
        self.environ = {
            **os.environ,
            "CENV_STORE": str(top / "store"),
            "PATH": f"{self.bin}:{os.environ['PATH']}",
        }

    def run(self, *argv: object, fails: bool = False, **variables: str) -> str:
        """Run a command; end here unless it does, or `fails`, as expected."""
        words = [str(item) for item in argv]
        done = subprocess.run(
            words,
            cwd=self.top,
            env={**self.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if bool(done.returncode) != fails:
            sys.exit(f"smoke: unexpected: {' '.join(words)}\n{done.stdout}")
        return done.stdout

    def python(self, *argv: object, **variables: str) -> str:
        """Run the environment's Python."""
        return self.run(self.bin / "python", *argv, **variables)


def install(place: Place, dist: Path) -> None:
    """Make the environment, with the wheel in it."""
    place.run(sys.executable, "-m", "venv", place.top / "venv")
    pip = ("-m", "pip", "--disable-pip-version-check", "install", "-q")
    if dist.is_file():
        place.python(*pip, f"cenv[pytest] @ {dist.as_uri()}")
    else:
        place.python(*pip, "-f", dist, "--only-binary", "cenv", "cenv[pytest]")


def make_pems(place: Place) -> Path:
    """Make an authority, and a certificate of it for the server."""
    pems = place.top / "pems"
    pems.mkdir()
    place.python("-m", "pip", "--disable-pip-version-check", "install", "-q", "trustme")
    place.python("-m", "trustme", "-q", "-d", pems, "-i", "127.0.0.1")
    return pems


def try_https(place: Place, pems: Path) -> None:
    """`create` from a server that is believed only when its authority is named."""
    (place.top / "server.py").write_text(SERVER)
    argv = [place.bin / "python", place.top / "server.py", place.top, pems]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            assert server.stdout
            url = f"https://127.0.0.1:{int(server.stdout.readline())}"
            create = ("cenv", "create", "--override-channels", "-c", url, "tool", "-p")
            said = place.run(*create, place.top / "no", fails=True)
            if "SSL_CERT_FILE" not in said:
                sys.exit(f"smoke: an unknown authority is not told of:\n{said}")
            authority = str(pems / "client.pem")
            place.run(*create, place.top / "env", SSL_CERT_FILE=authority)
        finally:
            server.kill()


def try_pytest(place: Place) -> None:
    """A suite that clones the running Python, packed as the demonstration packs it."""
    project = place.top / "project"
    project.mkdir()
    (project / "test_it.py").write_text(TESTS)
    place.run("cenv", "demo", "--keep", place.top / "demo")
    channel = next(place.top.glob("demo/**/channel"))
    variables = {"CENV_CHANNELS": str(channel), "CENV_SPECS": "python"}
    said = place.python("-m", "pytest", "-q", project, **variables)
    say(said.strip().splitlines()[-1])


def main(dist: Path, pems: Path | None) -> None:
    """Try the wheel of this machine."""
    with tempfile.TemporaryDirectory() as name:
        place = Place(Path(name))
        say("installing")
        install(place, dist.resolve())
        found = json.loads(place.run("cenv", "doctor", "--json"))
        say(f"doctor: {found['machine']['subdir']}, Python {found['cenv']['python']}")
        try_https(place, pems.resolve() if pems else make_pems(place))
        say("create over HTTPS: refused, then believed")
        try_pytest(place)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if sys.argv[2:] else None)
