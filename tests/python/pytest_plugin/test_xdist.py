# SPDX-License-Identifier: BSD-3-Clause
"""One build and one failure for all workers, whichever way they are run."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import cenv

SUITE = """
import os, signal, time
from pathlib import Path
import pytest

HERE = Path(__file__).parent

def attempt(name):
    with open(HERE / name, "a") as file:
        file.write("x")
    return len((HERE / name).read_text())

def made(draft):
    attempt("builds")
    time.sleep(0.2)
    (draft / "made").touch()

def fatal(draft):
    if attempt("builds") == 1:
        (draft / "half").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    (draft / "made").touch()

def failing(draft):
    attempt("builds")
    time.sleep(0.2)
    raise RuntimeError("the set-up says no")

{body}
"""

CLONES = """
@pytest.fixture(scope="session")
def template(cenv_template):
    return cenv_template("tool", setup={setup}, key={key!r})

@pytest.mark.parametrize("n", range({tests}))
def test_clone(n, template, cenv_env):
    assert (cenv_env(template=template) / "made").exists()
"""


def clones(setup: str = "made", key: str | None = "1", tests: int = 6) -> str:
    return SUITE.format(body=CLONES.format(setup=setup, key=key, tests=tests))


def builds(project: pytest.Pytester) -> int:
    return len((project.path / "builds").read_text())


def templates(project: pytest.Pytester) -> list[cenv.Template]:
    store = cenv.TemplateStore(project.path / "store")
    found = [store.find(item["id"]) for item in store.templates()]
    return [template for template in found if template]


@pytest.mark.parametrize(
    ("argv", "passed"),
    [
        (["-n8"], 16),
        (["-n0"], 16),
        (["-n2", "--dist=loadscope"], 16),
        (["-n2", "--dist=loadfile", "--basetemp=base"], 16),
        (["-n2", "--dist=loadgroup"], 16),
        (["-n3", "--dist=worksteal"], 16),
        (["--dist=each", "--tx=3*popen"], 48),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_workers__share_one_build(
    fresh: pytest.Pytester, run, argv: list[str], passed: int
) -> None:
    fresh.makepyfile(clones(tests=16))
    run(*argv).assert_outcomes(passed=passed)
    assert builds(fresh) == 1


def test_workers__share_a_set_up_without_key(fresh: pytest.Pytester, run) -> None:
    fresh.makepyfile(clones(key=None))
    run("-n3").assert_outcomes(passed=6)
    assert builds(fresh) == 1
    run().assert_outcomes(passed=6)
    assert builds(fresh) == 2
    assert len(templates(fresh)) == 1, "those of runs that are over are swept"


def test_runs__at_once_share_one_build(fresh: pytest.Pytester) -> None:
    fresh.makepyfile(clones(tests=4))
    argv = [sys.executable, "-m", "pytest", "-q", "-n2"]
    runs = [subprocess.Popen(argv, cwd=fresh.path) for _ in range(2)]
    assert [process.wait() for process in runs] == [0, 0]
    assert builds(fresh) == 1


def test_workers__of_another_host_share_one_build(fresh: pytest.Pytester, run) -> None:
    """As over ssh: workers of sockets are given no basetemp, and no common directory."""
    fresh.makepyfile(clones())
    import execnet.script.socketserver as server

    ports = []
    for _ in range(2):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
    servers = [
        subprocess.Popen([sys.executable, server.__file__, f"127.0.0.1:{port}"])
        for port in ports
    ]
    try:
        for port in ports:
            wait_for_port(port)
        tx = [f"--tx=socket=127.0.0.1:{p}//chdir={fresh.path}" for p in ports]
        run("--dist=each", *tx).assert_outcomes(passed=12)
    finally:
        for process in servers:
            process.kill()
            process.wait()
    assert builds(fresh) == 1


def wait_for_port(port: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        listening = Path("/proc/net/tcp").read_text()
        if f":{port:04X} 00000000:0000 0A" in listening:
            return
        time.sleep(0.05)
    raise AssertionError(f"nobody listens on {port}")


def test_workers__follow_a_killed_builder(fresh: pytest.Pytester, run) -> None:
    fresh.makepyfile(clones("fatal", tests=8))
    result = run("-n3")
    result.assert_outcomes(passed=7, failed=1)
    assert "crashed while running" in result.stdout.str()
    assert builds(fresh) == 2
    (template,) = templates(fresh)
    assert not (Path(template.path) / "half").exists()
    assert cenv.verify(template).ok


def test_workers__share_a_failed_build(fresh: pytest.Pytester, run) -> None:
    free = "\ndef test_free(): pass\n"
    fresh.makepyfile(clones("failing", tests=16) + free)
    result = run("-n4")
    result.assert_outcomes(errors=16, passed=1)
    assert result.ret == 1
    output = result.stdout.str()
    assert output.count("the set-up says no") >= 16
    assert "INTERNALERROR" not in output
    assert builds(fresh) == 1
    run("-x").assert_outcomes(errors=1)
    assert builds(fresh) == 2, "the next run tries again"


def test_workers__share_the_explanation_of_a_failed_solve(
    fresh: pytest.Pytester, run
) -> None:
    fresh.makepyfile(
        """
        import pytest
        from cenv import UnsatisfiableError

        @pytest.mark.parametrize("n", range(6))
        def test_conflict(n, cenv_env):
            with pytest.raises(UnsatisfiableError) as caught:
                cenv_env("tool", "data=1")
            assert caught.value.conflict
            assert "data" in str(caught.value)
        """
    )
    run("-n3").assert_outcomes(passed=6)


def test_runs__of_different_projects_do_not_meet(
    pytester: pytest.Pytester, make_channel, run
) -> None:
    from cenv.demo.package import Member, Package

    for text in ("one", "two"):
        members = [Member("share/text", text.encode(), 0o644)]
        channel = make_channel(Package("x", "1", members=members))
        place = pytester.mkdir(text)
        (place / "pytest.ini").write_text(f"[pytest]\ncenv_channels = {channel}\n")
        (place / "test_x.py").write_text(
            "def test(cenv_env):\n"
            f"    assert (cenv_env('x') / 'share/text').read_text() == {text!r}\n"
        )
        run(f"--cenv-store={pytester.path}/store", str(place)).assert_outcomes(passed=1)


def test_runs__clear_what_a_killed_one_left(fresh: pytest.Pytester, run) -> None:
    fresh.makepyfile(
        test_a="""
        import os, signal
        from pathlib import Path

        def test_kept(cenv_env):
            cenv_env()
            assert False

        def test_killed(cenv_env, tmp_path):
            env = Path(cenv_env())
            (env.parent / ".000000009.cenv-1-2").mkdir()
            mine = tmp_path / "mine"
            cenv_env(dst=mine)
            os.kill(os.getpid(), signal.SIGKILL)
        """,
        test_b="def test(cenv_env): cenv_env()",
    )
    result = run("--basetemp=base", "test_a.py")
    assert result.ret in (-signal.SIGKILL, 128 + signal.SIGKILL)
    assert len(list(fresh.path.glob("base/cenv/*"))) == 3
    run("test_b.py", "--basetemp=other").assert_outcomes(passed=1)
    (kept,) = fresh.path.glob("base/cenv/*")
    assert os.listdir(kept), "a failed test's, which nobody sweeps"
    assert not list(fresh.path.glob("base/*/mine"))


def test_crashed_worker__leaves_no_clone_when_the_run_is_over(
    fresh: pytest.Pytester, run
) -> None:
    fresh.makepyfile(
        """
        import os, signal
        import pytest

        @pytest.mark.parametrize("n", range(6))
        def test_passes(cenv_env, n):
            cenv_env()

        def test_fails(cenv_env):
            (cenv_env() / "name-fails").touch()
            assert False

        def test_crashes(cenv_env, cenv_session_env, tmp_path):
            for env in (cenv_env(), cenv_session_env(), cenv_env(dst=tmp_path / "e")):
                (env / "name-crashes").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    result = run("--basetemp=base", "-n2")
    result.assert_outcomes(passed=6, failed=2)
    (kept,) = (fresh.path / "base").rglob("name-*")
    assert kept.name == "name-fails"
    assert list((fresh.path / "base").glob("*/cenv/*")) == [kept.parent]
    assert list((fresh.path / "store/v1/tmp").iterdir()) == []


def test_crashed_worker__of_a_project_without_environments_is_none_of_ours(
    fresh: pytest.Pytester, run
) -> None:
    fresh.makepyfile("import os\ndef test_crashes(): os._exit(3)")
    run("--basetemp=base", "-n1").assert_outcomes(failed=1)
    assert not (fresh.path / "store").exists()
