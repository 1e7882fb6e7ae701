# SPDX-License-Identifier: BSD-3-Clause
"""Whose clones stay: the outcome of the whole test decides, whatever made it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]


def kept(project: pytest.Pytester) -> list[str]:
    found = (project.path / "base").rglob("name-*")
    return sorted(path.name.removeprefix("name-") for path in found)


MARKED = """
    import pytest

    @pytest.fixture
    def env(cenv_env, request):
        clone = cenv_env()
        (clone / f"name-{request.node.name}").touch()
        return clone
"""


def test_clones__stay_as_the_outcome_says(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(
        MARKED
        + """
    @pytest.fixture
    def breaks(env):
        yield

    @pytest.fixture
    def ends_badly():
        yield
        raise RuntimeError("at the end")

    def test_passes(env): pass
    def test_fails(env): assert False
    def test_skips(env): pytest.skip("inside")
    def test_ends_badly(ends_badly, env): pass
    def test_begins_badly(env, absent): pass

    @pytest.mark.xfail
    def test_fails_as_expected(env): assert False

    @pytest.mark.xfail(strict=True)
    def test_passes_unexpectedly(env): pass
    """
    )
    result = run("--basetemp=base")
    result.assert_outcomes(passed=2, failed=2, skipped=1, xfailed=1, errors=2)
    names = ["begins_badly", "ends_badly", "fails", "passes_unexpectedly"]
    assert kept(project) == [f"test_{name}" for name in names]
    run("--basetemp=base", "--lf")
    assert kept(project) == [f"test_{name}" for name in names]


RERUNS = """
    from _pytest.runner import runtestprotocol

    def pytest_runtest_protocol(item, nextitem):
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for attempt in range(3):
            item._initrequest()
            reports = runtestprotocol(item, nextitem=nextitem, log=False)
            if not any(report.failed for report in reports):
                break
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        return True
"""


@pytest.mark.parametrize(("attempts", "left"), [(3, 0), (4, 3)])
def test_clones__of_attempts_go_with_the_one_that_passes(
    project: pytest.Pytester, run: Run, attempts: int, left: int
) -> None:
    project.makeconftest(RERUNS)
    project.makepyfile(
        f"""
        tried = []

        def test_flaky(cenv_env):
            tried.append(cenv_env())
            (tried[-1] / f"name-{{len(tried)}}").touch()
            assert len(tried) == {attempts}
        """
    )
    run("--basetemp=base").assert_outcomes(passed=left == 0, failed=left > 0)
    assert len(kept(project)) == left


def test_exit__leaves_no_clone(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(
        MARKED + "\n    def test_leaves(env): pytest.exit('enough', 7)\n"
    )
    assert run("--basetemp=base").ret == 7
    assert kept(project) == []


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ("pytest.exit('enough', 7)", 7),
        ("raise KeyboardInterrupt", pytest.ExitCode.INTERRUPTED),
    ],
)
def test_end_of_the_run__leaves_what_failed_before(
    project: pytest.Pytester, run: Run, how: str, status: int
) -> None:
    body = f"""
    @pytest.fixture
    def ends(env):
        {how}

    def test_fails(env): assert False
    def test_passes(env): pass
    def test_leaves(ends): pass
    def test_never(env): pass
    """
    project.makepyfile(MARKED + body)
    assert run("--basetemp=base").ret == status
    assert kept(project) == ["test_fails"]


@pytest.mark.parametrize(
    ("body", "stays"),
    [
        ("assert False", True),
        ("pytest.xfail('known')", False),
        ("pytest.skip('inside')", False),
        ("pass", False),
    ],
)
def test_clones__of_the_session_stay_if_a_test_failed(
    project: pytest.Pytester, run: Run, body: str, stays: bool
) -> None:
    project.makepyfile(
        f"""
        import pytest

        def test_before():
            assert False, "no test that the clone was there for"

        def test_one(cenv_session_env):
            (cenv_session_env() / "name-shared").touch()
            {body}
        """
    )
    run("--basetemp=base")
    assert kept(project) == ["shared"] * stays


def test_clones__of_an_unwanted_run_are_not_made(
    project: pytest.Pytester, run: Run
) -> None:
    project.makepyfile(
        MARKED
        + """
    @pytest.mark.xfail(run=False)
    def test_not_run(env): pass

    @pytest.mark.skipif(True, reason="known before")
    def test_skipped(env): pass

    def test_fails(env): assert False
    def test_after_the_first(env): pass
    """
    )
    run("--basetemp=base", "-x").assert_outcomes(failed=1, skipped=1, xfailed=1)
    assert kept(project) == ["test_fails"]


def test_host__closed_stdin_and_stopped_clock_do_no_harm(
    project: pytest.Pytester, run: Run
) -> None:
    project.makepyfile(
        """
        import os, time
        import pytest

        @pytest.fixture(autouse=True)
        def odd(monkeypatch):
            stdin = os.dup(0)
            os.close(0)
            monkeypatch.setattr(time, "time", lambda: 0.0)
            monkeypatch.setattr(time, "monotonic", lambda: 0.0)
            monkeypatch.setattr(time, "perf_counter", lambda: 0.0)
            yield
            monkeypatch.undo()
            os.dup2(stdin, 0)
            os.close(stdin)

        @pytest.mark.parametrize("n", range(5))
        def test_odd(cenv_env, n):
            env = cenv_env()
            assert env.path in (env / "etc/tool.conf").read_text()
        """
    )
    run("--basetemp=base").assert_outcomes(passed=5)
    assert not list(project.path.glob("base/cenv/*"))


def test_mocks__do_not_reach_the_engine(project: pytest.Pytester, run: Run) -> None:
    project.makepyfile(
        """
        import os, shutil, subprocess, time

        def test_mocked(cenv_env, monkeypatch, tmp_path):
            def refuse(*given, **more): raise AssertionError(given)
            monkeypatch.setattr(subprocess, "Popen", refuse)
            monkeypatch.setattr(subprocess, "run", refuse)
            monkeypatch.setattr(time, "sleep", refuse)
            monkeypatch.setattr(shutil, "rmtree", refuse)
            gone = tmp_path / "gone"
            gone.mkdir()
            monkeypatch.chdir(gone)
            gone.rmdir()
            for _ in range(4):
                assert (cenv_env() / "etc/tool.conf").exists()
            monkeypatch.chdir(tmp_path)

        def test_umask(cenv_env):
            before = os.umask(0o777)
            try:
                env = cenv_env()
            finally:
                os.umask(before)
            assert (env / "etc/tool.conf").stat().st_mode & 0o444
        """
    )
    run("--basetemp=base", "--cenv-mode=copy").assert_outcomes(passed=2)
