# SPDX-License-Identifier: BSD-3-Clause
"""Environments of layers: what programs see of them, what is remembered, what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import cenv
from cenv import _native
from cenv.demo.package import PLACEHOLDER, Member, Package
from cenv.templates.template import Template
from cenv.tracing import recorder

TOOL = f"#!{PLACEHOLDER}/bin/sh\necho $CONDA_PREFIX {PLACEHOLDER} $TOOL $DATA\n"
SCRIPT = b"export DATA=$CONDA_PREFIX/share\n"


@pytest.fixture(scope="module")
def channel(make_channel) -> Path:
    """Return a channel of a tool whose prefix, variables and activation script show."""
    tool = Package(
        "tool",
        "1.0",
        depends=["data"],
        members=[
            Member("bin/tool", TOOL.encode(), 0o755, placeholder=PLACEHOLDER),
            Member("bin/sh", link="/bin/sh"),
            Member("etc/conda/env_vars.d/tool.json", b'{"TOOL": "set"}'),
            Member("etc/conda/activate.d/tool.sh", SCRIPT),
            Member("share/both", b"of tool"),
        ],
    )
    data = Package("data", "1.0", members=[Member("share/both", b"of data")])
    linked = Package(
        "linked", "1.0", members=[Member("bin/.linked-post-link.sh", b"", 0o755)]
    )
    return make_channel(tool, data, linked)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> cenv.TemplateStore:
    """Return a store in which each request is made once in all tests."""
    place = tmp_path_factory.mktemp("layers")
    if not _native.call(_native.extension.doctor, str(place))["overlay"]["works"]:
        pytest.skip("this machine refuses mount namespaces")
    return cenv.TemplateStore(place)


@pytest.fixture(autouse=True)
def _store_of_commands(store, monkeypatch) -> None:
    monkeypatch.setenv("CENV_STORE", store.path)


def run_exec(
    channel: Path, *argv: str, **keywords: object
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cenv", "exec", "-c", str(channel), *argv]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, **keywords
    )


def test_layered__shows_packages_at_one_path(store, channel, tmp_path) -> None:
    shown = store.layered(["tool"], [channel])
    assert shown.path == f"{store.path}/v1/env"
    assert not os.listdir(shown.path)
    assert (shown.layers, shown.made) == (2, 2)
    assert shown.warnings == (
        "'share/both' is in data-1.0-0 and in tool-1.0-0; the latter's is used",
    )
    told = shown.run("tool", capture_output=True, text=True, check=True)
    assert told.stdout == f"{shown.path} {shown.path} set {shown.path}/share\n"
    inside = [sys.executable, "-m", "cenv", "verify", shown.path]
    assert shown.run(inside, capture_output=True).stdout == b"ok: 5 files checked\n"
    write = 'cd "$CONDA_PREFIX" && cat share/both && echo x > share/both && ls share'
    for _again in range(2):
        done = shown.run("sh", "-c", write, capture_output=True)
        assert done.stdout == b"of toolboth\n", done
    with shown.popen("tool", stdout=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdout.read() == told.stdout.encode()
    with pytest.raises(FileNotFoundError) as failure:
        shown.run("no-such-program")
    assert failure.value.filename == "no-such-program"


def test_layered__remembers_what_a_request_led_to(store, channel) -> None:
    store.layered(["tool"], [channel])
    with recorder.recording() as recorded:
        again = store.layered(["tool"], [channel])
        stages = {stage.name for stage in recorded.stages()}
    assert again.made == 0
    assert not stages & {"solve", "link", "extract"}


@pytest.mark.parametrize(
    "damage", [{"path": 3}, {"prefix": 3}, {"why": 3, "path": None}, {"layers": "x"}]
)
def test_layered__does_without_what_is_damaged(store, channel, damage) -> None:
    made = store.layered(["tool"], [channel])
    for file in Path(store.path, "v1/requests").iterdir():
        told = json.loads(file.read_text())
        if "layers" in told:
            file.write_text(json.dumps({**told, **damage}))
    again = store.layered(["tool"], [channel])
    assert (again.path, again.entry) == (made.path, made.entry)
    assert again.layers == made.layers


def test_layered__has_other_specs_in_its_records(store, channel) -> None:
    read = 'cat "$CONDA_PREFIX"/conda-meta/*.json "$CONDA_PREFIX"/conda-meta/history'
    for specs in (["tool"], ["tool", "data=1.0"]):
        shown = store.layered(specs, [channel])
        text = shown.run("sh", "-c", read, capture_output=True, text=True).stdout
        assert text.count('"requested_spec":') == len(specs)
        assert f"# update specs: {specs!r}" in text


def test_layered__gc_waits_for_it(store, channel) -> None:
    shown = store.layered(["tool"], [channel])
    with pytest.raises(cenv.CenvError, match="in use"):
        store.gc()
    shown.lease.release()
    command = ["sh", "-c", "echo started; read end"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with store.layered(["tool"], [channel]).popen(command, **pipes) as process:
        process.stdout.readline()
        with pytest.raises(cenv.CenvError, match="in use"):
            store.gc()
        process.stdin.close()


def test_layered__is_a_template_where_scripts_are_run(store, channel) -> None:
    with recorder.recording() as recorded:
        shown = store.layered(["linked"], [channel])
    assert isinstance(shown, Template)
    assert recorded.notes == [
        "a template is shown, not layers: linked-1.0-0 has a link script"
    ]


def test_layered__shows_more_than_a_page_names(store, make_channel) -> None:
    names = [f"small-{number:03d}" for number in range(250)]
    many = [Package(name, "1", members=[Member(f"share/{name}")]) for name in names]
    every = Package("all", "1", depends=names)
    shown = store.layered(["all"], [make_channel(*many, every)])
    if isinstance(shown, Template):
        pytest.skip("this kernel shows fewer layers")
    done = shown.run("sh", "-c", 'ls "$CONDA_PREFIX/share"', capture_output=True)
    assert done.stdout.decode().split() == names
    inside = [sys.executable, "-m", "cenv", "verify", shown.path]
    assert shown.run(inside, capture_output=True).stdout == b"ok: 250 files checked\n"


def test_exec__is_one_call(store, channel) -> None:
    done = cenv.exec(["tool"], "tool", channels=[channel], capture_output=True)
    assert done.stdout.startswith(f"{store.path}/v1/env ".encode())
    with pytest.raises(cenv.UnsatisfiableError):
        cenv.exec(["nothing"], "tool", channels=[channel])


def test_exec__becomes_the_command(store, channel, tmp_path) -> None:
    done = run_exec(channel, "tool", "--", "sh", "-c", "tool; cat; exit 7", input="in")
    prefix = f"{store.path}/v1/env"
    assert done.stdout == f"{prefix} {prefix} set {prefix}/share\nin", done.stderr
    assert (done.returncode, done.stderr) == (7, "")
    done = run_exec(channel, "tool", "--", "sh", "-c", "kill -TERM $$")
    assert done.returncode == -15
    kept = tmp_path / "kept"
    change = "echo new > $CONDA_PREFIX/share/both"
    done = run_exec(channel, "tool", "--keep", str(kept), "--", "sh", "-c", change)
    assert (done.returncode, done.stderr) == (0, "")
    files = [path for path in kept.rglob("*") if path.is_file()]
    assert files == [kept / "share/both"]


@pytest.mark.parametrize("place", ["v1/env", "v1/env/kept", "v1/templates/x", "kept"])
def test_exec__keeps_nothing_in_the_store(store, channel, place) -> None:
    there = Path(store.path, place)
    done = run_exec(channel, "tool", "--keep", str(there), "--", "true")
    assert done.returncode == 1
    assert f"'{there}' lies in '{store.path}'" in done.stderr
    assert not os.listdir(f"{store.path}/v1/env")
    assert place == "v1/env" or not there.exists()


def test_exec__takes_a_file_beside_specs(channel, tmp_path) -> None:
    file = tmp_path / "environment.yml"
    file.write_text("dependencies:\n- data\n")
    read = "cat $CONDA_PREFIX/conda-meta/history"
    for option in ("--with", "--file"):
        done = run_exec(channel, "tool", option, str(file), "--", "sh", "-c", read)
        assert (done.returncode, done.stderr) == (0, "")
        assert "['tool', 'data']" in done.stdout, done.stdout


def test_exec__says_more_with_v(channel) -> None:
    done = run_exec(channel, "-v", "linked", "--", "true")
    assert "layers: linked-1.0-0 has a link script" in done.stderr, done
    done = run_exec(channel, "-v", "tool", "--", "true")
    assert "2 layers at " in done.stderr, done


def test_exec__command_holds_the_lease(store, channel) -> None:
    collect = [sys.executable, "-m", "cenv", "template", "gc"]
    done = run_exec(channel, "tool", "--", *collect)
    assert done.returncode == 1
    assert "the store is in use by another run" in done.stderr


def test_exec__tells_what_is_missing(channel) -> None:
    for argv, status, said in (
        (["tool"], 2, "no command given"),
        (["tool", "--", "no-such-program"], 127, "no such program"),
        (["tool", "--fallback", "--keep", "x", "--", "true"], 2, "--fallback"),
    ):
        done = run_exec(channel, *argv)
        assert done.returncode == status
        assert said in done.stderr


def test_exec__tells_that_a_store_cannot_show_layers(
    channel, tmp_path, monkeypatch
) -> None:
    for name, said in ((b"a:b", "':' in a path"), (b"a\xffb", "is not UTF-8")):
        monkeypatch.setenv(
            "CENV_STORE", os.fsdecode(os.fsencode(tmp_path) + b"/" + name)
        )
        for _again in range(2):
            done = run_exec(channel, "tool", "--", "tool")
            assert (done.returncode, done.stdout) == (1, "")
            assert said in done.stderr
            assert "set CENV_STORE to a directory with another name" in done.stderr
    monkeypatch.setenv("CENV_STORE", str(tmp_path / "a:b"))
    done = run_exec(channel, "tool", "--fallback", "--", "tool")
    assert done.returncode == 0, done.stderr


def test_exec__falls_back_to_a_clone(store, channel) -> None:
    """In a user namespace that may make no further ones."""
    forbid = 'echo 0 > /proc/sys/user/max_mnt_namespaces && exec "$@"'
    command = ["unshare", "-Ur", "sh", "-c", forbid, "sh"]
    command += [sys.executable, "-m", "cenv", "exec", "-c", str(channel)]
    for new in ([], ["data=1.0"]):  # layers that are there, and a request that is not
        given = [*command, "tool", *new]
        done = subprocess.run(
            [*given, "--", "tool"], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert "no private view" in done.stderr
        assert "--fallback runs the command in a clone" in done.stderr
        script = "tool; kill -TERM $$"
        done = subprocess.run(
            [*given, "--fallback", "--", "sh", "-c", script],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 128 + 15, done
        prefix = done.stdout.split()[0]
        assert done.stdout == f"{prefix} {prefix} set {prefix}/share\n"
        assert not os.path.exists(prefix)
    assert store.sweep() == []
