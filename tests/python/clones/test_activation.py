# SPDX-License-Identifier: BSD-3-Clause
"""Activated environments: what conda's activate sets, found out once, right in each clone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import cenv
from cenv import _native
from cenv.clones import activation_scripts
from cenv.demo.package import PLACEHOLDER, Member, Package

SCRIPT = f"""
export TOOL_HOME="$CONDA_PREFIX/share"
export TOOL_FLAGS="-I{PLACEHOLDER}/include $TOOL_FLAGS"
export PATH="$CONDA_PREFIX/tool/bin:$PATH"
export SAW_FROM_PACKAGE=$FROM_PACKAGE
unset DROPPED
not_exported=1
echo noise; echo noise >&2
false
"""
SAID = "#!/bin/sh\nenv | sort\n"


def members(script: str, name: str = "a") -> list[Member]:
    path = f"etc/conda/activate.d/{name}.sh"
    return [Member(path, script.encode(), placeholder=PLACEHOLDER)]


@pytest.fixture
def make(
    make_channel: Callable[..., Path], tmp_path: Path
) -> Iterator[Callable[..., cenv.Template]]:
    """Return a function that makes the template of one package with these members."""
    activation_scripts.varying.clear()

    def template(*members: Member) -> cenv.Template:
        channel = make_channel(Package("tool", "1", members=list(members)))
        return cenv.TemplateStore(tmp_path / "store").template(["tool"], [channel])

    yield template
    activation_scripts.varying.clear()


def test_run__gives_an_activated_environment(
    make: Callable[..., cenv.Template],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TOOL_FLAGS", "-O2")
    monkeypatch.setenv("DROPPED", "x")
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setenv("CONDA_PREFIX", "/host")
    monkeypatch.setenv("PATH", f"/host/bin{os.pathsep}{os.environ['PATH']}")
    variables = b'{"FROM_PACKAGE": "1", "BOTH": "package"}'
    template = make(
        *members(SCRIPT),
        Member("etc/conda/env_vars.d/tool.json", variables),
        Member("bin/say", SAID.encode(), 0o755),
    )
    for number in range(2):
        clone = template.clone(tmp_path / f"clone{number}")
        (clone / "conda-meta/state").write_text('{"env_vars": {"BOTH": "state"}}')
        said = clone.run("say", capture_output=True, text=True, check=True).stdout
        found = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
        assert found["PATH"].split(os.pathsep)[:2] == [
            f"{clone}/tool/bin",
            f"{clone}/bin",
        ]
        assert "/host/bin" not in found["PATH"].split(os.pathsep)
        assert found["TOOL_FLAGS"] == f"-I{clone}/include -O2"
        assert found["TOOL_HOME"] == f"{clone}/share"
        assert (found["FROM_PACKAGE"], found["BOTH"]) == ("1", "state")
        assert found["SAW_FROM_PACKAGE"] == "1"
        assert found["CONDA_PREFIX"] == found["CONDA_DEFAULT_ENV"] == str(clone)
        assert found["CONDA_PROMPT_MODIFIER"] == f"({clone}) "
        assert found["CONDA_SHLVL"] == "1"
        assert not {"DROPPED", "not_exported", "_cenv_script", "noise"} & found.keys()
        assert "PYTHONDONTWRITEBYTECODE" not in found
        assert clone.environ()["TOOL_HOME"] == found["TOOL_HOME"]


def test_environ__names_an_environment_below_envs(
    make: Callable[..., cenv.Template], tmp_path: Path
) -> None:
    (tmp_path / "envs").mkdir()
    clone = make().clone(tmp_path / "envs/py")
    found = clone.environ()
    assert (found["CONDA_DEFAULT_ENV"], found["CONDA_PROMPT_MODIFIER"]) == (
        "py",
        "(py) ",
    )


def test_environ__takes_what_it_is_given(
    make: Callable[..., cenv.Template], tmp_path: Path
) -> None:
    clone = make(
        *members(SCRIPT),
        Member("etc/conda/env_vars.d/t.json", b'{"FROM_PACKAGE": "1"}'),
    ).clone(tmp_path / "c")
    bare = clone.environ(activate=False)
    assert "TOOL_HOME" not in bare
    assert (bare["CONDA_SHLVL"], bare["FROM_PACKAGE"]) == ("1", "1")
    given = {"PATH": "/usr/bin", "MINE": "1"}
    assert clone.environ(given) == {
        **given,
        "PATH": f"{clone}/bin:/usr/bin",
        "CONDA_PREFIX": str(clone),
        "FROM_PACKAGE": "1",
    }
    assert clone.environ(given, activate=True)["TOOL_HOME"] == f"{clone}/share"
    whole = clone.environ()
    assert clone.environ({**whole, "MORE": "1"})["PATH"].count(f"{clone}/bin") == 1
    printed = clone.run(
        "sh", "-c", "echo $TOOL_HOME", activate=False, capture_output=True
    )
    assert printed.stdout == b"\n"


def runs_of(log: Path) -> int:
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_scripts__run_once_for_all_clones(
    make: Callable[..., cenv.Template], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("TOOL_LOG", str(log))
    template = make(*members('echo run >> "$TOOL_LOG"; export A="$CONDA_PREFIX/a"'))
    with template.clone() as first, template.clone() as second:
        assert first.environ()["A"] == f"{first}/a"
        found_out = runs_of(log)
        assert found_out == 2
        assert second.environ()["A"] == f"{second}/a"
        first.run("true")
        code = (
            "import cenv, sys\n"
            "from cenv.templates.template import Clone, Template\n"
            "template = Template(sys.argv[1], sys.argv[2], store=sys.argv[3])\n"
            "print(Clone(sys.argv[4], template).environ()['A'])"
        )
        argv = [template.path, template.id, template.store, second.path]
        other = subprocess.run(
            [sys.executable, "-c", code, *argv], capture_output=True, text=True
        )
        assert other.stdout == f"{second}/a\n", other.stderr
        assert runs_of(log) == found_out
        assert activation_scripts.varying == {}


def test_scripts__are_known_by_their_texts_and_what_they_name(
    make: Callable[..., cenv.Template], monkeypatch: pytest.MonkeyPatch
) -> None:
    with make(*members('export A="$GIVEN"')).clone() as clone:
        for value in ("one", "two", "one"):
            monkeypatch.setenv("GIVEN", value)
            assert clone.environ()["A"] == value
        monkeypatch.delenv("GIVEN")
        assert clone.environ()["A"] == ""
        (clone / "etc/conda/activate.d/b.sh").write_text("export B=b\n")
        assert clone.environ()["B"] == "b"
    assert activation_scripts.varying == {}


VARYING = {
    "random": ("export A=$RANDOM$RANDOM$RANDOM", "A depends"),
    "process": ("export A=$$", "A depends"),
    "directory": ("export A=$(pwd)", "A depends"),
    "time": ("export A=$(date +%Y)", "ask for the time"),
    "name of the prefix": ('export A="${CONDA_PREFIX##*/}"', "A depends"),
    "other variables": ('export A="$(env | grep ^ANO[T]HER)"', "A depends"),
    "home": ("export A=~", "A depends"),
    "writes": ('echo x > "$CONDA_PREFIX/share.txt"; export A=1', "write share.txt"),
    "makes": ('mkdir -p "$CONDA_PREFIX/made/here"; export A=1', "write made"),
}


@pytest.mark.parametrize("kind", VARYING)
def test_scripts__that_depend_on_more_are_run_each_time(
    make: Callable[..., cenv.Template],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    script, reason = VARYING[kind]
    log = tmp_path / "log"
    monkeypatch.setenv("TOOL_LOG", str(log))
    monkeypatch.setenv("ANOTHER", "value")
    template = make(*members(f'echo run >> "$TOOL_LOG"; {script}'))
    with template.clone() as first, template.clone() as second:
        first.environ()
        before = runs_of(log)
        values = [second.environ()["A"], second.environ()["A"]]
        assert runs_of(log) == before + 2
        if kind == "random":
            assert values[0] != values[1]
        if kind == "name of the prefix":
            assert values == [second.name] * 2
        if kind == "writes":
            assert (second / "share.txt").exists()
    assert list(activation_scripts.varying) == [template.id]
    assert reason in activation_scripts.varying[template.id]


def test_scripts__are_not_blamed_for_clones_made_beside_them(
    make: Callable[..., cenv.Template], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A further name of a file changes its time, in all hard-linked clones."""
    monkeypatch.setenv("TOOL_PLACE", str(tmp_path))
    script = 'ln "$CONDA_PREFIX/share/x" "$TOOL_PLACE/$RANDOM$RANDOM"; export A=1'
    template = make(*members(script), Member("share/x", b"x"))
    with template.clone(mode="hardlink") as clone:
        assert (clone / "share/x").stat().st_nlink == 2
        assert clone.environ()["A"] == "1"
        assert (clone / "share/x").stat().st_nlink > 2
    assert activation_scripts.varying == {}


def test_scripts__that_leave_daemons_are_not_waited_for(
    make: Callable[..., cenv.Template], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("TOOL_LOG", str(log))
    monkeypatch.setattr(activation_scripts, "_SECONDS", 20)
    script = 'sleep 300 & echo $! >> "$TOOL_LOG"; export A=1'
    with make(*members(script)).clone() as clone:
        assert clone.environ()["A"] == "1"
    for pid in log.read_text().split():
        os.kill(int(pid), signal.SIGKILL)  # they are there


def test_scripts__that_take_too_long_are_ended(
    make: Callable[..., cenv.Template], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activation_scripts, "_SECONDS", 0.2)
    with (
        make(*members("sleep 300")).clone() as clone,
        pytest.raises(cenv.PrefixError, match="took longer than"),
    ):
        clone.environ()


def test_scripts__of_an_overlay_clone_are_those_of_its_template(
    make: Callable[..., cenv.Template], tmp_path: Path
) -> None:
    template = make(*members('export A="$CONDA_PREFIX/a"'))
    code = (
        "import cenv, sys\n"
        "from cenv.templates.template import Template\n"
        "template = Template(sys.argv[1], sys.argv[2], store=sys.argv[3])\n"
        "with template.clone(sys.argv[4], mode='overlay') as clone:\n"
        "    print(clone.run('sh', '-c', 'echo $A', stdout=-1, text=True).stdout)"
    )
    if not _native.call(_native.extension.doctor, str(tmp_path))["overlay"]["works"]:
        pytest.skip("this machine refuses mount namespaces")
    argv = [template.path, template.id, template.store, f"{tmp_path}/over"]
    done = subprocess.run(
        [sys.executable, "-c", code, *argv], capture_output=True, text=True
    )
    assert done.stdout == f"{tmp_path}/over/a\n\n", done.stderr


@pytest.mark.parametrize("name", ["a b", "ō$x'\"", "x" * 100])
def test_scripts__work_at_odd_prefixes(
    make: Callable[..., cenv.Template], tmp_path: Path, name: str
) -> None:
    template = make(*members('export A="$CONDA_PREFIX/a"'))
    (tmp_path / "link").symlink_to(tmp_path)
    for above in tmp_path, tmp_path / "link":
        with template.clone(above / name) as clone:
            assert clone.environ()["A"] == f"{above}/{name}/a"


def test_scripts__of_a_template_run_in_a_view(
    make: Callable[..., cenv.Template], tmp_path: Path
) -> None:
    template = make(*members('echo x > "$CONDA_PREFIX/w"; export A="$CONDA_PREFIX"'))
    if not _native.call(_native.extension.doctor, str(tmp_path))["overlay"]["works"]:
        pytest.skip("this machine refuses mount namespaces")
    said = template.run("sh", "-c", "echo $A", capture_output=True, text=True).stdout
    assert said == f"{template}\n"
    line = [sys.executable, "-m", "cenv", "run"]
    for option, expected in ([], str(template)), (["--no-activate"], ""):
        command = [*line, *option, template.path, "--", "sh", "-c", "echo $A"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stdout == f"{expected}\n", done.stderr
    assert not (template / "w").exists()


def test_scripts__leave_no_secret_in_the_store(
    make: Callable[..., cenv.Template], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "hunter2-of-mine")
    monkeypatch.setenv("INDEX", "https://me:swordfish@host/simple")
    for script in 'export A="$MY_TOKEN"', 'export A="$INDEX"', 'export A="fine"':
        template = make(*members(script))
        with template.clone() as clone:
            assert clone.environ()["A"]
        kept = [path.read_text() for path in requests_of(template)]
        assert not any(word in "".join(kept) for word in ("hunter2", "swordfish"))
    assert any("fine" in text for text in kept)


def requests_of(template: cenv.Template) -> list[Path]:
    return list(Path(template.store or "").glob("v1/requests/*.json"))


def test_store__that_tells_nonsense_is_not_believed(
    make: Callable[..., cenv.Template], monkeypatch: pytest.MonkeyPatch
) -> None:
    template = make(*members("export A=right"))
    with template.clone() as clone:
        clone.environ()
        (kept,) = (p for p in requests_of(template) if "activation" in p.read_text())
        told = json.loads(kept.read_text())
        for wrong in ([], {"set": 1, "unset": []}, {"set": {"A": 1}, "unset": [2]}):
            kept.write_text(json.dumps({**told, "activation": wrong}))
            monkeypatch.setattr(activation_scripts, "_known", {})
            assert clone.environ()["A"] == "right"


def test_scripts__need_bash(
    make: Callable[..., cenv.Template], monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*_given: object) -> str:
        raise FileNotFoundError

    with make(*members("export A=1")).clone() as clone:
        monkeypatch.setattr(activation_scripts, "program_in", absent)
        with pytest.raises(cenv.PrefixError, match="there is no bash") as raised:
            clone.run("true")
        assert "activate=False" in str(raised.value.hint)
        assert clone.run("true", activate=False).returncode == 0
    with make(Member("share/x", b"")).clone() as plain:
        assert plain.run("true").returncode == 0


def test_scripts__that_end_the_shell_are_told(
    make: Callable[..., cenv.Template],
) -> None:
    with make(*members("echo no such licence >&2; exit 3")).clone() as clone:
        with pytest.raises(
            cenv.PrefixError, match="status 3: no such licence"
        ) as raised:
            clone.environ()
        assert f"{clone}/etc/conda/activate.d/a.sh" in str(raised.value.hint)


@pytest.mark.parametrize("state", ["{", '{"env_vars": []}'])
def test_environ__refuses_malformed_variables(
    make: Callable[..., cenv.Template], state: str
) -> None:
    with make().clone() as clone:
        (clone / "conda-meta/state").write_text(state)
        with pytest.raises(cenv.SpecError, match="conda-meta/state"):
            clone.environ()
