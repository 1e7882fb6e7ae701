# SPDX-License-Identifier: BSD-3-Clause
"""cenv.conda over conda.testing's fixtures: a stand-in of theirs that logs what it makes."""

from __future__ import annotations

import json

import pytest

FIRST = """
    pytest_plugins = ("cenv.conda", "conda.testing", "conda.testing.fixtures")
"""
NO_LINE = """
    pytest_plugins = ("conda.testing", "conda.testing.fixtures")
"""
WAYS = ["one line", "first", "ini", "variable", "option", "option and ini"]
ONE_TEST = """
    def test_one(tmp_env):
        with tmp_env("tool") as prefix:
            assert is_clone(prefix)
"""


@pytest.mark.parametrize("how", WAYS)
def test_tmp_env__gives_clones(
    suite, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how != "one line":
        suite.pytester.makeconftest(FIRST if how == "first" else NO_LINE)
    if how.endswith("ini"):
        suite.pytester.makeini("[pytest]\ncenv_patch_conda_testing = true")
    if how == "variable":
        monkeypatch.setenv("CENV_PATCH_CONDA_TESTING", "true")
    option = ["-p", "cenv.conda"] if how.startswith("option") else []
    suite.write(
        """
    def test_many(tmp_env, tmp_path):
        with tmp_env("tool", "data=2") as one, tmp_env("tool") as two:
            assert is_clone(one) and is_clone(two)
            assert one.parent == tmp_path
            assert (one / "share/data.txt").read_text() == "2.0"
            assert (two / "share/data.txt").read_text() == "3.0"
        assert is_clone(one)

    def test_places(tmp_env, tmp_path):
        (tmp_path / "empty").mkdir()
        with tmp_env("tool", prefix=tmp_path / "empty") as prefix:
            assert is_clone(prefix) and prefix == tmp_path / "empty"
        with tmp_env("tool", prefix=str(tmp_path / "absent")) as prefix:
            assert is_clone(prefix)
        with tmp_env("tool", name="named") as prefix:
            assert is_clone(prefix) and prefix == tmp_path / "named"
        with tmp_env("tool", path_infix="!") as prefix:
            assert is_clone(prefix) and "!" in prefix.name

    def test_session(session_tmp_env):
        with session_tmp_env("tool") as one, session_tmp_env("tool") as two:
            assert is_clone(one) and is_clone(two)
            assert (one.name, two.name) == ("tmp_env-0", "tmp_env-1")
    """
    )
    suite.run(*option).assert_outcomes(passed=3)
    assert suite.created() == []


def test_tmp_env__gives_a_path_as_conda_does(suite) -> None:
    suite.write(
        """
    import os

    def test_path(tmp_env, tmp_path):
        with tmp_env("tool", name="here") as prefix:
            assert type(prefix) is type(Path())
            assert prefix == tmp_path / "here" and hash(prefix) == hash(tmp_path / "here")
            assert {prefix: 1}[tmp_path / "here"] == 1
            assert prefix.exists() and prefix.name == "here" and prefix.is_dir()
            assert (prefix / "etc").is_dir() and os.fspath(prefix) == str(prefix)
            assert f"{prefix}/etc/tool.conf" in map(str, prefix.glob("etc/*"))
    """
    )
    suite.run().assert_outcomes(passed=1)


IMPORTS = "from conda.testing.fixtures import conda_cli, tmp_env"
LATE = """
    def pytest_collection_modifyitems(config):
        config.pluginmanager.import_plugin("conda.testing.fixtures")
"""
BROUGHT = {  # the root's conftest, a directory's, and the head of a module in there
    "directory": ("", IMPORTS, ""),
    "module": ("", "", IMPORTS),
    "plugins of a module": ("", "", "pytest_plugins = ('conda.testing.fixtures',)"),
    "after collection": (LATE, "", ""),
}


@pytest.mark.parametrize("option", [["-p", "cenv.conda"], []], ids=["option", "ini"])
@pytest.mark.parametrize("how", BROUGHT)
def test_override__comes_last_however_late_the_fixtures(
    suite, option: list[str], how: str
) -> None:
    root, conftest, head = BROUGHT[how]
    if not option:
        suite.pytester.makeini("[pytest]\ncenv_patch_conda_testing = true")
    suite.pytester.makeconftest(root)
    where = suite.pytester.mkdir("sub")
    (where / "conftest.py").write_text(conftest)
    (where / "test_there.py").write_text(
        f"""{head}
def test_one(request):
    with request.getfixturevalue("tmp_env")("tool") as prefix:
        assert (prefix / "etc/tool.conf").read_text() == f"here={{prefix}}/lib\\n"
"""
    )
    suite.run(*option).assert_outcomes(passed=1)
    assert suite.created() == []


@pytest.mark.parametrize("how", ["ini", "line", "option"])
def test_override__is_switched_off_by_the_variable(
    suite, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how != "line":
        suite.pytester.makeconftest(NO_LINE)
    if how == "ini":
        suite.pytester.makeini("[pytest]\ncenv_patch_conda_testing = true")
    monkeypatch.setenv("CENV_PATCH_CONDA_TESTING", "false")
    suite.pytester.makepyfile("def test(tmp_env):\n    with tmp_env('tool'): pass")
    option = ["-p", "cenv.conda"] if how == "option" else []
    suite.run(*option).assert_outcomes(passed=1)
    assert len(suite.created()) == 1


def test_override__says_what_it_lacks(suite) -> None:
    suite.write(ONE_TEST)
    result = suite.run("-p", "no:cenv")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*cenv.conda needs the plugin cenv, which is off*"])


def test_override__of_nothing_leaves_pytest_its_words(suite) -> None:
    suite.pytester.makeconftest("")
    suite.write(ONE_TEST)
    result = suite.run("-p", "cenv.conda")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'tmp_env' not found*"])


def test_tmp_env__is_condas_without_opting_in(suite) -> None:
    suite.pytester.makeconftest(NO_LINE)
    suite.pytester.makepyfile(
        """
        def test_one(tmp_env):
            with tmp_env("tool"):
                pass
        """
    )
    result = suite.run()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*cenv environments*")
    (created,) = suite.created()
    assert created.startswith("create --prefix=")


def test_tmp_env__tells_conda_of_the_environment(suite) -> None:
    suite.pytester.makepyfile(
        """
        from conda.base.context import Context
        from conda.core.prefix_data import PrefixData

        def test_one(tmp_env, capsys, tmp_path, monkeypatch):
            stale = PrefixData(tmp_path / "x")
            monkeypatch.setattr(Context, "register_envs", True)
            print("swallowed, as by conda_cli")
            with tmp_env("tool", prefix=tmp_path / "x") as prefix:
                assert PrefixData(prefix) is not stale
                assert PrefixData(prefix).names == {"tool", "data"}
            assert capsys.readouterr() == ("", "")
            assert tmp_env.conda_cli.capsys is capsys
            assert tmp_env.get_path(name="n").name == "n"
        """
    )
    suite.run().assert_outcomes(passed=1)
    (line,) = suite.created()
    assert line.startswith("registered ")
    assert line.endswith("/x")


OWN = """
    import pytest

    @pytest.fixture
    def tmp_env():
        return "mine"
    """
AROUND = """
    import pytest

    @pytest.fixture
    def tmp_env({conda}):
        return lambda *specs: {conda}("tool", *specs)
    """


def test_tmp_env__of_the_suite_itself_stays_and_is_told(suite) -> None:
    suite.pytester.makeconftest(NO_LINE + OWN)
    suite.pytester.makeini("[pytest]\ncenv_patch_conda_testing = true")
    suite.pytester.makepyfile("def test_one(tmp_env): assert tmp_env == 'mine'")
    result = suite.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*tmp_env is a fixture of the suite itself*"])


@pytest.mark.parametrize("conda", ["tmp_env", "session_tmp_env"])
def test_tmp_env__of_the_suite_around_condas_clones(suite, conda: str) -> None:
    suite.pytester.makeconftest(NO_LINE + AROUND.format(conda=conda))
    suite.pytester.makeini("[pytest]\ncenv_patch_conda_testing = true")
    suite.write(
        """
    def test_one(tmp_env):
        with tmp_env("data=2") as prefix:
            assert is_clone(prefix)
    """
    )
    result = suite.run()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*suite itself*")
    assert suite.created() == []


def test_override__that_cannot_work_fails_the_tests(
    suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CENV_STORE", "/dev/null/store")
    suite.write(ONE_TEST + "\n    def test_other(): pass\n")
    result = suite.run("-W", "error")
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(["*/dev/null/store*"])
    assert suite.created() == []


def test_tmp_env__works_under_xdist(suite) -> None:
    suite.write(
        """
    @pytest.mark.parametrize("n", range(6))
    def test_one(tmp_env, session_tmp_env, n):
        with tmp_env("tool") as one, session_tmp_env("tool") as two:
            assert is_clone(one) and is_clone(two)
        with tmp_env("--no-default-packages") as three, tmp_env("tool", "--dev") as four:
            assert is_empty(three) and made_by_conda(four)
    """
    )
    result = suite.run("-n", "2", "--cenv-json=report.json")
    result.assert_outcomes(passed=6)
    assert len(suite.created()) == 6
    report = json.loads((suite.pytester.path / "report.json").read_text())
    assert report["empty"] == 6
    assert report["passed_through"] == {"tmp_env: option --dev": 6}
    assert {note["test"][-9:] for note in report["passed_through_requests"]} == {
        f"test_one[{n}]"[-9:] for n in range(6)
    }
