# SPDX-License-Identifier: BSD-3-Clause
"""The plugin in runs of its own: fixtures, configuration, failures, retention."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest


def run(project: pytest.Pytester, *argv: str) -> pytest.RunResult:
    return project.runpytest_subprocess("--strict-markers", "-W", "error", *argv)


def test_fixtures__give_environments(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import os, pytest

        seen = []

        def test_default(cenv_env):
            env = cenv_env()
            assert (env / "share/data.txt").read_text() == "2.0"
            assert os.fspath(env) in (env / "etc/tool.conf").read_text()
            seen.append(env)

        def test_removed():
            assert not os.path.exists(seen[0])

        def test_named_and_many(cenv_env):
            with cenv_env(template="oldest") as old:
                assert (old / "share/data.txt").read_text() == "1.0"
            assert not os.path.exists(old)
            assert (cenv_env("tool") / "share/data.txt").read_text() == "3.0"

        @pytest.mark.cenv("data=1")
        def test_marked(cenv_env):
            assert (cenv_env() / "share/data.txt").read_text() == "1.0"

        def test_template_and_clone(cenv_template, cenv_clone, tmp_path):
            template = cenv_template("tool", "data=2")
            assert cenv_template("tool", "data=2") is template
            target = tmp_path / "mine"
            target.mkdir()
            clone = cenv_clone(template, target)
            assert clone.path == str(target)
            again = cenv_clone(clone)
            assert (again / "share/data.txt").read_text() == "2.0"
            same = cenv_template(prefix=clone)
            assert (same.clone(tmp_path / "c") / "share/data.txt").exists()
        """
    )
    run(project, "--cenv-recycle=off").assert_outcomes(passed=5)


def test_failed_test__keeps_its_clones(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        def test_passes(cenv_env):
            cenv_env()

        def test_fails(cenv_env):
            cenv_env()
            assert False
        """
    )
    result = run(project, "--basetemp=base")
    result.assert_outcomes(passed=1, failed=1)
    assert len(list(project.path.glob("base/cenv/*"))) == 1
    run(project, "--basetemp=base", "--cenv-keep=none")
    assert not list(project.path.glob("base/cenv/*"))
    run(project, "--basetemp=base", "--cenv-keep=all")
    assert len(list(project.path.glob("base/cenv/*"))) == 2


def test_failing_template__fails_every_dependent(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="session")
        def broken(cenv_template):
            return cenv_template("no-such-package")

        def test_one(broken): pass
        def test_two(broken): pass
        def test_call(cenv_template): cenv_template("no-such-package")
        def test_free(): pass
        """
    )
    result = run(project)
    result.assert_outcomes(passed=1, errors=2, failed=1)
    result.stdout.fnmatch_lines(["*no-such-package*"])
    assert "INTERNALERROR" not in result.stdout.str()


def test_default_specs__missing_are_one_clear_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test(cenv_env): cenv_env()")
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*cenv_specs*"])


@pytest.mark.parametrize("argv", [[], ["-n2"]], ids=["alone", "workers"])
def test_plugin__is_light_while_unused(
    pytester: pytest.Pytester, argv: list[str]
) -> None:
    """No module of cenv but the plugin's own three, no thread, no file."""
    pytester.makeconftest(
        """
        import sys, threading

        LIGHT = {
            "cenv",
            "cenv.pytest_plugin",
            "cenv.pytest_plugin.hints",
            "cenv.pytest_plugin.options",
            "cenv.pytest_plugin.reports",
        }

        def check():
            loaded = {name for name in sys.modules if name.split(".")[0] == "cenv"}
            assert loaded == LIGHT
            assert not {"ruamel.yaml", "platformdirs"} & set(sys.modules)
            assert "cenv" not in [thread.name for thread in threading.enumerate()]

        def pytest_runtest_logreport(report):
            check()

        def pytest_unconfigure():
            check()
        """
    )
    pytester.makepyfile("def test_nothing(): pass")
    run(pytester, *argv, "--basetemp=base").assert_outcomes(passed=1)
    made = {path.name for path in pytester.path.rglob("*")} - {"__pycache__"}
    assert not [name for name in made if "cenv" in name or name == "v1"]


def test_template__lies_where_the_clones_are(project: pytest.Pytester) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == project.path.stat().st_dev:
        return
    project.makepyfile(
        """
        def test_linked(cenv_env, cenv_template):
            env = cenv_env("tool", mode="hardlink")
            assert (env / "lib/plain.txt").stat().st_nlink > 1
            template = cenv_template("tool", setup=lambda t: (t / "new").touch(), key="k")
            assert (cenv_env(template=template) / "new").exists()
        """
    )
    with tempfile.TemporaryDirectory(dir=memory) as place:
        run(project, f"--basetemp={place}/base").assert_outcomes(passed=1)


UNUSED = """
import sys

def test_nothing_is_loaded(request):
    assert "cenv.pytest_plugin" in sys.modules
    loaded = {name for name in sys.modules if name.split(".")[0] == "cenv"}
    allowed = {
        "cenv",
        "cenv.pytest_plugin",
            "cenv.pytest_plugin.hints",
        "cenv.pytest_plugin.options",
        "cenv.pytest_plugin.reports",
    }
    assert loaded == allowed, loaded - allowed
    request.getfixturevalue("record_property")
"""


def test_plugin__leaves_no_file_while_unused(
    pytester: pytest.Pytester, all_plugins: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(UNUSED)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    strict = ["--strict-markers", "--strict-config", "-W", "error"]
    before = set(pytester.path.rglob("*"))
    argv = ["-p", "no:cacheprovider", *strict]
    pytester.runpytest_subprocess(*argv).assert_outcomes(passed=1)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    argv += ["-p", "cenv.pytest_plugin"]
    pytester.runpytest_subprocess(*argv).assert_outcomes(passed=1)
    ours = {"stdout", "stderr", ".benchmarks"}  # of pytester, and of another plugin
    made = {p for p in set(pytester.path.rglob("*")) - before if p.name not in ours}
    made = {p for p in made if "runpytest-" not in str(p)}
    assert not made


def test_plugin__can_be_switched_off(
    pytester: pytest.Pytester, all_plugins: None
) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_no_plugin(): assert "cenv.pytest_plugin" not in sys.modules
        def test_no_fixture(cenv_env): pass
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cenv")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*fixture 'cenv_env' not found*"])


def test_file__of_any_kind_makes_a_template(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import json, os
        from pathlib import Path

        import pytest

        import cenv
        from cenv.specs import conda_lock

        def test_environment(cenv_template, cenv_env, tmp_path):
            file = tmp_path / "environment.yml"
            file.write_text("dependencies: [data=2]\\nvariables: {A: one}\\nodd: 1\\n")
            with pytest.warns(UserWarning, match="the key odd is not known"):
                template = cenv_template(file=file)
            env = cenv_env(template=template)
            state = json.loads((env / "conda-meta/state").read_text())
            assert state == {"env_vars": {"A": "one"}}
            said = env.run("sh", "-c", "echo $A", capture_output=True, text=True).stdout
            assert said == "one\\n"

            def setup(draft):
                assert json.loads((draft / "conda-meta/state").read_text()) == state
                (draft / "own").touch()

            file.write_text("dependencies: [data=2]\\nvariables: {A: one}\\n")
            both = cenv_template(file=file, setup=setup, key="own")
            assert (both / "own").exists()
            assert both.id != template.id == cenv_template(file=file).id

        def test_lock(cenv_template, tmp_path, pytestconfig):
            solved = cenv_template("data=1")
            lock = tmp_path / "lock"
            platform = cenv.Index(pytestconfig.getini("cenv_channels")).platform
            conda_lock.write(lock, cenv.Solution(solved.records), platform)
            template = cenv_template(file=lock)
            assert [r.version for r in template.records] == ["1.0"]
            with pytest.raises(cenv.UsageError, match="names every package"):
                cenv_template("tool", file=lock)

        def test_text_for_a_list(cenv_template, pytestconfig):
            (channel,) = pytestconfig.getini("cenv_channels")
            pinned = cenv_template("data", channels=channel, pinned="data=1")
            assert [r.version for r in pinned.records] == ["1.0"]
        """
    )
    run(project).assert_outcomes(passed=3)


def test_clones__of_templates_themselves_are_counted(
    project: pytest.Pytester, run
) -> None:
    project.makepyfile(
        """
        import pickle
        from cenv.templates.template import Template

        def test_rounds(cenv_template, cenv_env, tmp_path):
            template = cenv_template("tool")
            for number in range(3):
                template.clone(tmp_path / str(number))
            cenv_env(template=template)
            assert type(pickle.loads(pickle.dumps(template))) is Template
        """
    )
    result = run("--cenv-json=report.json")
    result.assert_outcomes(passed=1)
    report = json.loads((project.path / "report.json").read_text())
    assert report["clones"]["count"] == 4
