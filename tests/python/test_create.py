# SPDX-License-Identifier: BSD-3-Clause
"""What `create` puts into a prefix, and what it leaves when it cannot."""

from __future__ import annotations

import importlib.util
import json
import os
import py_compile
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import cenv
from cenv import _native, api
from cenv.demo.package import PLACEHOLDER, Member, Package
from cenv.tracing import recorder

MINOR = "{}.{}".format(*sys.version_info)
TAG = f"cpython-{MINOR.replace('.', '')}"
WHEN = 1_600_000_000
SITE = f"lib/python{MINOR}/site-packages"

# The running interpreter, with the environment's site-packages; compiles and runs.
PYTHON = f"""#!/bin/sh
here=${{0%/*}}
export PYTHONPATH="$here/../{SITE}"
exec {sys.executable} "$@"
"""

SHOW = b"""import sys
class Tool:
    @staticmethod
    def main():
        print(sys.argv[0].rpartition('/')[2], *sys.argv[1:], sep='|')
"""

POST_LINK = f"""#!/bin/sh
[ -z "$HOLD" ] || {{ echo $$ > "$HOLD"; exec sleep 60; }}
[ -z "$FAIL" ] || {{ echo "this is why" >&2; exit 1; }}
echo "$PREFIX $PKG_NAME $PKG_VERSION $PKG_BUILDNUM" > "$PREFIX/seen"
cat "{PLACEHOLDER}/etc/conf" >> "$PREFIX/seen"
echo "read the manual" > "$PREFIX/.messages.txt"
"""


def module(text: str) -> tuple[bytes, bytes]:
    """Return a source and the bytecode that a build would have shipped with it."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "m.py"
        source.write_text(text)
        os.utime(source, (WHEN, WHEN))
        made = py_compile.compile(str(source), dfile="m.py", doraise=True)
        return text.encode(), Path(str(made)).read_bytes()


@pytest.fixture(scope="module")
def channel(make_channel: Callable[..., Path]) -> Path:
    source, bytecode = module(f"P = '{PLACEHOLDER}'\n")
    where = f"{SITE}/where.py"
    python = Package(
        "python",
        "{}.{}.{}".format(*sys.version_info),
        members=[Member(f"bin/python{MINOR}", PYTHON.encode(), 0o755, WHEN * 10**9)],
    )
    ships = Package(
        "ships",
        "1",
        depends=["python"],
        members=[
            Member(where, source, 0o644, WHEN * 10**9, placeholder=PLACEHOLDER),
            Member(
                f"{SITE}/__pycache__/where.{TAG}.pyc", bytecode, 0o644, WHEN * 10**9
            ),
        ],
    )
    pure = Package(
        "pure",
        "1",
        subdir="noarch",
        noarch="python",
        depends=["python"],
        entry_points=["show-it = pure.tool:Tool.main"],
        members=[
            Member("site-packages/pure/__init__.py", b"x = 1\n", 0o644, WHEN * 10**9),
            Member("site-packages/pure/tool.py", SHOW, 0o644, WHEN * 10**9),
            Member("site-packages/pure/bad.py", b"def f(:\n", 0o644, WHEN * 10**9),
            Member("python-scripts/pure.sh", b"#!/bin/sh\n", 0o755, WHEN * 10**9),
        ],
    )
    script = Package(
        "script",
        "2",
        build="h_7",
        members=[
            Member("etc/conf", PLACEHOLDER.encode(), placeholder=PLACEHOLDER),
            Member(
                "bin/.script-post-link.sh",
                POST_LINK.encode(),
                0o755,
                placeholder=PLACEHOLDER,
            ),
        ],
    )
    plain = Package(
        "plain", "1", members=[Member("share/plain", b"plain " * 2000, 0o644, WHEN)]
    )
    return make_channel(python, ships, pure, script, plain)


Make = Callable[..., "cenv.PrefixReport"]


@pytest.fixture
def make(channel: Path, session_store: Path) -> Make:
    def make(prefix: Path, *specs: str, **options: object) -> cenv.PrefixReport:
        return cenv.create(prefix, specs, [channel], store=session_store, **options)

    return make


def start(
    prefix: Path, spec: str, channel: Path, store: Path, **env: str
) -> subprocess.Popen[str]:
    code = (
        "import sys, cenv;"
        "cenv.create(sys.argv[1], [sys.argv[2]], [sys.argv[3]], store=sys.argv[4])"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, (prefix, spec, channel, store))],
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path: Path) -> str:
    """Return the content of a file that another process is about to write."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if path.exists() and (text := path.read_text()):
            return text
        time.sleep(0.01)
    raise AssertionError(f"{path} did not come")


def output(*argv: object) -> str:
    clean = {"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [str(a) for a in argv], env=clean, capture_output=True, text=True, check=True
    ).stdout


# ---- noarch python ----


def test_noarch_python__is_mapped_compiled_and_runs(make: Make, tmp_path: Path) -> None:
    prefix = tmp_path / "env"
    report = make(prefix, "pure")
    assert (prefix / SITE / "pure/__init__.py").is_file()
    assert os.access(prefix / "bin/pure.sh", os.X_OK)
    cache = sorted(p.name for p in (prefix / SITE / "pure/__pycache__").iterdir())
    assert cache == [f"__init__.{TAG}.pyc", f"tool.{TAG}.pyc"]
    assert report.linked["compiled"] == 2
    assert output(prefix / "bin/show-it", "a b", "c") == "show-it|a b|c\n"
    assert (prefix / "bin/show-it").stat().st_mode & 0o7777 == 0o755
    record = json.loads((prefix / "conda-meta/pure-1-0.json").read_text())
    assert f"{SITE}/pure/__pycache__/tool.{TAG}.pyc" in record["files"]
    assert cenv.verify(prefix).ok


def test_bytecode__names_no_prefix_and_is_fresh(make: Make, tmp_path: Path) -> None:
    for name in ("one", "another-longer-name"):
        prefix = tmp_path / name
        make(prefix, "pure")
        source = prefix / SITE / "pure/tool.py"
        bytecode = Path(importlib.util.cache_from_source(str(source))).read_bytes()
        assert os.fsencode(tmp_path) not in bytecode
        assert int.from_bytes(bytecode[4:8], "little") == 0  # by time, not by hash
        facts = source.stat()
        assert int.from_bytes(bytecode[8:12], "little") == int(facts.st_mtime)
        assert int.from_bytes(bytecode[12:16], "little") == facts.st_size


def test_bytecode__is_compiled_once(
    channel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "315532800")  # would mean hashed bytecode
    reports = [
        cenv.create(tmp_path / n, ["pure"], [channel], store=tmp_path / "store")
        for n in ("one", "two")
    ]
    compiled = [
        next(stage for stage in report.stages if stage.name == "compile")
        for report in reports
    ]
    assert [stage.misses for stage in compiled] == [3, 0]
    assert [report.linked["compiled"] for report in reports] == [2, 2]
    name = f"{SITE}/pure/__pycache__/tool.{TAG}.pyc"
    one, two = ((tmp_path / n / name).read_bytes() for n in ("one", "two"))
    assert one == two


@pytest.mark.parametrize("makers", ["template layered", "layered template"])
def test_bytecode__is_compiled_once_for_templates_and_layers(
    makers: str, channel: Path, tmp_path: Path
) -> None:
    store = cenv.TemplateStore(tmp_path / "store")
    if not _native.call(_native.extension.doctor, store.path)["overlay"]["works"]:
        pytest.skip("this machine refuses mount namespaces")
    compiled, linked = [], []
    for maker in makers.split():
        with recorder.recording() as recorded:
            getattr(store, maker)(["pure"], [channel])
            stages = {stage.name: stage for stage in recorded.stages()}
        compiled.append(stages["compile"].misses)
        linked.append(stages["link"].items)
    assert compiled == [3, 0]
    once = linked[makers.split().index("template")]
    assert linked[1] == once  # layers need no python that runs


@pytest.mark.parametrize("length", [122, 124, 125, 126, 200])
def test_entry_points__run_at_any_length(
    length: int, make: Make, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """`length` is that of the interpreter's path; 125 and more need another form."""
    parent = tmp_path_factory.mktemp("l")
    tail = f"/bin/python{MINOR}"
    prefix = Path(f"{parent}/".ljust(length - len(tail), "x"))
    make(prefix, "pure")
    first = (prefix / "bin/show-it").read_bytes().splitlines()[0]
    assert first == (
        b"#!/bin/sh" if length >= 125 else b"#!" + os.fsencode(f"{prefix}{tail}")
    )
    assert output(prefix / "bin/show-it", "a b") == "show-it|a b\n"


def test_create__takes_a_prefix_with_a_space(make: Make, tmp_path: Path) -> None:
    prefix = tmp_path / "with a space"
    make(prefix, "pure", "ships")
    assert output(prefix / "bin/show-it", "-x") == "show-it|-x\n"
    assert (prefix / SITE / "where.py").read_text() == f"P = '{prefix}'\n"


@pytest.mark.parametrize("length", [60, len(PLACEHOLDER)])
def test_bytecode__does_not_shadow_a_relocated_module(
    length: int, make: Make, tmp_path: Path
) -> None:
    """Bytecode is told from its source by second and size, which may well agree."""
    prefix = Path(str(tmp_path / "e").ljust(length, "q"))
    make(prefix, "ships")
    shipped = prefix / SITE / f"__pycache__/where.{TAG}.pyc"
    assert int.from_bytes(shipped.read_bytes()[8:12], "little") == WHEN
    found = output(prefix / f"bin/python{MINOR}", "-c", "import where; print(where.P)")
    assert found == f"{prefix}\n"


# ---- link scripts ----


def test_post_link__runs_at_the_final_path(make: Make, tmp_path: Path) -> None:
    prefix = tmp_path / "deep/er/env"
    report = make(prefix, "script")
    assert (prefix / "seen").read_text() == f"{prefix} script 2 7\n{prefix}"
    assert report.messages == ("read the manual",)
    assert not (prefix / ".messages.txt").exists()
    assert not prefix.is_symlink()


@pytest.mark.parametrize("there", [False, True])
def test_post_link__leaves_nothing_when_it_fails(
    there: bool, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = tmp_path / "made/env"
    if there:
        prefix.mkdir(parents=True)
        prefix.chmod(0o750)
    monkeypatch.setenv("FAIL", "1")
    with pytest.raises(cenv.LinkError, match=r"script-2-h_7 failed .*this is why"):
        make(prefix, "script")
    if there:
        assert prefix.stat().st_mode & 0o7777 == 0o750
        assert list(prefix.iterdir()) == []
        assert [p.name for p in prefix.parent.iterdir()] == ["env"]
    else:
        assert list(tmp_path.iterdir()) == []


def test_create__leaves_no_environment_when_killed(
    channel: Path, session_store: Path, tmp_path: Path
) -> None:
    prefix, hold = tmp_path / "env", tmp_path / "hold"
    run = start(prefix, "script", channel, session_store, HOLD=str(hold))
    child = int(wait_for(hold))
    run.send_signal(signal.SIGKILL)
    run.communicate()
    os.kill(child, signal.SIGKILL)
    assert not list(tmp_path.glob("**/conda-meta/history"))
    cenv.create(prefix, ["script"], [channel], store=session_store)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["env", "hold"]
    assert cenv.verify(prefix).ok


def test_create__leaves_nothing_when_interrupted(
    channel: Path, session_store: Path, tmp_path: Path
) -> None:
    prefix, hold = tmp_path / "env", tmp_path / "hold"
    run = start(prefix, "script", channel, session_store, HOLD=str(hold))
    child = int(wait_for(hold))
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate(timeout=30)
    assert run.returncode != 0
    assert "KeyboardInterrupt" in errors
    assert [p.name for p in tmp_path.iterdir()] == ["hold"]
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


# ---- linking ----


@pytest.mark.parametrize(("mode", "links"), [("hardlink", 2), ("copy", 1)])
def test_link_mode__decides_the_links(
    mode: str, links: int, make: Make, tmp_path: Path
) -> None:
    report = make(tmp_path / mode, "plain", link_mode=mode)
    facts = (tmp_path / mode / "share/plain").stat()
    assert facts.st_nlink >= links
    assert (facts.st_nlink == 1) == (links == 1)
    assert facts.st_mtime_ns == WHEN
    assert report.linked[mode] == 1


def test_link_mode__that_is_unknown_is_refused(make: Make, tmp_path: Path) -> None:
    with pytest.raises(cenv.UsageError, match="softlink"):
        make(tmp_path / "env", "plain", link_mode="softlink")


@pytest.mark.parametrize("last", ["_link", "_prefix_report"])
def test_create__says_of_memory_that_runs_out_last_what_is_made(
    last: str, small_channel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_out(*_given: object) -> None:
        raise MemoryError("out of memory")

    monkeypatch.setattr(api, last, run_out)
    env = tmp_path / "env"
    with pytest.raises(MemoryError) as caught:
        cenv.create(env, ["data"], [small_channel], store=tmp_path / "store")
    made = f"out of memory, when '{env}' was made: it is there, whole"
    if last == "_link":
        assert str(caught.value) == "out of memory"
        assert not env.exists()
    else:
        assert str(caught.value) == made
        assert cenv.verify(env).ok


def test_create__extracts_an_altered_package_again(
    channel: Path, tmp_path: Path
) -> None:
    """Whoever writes into a hard-linked file in place writes into the store."""
    settings = {"channels": [channel], "store": tmp_path / "store"}
    cenv.create(tmp_path / "one", ["plain"], link_mode="hardlink", **settings)
    (tmp_path / "one/share/plain").write_text("spoiled")
    cenv.create(tmp_path / "two", ["plain"], link_mode="hardlink", **settings)
    assert (tmp_path / "two/share/plain").read_bytes() == b"plain " * 2000


def test_create__leaves_nothing_on_a_full_disk(
    channel: Path, session_store: Path, tmp_path: Path, make: Make
) -> None:
    """A file size limit stands in for it: the write fails in the middle."""
    make(tmp_path / "first", "plain")  # so that the package is in the store

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    code = (
        "import sys, cenv;"
        "cenv.create(sys.argv[1], ['plain'], [sys.argv[2]], store=sys.argv[3],"
        " link_mode='copy')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "env", channel, session_store],
        capture_output=True,
        text=True,
        preexec_fn=limit,
        check=False,
    )
    assert done.returncode != 0
    assert "File too large" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["first"]


# ---- the destination ----


def test_create__refuses_a_destination_that_holds_something(
    make: Make, tmp_path: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    (tmp_path / "file").touch()
    for name, says in (("full", "holds files"), ("file", "it is a file")):
        with pytest.raises(cenv.PrefixError, match=says):
            make(tmp_path / name, "plain")
    make(tmp_path / "env", "plain")
    with pytest.raises(cenv.PrefixError, match="there is one already") as caught:
        make(tmp_path / "env", "plain")
    assert caught.value.hint
    assert sorted(p.name for p in tmp_path.iterdir()) == ["env", "file", "full"]


def test_create__keeps_the_mode_of_an_empty_directory(
    make: Make, tmp_path: Path
) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env").chmod(0o2750)
    make(tmp_path / "env", "plain")
    assert (tmp_path / "env").stat().st_mode & 0o7777 == 0o2750


def test_create__takes_names_that_are_not_utf8(make: Make, tmp_path: Path) -> None:
    prefix = os.fsencode(tmp_path) + b"/\xe9t\xe9"
    make(os.fsdecode(prefix), "ships", "pure")
    with open(os.path.join(prefix, os.fsencode(SITE), b"where.py"), "rb") as file:
        assert file.read() == b"P = '" + prefix + b"'\n"


@pytest.mark.parametrize("later", ["file", "directory"])
def test_create__lets_the_later_of_file_and_directory_win(
    tmp_path: Path, make_channel, later: str
) -> None:
    """What depends on a package comes later, and may have a file where that has a directory."""
    first, second = ("a/b", "a") if later == "file" else ("a", "a/b")
    channel = make_channel(
        Package("one", "1", members=[Member(first, b"one"), Member("kept", b"one")]),
        Package("two", "1", depends=["one"], members=[Member(second, b"two")]),
    )
    report = cenv.create(tmp_path / "env", ["two"], channels=[channel])
    assert (tmp_path / "env" / second).read_bytes() == b"two"
    assert (tmp_path / "env" / "kept").read_bytes() == b"one"
    assert [
        w for w in report.warnings if "'a' is a " in w and "the latter's is used" in w
    ]
    assert cenv.verify(tmp_path / "env").ok
    cenv.clone(tmp_path / "env", tmp_path / "clone", store=tmp_path / "store")
    assert cenv.verify(tmp_path / "clone").ok


def test_clone__tells_where_on_a_full_disk(
    session_store: Path, tmp_path: Path, make: Make
) -> None:
    """By the path that the clone was to have; a file size limit stands in for the disk."""
    make(tmp_path / "first", "plain")

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    code = (
        "import sys, cenv\n"
        "try: cenv.clone(sys.argv[1], sys.argv[2], mode='copy', store=sys.argv[3])\n"
        "except OSError as error: print(error.strerror, error.filename, sep='\\n')"
    )
    clone = tmp_path / "clone"
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "first", clone, session_store],
        capture_output=True,
        text=True,
        preexec_fn=limit,
        check=False,
    )
    told, path = done.stdout.splitlines()
    assert told == f"cannot write '{clone}/share/plain': File too large"
    assert path == f"{clone}/share/plain"
