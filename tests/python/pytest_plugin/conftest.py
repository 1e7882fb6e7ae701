# SPDX-License-Identifier: BSD-3-Clause
"""Projects of their own for the plugin's tests, run by pytest in subprocesses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., pytest.RunResult]
Configure = Callable[..., pytest.Pytester]


@pytest.fixture
def pytester(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """Return pytest's own, whose runs load only xdist and cenv, by their entry points.

    All other plugins that are installed take three times as long as pytest itself does.
    """
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p xdist -p cenv")
    return pytester


@pytest.fixture
def all_plugins(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs load every plugin that is installed, as a user's do."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    monkeypatch.delenv("PYTEST_ADDOPTS")


@pytest.fixture
def configure(pytester: pytest.Pytester, small_channel: Path) -> Configure:
    """Return a function that sets keys of the project's ini, beside those set before."""
    keys: dict[str, object] = {"cenv_channels": small_channel}

    def write(**more: object) -> pytest.Pytester:
        keys.update(more)
        lines = "".join(f"{key} = {value}\n" for key, value in keys.items())
        (pytester.path / "pytest.ini").write_text(f"[pytest]\n{lines}")
        return pytester

    return write


@pytest.fixture
def fresh(configure: Configure) -> pytest.Pytester:
    """Return a project with a store of its own, in which every build counts."""
    return configure(cenv_store="store", cenv_specs="tool")


@pytest.fixture
def project(configure: Configure, session_store: Path) -> pytest.Pytester:
    """Return a project that shares its store with other tests: it builds little."""
    specs = 'tool "data >=2,<3"'
    named = "\n    newest: tool\n    oldest: data=1"
    return configure(cenv_store=session_store, cenv_specs=specs, cenv_templates=named)


STRICT = ("--strict-markers", "--strict-config", "-W", "error")


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Return a function that runs pytest in the project, strict as can be."""

    def start(*argv: str) -> pytest.RunResult:
        return pytester.runpytest_subprocess(*STRICT, *argv)

    return start


STANDIN = Path(__file__).parent / "standin"
ONE_LINE = """
    pytest_plugins = ("conda.testing", "conda.testing.fixtures", "cenv.conda")
"""
IS_A_CLONE = """
    from pathlib import Path
    import pytest

    def is_clone(prefix):
        assert isinstance(prefix, Path)
        conf = prefix / "etc/tool.conf"
        return conf.exists() and conf.read_text() == f"here={prefix}/lib\\n"

    def made_by_conda(prefix):
        found = sorted(p.name for p in prefix.rglob("*"))
        return found == ["conda-meta", "history"]

    def is_empty(prefix):
        found = sorted(p.name for p in prefix.rglob("*") if p.name != ".condarc")
        return found == ["conda-meta", "created_at", "history"]
"""


class Suite:
    """A suite of conda's users, and what it asked conda itself to make."""

    def __init__(self, pytester: pytest.Pytester, log: Path) -> None:
        self.pytester = pytester
        self._log = log

    def created(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []

    def write(self, text: str) -> None:
        """Write the suite's tests, with is_clone, made_by_conda and is_empty in them."""
        self.pytester.makepyfile(IS_A_CLONE + text)

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
    """Return a suite that uses a stand-in of conda.testing, served by cenv.conda."""
    monkeypatch.setenv("PYTHONPATH", str(STANDIN))
    monkeypatch.setenv("STANDIN_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("CONDA_CHANNELS", str(small_channel))
    monkeypatch.setenv("CENV_STORE", str(session_store))
    pytester.makeconftest(ONE_LINE)
    return Suite(pytester, tmp_path / "log")
