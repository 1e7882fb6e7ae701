# SPDX-License-Identifier: BSD-3-Clause
"""Environments of every scope, in every kind of test."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

from cenv.pytest_plugin import CloneFactory, EnvFactory, TemplateFactory

Run = Callable[..., pytest.RunResult]

SHARED = """
import itertools, os
from pathlib import Path
import pytest
import cenv.pytest

function_env = cenv.pytest.fixture("data=1")
class_env = cenv.pytest.fixture("data=1", scope="class")
module_env = cenv.pytest.fixture("data=1", scope="module")
session_env = cenv.pytest.fixture("data=1", scope="session")
SCOPES = ["function", "class", "module", "package", "session"]

@pytest.fixture
def envs(request):
    return [request.getfixturevalue(scope + "_env").path for scope in SCOPES]

@pytest.fixture(scope="session")
def seen():
    return []

# Places are given again: a clone is told from others by the number that it gets.
places, numbers = set(), itertools.count()

def number(env):
    note = Path(env, "number")
    if not note.exists():
        note.write_text(str(next(numbers)))
    return note.read_text()

@pytest.fixture(autouse=True)
def noted(seen, envs):
    gone = places - set(envs)
    assert not any(os.path.exists(os.path.join(path, "number")) for path in gone)
    assert all(map(os.path.exists, envs))
    places.update(envs)
    seen.append(list(map(number, envs)))
"""


def test_fixture__makes_a_clone_for_each_scope(
    project: pytest.Pytester, run: Run
) -> None:
    project.makeconftest(SHARED)
    tests = """
        class TestOne:
            def test_1(self, envs): pass
            def test_2(self, envs): pass

        class TestTwo:
            def test_3(self, envs): pass
    """
    package = """
        import cenv.pytest
        package_env = cenv.pytest.fixture("data=1", scope="package")
    """
    for name in ("first", "second", "third"):
        place = project.mkpydir(name)
        (place / "conftest.py").write_text(inspect.cleandoc(package))
    for name in ("first/test_a", "first/test_b", "second/test_c"):
        (project.path / f"{name}.py").write_text(inspect.cleandoc(tests))
    last = """
        def test_last(envs, seen):
            counts = [len(set(paths)) for paths in zip(*seen)]
            assert counts == [10, 7, 4, 3, 1]
    """
    (project.path / "third/test_d.py").write_text(inspect.cleandoc(last))
    for argv in ([], ["--cenv-spares=0"]):
        run("--basetemp=base", "--cenv-recycle=off", *argv).assert_outcomes(passed=10)
        assert not list(project.path.glob("base/cenv/*"))
    run(
        "--cenv-recycle=off", "--basetemp=base", "-n2", "-k", "not last"
    ).assert_outcomes(passed=9)
    assert not list(project.path.glob("base/*/cenv/*"))


def test_fixture__keeps_what_a_failed_test_used(
    project: pytest.Pytester, run: Run
) -> None:
    project.makepyfile(
        """
        import cenv.pytest

        env = cenv.pytest.fixture(scope="class")

        class TestGood:
            def test_passes(self, env): (env / "name-good").touch()

        class TestBad:
            def test_fails(self, env): (env / "name-bad").touch(); assert False
            def test_passes(self, env): pass

        class TestLater:
            def test_passes(self, env): (env / "name-later").touch()
        """
    )
    run("--basetemp=base").assert_outcomes(passed=3, failed=1)
    (kept,) = (project.path / "base").rglob("name-*")
    assert kept.name == "name-bad"


def test_fixture__is_told_what_it_is_of(
    project: pytest.Pytester, run: Run, small_channel: Path
) -> None:
    project.makefile(".txt", specs="data=2")
    project.makepyfile(
        f"""
        import pytest
        import cenv.pytest

        default = cenv.pytest.fixture()
        named = cenv.pytest.fixture(template="oldest", scope="module")
        listed = cenv.pytest.fixture(file="specs.txt", mode="copy", scope="session")
        where = cenv.pytest.fixture("data", channels=["{small_channel}"], name="given")
        wrong = cenv.pytest.fixture("data", template="oldest")

        def version(env):
            return (env / "share/data.txt").read_text()

        def test_all(default, named, listed, given):
            assert [version(env) for env in (default, named, listed, given)] == [
                "2.0", "1.0", "2.0", "3.0"]
            assert listed.mode == "copy"

        def test_wrong(wrong): pass

        class TestInAClass:
            env = cenv.pytest.fixture("data=1", autouse=True)

            def test_attribute(self, env):
                assert version(env) == "1.0"
        """
    )
    result = run()
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*UsageError: specs beside template=", "* hint: *"])
    result = run("--fixtures")
    result.stdout.fnmatch_lines_random(
        [
            "named [[]module scope[]] -- *",
            "    Give a clone of oldest: a path, and run().",
            "    Give a clone of the default template: *",
        ]
    )


def test_session_env__serves_fixtures_of_any_scope(
    project: pytest.Pytester, run: Run
) -> None:
    project.makepyfile(
        """
        import os
        import pytest

        made = []

        @pytest.fixture(scope="class")
        def env(cenv_session_env):
            with cenv_session_env("data=1") as env:
                made.append(env.path)
                yield env

        class TestOne:
            def test_1(self, env): pass
            def test_2(self, env): pass

        def test_gone():
            assert len(made) == 1
            assert not os.path.exists(made[0])
        """
    )
    run().assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("name", "factory"),
    [
        ("cenv_env", EnvFactory),
        ("cenv_session_env", EnvFactory),
        ("cenv_template", TemplateFactory),
        ("cenv_clone", CloneFactory),
    ],
)
def test_fixtures__are_told_with_every_argument(
    pytester: pytest.Pytester, run: Run, name: str, factory: type
) -> None:
    said = run("--fixtures").stdout.str()
    text = said.partition(f"\n{name} ")[2].partition("\n\n")[0].replace("\n   ", "")
    call = text.partition(f"{name}(")[2].partition(")")[0]
    told = {word.partition("=")[0].strip(" *()") for word in call.split(",")}
    expected = set(inspect.signature(factory.__call__).parameters) - {"self"}
    assert expected <= told


def test_unittest__classes_have_environments(
    project: pytest.Pytester, run: Run
) -> None:
    project.makepyfile(
        """
        import unittest
        import pytest
        import cenv.pytest

        shared = cenv.pytest.fixture("data=1", scope="class")

        @pytest.fixture(scope="class")
        def in_class(request, shared):
            request.cls.shared = shared

        @pytest.mark.usefixtures("in_class")
        class TestTool(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def environment(self, cenv_env):
                self.make, self.env = cenv_env, cenv_env()

            def test_environments(self):
                self.assertNotEqual(self.env.path, self.shared.path)
                self.assertTrue((self.shared / "share/data.txt").exists())

            def test_fails(self):
                (self.env / "name-fails").touch()
                self.make("absent")

            @unittest.expectedFailure
            def test_fails_as_expected(self):
                (self.env / "name-expected").touch()
                self.fail()
        """
    )
    result = run("--basetemp=base")
    result.assert_outcomes(passed=1, failed=1, xfailed=1)
    result.stdout.fnmatch_lines(["E  *UnsatisfiableError: *", "E * hint: *"])
    (kept,) = (project.path / "base").rglob("name-*")
    assert kept.name == "name-fails"


def test_doctest__examples_have_environments(
    project: pytest.Pytester, run: Run
) -> None:
    project.makefile(
        ".txt",
        test_it="""
        >>> env = getfixture("cenv_env")("data=1")
        >>> (env / "share/data.txt").read_text()
        '1.0'
        >>> env.path == str(env)
        True
        """,
        test_fails=">>> _ = getfixture('cenv_env')('absent')",
    )
    result = run("--doctest-glob=test_*.txt", "--basetemp=base")
    result.assert_outcomes(passed=1, failed=1)
    assert "hint: " in result.stdout.str()
    assert not list(project.path.glob("base/cenv/*"))
