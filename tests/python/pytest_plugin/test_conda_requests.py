# SPDX-License-Identifier: BSD-3-Clause
"""Requests of conda.testing's users: what is answered, what goes to conda itself, and why."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from cenv.demo.package import Member, Package
from cenv.pytest_plugin.conda_options import OPTIONS, NotOursError, Request

PAGE = Path(__file__).resolve().parents[3] / "docs/conda-testing.md"


def data(channel: Path) -> str:
    return str(channel / "linux-64" / "data-2.0-0.conda")


# ---- the table ----


def test_page__has_the_table_of_options() -> None:
    section = PAGE.read_text().partition("## Options of conda create")[2]
    shown = re.findall(r"^\| `(-.*?)` \| (.*) \|$", section.partition("\n## ")[0], re.M)
    assert shown == [(option.text, option.says) for option in OPTIONS]


def test_page__has_the_settings_that_are_passed_through() -> None:
    from cenv.pytest_plugin import conda_context

    text = PAGE.read_text()
    assert [s for s in conda_context.SETTINGS if f"`{s}`" not in text] == []


def test_options__say_whether_they_are_answered() -> None:
    names = [name for option in OPTIONS for name in option.names]
    assert len(names) == len(set(names))
    for option in OPTIONS:
        assert option.says.startswith("passed through") is (option.read is None)


@pytest.mark.parametrize(
    ("args", "specs", "conda"),
    [
        (["-yq", "tool"], ["tool"], {}),
        (["'tool>=1'", '"data"'], ["tool>=1", "data"], {}),
        (["-cone", "-c=two", "-c", "three"], [], {"channel": ["one", "two", "three"]}),
        (["--channel=a", "--channel", "b"], [], {"channel": ["a", "b"]}),
        (["-yO"], [], {"override_channels": True}),
        (["--subdir=linux-64", "--platform", "win-64"], [], {"subdir": "win-64"}),
        (["--no-channel-priority"], [], {"channel_priority": "disabled"}),
        ([Path("tool")], ["tool"], {}),
    ],
    ids=str,
)
def test_request__is_read_as_conda_reads_it(args, specs, conda) -> None:
    found = Request.of(args)
    assert (found.specs, found.conda) == (specs, {"quiet": True, **conda})


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["--chan=x"], "option --chan"),
        (["--no-such"], "option --no-such"),
        (["-yn", "x"], "option -n"),
        (["--yes=1"], "option --yes with a value"),
        (["--channel"], "option --channel without a value"),
        (["--channel", "--yes"], "option --channel without a value"),
        (["--no-deps", "--only-deps"], "options --no-deps and --only-deps"),
        (["--repodata-fn=current_repodata.json"], "option --repodata-fn"),
        (["x-1.conda"], "not a spec"),
        (["tool =="], "not a spec"),
        (["./here"], "not a spec"),
        (["@EXPLICIT"], "not a spec"),
        (["--file=no/such.txt"], "option --file with something else than a list"),
        (["--"], "option --"),
        (["--clone=name"], "option --clone without the path of an environment"),
        (["--clone", "/no/env"], "option --clone without the path of an environment"),
    ],
    ids=str,
)
def test_request__goes_to_conda_with_a_reason(args, reason) -> None:
    with pytest.raises(NotOursError) as raised:
        Request.of(args)
    assert str(raised.value) == reason


# ---- what is answered ----


def test_requests__with_options_are_answered(suite, small_channel: Path) -> None:
    suite.write(
        f"""
    CHANNEL = {str(small_channel)!r}

    def names(prefix):
        return {{p.name.rsplit("-", 2)[0] for p in prefix.glob("conda-meta/*.json")}}

    @pytest.mark.parametrize("args", [
        ("--solver=libmamba",), ("--solver", "libmamba"), ("--platform", "linux-64"),
        ("--platform=linux-64",), ("--subdir=linux-64",), ("-yq", "--json"), ("--no-pin",),
        ("--repodata-fn=repodata.json",), ("--strict-channel-priority",),
        ("-O", "-c" + CHANNEL), ("--no-shortcuts", "--no-repodata-use-zst"), ("--copy",),
    ], ids=str)
    def test_clones(tmp_env, args):
        with tmp_env("tool", *args) as prefix:
            assert is_clone(prefix)
            shared = (prefix / "lib/plain.txt").stat().st_nlink > 1
            assert not (shared and args == ("--copy",))

    @pytest.mark.parametrize(("args", "kept"), [
        (("tool", "--no-deps"), {{"tool"}}),
        (("tool", "--only-deps"), {{"data"}}),
        (("tool", "data", "--only-deps"), {{"data"}}),
        (("data=2", "--only-deps"), set()),
        (("tool",), {{"tool", "data"}}),
    ], ids=str)
    def test_dependencies(tmp_env, args, kept):
        for _again in range(2):
            with tmp_env(*args) as prefix:
                assert names(prefix) == kept
                history = (prefix / "conda-meta/history").read_text()
                assert all(f"'{{spec}}'" in history for spec in args if spec[0] != "-")
    """
    )
    suite.run().assert_outcomes(passed=17)
    assert suite.created() == []


def test_packages__are_installed_as_they_are(
    suite, small_channel: Path, make_channel
) -> None:
    newer = Package("data", "2.0", members=[Member("share/data.txt", b"newer")])
    suite.write(
        f"""
    import shutil
    FILE = Path({data(small_channel)!r})
    NEWER = {data(make_channel(newer))!r}
    SPEC = f"{{FILE.parent.as_uri()}}::data==2.0=0"

    def version(prefix):
        return (prefix / "share/data.txt").read_text()

    @pytest.mark.parametrize("args", [
        (FILE,), (str(FILE),), (FILE.as_uri(),), (FILE, "--offline"), ("--file", "list.txt"),
    ], ids=str)
    def test_file(tmp_env, args, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Path("list.txt").write_text(f"# all\\n@EXPLICIT\\n{{FILE.as_uri()}}\\n")
        with tmp_env(*args) as prefix:
            assert version(prefix) == "2.0"
            assert SPEC in (prefix / "conda-meta/history").read_text()

    def test_without_what_it_needs(tmp_env):
        with tmp_env(FILE.with_name("tool-1.0-0.conda")) as prefix:
            assert is_clone(prefix) and not (prefix / "share").exists()

    def test_same_path_with_another_content(tmp_env, tmp_path):
        here = tmp_path / "data-2.0-0.conda"
        shutil.copy(FILE, here)
        with tmp_env(here) as prefix:
            assert version(prefix) == "2.0"
        shutil.copy(NEWER, here)
        with tmp_env(here) as prefix:
            assert version(prefix) == "newer"

    def test_list_of_specs(tmp_env, tmp_path):
        (tmp_path / "env.txt").write_text("# some\\ndata=2  # old\\n")
        with tmp_env("tool", "--file", tmp_path / "env.txt") as prefix:
            assert is_clone(prefix) and version(prefix) == "2.0"
    """
    )
    suite.run().assert_outcomes(passed=8)
    assert suite.created() == []


def test_platform__is_noted_in_the_environment(suite, make_channel) -> None:
    thing = Package("thing", "1", subdir="noarch", noarch="generic")
    channel = make_channel(thing)
    suite.write(
        f"""
    ONLY = ("-O", "-c", {str(channel)!r}, "--platform", "linux-aarch64")

    def test_thing(tmp_env):
        with tmp_env("thing", *ONLY) as prefix:
            assert (prefix / ".condarc").read_text() == "subdir: linux-aarch64\\n"
            assert (prefix / "conda-meta/thing-1-0.json").exists()
        with tmp_env("thing", *ONLY[:3]) as prefix:
            assert not (prefix / ".condarc").exists()

    def test_empty(tmp_env, monkeypatch):
        monkeypatch.setenv("CONDA_SUBDIR", "linux-aarch64")
        with tmp_env(shallow=False) as prefix:
            assert (prefix / ".condarc").read_text() == "subdir: linux-aarch64\\n"
            assert is_empty(prefix)
    """
    )
    suite.run().assert_outcomes(passed=2)
    assert suite.created() == []


def test_empty_environments__are_made_by_condas_transaction(
    suite, small_channel: Path
) -> None:
    suite.write(
        f"""
    import os
    from conda.base.context import Context
    from conda.core.prefix_data import PrefixData

    @pytest.mark.parametrize("args", [
        ("--offline",), ("--no-default-packages",), ("-c", {str(small_channel)!r}),
    ], ids=str)
    def test_options(tmp_env, args, capsys, monkeypatch):
        def refuse(*_):
            raise AssertionError("a child process")
        monkeypatch.setattr(os, "fork", refuse)
        monkeypatch.setattr(os, "posix_spawn", refuse)
        monkeypatch.setattr("subprocess.Popen", refuse)
        with tmp_env(*args) as prefix:
            assert is_empty(prefix)
        assert capsys.readouterr() == ("", "")

    def test_places(tmp_env, session_tmp_env, tmp_path, monkeypatch):
        monkeypatch.setattr(Context, "register_envs", True)
        with tmp_env(shallow=False, name="here") as prefix:
            assert is_empty(prefix) and prefix == tmp_path / "here"
        with session_tmp_env("--json") as prefix:
            assert is_empty(prefix) and prefix.name == "tmp_env-0"

    def test_default_packages(tmp_env, monkeypatch):
        monkeypatch.setenv("CONDA_CREATE_DEFAULT_PACKAGES", "tool")
        with tmp_env(shallow=False) as prefix:
            assert is_clone(prefix)

    def test_shallow(tmp_env):
        with tmp_env() as one, tmp_env(shallow=True) as two:
            assert made_by_conda(one) and made_by_conda(two)
        with pytest.raises(ValueError, match="shallow"):
            with tmp_env("tool", shallow=True):
                pass
    """
    )
    result = suite.run("--cenv-json=report.json")
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["*5 empty environments made in this process*"])
    assert all(line.startswith("registered ") for line in suite.created())
    report = json.loads((suite.pytester.path / "report.json").read_text())
    assert (report["empty"], report["clones"]["count"]) == (5, 1)
    assert report["passed_through"] == {}


OLD = """
    pytest_plugins = ("conda.testing", "conda.testing.fixtures", "cenv.conda")

    import contextlib
    import conda.testing.fixtures

    class TmpEnvFixture(conda.testing.fixtures.TmpEnvFixture):  # as up to conda 25.11
        def get_path(self):
            return super().get_path()

        @contextlib.contextmanager
        def __call__(self, *packages, prefix=None):
            where = prefix or self.get_path()
            self.conda_cli("create", f"--prefix={where}", *packages, "--yes", "--quiet")
            yield where

    TmpEnvFixture.__module__ = "conda.testing.fixtures"
    conda.testing.fixtures.TmpEnvFixture = TmpEnvFixture
    """


def test_empty_environments__of_older_conda_too(suite) -> None:
    suite.pytester.makeconftest(OLD)
    suite.write(
        """
    def test_all(tmp_env):
        with tmp_env() as one, tmp_env("tool") as two:
            assert is_empty(one) and is_clone(two)
        with pytest.raises(TypeError, match="shallow"):
            with tmp_env(shallow=True):
                pass
    """
    )
    suite.run().assert_outcomes(passed=1)
    assert suite.created() == []


def test_clone__of_an_environment_is_cloned(suite) -> None:
    suite.write(
        """
    from conda.core.prefix_data import PrefixData

    def test_as_it_is(tmp_env, session_tmp_env):
        with tmp_env("tool") as one:
            (one / "mine.txt").write_text(f"at {one}")
            with tmp_env(f"--clone={one}", "--offline") as two, session_tmp_env(
                "--clone", str(one), "--copy"
            ) as three:
                for prefix in (two, three):
                    assert is_clone(prefix)
                    assert (prefix / "mine.txt").read_text() == f"at {prefix}"
                    assert PrefixData(prefix).names == {"tool", "data"}
            with tmp_env("tool", "--clone", str(one)) as prefix:
                assert made_by_conda(prefix)  # it is refused, in its own words
    """
    )
    suite.run().assert_outcomes(passed=1)
    assert len(suite.created()) == 1


def test_channel_of_a_spec__is_answered_where_both_mean_the_same(
    suite, small_channel: Path, make_channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_channel(Package("data", "2.0", members=[Member("other", b"")]))
    monkeypatch.setenv("CONDA_CHANNEL_ALIAS", small_channel.parent.as_uri())
    suite.write(
        f"""
    NAME, OTHER = {small_channel.name!r}, {other.name!r}

    @pytest.mark.parametrize("same", [True, False])
    def test_name(tmp_env, same, monkeypatch):
        alias = {small_channel.parent.as_uri()!r} if same else "file:///elsewhere"
        monkeypatch.setenv("STANDIN_ALIAS", alias)
        with tmp_env(f"{{NAME}}::tool") as one, tmp_env("tool", f"{{OTHER}}::data") as two:
            assert is_clone(one) is is_clone(two) is same
            assert (two / "other").exists() is same

    def test_url(tmp_env):
        with tmp_env({small_channel.as_uri()!r} + "::tool") as prefix:
            assert is_clone(prefix)
    """
    )
    result = suite.run()
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["2 requests*a channel in a spec"])


# ---- what goes to conda ----


def test_requests__go_to_conda_and_are_told(suite, small_channel: Path) -> None:
    suite.write(
        f"""
    import unittest.mock
    from conda.base.context import Context
    FILE = {data(small_channel)!r}

    @pytest.mark.parametrize("args", [
        ("tool", "--dry-run"), ("tool", "--solver=classic"), ("--file=env.yml",),
        ("tool", "--platform=win-64"), ("/x/tool-1-0.conda",),
        ("https://h.invalid/tool-1-0.conda",), ("no-such-package",), ("tool=9",),
        ("tool ==",), ("tool", FILE), ("tool", "--offline"), ("-c", "/no/such/channel"),
        (FILE + "#" + 32 * "0",), ("tool", "-c", "https://me:word@h.invalid/t/key-1/c"),
    ], ids=str)
    def test_other(tmp_env, args):
        with tmp_env(*args) as prefix:
            assert made_by_conda(prefix)

    def test_existing(tmp_env, tmp_path):
        (tmp_path / "e").mkdir()
        (tmp_path / "e/mine").write_text("kept")
        with tmp_env("tool", prefix=tmp_path / "e") as prefix:
            assert (prefix / "mine").read_text() == "kept"

    @pytest.mark.parametrize(
        "name", ["allow_softlinks", "disallowed_packages", "repodata_fns"]
    )
    def test_setting(tmp_env, monkeypatch, name):
        monkeypatch.setattr(Context, name, ("tool",), raising=False)
        with tmp_env("tool") as prefix:
            assert made_by_conda(prefix)

    def test_pins(tmp_env, monkeypatch):
        monkeypatch.setenv("CONDA_PINNED_PACKAGES", "data=2")
        with tmp_env("tool") as one, tmp_env("tool", "--no-pin") as two:
            assert (one / "share/data.txt").read_text() == "2.0"
            assert made_by_conda(two)

    def test_mocked_envs_dirs_do_not_matter(tmp_env):
        mock = unittest.mock.PropertyMock(return_value=("/x",))
        with unittest.mock.patch.object(Context, "envs_dirs", mock):
            with tmp_env("tool") as prefix:
                assert is_clone(prefix)
    """
    )
    result = suite.run("-v", "--cenv-json=report.json")
    result.assert_outcomes(passed=20)
    assert len(suite.created()) == 19
    report = json.loads((suite.pytester.path / "report.json").read_text())
    assert report["passed_through"] == {
        "tmp_env: option --dry-run": 1,
        "tmp_env: option --solver": 1,
        "tmp_env: option --file with something else than a list": 1,
        "tmp_env: a platform of another system": 1,
        "tmp_env: a file that cannot be read": 1,
        "tmp_env: cenv raised UnsatisfiableError": 2,
        "tmp_env: not a spec": 1,
        "tmp_env: packages beside specs": 1,
        "tmp_env: specs offline": 1,
        "tmp_env: cenv raised ChannelError": 3,
        "tmp_env: a file of another hash": 1,
        "tmp_env: an environment that exists": 1,
        "tmp_env: allow_softlinks is set": 1,
        "tmp_env: disallowed_packages is set": 1,
        "tmp_env: repodata_fns is set": 1,
        "tmp_env: ignore_pinned is set": 1,
    }
    told = {note["request"]: note for note in report["passed_through_requests"]}
    assert told["tool --dry-run"]["test"].endswith(
        "::test_other[('tool', '--dry-run')]"
    )
    result.stdout.fnmatch_lines(
        [
            "1 request passed through to the original: tmp_env: option --dry-run",
            "passed through for *request *reason",
            "*test_other*tool --dry-run *tmp_env: option --dry-run",
        ]
    )
    (secret,) = (line for line in told if "h.invalid/" in line and "-c" in line)
    assert "word" not in secret
    assert "key-1" not in secret


def test_plugins__of_the_installation_do_not_matter(
    suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    (site / "found-1.dist-info").mkdir(parents=True)
    (site / "found.py").touch()
    (site / "found-1.dist-info/METADATA").write_text("Name: found\nVersion: 1\n")
    (site / "found-1.dist-info/entry_points.txt").write_text("[conda]\nf = found\n")
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)
    suite.write(
        """
    import pluggy
    from conda.base.context import Context

    def test_plugins(tmp_env, monkeypatch):
        import found
        plugins = pluggy.PluginManager("conda")
        monkeypatch.setattr(Context, "plugin_manager", plugins)
        plugins.register(found)
        with tmp_env("tool") as prefix:
            assert is_clone(prefix)
        plugins.register(type("Plugin", (), {"__module__": __name__})())
        with tmp_env("tool") as prefix:
            assert made_by_conda(prefix)
    """
    )
    result = suite.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*tmp_env: a conda plugin of its own"])


def test_shortcuts__are_condas(suite, make_channel) -> None:
    menu = Package("app", "1", members=[Member("Menu/app.json", b"{}")])
    suite.write(
        f"""
    ONLY = ("-O", "-c", {str(make_channel(menu))!r})

    def test_app(tmp_env):
        with tmp_env("app", *ONLY) as one, tmp_env("app", "--no-shortcuts", *ONLY) as two:
            assert made_by_conda(one) and (two / "Menu/app.json").exists()
    """
    )
    result = suite.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*tmp_env: packages with shortcuts"])


def test_features__are_left_to_solver_classic(
    suite, make_channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    noarch = {"subdir": "noarch", "noarch": "generic"}
    channel = make_channel(
        Package("lib", "1", "old_0", extra={"features": "old"}, **noarch),
        Package("lib", "2", "0", **noarch),
        Package("switch", "1", extra={"track_features": "old"}, **noarch),
        Package("plain", "1", **noarch),
        Package("user", "1", depends=["lib"], **noarch),
    )
    monkeypatch.setenv("CONDA_CHANNELS", str(channel))
    suite.write(
        """
    @pytest.mark.parametrize("spec", ["lib", "lib=2", "user", "switch", "plain"])
    @pytest.mark.parametrize("solver", ["classic", "libmamba"])
    def test_one(tmp_env, spec, solver, monkeypatch):
        monkeypatch.setenv("CONDA_SOLVER", solver)
        with tmp_env(spec, "--solver", solver) as prefix:
            condas = solver == "classic" and spec != "plain"
            assert made_by_conda(prefix) is condas
    """
    )
    result = suite.run()
    result.assert_outcomes(passed=10)
    result.stdout.fnmatch_lines(["4 requests*features of solver classic"])


# ---- package caches ----


def test_own_caches__serve_where_they_have_it_all(
    suite, small_channel: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "pkgs"
    for fn in ("tool-1.0-0.conda", "data-3.0-0.conda"):
        where = cache / fn.removesuffix(".conda") / "info"
        where.mkdir(parents=True)
        (where / "index.json").write_text("{}")
        shutil.copy(small_channel / "linux-64" / fn, cache)
    suite.write(
        f"""
    import unittest.mock
    from conda.base.context import Context
    CACHE = {str(cache)!r}

    def with_cache(path):
        mock = unittest.mock.PropertyMock(return_value=(path,))
        return unittest.mock.patch.object(Context, "pkgs_dirs", mock)

    @pytest.mark.parametrize(("path", "spec", "clone"), [
        (CACHE, "tool", True), (CACHE, "data=1", False), ("/nowhere", "tool", False),
    ])
    @pytest.mark.parametrize("how", ["mocked", "variable"])
    def test_cache(tmp_env, path, spec, clone, how, monkeypatch):
        if how == "variable":
            monkeypatch.setenv("CONDA_PKGS_DIRS", path)
        with with_cache(path) if how == "mocked" else unittest.mock.MagicMock():
            with tmp_env(spec) as prefix:
                assert made_by_conda(prefix) is not clone
    """
    )
    result = suite.run()
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(
        ["4 requests*the test's own package cache lacks packages"]
    )
