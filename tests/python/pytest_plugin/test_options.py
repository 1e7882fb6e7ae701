# SPDX-License-Identifier: BSD-3-Clause
"""What the plugin can be asked for and told: templates, marks, settings, types."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cenv.demo.package import Package
from cenv.pytest_plugin import options

ROOT = Path(__file__).resolve().parents[3]


def test_cenv_template__makes_templates_of_every_kind(
    project: pytest.Pytester, small_channel, run
) -> None:
    project.makefile(".yml", environment="dependencies:\n  - data=1.0\n")
    project.makefile(".txt", specs="# a list\ndata=2.0\n")
    url = next(small_channel.glob("*/data-3*")).as_uri()
    (project.path / "explicit.txt").write_text(f"@EXPLICIT\n{url}\n")
    project.makepyfile(
        """
        import venv
        from pathlib import Path
        import cenv, pytest
        from cenv import UnsatisfiableError, UsageError

        HERE = Path(__file__).parent

        def text(env, name="share/data.txt"):
            return (env / name).read_text()

        def prepare(draft):
            (draft / "share/set-up").write_text("done")

        @pytest.mark.parametrize("file, version", [
            ("environment.yml", "1.0"), ("specs.txt", "2.0"), ("explicit.txt", "3.0"),
        ])
        def test_file(cenv_template, cenv_env, file, version):
            assert text(cenv_env(template=cenv_template(file=HERE / file))) == version

        def test_prefix(cenv_template, cenv_env, tmp_path):
            venv.create(tmp_path / "venv", symlinks=True)
            env = cenv_env(template=cenv_template(prefix=tmp_path / "venv"))
            asked = ["-c", "import sys; print(sys.prefix)"]
            done = env.run("python", *asked, capture_output=True, text=True, check=True)
            assert done.stdout.strip() == str(env)
            with pytest.raises(UsageError, match="prefix= names a whole"):
                cenv_template("tool", prefix=tmp_path)
            with pytest.raises(UsageError, match="no environment at"):
                cenv_template(prefix=tmp_path / "none")

        def test_layers(cenv_template, cenv_env):
            base = cenv_template("data=2", setup=prepare, key="1")
            layer = cenv_template("tool", base=base)
            env = cenv_env(template=layer)
            assert (text(env), text(env, "share/set-up")) == ("2.0", "done")
            assert (env / "bin/tool").exists()
            assert cenv_template("tool", base=base) is layer
            with pytest.raises(UnsatisfiableError, match="data"):
                cenv_template("tool", base="oldest")
            over = cenv_template(base="oldest", setup=prepare, key=["2", b"3"])
            assert text(cenv_env(template=over)) == "1.0"

        def test_names(cenv_template, cenv_env):
            assert text(cenv_env(template="oldest")) == "1.0"
            assert cenv_template(name="oldest") is cenv_template.named("oldest")
            with pytest.raises(UsageError) as caught:
                cenv_env(template="none")
            assert caught.value.hint == "cenv_templates names: newest, oldest"
            with pytest.raises(UsageError, match="specs beside template="):
                cenv_env("tool", template="newest")

        class TestSession:
            made = []
            def test_one(self, cenv_session_env):
                self.made.append(cenv_session_env("data=1"))
            def test_two(self, cenv_session_env):
                assert text(self.made[0]) == "1.0"
        """
    )
    run().assert_outcomes(passed=8)


def test_mark__says_what_the_fixture_gives(project: pytest.Pytester, run) -> None:
    project.makepyfile(
        """
        import pytest

        def text(env):
            return (env / "share/data.txt").read_text()

        @pytest.mark.cenv(template=["newest", "oldest"])
        def test_each(cenv_env, request):
            expected = {"newest": "3.0", "oldest": "1.0"}
            assert text(cenv_env()) == expected[request.node.callspec.id]

        @pytest.mark.parametrize("cenv_env", ["oldest"], indirect=True)
        def test_indirect(cenv_env):
            assert text(cenv_env()) == "1.0"
            assert text(cenv_env("data=2")) == "2.0"

        @pytest.mark.cenv("data=1", mode="copy")
        class TestClass:
            def test_of_class(self, cenv_env):
                env = cenv_env()
                assert (text(env), env.mode) == ("1.0", "copy")

            @pytest.mark.cenv(template="newest")
            def test_closest(self, cenv_env):
                assert text(cenv_env()) == "3.0"
        """
    )
    run("-n2", "-v").assert_outcomes(passed=5)
    project.makepyfile(
        """
        import pytest

        @pytest.mark.cenv("tool", colour="red")
        def test(cenv_env): pass
        """
    )
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*UsageError: pytest.mark.cenv: unknown colour"])


PRECEDENCE = """
def test(cenv_env, cenv_template):
    session = cenv_template.session
    chosen = session.settings
    print("found", chosen.keep, chosen.mode, session.store.path, *chosen.specs)
    assert cenv_env(mode="copy").mode == "copy"
"""


def test_settings__are_taken_from_the_strongest_source(
    fresh: pytest.Pytester, run, configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh.makepyfile(PRECEDENCE)
    configure(cenv_keep="all", cenv_mode="hardlink")

    def found(*argv: str) -> list[str]:
        result = run("-s", *argv)
        result.assert_outcomes(passed=1)
        lines = result.stdout.str().splitlines()
        (line,) = (line for line in lines if "found " in line)
        return line.partition("found ")[2].split()

    here = str(fresh.path)
    assert found() == ["all", "hardlink", f"{here}/store", "tool"]
    for name, value in (("KEEP", "none"), ("MODE", "auto"), ("SPECS", "data tool")):
        monkeypatch.setenv(f"CENV_{name}", value)
    monkeypatch.setenv("CENV_STORE", "other")
    assert found() == ["none", "auto", f"{here}/other", "data", "tool"]
    options = ["--cenv-keep=failed", "--cenv-mode=copy", "--cenv-store=third"]
    assert found(*options) == ["failed", "copy", f"{here}/third", "data", "tool"]
    monkeypatch.setenv("CENV_KEEP", "some")
    result = run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*CENV_KEEP is 'some': expected one of failed, *"])


MATRIX = """
def test_job(cenv_env):
    (record,) = (cenv_env() / "conda-meta").glob("data-*.json")
    print("found", record.name.split("-")[1])
"""


def test_settings__of_a_job_say_what_the_default_is(
    project: pytest.Pytester,
    run,
    configure,
    make_channel: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = make_channel(Package("data", "9"))
    (project.path / "nine").symlink_to(other)
    project.makepyfile(MATRIX)

    def found(*argv: str) -> str:
        result = run("-s", *argv)
        result.assert_outcomes(passed=1)
        return result.stdout.str().partition("found ")[2].split()[0]

    assert found() == "2.0"
    assert found("--cenv-template=oldest") == "1.0"
    assert found("--cenv-specs=data>=3") == "3.0"
    assert found("--cenv-channel=./nine", "--cenv-specs=data") == "9"
    both = ["--cenv-channel=./nine", f"--cenv-channel={project.path / 'nine'}"]
    assert found(*both, "--cenv-specs", "data") == "9"
    monkeypatch.setenv("CENV_TEMPLATE", "oldest")
    assert found() == "1.0"
    assert found("--cenv-specs=data=3") == "3.0"
    run("-n1", "--cenv-template=newest", "--cenv-json=told").assert_outcomes(passed=1)
    (template,) = json.loads((project.path / "told").read_text())["templates"]
    assert template["specs"] == ["tool"]


@pytest.mark.parametrize(
    ("ini", "argv", "said"),
    [
        ({}, ["--cenv-template=newer"], "--cenv-template is 'newer': cenv_templates *"),
        (
            {},
            ["--cenv-template=newest", "--cenv-specs=data"],
            "--cenv-template is 'newest': * told by --cenv-specs, too",
        ),
        (
            {"cenv_template": "newest"},
            [],
            "cenv_template is 'newest': * cenv_specs, too",
        ),
    ],
)
def test_settings__of_a_default_that_is_none_are_usage_errors(
    project: pytest.Pytester, run, configure, ini: dict, argv: list[str], said: str
) -> None:
    configure(**ini)
    project.makepyfile(MATRIX)
    result = run(*argv)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {said}"])


@pytest.mark.parametrize("how", ["option", "variable", "ini"])
def test_offline__opens_no_socket(
    fresh: pytest.Pytester,
    run,
    configure,
    monkeypatch: pytest.MonkeyPatch,
    serve,
    small_channel: Path,
    how: str,
) -> None:
    channel = serve(small_channel)
    configure(cenv_channels=channel.url)
    fresh.makepyfile(
        "def test(cenv_env): cenv_env()\ndef test_other(cenv_env): cenv_env('data')"
    )
    argv = ["--cenv-offline"] if how == "option" else []
    if how == "variable":
        monkeypatch.setenv("CENV_OFFLINE", "true")
    configure(cenv_offline=how == "ini")
    run(*argv).assert_outcomes(failed=2)
    assert channel.seen == []
    monkeypatch.delenv("CENV_OFFLINE", raising=False)
    configure(cenv_offline=False)
    run("test_offline__opens_no_socket.py::test").assert_outcomes(passed=1)
    assert channel.seen
    channel.seen.clear()
    configure(cenv_offline=how == "ini")
    if how == "variable":
        monkeypatch.setenv("CENV_OFFLINE", "1")
    run(*argv).assert_outcomes(passed=2)
    assert channel.seen == []


def test_settings__take_paths_of_ini_relative_to_it(
    fresh: pytest.Pytester, run, configure, small_channel: Path
) -> None:
    configure(cenv_channels="./channel")
    (fresh.path / "channel").symlink_to(small_channel)
    below = fresh.mkdir("below")
    (below / "test_it.py").write_text(
        "def test(cenv_env, monkeypatch, tmp_path):\n"
        "    monkeypatch.chdir(tmp_path)\n"
        "    cenv_env()\n"
    )
    os.chdir(below)
    run().assert_outcomes(passed=1)
    assert (fresh.path / "store/v1").is_dir()
    assert not (below / "store").exists()


def test_rebuild__builds_once_a_run(fresh: pytest.Pytester, run) -> None:
    fresh.makepyfile(
        """
        from pathlib import Path
        import pytest

        def prepare(draft):
            with open(Path(__file__).parent / "builds", "a") as file:
                file.write("x")

        @pytest.mark.parametrize("n", range(4))
        def test(n, cenv_env, cenv_template):
            cenv_env(template=cenv_template(setup=prepare, key="k"))
        """
    )
    for argv, builds in ((["-n2"], 1), (["-n2"], 1), (["-n2", "--cenv-rebuild"], 2)):
        run(*argv).assert_outcomes(passed=4)
        assert len((fresh.path / "builds").read_text()) == builds


def test_reuse__gives_one_clone_put_back(project: pytest.Pytester, run) -> None:
    project.makepyfile(
        """
        import shutil

        def test(cenv_env):
            first = cenv_env(reuse=True)
            (first / "lib/plain.txt").unlink()
            (first / "new").touch()
            again = cenv_env(reuse=True)
            assert again is first
            assert (again / "lib/plain.txt").exists()
            assert not (again / "new").exists()
            shutil.rmtree(again)
            third = cenv_env(reuse=True)
            assert (third / "lib/plain.txt").exists()
            assert cenv_env("data=1", reuse=True).path != third.path

        def test_rounds(cenv_env, benchmark):
            def setup():
                return (cenv_env(reuse=True),), {}
            def target(env):
                assert not (env / "new").exists()
                (env / "new").touch()
            benchmark.pedantic(target, setup=setup, rounds=4)
        """
    )
    result = run("-p", "pytest_benchmark.plugin")
    result.assert_outcomes(passed=2)


TYPED = """
from __future__ import annotations
import os
from collections.abc import Iterator
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar
import pytest
import cenv.pytest
from cenv import Clone, Template
from cenv.pytest_plugin import CloneFactory, EnvFactory, TemplateFactory
from cenv.templates.environment import Draft


def prepare(draft: Draft) -> None:
    draft.run("tool", check=True)


@pytest.fixture(scope="session")
def python(cenv_template: TemplateFactory) -> Template:
    base = cenv_template("tool", channels=[Path("/channel")], exclude_newer="2026-01-01")
    return cenv_template("data", base=base, setup=prepare, key=[Path(__file__), "1"])


@pytest.mark.cenv(template=["newest"])
def test_env(cenv_env: EnvFactory, cenv_clone: CloneFactory, python: Template) -> None:
    with cenv_env(template=python, mode="copy") as env:
        path: Path = env / "bin"
        clone: Clone = cenv_clone(env, path)
        clone.reset().restored.bit_count()
    cenv_env("tool", reuse=True).run("tool", check=True)
{more}

@pytest.fixture(scope="session")
def shared(cenv_session_env: EnvFactory) -> Iterator[Clone]:
    with cenv_session_env("tool", channels=["conda-forge"]) as env:
        yield env


env = cenv.pytest.fixture("tool", scope="module", channels=[Path("/c")], file="lock")


@pytest.mark.cenv("data=1", channels=["conda-forge"], mode="copy")
class TestClass:
    made: ClassVar[list[Clone]] = []

    def test_clone(self, shared: Clone, cenv_template: TemplateFactory) -> None:
        done = shared.run("tool", capture_output=True, text=True)
        output: str = done.stdout
        removed: bool = shared.reset().removed == 0 and bool(output)
        assert removed and shared.mode in ("hardlink", "copy")
        self.made.append(shared.materialize(Path(shared.path) / "again"))
        os.listdir(shared)
        shared.remove()

    def test_template(self, cenv_template: TemplateFactory, tmp_path: Path) -> None:
        template: Template = cenv_template(name="newest", add_pip=True, pinned=["data"])
        names: list[str] = [record.name for record in template.records]
        assert template.id and names and (template / "bin").is_dir()
        template.spares(2)
        status: int = template.run("tool").returncode
        with template.clone(tmp_path / "env", mode="hardlink") as clone:
            assert clone.template is template and status == 0
        cenv_template(prefix=tmp_path)
        cenv_template(file=tmp_path / "environment.yml").check().altered
"""


def test_types__satisfy_mypy_strict(pytester: pytest.Pytester) -> None:
    def mypy(more: str) -> str:
        pytester.makepyfile(TYPED.format(more=more))
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "mypy",
                "--strict",
                "test_types__satisfy_mypy_strict.py",
            ],
            cwd=pytester.path,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout

    assert mypy("").startswith("Success")
    for wrong in ("cenv_env(mode=3)", "cenv_clone(3)", "cenv_env(template=3)"):
        assert "arg-type" in mypy(f"    {wrong}")
    assert "attr-defined" in mypy("    cenv_env().no_such")
    assert "call-arg" in mypy("    python.clone(sources=[])")
    assert "arg-type" in mypy("    cenv.pytest.fixture(scope='mod')")
    pytester.makepyfile(
        """
        from cenv import pytest_plugin

        def test_types_are_there_when_tests_run():
            assert all(isinstance(getattr(pytest_plugin, n), type)
                       for n in pytest_plugin.__all__)
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_option_table__is_what_the_pages_tell() -> None:
    page = (ROOT / "docs/pytest.md").read_text().partition("\n## Settings\n")[2]
    rows = [row for row in page.splitlines() if row.startswith("|")]
    for option in options.OPTIONS:
        name = f"cenv_{option.name}" if option.ini else option.switch
        first = re.compile(rf"(`--cenv-[^|]*\|)?[| ]*`{name}\b(?!\()")
        (row,) = [row for row in rows if first.match(row.lstrip("| "))]
        told = (f"`{option.switch}" in row, f"CENV_{option.name.upper()}`" in row)
        assert told == (option.on_command_line, option.variable), row


def test_unknown_mode__is_refused_before_any_test(
    project: pytest.Pytester, run
) -> None:
    result = run("--cenv-mode=symlink")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--cenv-mode is 'symlink': expected one of auto, *"])


@pytest.mark.parametrize("variable", ["CENV_GUARD", "CENV_SPARES"])
def test_variable__shows_that_the_project_uses_cenv(
    pytester: pytest.Pytester, run, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    run("--co").stdout.no_fnmatch_line("cenv *: store=*")
    monkeypatch.setenv(variable, "off" if variable == "CENV_GUARD" else "0")
    run("--co").stdout.fnmatch_lines(["cenv *: store=*"])


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("mode", "hardlnk", "cenv_mode is 'hardlnk': expected one of auto, *"),
        ("keep", "some", "cenv_keep is 'some': expected one of failed, all, none"),
        ("guard", "never", "cenv_guard is 'never': expected one of session, *"),
        ("spares", "-1", "cenv_spares is '-1': expected 0, a number, or auto"),
        ("memory", "plenty", "cenv_memory is 'plenty': expected a number, or 500M, *"),
        ("specs", "'tool", "cenv_specs is *: no closing quotation"),
        ("templates", "py312", "cenv_templates is 'py312': expected 'name: specs'*"),
        ("report", "perhaps", "cenv_report is 'perhaps': expected true or false"),
    ],
)
def test_wrong_setting__is_one_usage_error(
    fresh: pytest.Pytester, run, configure, key: str, value: str, said: str
) -> None:
    fresh.makepyfile("def test_a(cenv_env): pass\ndef test_b(cenv_env): pass")
    configure(**{f"cenv_{key}": value})
    result = run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {said}"])
    assert "test_a" not in result.stdout.str()


@pytest.mark.skipif(int(pytest.__version__.split(".")[0]) < 9, reason="has no such")
def test_native_toml__may_have_types_of_its_own(
    pytester: pytest.Pytester, run, small_channel: Path, session_store: Path
) -> None:
    def configure(**more: str) -> None:
        keys = {
            "cenv_channels": f'["{small_channel}"]',
            "cenv_store": f'"{session_store}"',
            "cenv_spares": "0",
            "cenv_specs": '"tool"',
            "cenv_templates": '{ one = "tool", two = ["tool", "data=2"] }',
            "cenv_report": "true",
            **more,
        }
        lines = "".join(f"{key} = {value}\n" for key, value in keys.items())
        (pytester.path / "pyproject.toml").write_text(f"[tool.pytest]\n{lines}")

    configure()
    pytester.makepyfile(
        """
        def test_types(cenv_env):
            assert cenv_env.session.settings.spares == 0
            assert cenv_env.session.settings.specs == ("tool",)
            two = cenv_env(template="two")
            assert (two / "share/data.txt").read_text() == "2.0"
        """
    )
    run().assert_outcomes(passed=1)
    configure(cenv_spares="[1]")
    result = run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: cenv_spares is [[]1]: expected a text"])
