# SPDX-License-Identifier: BSD-3-Clause
"""The pytest plugin: options, hooks and fixtures; silent and light until a fixture is used.

This module is imported in every pytest run where cenv is installed. It loads neither the
extension nor any other module of cenv until a fixture asks for an environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from cenv.pytest_plugin import reports

if TYPE_CHECKING:
    from cenv.pytest_plugin.factories import CloneFactory, EnvFactory, TemplateFactory
    from cenv.pytest_plugin.session import EnvSession

_KEPT = "_cenv_failed"
_SESSION = "_cenv_session"

_INI = (
    ("cenv_channels", "args", "channels of the environments"),
    ("cenv_specs", "args", "specs of the default template"),
    ("cenv_templates", "linelist", "named templates, one 'name: specs' a line"),
    ("cenv_store", "string", "directory of the store"),
    ("cenv_mode", "string", "how clones are made: auto, reflink, hardlink, copy"),
    ("cenv_keep", "string", "which tests' clones to keep: failed, all, none"),
    ("cenv_guard", "string", "when to look for altered templates: session, test, off"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; each has a twin in ini."""
    group = parser.getgroup("cenv", "fresh conda environments")
    group.addoption("--cenv-store", metavar="DIR", help="directory of the store")
    group.addoption(
        "--cenv-mode",
        choices=("auto", "reflink", "hardlink", "copy"),
        help="how clones are made (default auto)",
    )
    group.addoption(
        "--cenv-keep",
        choices=("failed", "all", "none"),
        help="which tests' clones to keep (default failed)",
    )
    group.addoption(
        "--cenv-guard",
        choices=("session", "test", "off"),
        help="when to look whether tests altered templates through hard links: at the "
        "end (default), after each test, never",
    )
    group.addoption(
        "--cenv-rebuild",
        action="store_true",
        help="build the templates of this run anew",
    )
    for name, kind, text in _INI:
        parser.addini(name, text, type=kind, default=None)  # type: ignore[arg-type]
    reports.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark, for --strict-markers, and the reports."""
    config.addinivalue_line(
        "markers",
        "cenv(*specs, channels=None, template=None): the environment that the fixture "
        "cenv_env gives when it is called without specs",
    )
    reports.register(config)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Iterator[None]:
    """Remember which tests failed: their clones are kept. Add properties to the report."""
    environments = getattr(item.config, _SESSION, None)
    if environments is not None and call.when == "teardown":
        item.user_properties += environments.recorder.of_test(item.nodeid)
    outcome: Any = yield
    if outcome.get_result().failed:
        setattr(item, _KEPT, True)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what the guard of an xdist worker found."""
    findings = getattr(node, "workeroutput", {}).get("cenv_guard")
    if findings:
        from cenv.pytest_plugin import guard

        guard.of_workers(node.config, findings)


@pytest.hookimpl(tryfirst=True)  # before JUnit XML is written
def pytest_sessionfinish(session: pytest.Session) -> None:
    """End what the session's environments hold, and report."""
    environments = getattr(session.config, _SESSION, None)
    if environments is not None:
        environments.close()
    found: reports.Reports | None = session.config.pluginmanager.get_plugin(
        reports.NAME
    )
    if found is not None:
        found.finish(environments)


def _session_of(request: pytest.FixtureRequest) -> EnvSession:
    """Return the run's one EnvSession, made when the first fixture is used."""
    config = request.config
    found: EnvSession | None = getattr(config, _SESSION, None)
    if found is None:
        from cenv.pytest_plugin.session import EnvSession

        factory = request.getfixturevalue("tmp_path_factory")
        found = EnvSession(config, factory)
        setattr(config, _SESSION, found)
    return found


@pytest.fixture(scope="session")
def cenv_template(request: pytest.FixtureRequest) -> TemplateFactory:
    """Give a factory of templates: cenv_template("python=3.12", "pip") -> Template.

    One template per distinct solution, built once per machine whatever the number of
    workers and runs. A template that cannot be built raises from the call.
    """
    from cenv.pytest_plugin.factories import TemplateFactory

    return TemplateFactory(_session_of(request))


@pytest.fixture
def cenv_env(
    request: pytest.FixtureRequest, cenv_template: TemplateFactory
) -> Iterator[EnvFactory]:
    """Give a factory of clones for this test: cenv_env("python=3.12") -> Clone.

    Without specs: those of the mark, else the default template. Every clone is removed
    when the test is over, or kept as --cenv-keep says.
    """
    from cenv.pytest_plugin.factories import EnvFactory

    mark = request.node.get_closest_marker("cenv")
    factory = EnvFactory(cenv_template, mark)
    yield factory
    factory.close(failed=bool(getattr(request.node, _KEPT, False)))


@pytest.fixture(scope="session")
def cenv_session_env(
    request: pytest.FixtureRequest, cenv_template: TemplateFactory
) -> Iterator[EnvFactory]:
    """Give a factory of clones that live as long as the session."""
    from cenv.pytest_plugin.factories import EnvFactory

    factory = EnvFactory(cenv_template, None)
    yield factory
    factory.close(failed=request.session.testsfailed > 0)


@pytest.fixture
def cenv_clone(
    request: pytest.FixtureRequest, cenv_template: TemplateFactory
) -> Iterator[CloneFactory]:
    """Give a function that clones any environment: cenv_clone(src, dst=None) -> Clone."""
    from cenv.pytest_plugin.factories import CloneFactory

    factory = CloneFactory(cenv_template.session)
    yield factory
    factory.close(failed=bool(getattr(request.node, _KEPT, False)))
