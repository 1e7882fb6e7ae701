# SPDX-License-Identifier: BSD-3-Clause
"""The guard: looks after templates whose files clones share, and names the test.

A hard-linked clone shares its files with its template, and what a test writes into one in
place is in the template too. Every template so used is compared with what it was when it
was built, after each test or at the end of the run. One that was altered is built anew,
so that the next clone is right, and the run fails, naming the files and the tests.

A Guard is a pytest plugin of its own, registered when the first environment is made.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from cenv import printable
from cenv.clones import modes
from cenv.errors import CenvError
from cenv.model import Alteration
from cenv.pytest_plugin.format import current_test
from cenv.templates.template import Clone, Template

NAME = "cenv-guard"
_TICK = 0.02  # file systems take their times from a clock that is a tick behind
_SHOWN = 10


@dataclass(frozen=True)
class Finding:
    """An altered template; plain data, for reports and for xdist."""

    template: str
    specs: tuple[str, ...]
    altered: tuple[dict[str, str], ...]
    tests: tuple[str, ...]  # those that may have done it; none: before this run
    repair: str

    @classmethod
    def of(cls, data: dict[str, Any]) -> Finding:
        """Make one of plain data."""
        values = dict(data)
        for name in ("specs", "altered", "tests"):
            values[name] = tuple(values[name])
        return cls(**values)

    def lines(self) -> Iterator[str]:
        """Say what happened, and what to do; names of files and tests steer no terminal."""
        yield from map(printable.line, self._say())

    def _say(self) -> Iterator[str]:
        name = " ".join(self.specs) or self.template
        yield f"the template '{name}' was altered through a hard-linked clone:"
        files = [str(Alteration(**item)) for item in self.altered]
        yield from _some(files)
        if self.tests:
            several = "one of these tests" if len(self.tests) > 1 else "this test"
            yield f"by {several}, or by an environment that lived meanwhile:"
            yield from _some(self.tests)
        else:
            yield "before this run, or by another one; no test of this run saw it"
        yield f"{self.repair}; --cenv-mode=copy keeps tests that write in place apart"


def _some(items: Iterable[str]) -> Iterator[str]:
    listed = list(items)
    for item in listed[:_SHOWN]:
        yield f"  {item}"
    if len(listed) > _SHOWN:
        yield f"  and {len(listed) - _SHOWN} more"


@dataclass
class _Window:
    """When a test ran, in which process; still running without an end."""

    test: str
    process: int
    start: float
    stop: float = float("inf")


class _Log:
    """The tests of this process, and under xdist those of all its siblings.

    Each line of the shared file is one event, appended in one write. A test may run more than
    once: again after a failure, or in every worker.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._windows: list[_Window] = []
        self._good: dict[str, float] = {}

    def started(self, test: str) -> None:
        self._note("start", test, time.time())

    def stopped(self, test: str) -> None:
        self._note("stop", test, time.time())

    def good(self, template: str, when: float) -> None:
        """Note that the template was as it should be."""
        self._note("good", template, when)

    def _note(self, kind: str, name: str, when: float) -> None:
        process = os.getpid()
        if self._path is None:
            self._take(kind, name, process, when)
            return
        line = json.dumps([kind, name, process, when]) + "\n"
        with self._path.open("ab", buffering=0) as file:
            file.write(line.encode())

    def _take(self, kind: str, name: str, process: int, when: float) -> None:
        if kind == "good":
            self._good[name] = max(when, self._good.get(name, 0.0))
        elif kind == "start":
            self._windows.append(_Window(name, process, when))
        else:
            self._stop(name, process, when)

    def _stop(self, test: str, process: int, when: float) -> None:
        for window in reversed(self._windows):
            if (window.test, window.process) == (test, process):
                window.stop = when
                return

    def suspects(
        self, template: str, times: Iterable[float], *, certain: bool
    ) -> tuple[str, ...]:
        """Return the tests since the template was last good: at `times`, else all.

        `certain` leaves out the others in any case.
        """
        if self._path is not None and self._path.exists():
            self._windows.clear()
            for line in self._path.read_bytes().splitlines():
                self._take(*json.loads(line))
        since = self._good.get(template, 0.0)
        ran = [w for w in self._windows if w.stop >= since]
        then = [
            w for w in ran if any(w.start - _TICK <= t <= w.stop + _TICK for t in times)
        ]
        found = then or ([] if certain else ran)
        return tuple(dict.fromkeys(window.test for window in found))


class Guard:
    """Looks after the templates that one process hands out clones of."""

    def __init__(
        self,
        each_test: bool,
        shared: Path | None,
        tell: Callable[[str], object] = lambda text: None,
    ) -> None:
        self.findings: list[Finding] = []
        self._tell = tell
        self._each_test = each_test
        self._log = _Log(shared)
        self._known: dict[str, Template] = {}  # as good when it was first used
        self._linked: dict[str, float] = {}  # when the last hardlink clone was made
        self._to_tell: list[Finding] = []
        if current_test():
            self._log.started(current_test())

    def before_clone(self, template: Template) -> None:
        """Look at a template that is used for the first time: was it left altered?"""
        if template.id and template.path not in self._known:
            self._known[template.path] = template
            self._check(template, first=True)

    def after_clone(self, clone: Clone) -> None:
        """Watch the template of a hard-linked clone."""
        if clone.template is not None and modes.is_linked(clone.mode):
            self._known[clone.template.path] = clone.template
            self._linked[clone.template.path] = time.time()

    def _check(
        self, template: Template, since: float = 0.0, *, first: bool = False
    ) -> None:
        began = time.time()
        report = template.check(since=since)
        if report.ok:
            self._log.good(template.path, began)
            return
        times = _times(template, report.altered)
        finding = Finding(
            template=template.path,
            specs=template.specs,
            altered=tuple(asdict(item) for item in report.altered),
            tests=self._log.suspects(template.path, times, certain=first),
            repair=_repair(template),
        )
        self._log.good(template.path, time.time())
        self.findings.append(finding)
        self._tell("\n".join(finding.lines()))
        if finding.tests:
            self._to_tell.append(finding)

    def check(self, *, since_clone: bool = False) -> None:
        """Look at every template that hard-linked clones were made of."""
        for path, since in self._linked.items():
            self._check(self._known[path], since if since_clone else 0.0)

    # ---- hooks ----

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Note when a test begins."""
        self._log.started(item.nodeid)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        """Look while the test's clones are there: removing them hides a put-back time."""
        yield
        if self._each_test:
            self.check(since_clone=True)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        """Look once more when its fixtures are done, and fail the test that did it."""
        self._log.stopped(item.nodeid)
        if not self._each_test:
            return
        self.check()
        told = [line for finding in self._to_tell for line in finding.lines()]
        self._to_tell.clear()
        if told:
            pytest.fail("\n".join(told), pytrace=False)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Look at the end, before the store is let go; altered templates fail the run."""
        self.check()
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["cenv_guard"] = [asdict(finding) for finding in self.findings]
        elif any(f.tests for f in self.findings) and session.exitstatus in (
            0,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        ):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """List what was found."""
        if self.findings:
            terminalreporter.section("cenv: altered templates", red=True, bold=True)
        for finding in self.findings:
            for line in finding.lines():
                terminalreporter.line(line)


def _repair(template: Template) -> str:
    if not template.id:
        return "it is not of the store: restore it"
    try:
        template.repair(content=True)
    except (CenvError, OSError) as error:
        return f"building it anew failed: {error}"
    return "it was built anew"


def _times(template: Template, altered: Iterable[Alteration]) -> list[float]:
    """Return when files were written to, as far as they tell."""
    found = []
    for item in altered:
        try:
            status = os.lstat(os.path.join(template.path, item.path))
        except OSError:
            continue
        if item.what in ("size", "time", "added", "replaced"):
            found.append(status.st_mtime)
    return found


def register(
    config: pytest.Config, each_test: bool, base: Path, tell: Callable[[str], object]
) -> Guard:
    """Make the guard of this process, whose temporary directory is `base`."""
    run = getattr(config, "workerinput", {}).get("testrunuid")
    shared = base.parent / f"cenv-guard-{run}" if run else None
    guard = Guard(each_test, shared, tell)
    config.pluginmanager.register(guard, NAME)
    return guard


def of_workers(config: pytest.Config, findings: Iterable[dict[str, Any]]) -> None:
    """Keep, in xdist's controller, what a worker found; it tells at the end of the run."""
    guard = config.pluginmanager.get_plugin(NAME)
    if guard is None:
        guard = Guard(each_test=False, shared=None)
        config.pluginmanager.register(guard, NAME)
    guard.findings.extend(map(Finding.of, findings))
