# SPDX-License-Identifier: BSD-3-Clause
"""A suite that clones one template by `conda create --clone`, moved over in a few lines."""

from __future__ import annotations

import difflib
import textwrap
from pathlib import Path

import pytest

STANDIN = Path(__file__).parent / "standin"

CONFTEST = '''\
import pytest

pytest_plugins = ("conda.testing", "conda.testing.fixtures")
PYTHON = "tool"


@pytest.fixture(scope="session")
def template_env(tmp_path_factory, session_conda_cli):
    """One environment that the benchmarks clone."""
    path = tmp_path_factory.mktemp("template-env")
    session_conda_cli("create", "--yes", "--prefix", str(path), PYTHON)
    yield path
'''

BENCHMARKS = """\
import pytest


def names(prefix):
    return sorted(path.name for path in prefix.iterdir())


@pytest.mark.parametrize("package", ["one", "two"])
def test_install(benchmark, tmp_path_factory, conda_cli, template_env, package):
    def setup():
        prefix = tmp_path_factory.mktemp(package)
        conda_cli("create", "--clone", str(template_env), "--prefix", str(prefix), "--yes")
        return (prefix,), {}

    found = benchmark.pedantic(names, setup=setup, rounds=2)
    assert "conda-meta" in found


def test_convert(benchmark, tmp_path_factory, conda_cli, template_env):
    def setup():
        prefix = tmp_path_factory.mktemp("convert")
        conda_cli("create", "--clone", str(template_env), "--prefix", str(prefix), "--yes")
        return (prefix,), {}

    benchmark.pedantic(names, setup=setup, rounds=2)
"""

CLONE = 'conda_cli("create", "--clone", str(template_env), "--prefix", str(prefix), "--yes")'


def moved_over() -> tuple[str, str]:
    """Return both files with what changes for cenv."""
    conftest = CONFTEST.replace(
        "def template_env(tmp_path_factory, session_conda_cli):",
        "def template_env(cenv_template):",
    )
    body = conftest[conftest.index("    path = ") :]
    conftest = conftest.replace(body, "    return cenv_template(PYTHON)\n")
    return conftest, BENCHMARKS.replace(CLONE, "template_env.clone(prefix)")


def lines_added(old: str, new: str) -> int:
    diff = difflib.ndiff(old.splitlines(), new.splitlines())
    return sum(line.startswith("+ ") for line in diff)


@pytest.mark.parametrize(
    "files", [(CONFTEST, BENCHMARKS), moved_over()], ids=["conda", "cenv"]
)
@pytest.mark.parametrize("flag", ["--benchmark-disable", "--benchmark-min-rounds=2"])
def test_moved_suite__passes_before_and_after(
    files: tuple[str, str],
    flag: str,
    pytester: pytest.Pytester,
    small_channel: Path,
    session_store: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    pytest.importorskip("pytest_benchmark")
    log = tmp_path / "log"
    monkeypatch.setenv("PYTHONPATH", str(STANDIN))
    monkeypatch.setenv("STANDIN_LOG", str(log))
    monkeypatch.setenv("CENV_STORE", str(session_store))
    monkeypatch.setenv("CENV_CHANNELS", str(small_channel))
    pytester.makeconftest(textwrap.dedent(files[0]))
    pytester.makepyfile(test_benchmarks=files[1])
    result = pytester.runpytest_subprocess(
        *("-p", "no:cacheprovider", "-p", "pytest_benchmark.plugin", flag)
    )
    result.assert_outcomes(passed=3)
    made = log.read_text().splitlines() if log.exists() else []
    assert bool(made) == (files[0] == CONFTEST)


def test_moved_suite__changes_few_lines() -> None:
    conftest, benchmarks = moved_over()
    changed = lines_added(CONFTEST, conftest) + lines_added(BENCHMARKS, benchmarks)
    assert 0 < changed <= 6
