# SPDX-License-Identifier: BSD-3-Clause
"""No secret of a whole run is in any file or output, of whatever kind it is."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from cenv.cli import main

SECRET = "canary-it's-73"  # with a character that ends no password
QUOTED = "canary-it%27s-73"

PYTEST = """
import os

import cenv
import pytest

ASKED = {"channels": [os.environ["CHANNEL"]]}

def test_template(tmp_path):
    template = cenv.TemplateStore().template(["tool"], **ASKED)
    template.clone(tmp_path / "clone")
    with pytest.raises(cenv.CenvError) as caught:
        cenv.create(tmp_path / "none", ["no-such"], **ASKED)
    print(caught.value, repr(caught.value), caught.value.hint)
    cenv.create(tmp_path / "none", ["no-such"], **ASKED)
"""


class Run:
    """Runs commands in a home of their own, and keeps all that they print.

    In this process, as a process for each takes most of the time; `apart` says otherwise.
    """

    def __init__(self, home: Path, *, apart: bool = False) -> None:
        self.home = home
        self.apart = apart
        self.printed = ""
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "CENV_STORE": str(home / "store"),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }

    def __call__(self, *argv: object) -> int:
        words = [*map(str, argv)]
        if self.apart or "run" in words:  # whose program prints itself
            return self._start("cenv", words)
        said = io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            for name in {*os.environ} - {*self.environ}:
                patch.delenv(name)
            for name, value in self.environ.items():
                patch.setenv(name, value)
            patch.chdir(self.home)
            with redirect_stdout(said), redirect_stderr(said):
                status = main(words)
        self.printed += said.getvalue()
        return status

    def pytest(self, *argv: object) -> int:
        return self._start("pytest", ["-p", "cenv", *map(str, argv)])

    def _start(self, module: str, words: list[str]) -> int:
        done = subprocess.run(
            [sys.executable, "-m", module, *words],
            env=self.environ,
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )
        self.printed += done.stdout + done.stderr
        return done.returncode

    def leaks(self, given: tuple[Path, ...]) -> Iterator[str]:
        """Yield where a secret is, but for the files that it was given in."""
        for word in ("canary", "it's-73", "it%27s-73"):
            if word in self.printed:
                yield f"printed: {self.printed}"
        for path in self.home.rglob("*"):
            plain = path.is_file() and not path.is_symlink() and path not in given
            if plain and b"canary" in path.read_bytes():
                yield str(path)


@pytest.fixture
def served(serve: Callable[..., Any], small_channel: Path, tmp_path: Path) -> Any:
    """Return a server of the small channel, below a token too, whatever is asked."""
    top = tmp_path / "served"
    (top / "t").mkdir(parents=True)
    for place in (top / "chan", top / "t" / QUOTED / "chan"):
        shutil.copytree(small_channel, place)
    server = serve(top)
    answer = server.reply
    server.sent = []

    def without_query(path: str, headers: dict[str, str]) -> Any:
        server.sent.append((path, headers))
        return answer(path.partition("?")[0], headers)

    server.reply = without_query
    return server


CHANNELS = {
    "user": "http://user:{secret}@{host}/chan",
    "name": "http://{secret}@{host}/chan",
    "token": "http://{host}/t/{secret}/chan",
    "query": "http://{host}/chan?sig={secret}",
    "all": "http://user:{secret}@{host}/t/{secret}/chan?sig={secret}",
}


def was_sent(server: Any) -> bool:
    """Tell whether the server was sent the secret, which it then wants."""
    return any(
        QUOTED in path or "authorization" in headers or "proxy-authorization" in headers
        for path, headers in server.sent
    )


@pytest.fixture
def run(tmp_path: Path, request: pytest.FixtureRequest) -> Run:
    """Return a runner; the parameter "all" has a process for each command."""
    (tmp_path / "home").mkdir()
    kind = getattr(request.node, "callspec", None)
    apart = kind is not None and kind.params.get("kind") in ("all", "query")
    return Run(tmp_path / "home", apart=apart)


@pytest.mark.parametrize("kind", CHANNELS)
def test_channels__leave_no_secret_anywhere(run: Run, served: Any, kind: str) -> None:
    channel = CHANNELS[kind].format(secret=QUOTED, host=served.netloc)
    asked = ("-c", channel, "--override-channels")
    test, listed, lock = (run.home / n for n in ("test_it.py", "x.txt", "a.yml"))
    test.write_text(PYTEST)
    run.environ["CHANNEL"] = channel
    base, _, query = channel.partition("?")
    file = next((served.top / "chan").rglob("data-*.conda"))
    place = f"{file.parent.name}/{file.name}"
    listed.write_text(f"@EXPLICIT\n{base}/{place}{query and '?' + query}\n")
    lock.write_text(f"channels: ['{channel}']\ndependencies: ['{base}::data']\n")
    assert run("--trace", "trace.json", "create", "-p", "a", "tool", *asked) == 0
    assert was_sent(served)
    assert run("--json", "create", "-p", "b", "--file", listed) == 0
    assert run("create", "-v", "-p", "c", "--file", lock) == 0
    assert run("--json", "solve", f"{base}::tool", *asked) == 0
    assert run("clone", "a", "d") == 0
    assert run("--json", "template", "build", "tool", *asked) == 0
    assert run("template", "export", "t.tar.zst") == 0
    assert run("--json", "template", "list") == 0
    assert run("report", "trace.json") == 0
    assert run("solve", "no-such", *asked) == 1
    assert run("solve", f"{channel}::no-such", *asked) == 1
    assert run("create", "-p", "e", "[", "-c", channel) != 0
    assert run("no-such-command", channel) == 2
    report = (
        "-p",
        "no:cacheprovider",
        "--tb=native",
        "--cenv-report",
        "--cenv-json=r.json",
    )
    assert run.pytest("-q", *report, test) == 1
    assert list(run.leaks((test, listed, lock))) == []

    history = (run.home / "d/conda-meta/history").read_text()
    assert f"{served.url}/chan" in history


# What no command asks for, and each inherits.
INHERITED = {
    "AWS_ACCESS_KEY_ID": "canary-key",
    "AWS_SECRET_ACCESS_KEY": "canary-s3",
    "PIP_INDEX_URL": "https://user:canary-pip@h.invalid/simple",
    "CONDA_HTTP_HEADER": "Authorization: Bearer canary-header",
    "HTTPS_PROXY": "http://user:canary-proxy@127.0.0.1:1",
    "ANACONDA_AUTH_TOKEN": "canary-token",
}


@pytest.mark.parametrize("kind", ["user", "token", "query"])
def test_commands__leave_no_secret_anywhere(run: Run, served: Any, kind: str) -> None:
    channel = CHANNELS[kind].format(secret=QUOTED, host=served.netloc)
    asked = ("-c", channel, "--override-channels")
    run.environ |= INHERITED
    assert run("-v", "create", "-p", "a", "tool", *asked) == 0
    assert run("-v", "template", "build", "tool", *asked) == 0
    assert run("-v", "--trace", "t.json", "template", "export", "t.czt") == 0
    there = ("--store", run.home / "there")
    assert run("-v", "template", "import", *there, "t.czt") == 0
    assert run("--json", "template", "list", *there) == 0
    assert run("-v", "run", "a", "true") != 2  # views may be impossible here
    assert run("-v", "run", "a", "no-such-program") not in (0, 2)
    assert run("doctor") in (0, 1)
    assert run("--json", "doctor") in (0, 1)
    for done in ("verify a", "clone a b", "reset b", "template gc"):
        assert run("-v", *done.split()) == 0, done
    # None of these can be done; each says so without the channel's secret.
    for failing in (
        ("clone", channel, "c"),
        ("reset", channel),
        ("verify", channel),
        ("extract", channel, "d"),
        ("report", channel),
        ("template", "import", channel),
        ("template", "export", channel + "/none/t.czt"),
        ("template", "check", channel),
        ("create", "-p", channel, "tool", "-c", served.url + "/none"),
        ("create", "-p", "e", "--file", channel + "/none.yml"),
        ("index", channel),
        ("solve", f"{channel}::tool[version='"),
    ):
        for way in ("-v", "--json"):
            assert run(way, *failing) != 0, failing
    assert list(run.leaks(())) == []


SHOWN = """
import os

import cenv
import pytest


@pytest.fixture
def template(cenv_template_factory):
    return cenv_template_factory("no-such", channels=[os.environ["CHANNEL"]])


def test_fixture(template):
    pass


def test_call(tmp_path):
    cenv.create(tmp_path / "none", ["no-such"], channels=[os.environ["CHANNEL"]])


def test_warning():
    import warnings

    try:
        cenv.solve(["no-such"], channels=[os.environ["CHANNEL"]])
    except cenv.CenvError as error:
        warnings.warn(str(error), stacklevel=1)
"""


@pytest.mark.parametrize("tb", ["long", "short", "line", "native"])
def test_tracebacks__show_no_secret(run: Run, served: Any, tb: str) -> None:
    run.environ["CHANNEL"] = CHANNELS["all"].format(secret=QUOTED, host=served.netloc)
    (run.home / "test_it.py").write_text(SHOWN)
    options = ("-p", "no:cacheprovider", f"--tb={tb}", "-l", "-ra", "--junitxml=j.xml")
    assert run.pytest(*options, "test_it.py") == 1
    assert "no-such" in run.printed
    assert list(run.leaks(())) == []


@pytest.mark.parametrize(
    "channel",
    [
        "http://user:canary-it's/73@{host}/chan",
        "http://user:canary it's-73@{host}/none",
        "http://user:canary\tit's-73@{host}/none",
        "http://user:canary#it's-73@{host}/chan",
        "s3://KEY:canary-it's-73@bucket/chan",
        "{host}/t/canary-it's-73/chan",
        "user:canary-it's-73@{host}/chan",
    ],
)
def test_failures__show_no_secret(run: Run, served: Any, channel: str) -> None:
    channel = channel.format(host=served.netloc)
    for json_ in ((), ("--json",)):
        run(*json_, "solve", "x", "-c", channel, "--override-channels")
        run(*json_, "solve", f"{channel}::x", "-c", served.url + "/chan")
        run(*json_, "create", "-p", "a", f"x[channel='{channel}', version=]")
        if "/t/" not in channel:  # which a directory may be called
            run(*json_, "create", "-p", "a", "--file", channel)
        if "://" in channel:  # else it is a path
            run(*json_, "extract", channel, "there")
    assert run.printed
    assert list(run.leaks(())) == []


def test_configuration__leaves_no_secret_anywhere(run: Run, served: Any) -> None:
    netrc, condarc = run.home / "netrc", run.home / ".condarc"
    netrc.write_text("machine 127.0.0.1 login user password canary-netrc-73\n")
    condarc.write_text(
        f"custom_channels: {{chan: 'http://user:canary-1@{served.netloc}'}}\n"
        f"proxy_servers: {{http: 'http://user:canary-2@{served.netloc}'}}\n"
    )
    run.environ |= {"NETRC": str(netrc), "no_proxy": "127.0.0.1"}
    options = ("-c", f"{served.url}/chan", "--override-channels")
    assert run("create", "-p", "a", "tool", *options) == 0
    assert was_sent(served)
    del run.environ["no_proxy"]
    served.sent.clear()
    assert (
        run("--json", "create", "-p", "b", "tool", "-c", "http://h.invalid/chan") == 0
    )
    assert any("proxy-authorization" in headers for _path, headers in served.sent)
    assert run("clone", "b", "c") == 0
    condarc.write_text("proxy_servers: {http: 'http://user:canary-3@127.0.0.1:1'}\n")
    assert run("solve", "x", "-c", "http://g.invalid/chan", "--override-channels") == 1
    condarc.write_text("channel_alias: 'user:canary-4@h'\n")
    assert run("solve", "x", "-c", "c") != 0
    assert list(run.leaks((netrc, condarc))) == []
