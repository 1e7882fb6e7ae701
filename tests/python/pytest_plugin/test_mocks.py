# SPDX-License-Identifier: BSD-3-Clause
"""Tests that put something in the place of the system: cenv works with the real one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

# What each of these tests does with environments, whichever is the first to ask for one.
USE = """
import os, subprocess, sys, time
from subprocess import PIPE
import pytest
import freezegun

def use(env, activated=True):
    done = env.run("sh", "-c", "cat etc/tool.conf; echo $TOOL_HOME", cwd=env.path,
                   capture_output=True, text=True, timeout=30)
    assert done.stdout == f"here={env.path}/lib\\n{env.path}/share\\n", done
    assert env.run("cat", input=b"said", stdout=PIPE).stdout == b"said"
    with pytest.raises(subprocess.TimeoutExpired):
        env.run("sleep", "60", timeout=0.05)
    env.reset()
"""
TESTS = {
    "subprocess": """
def test_mocked(fp, cenv_env):
    fp.register(["git", "status"], stdout="clean")
    use(cenv_env())
    assert subprocess.check_output(["git", "status"]).strip() == b"clean"
    with cenv_env().popen("cat", stdin=PIPE, stdout=PIPE) as process:
        assert process.communicate(b"said")[0] == b"said"
""",
    "files": """
def test_mocked(fs, cenv_env):
    use(cenv_env())
    use(cenv_env("tool", "data=2"))
    assert not os.path.exists("/etc/passwd")
""",
    "clock": """
def test_mocked(cenv_env):
    with freezegun.freeze_time("2001-01-01"):
        assert time.time() == 978307200
        use(cenv_env())
        use(cenv_env("tool", "data=2"))
""",
    "names": """
NAMES = '''subprocess.Popen subprocess.run os.close os.pipe os.read os.write os.waitpid
    os.kill os.killpg os.getpid os.chdir os.umask os.path.exists os.path.isfile
    os.scandir os.listdir os.mkdir os.symlink os.execve os.posix_spawn shutil.which
    time.monotonic time.time time.sleep select.poll threading.Thread'''.split()

@pytest.mark.parametrize("name", NAMES)
def test_mocked(mocker, cenv_env, name):
    mocker.patch(name)
    try:
        use(cenv_env())
        use(cenv_env())
    finally:
        mocker.stopall()
""",
    "process": """
@pytest.fixture
def restored():
    streams, mask = [os.dup(number) for number in range(3)], os.umask(0)
    yield
    for number, copy in enumerate(streams):
        os.dup2(copy, number)
        os.close(copy)
    os.umask(mask)

def test_streams(restored, cenv_env):
    os.closerange(0, 3)
    use(cenv_env())

def test_umask(restored, cenv_env):
    os.umask(0o777)
    use(cenv_env())

def test_directory(tmp_path, monkeypatch, cenv_env):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    use(cenv_env())
""",
}
PLUGINS = (
    "-p",
    "pytest_subprocess.fixtures",
    "-p",
    "pyfakefs.pytest_plugin",
    "-p",
    "pytest_mock",
)


@pytest.fixture
def suite(
    fresh: pytest.Pytester,
    configure: Callable[..., pytest.Pytester],
    make_channel: Callable[..., object],
) -> pytest.Pytester:
    """Return a project whose environments have a script that activation runs."""
    from cenv.demo.package import PLACEHOLDER, Member, Package

    script = b'export TOOL_HOME="$CONDA_PREFIX/share"\n'
    text = f"here={PLACEHOLDER}/lib\n".encode()
    tool = [
        Member("etc/conda/activate.d/tool.sh", script),
        Member("etc/tool.conf", text, placeholder=PLACEHOLDER),
    ]
    data = [Package("data", version) for version in ("1", "2")]
    return configure(
        cenv_channels=make_channel(Package("tool", "1", members=tool), *data)
    )


@pytest.mark.parametrize("others", [(), ("--cenv-spares=2",)])
@pytest.mark.parametrize("kind", TESTS)
def test_mocks__do_not_reach_environments(
    suite: pytest.Pytester,
    run: Callable[..., pytest.RunResult],
    kind: str,
    others: tuple[str, ...],
) -> None:
    around = "def test_{}(cenv_env):\n    use(cenv_env())\n"
    before = around.format("before") if others else ""
    suite.makepyfile(USE + before + TESTS[kind] + around.format("after"))
    result = run(*PLUGINS, *others)
    assert result.ret == 0, result.stdout.str()
