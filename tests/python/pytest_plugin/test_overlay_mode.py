# SPDX-License-Identifier: BSD-3-Clause
"""cenv_mode = overlay in runs of their own: alone, under xdist, kept, and refused."""

from __future__ import annotations

import subprocess
import sys

import pytest


def _has_namespaces() -> bool:
    probe = "from cenv import _native; _native.extension.namespace_enter()"
    command = [sys.executable, "-c", probe]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return "LinkError" not in done.stderr


@pytest.fixture
def _namespaces() -> None:
    if not _has_namespaces():
        pytest.skip("this machine refuses mount namespaces, or / is no mount point")


_TESTS = """
    import os, pytest

    @pytest.mark.parametrize("number", range(6))
    def test_fresh(cenv_env, number):
        env = cenv_env()
        assert env.mode == "overlay"
        assert os.path.ismount(env)
        assert not (env / "lib/new").exists()
        (env / "lib/new").write_text("new")
        env.run("sh", "-c", f"cat {env}/lib/new > {env}/lib/again", check=True)
        again = cenv_env(reuse=True)
        (again / "lib/new").write_text("new")
        assert not (cenv_env(reuse=True) / "lib/new").exists()
"""


def run(project: pytest.Pytester, *argv: str) -> pytest.RunResult:
    return project.runpytest_subprocess(
        "--strict-markers", "-W", "error", "--basetemp=base", *argv
    )


@pytest.mark.usefixtures("_namespaces")
@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_overlay_mode__makes_overlays(
    project: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    project.makepyfile(_TESTS)
    result = run(project, "--cenv-mode=overlay", *workers)
    result.assert_outcomes(passed=6)
    result.stdout.no_fnmatch_line("*mode auto serves*")
    assert not list(project.path.glob("base/**/cenv/*"))


@pytest.mark.usefixtures("_namespaces")
@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_overlay_mode__keeps_the_clone_of_a_failed_test(
    project: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    project.makepyfile(
        """
        def test_passes(cenv_env):
            cenv_env()

        def test_fails(cenv_env):
            env = cenv_env()
            assert env.mode == "overlay"
            (env / "lib/new").write_text("new")
            assert False
        """
    )
    result = run(project, "-o", "cenv_mode=overlay", *workers)
    result.assert_outcomes(passed=1, failed=1)
    (kept,) = project.path.glob("base/**/cenv/*")
    assert (kept / "lib/new").read_text() == "new"
    assert str(kept) in (kept / "etc/tool.conf").read_text()
    assert (kept / "share/data.txt").read_text() == "2.0"


def test_overlay_mode__falls_back_where_it_cannot_work(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.makeconftest("")
    project.makepyfile(
        threads="""
        import threading

        stop = threading.Event()
        threading.Thread(target=stop.wait, daemon=True).start()
        """,
        test_fallback="""
        def test_fallback(cenv_env):
            assert cenv_env().mode != "overlay"
        """,
    )
    monkeypatch.setenv("CENV_MODE", "overlay")
    monkeypatch.setenv("PYTHONPATH", str(project.path))
    result = run(project, "-p", "threads", "-rA")
    result.assert_outcomes(passed=1)
    said = [line for line in result.outlines if "mode auto serves" in line]
    assert len(said) == 1
    reason = "threads" if _has_namespaces() else "no private view"
    assert reason in said[0]


@pytest.mark.usefixtures("_namespaces")
@pytest.mark.parametrize("mode", ["overlay", "hardlink"])
def test_overlay_mode__has_no_template_looked_at(
    fresh: pytest.Pytester, mode: str
) -> None:
    """Owners of a store of somebody else's look otherwise in the namespace of the mounts."""
    fresh.makepyfile(
        """
        def test_it(cenv_env, cenv_template):
            cenv_env()
            (cenv_template() / "lib/plain.txt").chmod(0o600)
        """
    )
    result = run(fresh, f"--cenv-mode={mode}")
    result.assert_outcomes(passed=1)
    assert result.ret == (mode == "hardlink")
    assert ("altered templates" in result.stdout.str()) == (mode == "hardlink")
