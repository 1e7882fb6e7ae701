# SPDX-License-Identifier: BSD-3-Clause
"""cenv.conda over conda.testing's fixtures: a stand-in of theirs that logs what it makes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

STANDIN = Path(__file__).parent / "standin"
ONE_LINE = """
    pytest_plugins = ("conda.testing", "conda.testing.fixtures", "cenv.conda")
"""
NO_LINE = """
    pytest_plugins = ("conda.testing", "conda.testing.fixtures")
"""


class Suite:
    """A suite of conda's users, and what it asked conda itself to make."""

    def __init__(self, pytester: pytest.Pytester, log: Path) -> None:
        self.pytester = pytester
        self._log = log

    def created(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []

    def run(self, *argv: str) -> pytest.RunResult:
        return self.pytester.runpytest_subprocess("-p", "no:cacheprovider", *argv)


@pytest.fixture
def suite(
    pytester: pytest.Pytester,
    small_channel: Path,
    session_store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Suite:
    monkeypatch.setenv("PYTHONPATH", str(STANDIN))
    monkeypatch.setenv("STANDIN_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("CONDA_CHANNELS", str(small_channel))
    monkeypatch.setenv("CENV_STORE", str(session_store))
    pytester.makeconftest(ONE_LINE)
    return Suite(pytester, tmp_path / "log")


IS_A_CLONE = """
    from pathlib import Path
    import pytest

    def is_clone(prefix):
        assert isinstance(prefix, Path)
        conf = prefix / "etc/tool.conf"
        return conf.exists() and conf.read_text() == f"here={prefix}/lib\\n"
"""


FIRST = """
    pytest_plugins = ("cenv.conda", "conda.testing", "conda.testing.fixtures")
"""
WAYS = ["one line", "first", "ini", "variable", "option", "option and ini"]


@pytest.mark.parametrize("how", WAYS)
def test_tmp_env__gives_clones(
    suite: Suite, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how != "one line":
        suite.pytester.makeconftest(FIRST if how == "first" else NO_LINE)
    if how.endswith("ini"):
        suite.pytester.makeini("[pytest]\ncenv_patch_conda_testing = true")
    if how == "variable":
        monkeypatch.setenv("CENV_PATCH_CONDA_TESTING", "true")
    option = ["-p", "cenv.conda"] if how.startswith("option") else []
    suite.pytester.makepyfile(
        IS_A_CLONE
        + """
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

    @pytest.mark.parametrize("args", [
        ("--solver=libmamba",), ("--solver", "libmamba"), ("--platform", "linux-64"),
        ("--platform=linux-64",), ("--subdir=linux-64",),
    ], ids=str)
    def test_what_is_configured_anyway(tmp_env, args):
        with tmp_env("tool", *args) as prefix:
            assert is_clone(prefix)

    def test_session(session_tmp_env):
        with session_tmp_env("tool") as one, session_tmp_env("tool") as two:
            assert is_clone(one) and is_clone(two)
            assert (one.name, two.name) == ("tmp_env-0", "tmp_env-1")
    """
    )
    suite.run(*option).assert_outcomes(passed=8)
    assert suite.created() == []


def test_override__is_switched_off_by_the_variable(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.pytester.makeconftest(NO_LINE)
    suite.pytester.makeini("[pytest]\ncenv_patch_conda_testing = true")
    monkeypatch.setenv("CENV_PATCH_CONDA_TESTING", "false")
    suite.pytester.makepyfile("def test(tmp_env):\n    with tmp_env('tool'): pass")
    suite.run().assert_outcomes(passed=1)
    assert len(suite.created()) == 1


def test_tmp_env__is_condas_without_opting_in(suite: Suite) -> None:
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


def test_tmp_env__passes_on_and_counts_what_cenv_does_not_do(suite: Suite) -> None:
    suite.pytester.makepyfile(
        """
        import unittest.mock
        import pytest
        from conda.base.context import Context

        def made_by_conda(prefix):
            return sorted(p.name for p in prefix.rglob("*")) == ["conda-meta", "history"]

        @pytest.mark.parametrize("args", [
            ("tool", "--dry-run"), ("tool", "--solver=classic"), ("tool", "--no-deps"),
            ("tool", "--platform=win-64"),
            ("--file=env.txt",), ("chan::tool",), ("/x/tool-1-0.conda",),
            ("https://h.invalid/tool-1-0.conda",), ("no-such-package",), ("tool=9",),
            ("tool ==",),
        ], ids=str)
        def test_other(tmp_env, args):
            with tmp_env(*args) as prefix:
                assert made_by_conda(prefix)

        def test_existing(tmp_env, tmp_path):
            (tmp_path / "e").mkdir()
            (tmp_path / "e/mine").write_text("kept")
            with tmp_env("tool", prefix=tmp_path / "e") as prefix:
                assert (prefix / "mine").read_text() == "kept"

        @pytest.mark.parametrize("name", ["pkgs_dirs", "envs_dirs"])
        def test_mocked(tmp_env, name):
            mock = unittest.mock.PropertyMock(return_value=("/x",))
            with unittest.mock.patch.object(Context, name, mock):
                with tmp_env("tool") as prefix:
                    assert made_by_conda(prefix)

        @pytest.mark.parametrize("name", ["allow_softlinks", "disallowed_packages"])
        def test_setting(tmp_env, monkeypatch, name):
            monkeypatch.setattr(Context, name, ("tool",), raising=False)
            with tmp_env("tool") as prefix:
                assert made_by_conda(prefix)

        def test_own_cache(tmp_env, monkeypatch):
            monkeypatch.setenv("CONDA_PKGS_DIRS", "/x")
            with tmp_env("tool") as prefix:
                assert made_by_conda(prefix)

        def test_empty(tmp_env):
            with tmp_env() as one, tmp_env(shallow=True) as two:
                assert made_by_conda(one) and made_by_conda(two)
            with pytest.raises(ValueError, match="shallow"):
                with tmp_env("tool", shallow=True):
                    pass
        """
    )
    result = suite.run()
    result.assert_outcomes(passed=18)
    assert len(suite.created()) == 17
    result.stdout.fnmatch_lines(["*passed through*"])
    for reason in (
        "option --dry-run",
        "option --solver",
        "a channel in a spec",
        "a file or a URL",
        "cenv raised UnsatisfiableError",
        "an environment that exists",
        "pkgs_dirs is mocked",
        "a package cache of its own",
        "allow_softlinks is set",
        "disallowed_packages is set",
    ):
        result.stdout.fnmatch_lines([f"*{reason}*"])


def test_tmp_env__takes_condas_configuration(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDA_CREATE_DEFAULT_PACKAGES", "data=1")
    channel = os.environ["CONDA_CHANNELS"]
    monkeypatch.setenv("CONDA_CHANNELS", "/no/such/channel")
    suite.pytester.makepyfile(
        f"""
        CHANNEL = {channel!r}

        def data(prefix):
            return (prefix / "share/data.txt").read_text()

        def test_channels_of_the_call(tmp_env):
            only = ("--override-channels", "--channel=" + CHANNEL)
            with tmp_env("data", *only, "--yes") as prefix:
                assert data(prefix) == "3.0"
            with tmp_env("data>=2", "-c", CHANNEL, "--override-channels", "-q") as prefix:
                assert data(prefix) == "3.0"

        def test_default_packages(tmp_env):
            only = ("--override-channels", "-c", CHANNEL)
            with tmp_env("tool=9", *only) as prefix:
                assert not (prefix / "share").exists()  # conda's own words for that
            with tmp_env("data", *only, "--no-default-packages") as prefix:
                assert data(prefix) == "3.0"
        """
    )
    suite.run().assert_outcomes(passed=2)
    assert len(suite.created()) == 1


def test_tmp_env__tells_conda_of_the_environment(suite: Suite) -> None:
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


def test_tmp_env__of_the_suite_itself_stays(suite: Suite) -> None:
    suite.pytester.makeconftest(
        NO_LINE
        + """
    import pytest

    @pytest.fixture
    def tmp_env():
        return "mine"
    """
    )
    suite.pytester.makeini("[pytest]\ncenv_patch_conda_testing = true")
    suite.pytester.makepyfile("def test_one(tmp_env): assert tmp_env == 'mine'")
    suite.run().assert_outcomes(passed=1)


def test_tmp_env__works_under_xdist(suite: Suite) -> None:
    suite.pytester.makepyfile(
        IS_A_CLONE
        + """
    import pytest

    @pytest.mark.parametrize("n", range(6))
    def test_one(tmp_env, session_tmp_env, n):
        with tmp_env("tool") as one, session_tmp_env("tool") as two:
            assert is_clone(one) and is_clone(two)
    """
    )
    suite.run("-n", "2").assert_outcomes(passed=6)
    assert suite.created() == []
