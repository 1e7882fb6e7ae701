# SPDX-License-Identifier: BSD-3-Clause
"""The pytest plugin: options, hooks and fixtures; silent and light until a fixture is used.

This module is imported in every pytest run where cenv is installed. It loads neither the
extension nor any other module of cenv until a fixture asks for an environment.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from cenv.pytest_plugin import hints, options, reports

if TYPE_CHECKING:
    from cenv.pytest_plugin.benchmarks import Benchmarks
    from cenv.pytest_plugin.factories import CloneFactory, EnvFactory, TemplateFactory
    from cenv.pytest_plugin.session import EnvSession
    from cenv.templates.template import Clone

__all__ = ["CloneFactory", "EnvFactory", "TemplateFactory"]

_SESSION: pytest.StashKey[EnvSession] = pytest.StashKey()
_LAST: pytest.StashKey[bool] = pytest.StashKey()
_MEASURED: pytest.StashKey[bool] = pytest.StashKey()
_OUTCOME: pytest.StashKey[str] = pytest.StashKey()  # passed, skipped, failed
_CRASHED: pytest.StashKey[bool] = pytest.StashKey()  # some worker of xdist
# Clones whose fixture has ended, of this attempt and of those before it.
_ENDED: pytest.StashKey[list[Clone]] = pytest.StashKey()
_BENCHMARKS = {"benchmark", "codspeed_benchmark"}  # fixtures and marks alike
_MEASURING = ("benchmark", "pytest_benchmark.plugin", "codspeed_plugin")
_STAMPS = "cenv_benchmarks"
_FIXTURES = {"cenv_template", "cenv_env", "cenv_session_env", "cenv_clone"}


def __getattr__(name: str) -> object:
    """Fetch the fixtures' types, for annotations, without loading them in every run."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cenv.pytest_plugin import factories

    return getattr(factories, name)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; those of the command line have twins in ini."""
    options.add(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Enter the namespace of mode overlay, if that is asked for, before any thread is."""
    _enter_overlay(early_config, early_config.known_args_namespace.cenv_mode)


def _enter_overlay(config: pytest.Config, given: str | None) -> None:
    mode = given or options.text(config, "mode")
    if mode is None:
        return
    from cenv.clones import modes

    if modes.is_mount(mode):
        from cenv.pytest_plugin import overlay

        overlay.enter(config)


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark, for --strict-markers, and the reports; check what is set."""
    if options.is_configured(config):
        from cenv.pytest_plugin import settings

        settings.read(
            config
        )  # what makes no sense is refused at once, not by each test
    _enter_overlay(config, config.getoption("cenv_mode"))
    config.addinivalue_line(
        "markers",
        "cenv(*specs, channels=None, template=None, mode=None, recycle=None): the "
        "environment that the fixture cenv_env gives when it is called without specs; the "
        "test runs once for each of a list of templates",
    )
    config.pluginmanager.register(hints, hints.NAME)
    if options.is_configured(config) or config.getoption("benchmark_compare", None):
        _begin_stamps(config)
    reports.register(config)


def _begin_stamps(config: pytest.Config) -> None:
    """Tell what benchmarks are measured in, where something measures."""
    plugins = config.pluginmanager
    if any(map(plugins.has_plugin, _MEASURING)) and not plugins.has_plugin(_STAMPS):
        from cenv.pytest_plugin.benchmarks import Benchmarks

        plugins.register(Benchmarks(), _STAMPS)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Serve conda.testing's fixtures, where a setting asks for it."""
    if options.flag(session.config, "patch_conda_testing"):
        from cenv import conda

        conda.override(session.config.pluginmanager)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Iterator[None]:
    """Learn the outcome, which decides on the test's clones; tell of those it had."""
    environments = item.config.stash.get(_SESSION, None)
    if environments is not None and call.when == "teardown":
        item.user_properties += environments.recorder.of_test(item.nodeid)
        _stamp(item, environments)
    outcome: Any = yield
    report = outcome.get_result()
    if call.when == "setup":  # of each attempt: a test may be run again
        item.stash[_OUTCOME] = "passed"
    if report.failed or item.stash.get(_OUTCOME, "passed") == "passed":
        item.stash[_OUTCOME] = report.outcome
    if call.when == "teardown" and environments is not None:
        ended = item.stash.get(_ENDED, None) or ()
        environments.end_test(ended, item.stash[_OUTCOME])


def _stamp(item: pytest.Item, environments: EnvSession) -> None:
    found: Benchmarks | None = item.config.pluginmanager.get_plugin(_STAMPS)
    if found is not None and item.config.stash.get(_MEASURED, False):
        given = [str(value) for value in getattr(item, "funcargs", {}).values()]
        found.stamp(item, environments.recorder.environments(item.nodeid, given))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what the guard of an xdist worker found; one that crashed told nothing."""
    told = getattr(node, "workeroutput", None)
    if told is None:
        node.config.stash[_CRASHED] = True
    findings = (told or {}).get("cenv_guard")
    if findings:
        from cenv.pytest_plugin import guard

        guard.of_workers(node.config, findings)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test marked with several templates once for each."""
    mark = metafunc.definition.get_closest_marker("cenv")
    if mark is not None and "cenv_env" in metafunc.fixturenames:
        from cenv.pytest_plugin import marks

        marks.parametrize(metafunc, mark)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Load the engine before tests that may mock what it is made of."""
    if session.config.option.collectonly or not session.items:
        return
    asked = (getattr(item, "fixturenames", ()) for item in session.items)
    if options.is_configured(session.config) or any(map(_FIXTURES.intersection, asked)):
        from cenv.pytest_plugin import preload

        preload.bind()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Make nothing ahead while a benchmark is measured, nor when no test will want it."""
    stash = item.config.stash
    stash[_LAST], stash[_MEASURED] = nextitem is None, _is_measured(item)
    environments = stash.get(_SESSION, None)
    if environments is not None:
        environments.begin_test(last=stash[_LAST], measured=stash[_MEASURED])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Let the rounds of a benchmark give back what they had."""
    if item.config.stash.get(_SESSION, None) and item.config.stash[_MEASURED]:
        from cenv.pytest_plugin import rounds

        rounds.watch(getattr(item, "funcargs", {}))


def _is_measured(item: pytest.Item) -> bool:
    return (
        not _BENCHMARKS.isdisjoint(getattr(item, "fixturenames", ()))
        or any(item.get_closest_marker(name) for name in _BENCHMARKS)
        or bool(item.config.getoption("codspeed", None))
        or "CODSPEED_ENV" in os.environ
    )


@pytest.hookimpl(hookwrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """Report before JUnit XML is written; let go when all fixtures have ended."""
    environments = session.config.stash.get(_SESSION, None)
    noted = environments.recorder.data() if environments is not None else None
    found: reports.Reports | None = session.config.pluginmanager.get_plugin(
        reports.NAME
    )
    if found is not None:
        found.finish(noted)
    yield
    if environments is not None:
        environments.close()
    if session.config.stash.get(_CRASHED, False):
        from cenv.pytest_plugin import crashed

        crashed.clear(session.config)


def _session_of(request: pytest.FixtureRequest) -> EnvSession:
    """Return the run's one EnvSession, made when the first fixture is used."""
    config = request.config
    found = config.stash.get(_SESSION, None)
    if found is None:
        from cenv.pytest_plugin.session import EnvSession

        _begin_stamps(config)
        factory = request.getfixturevalue("tmp_path_factory")
        found = EnvSession(config, factory, traced=reports.is_traced(config))
        last, measured = (
            config.stash.get(_LAST, False),
            config.stash.get(_MEASURED, False),
        )
        found.begin_test(last=last, measured=measured)
        config.stash[_SESSION] = found
    return found


@contextlib.contextmanager
def ending(
    request: pytest.FixtureRequest, clones: EnvFactory | CloneFactory
) -> Iterator[None]:
    """End the clones of a factory with the fixture that has it.

    Those of a test are kept until its outcome is known: another fixture's end may fail.
    """
    failures = request.session.testsfailed
    yield
    if request.scope == "function":
        request.node.stash.setdefault(_ENDED, []).extend(clones.ended())
    else:
        clones.close(failed=request.session.testsfailed > failures)


@pytest.fixture(scope="session")
def cenv_template(request: pytest.FixtureRequest) -> TemplateFactory:
    """Give a factory of templates, each built once per machine and set of packages:
    cenv_template(*specs, channels=None, name=None, prefix=None, file=None, base=None,
    setup=None, key=None, platform=None, channel_priority=None, exclude_newer=None,
    add_pip=None, pinned=()) -> Template.

    `name`: one of ini's cenv_templates. `prefix`: an environment that is there. `file`: an
    environment.yml, a list or a lock. `base`: a template that this one is derived from.
    `setup`: a function called once with the new template, `key`: what tells one from
    another. The others say how specs are solved. Without arguments: the default template.
    One that cannot be built raises from the call.
    """
    from cenv.pytest_plugin.factories import TemplateFactory

    return TemplateFactory(_session_of(request))


@pytest.fixture
def cenv_env(
    request: pytest.FixtureRequest, cenv_template: TemplateFactory
) -> Iterator[EnvFactory]:
    """Give a factory of environments for this test: cenv_env(*specs, channels=None,
    template=None, dst=None, mode=None, reuse=False, recycle=None) -> Clone.

    `template`: a Template, or a name of ini's cenv_templates, in place of specs. `dst`:
    where it is made. `mode`: auto, snapshot, reflink, hardlink, copy, overlay. `reuse`: the
    clone of the last such call, put back. `recycle`: auto, or off for one that no other test
    has. Without specs and template: those of the mark, else the default template. A clone goes
    back when the test is over, or stays as --cenv-keep says. For wider scopes:
    cenv.pytest.fixture.
    """
    from cenv.pytest_plugin.factories import EnvFactory

    mark = request.node.get_closest_marker("cenv")
    factory = EnvFactory(cenv_template, mark, getattr(request, "param", None))
    with ending(request, factory):
        yield factory


@pytest.fixture(scope="session")
def cenv_session_env(
    request: pytest.FixtureRequest, cenv_template: TemplateFactory
) -> Iterator[EnvFactory]:
    """Give a factory of environments that live as long as the session, or their `with`:
    cenv_session_env(*specs, channels=None, template=None, dst=None, mode=None,
    reuse=False, recycle=None) -> Clone.

    The arguments are those of cenv_env. Fixtures of any scope may use it.
    """
    from cenv.pytest_plugin.factories import EnvFactory

    factory = EnvFactory(cenv_template)
    with ending(request, factory):
        yield factory


@pytest.fixture
def cenv_clone(
    request: pytest.FixtureRequest, cenv_template: TemplateFactory
) -> Iterator[CloneFactory]:
    """Give a function that clones any environment, whoever made it, for this test:
    cenv_clone(src, dst=None, mode=None, recycle=None) -> Clone.

    `dst` is absent or an empty directory. A clone goes back when the test is over, as cenv_env's.
    """
    from cenv.pytest_plugin.factories import CloneFactory

    factory = CloneFactory(cenv_template.session)
    with ending(request, factory):
        yield factory
