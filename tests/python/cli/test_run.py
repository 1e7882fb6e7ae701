# SPDX-License-Identifier: BSD-3-Clause
"""`cenv run`: what is an option, what is the command, and how a failure to start ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cenv import _native
from cenv.cli import parser


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    place = tmp_path / "env"
    (place / "bin").mkdir(parents=True)
    (place / "bin/data").write_text("no program")
    broken = place / "bin/broken"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    if not _native.call(_native.extension.doctor, str(place))["overlay"]["works"]:
        pytest.skip("this machine refuses mount namespaces")
    return place


def run(*argv: object, **keywords: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cenv", *map(str, argv)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, **keywords
    )


COMMANDS = [
    (["work", "ls", "-l"], ["ls", "-l"]),
    (["work", "--", "ls", "-l"], ["ls", "-l"]),
    (["--", "work", "ls", "-l"], ["ls", "-l"]),
    (["--keep", "kept", "work", "ls", "--json"], ["ls", "--json"]),
    (["work", "--keep=kept", "ls", "--keep", "x"], ["ls", "--keep", "x"]),
    (["work", "--trace", "t", "-q", "--", "-odd", "--"], ["-odd", "--"]),
    (["work", "a", "--", "b", "--json"], ["a", "--", "b", "--json"]),
    (["work"], []),
]


@pytest.mark.parametrize(("argv", "command"), COMMANDS, ids=map(str, COMMANDS))
def test_run__takes_all_behind_the_prefix(argv: list[str], command: list[str]) -> None:
    options = parser.parse(["run", *argv])
    assert (options.prefix, options.command) == ("work", command)
    assert options.json is False
    assert "--json" not in parser.own_arguments(["run", *argv])


def test_help__shows_the_command() -> None:
    usage = run("run", "--help").stdout.splitlines()[0]
    assert usage == "usage: cenv run [-h] [OPTION ...] PREFIX [--] COMMAND ..."


def test_command__needs_no_dashes(prefix: Path) -> None:
    done = run("run", prefix, "sh", "-c", "echo $CONDA_PREFIX; exit 7", "--json")
    assert (done.returncode, done.stdout) == (7, f"{prefix}\n"), done.stderr


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(
    ("program", "status", "said"),
    [("nosuch", 127, "no such"), ("data", 126, "not exec"), ("broken", 126, "cannot")],
)
def test_program__that_does_not_start_ends_as_in_a_shell(
    program: str, status: int, said: str, keep: bool, prefix: Path, tmp_path: Path
) -> None:
    more = ["--keep", tmp_path / "kept"] if keep else []
    done = run("run", *more, prefix, program)
    assert done.returncode == status
    assert said in done.stderr
    assert f"'{program}'" in done.stderr
    done = run("run", "--json", *more, prefix, program)
    assert done.returncode == status
    assert json.loads(done.stdout)["error"]["filename"] == program
    assert done.stderr == ""


def test_command__ignores_no_signal_that_python_ignores(prefix: Path) -> None:
    done = run("run", prefix, "grep", "SigIgn", "/proc/self/status")
    ignored = int(done.stdout.split()[1], 16)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        assert not ignored >> (number - 1) & 1, number


@pytest.mark.parametrize("keep", [[], ["--keep", "{}/kept"]], ids=["", "keep"])
def test_command__runs_in_a_directory_that_was_removed(
    prefix: Path, tmp_path: Path, keep: list[str]
) -> None:
    command = [sys.executable, "-m", "cenv", "run"]
    command += [word.format(tmp_path) for word in keep]
    script = 'mkdir gone; cd gone; rmdir ../gone; exec "$@"'
    done = subprocess.run(
        ["sh", "-c", script, "sh", *command, str(prefix), "echo", "here"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "here\n", "")


def test_keep__names_a_directory(prefix: Path, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    done = run("run", "--keep", "", prefix, "touch", "x", cwd=tmp_path / "here")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--keep names no directory" in done.stderr
    assert list((tmp_path / "here").iterdir()) == []


def test_program__without_a_name_is_not_there(prefix: Path) -> None:
    done = run("run", prefix, "--", "")
    assert (done.returncode, done.stdout) == (127, "")
    assert "no such program" in done.stderr


def test_environment__is_named(prefix: Path, tmp_path: Path) -> None:
    (prefix / "conda-meta").mkdir()
    done = run("run", "env", "sh", "-c", "echo $CONDA_PREFIX", cwd=tmp_path)
    assert done.stdout.strip() == str(prefix)
    import os

    variables = {**os.environ, "CONDA_ENVS_DIRS": str(tmp_path)}
    done = run("run", "env", "sh", "-c", "echo $CONDA_PREFIX", env=variables)
    assert done.stdout.strip() == str(prefix)
