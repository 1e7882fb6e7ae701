# SPDX-License-Identifier: BSD-3-Clause
"""The plugin beside others: timeout, mock, anyio, and what they do to a process."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGINS = ["pytest_timeout", "pytest_mock", "anyio.pytest_plugin"]
OTHERS = [word for name in PLUGINS for word in ("-p", name)]
SECONDS = 20


def left_in(project: pytest.Pytester) -> list[Path]:
    """Return what stays where clones and unfinished work are.

    What is removed in the background when the session ends has SECONDS to go.
    """
    places = ("base/cenv", "base/popen-gw*/cenv", "store/v1/tmp")
    until = time.monotonic() + SECONDS
    while True:
        found = sorted(p for place in places for p in project.path.glob(f"{place}/*"))
        if not found or time.monotonic() > until:
            return found
        time.sleep(0.05)


@pytest.fixture
def silent() -> Iterator[str]:
    """Return the URL of a server that takes a request and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_timeout__ends_what_is_being_made(
    fresh: pytest.Pytester, run, silent: str
) -> None:
    fresh.makepyfile(
        f"""
        import itertools
        import pytest

        @pytest.fixture(scope="session")
        def big(tmp_path_factory):
            place = tmp_path_factory.mktemp("big")
            (place / "conda-meta").mkdir()
            (place / "conda-meta/history").touch()
            for number in range(3000):
                (place / f"{{number}}.txt").write_text(str(place))
            return place

        def test_before(big, cenv_env):  # so that no timeout below is the fixture's
            assert cenv_env()

        @pytest.mark.timeout(1, func_only=True)
        def test_waits_for_a_channel(cenv_template):
            cenv_template("slow", channels=[{silent!r}])

        @pytest.mark.timeout(0.7, func_only=True)
        def test_clones(cenv_clone, big):
            while True:
                cenv_clone(big, mode="copy")

        @pytest.mark.timeout(0.7, func_only=True)
        def test_builds(cenv_template):
            for number in itertools.count():
                cenv_template("tool", setup=lambda draft: None, key=str(number))

        def test_after(cenv_env, cenv_clone, big):
            assert cenv_env("tool", "data=2")
            assert cenv_clone(big)
        """
    )
    result = run(*OTHERS, "--basetemp=base", "--cenv-keep=none")
    result.assert_outcomes(passed=2, failed=3)
    assert result.stdout.str().count("Failed: Timeout") >= 3
    assert left_in(fresh) == []


def test_mocks__of_the_system_do_no_harm(fresh: pytest.Pytester, run) -> None:
    fresh.makepyfile(
        """
        import time
        import pytest

        NAMES = '''subprocess.Popen subprocess.run subprocess.check_call os.system
            os.link os.mkdir os.makedirs os.rename os.replace os.unlink os.rmdir os.kill
            os.scandir os.walk os.path.exists os.path.isdir os.getcwd os.fork
            os.environ.get shutil.rmtree shutil.copytree shutil.copyfile select.select
            time.time time.sleep tempfile.mkdtemp tempfile.gettempdir'''.split()

        @pytest.mark.parametrize("name", NAMES)
        def test_mocked(mocker, cenv_env, name):
            mocker.patch(name)
            for _ in range(4):
                env = cenv_env("tool", "data=2")
                assert env.path in (env / "etc/tool.conf").read_text()
            mocker.stopall()
            time.sleep(0.02)  # for spares to be made
        """
    )
    result = run(*OTHERS, "--basetemp=base")
    assert result.ret == 0, result.stdout.str()
    assert left_in(fresh) == []


def test_anyio__tests_get_environments(fresh: pytest.Pytester, run) -> None:
    fresh.makepyfile(
        """
        import anyio, pytest

        pytestmark = pytest.mark.anyio

        @pytest.fixture(scope="session")
        def anyio_backend():
            return "asyncio"

        @pytest.fixture
        async def env(cenv_env):
            return await anyio.to_thread.run_sync(cenv_env)

        async def test_fixture(env, cenv_env):
            done = await anyio.run_process(["sh", str(env / "bin/tool")])
            assert done.stdout.strip().decode() == env.path
            with cenv_env("data=1") as other:
                assert other.path != env.path

        async def test_at_once(cenv_env):
            made = []
            async def make():
                made.append(await anyio.to_thread.run_sync(cenv_env))
            async with anyio.create_task_group() as group:
                for _ in range(8):
                    group.start_soon(make)
            assert len({env.path for env in made}) == 8
        """
    )
    for argv in ([], ["-n2"]):
        result = run(*OTHERS, "--basetemp=base", *argv)
        result.assert_outcomes(passed=2)
        assert left_in(fresh) == []
    assert os.path.isdir(fresh.path / "store/v1/templates")
