# SPDX-License-Identifier: BSD-3-Clause
"""What is shown while a template is made, which takes seconds in which no test ends.

On a terminal one line that changes; elsewhere, as in CI, a line for each stage. Nothing
for the first half second. pytest's capture is suspended meanwhile: no word of it reaches
capsys, capfd or a test's captured output. A worker of pytest-xdist has no terminal: it
appends its events to a file of the run, and the controller, which waits anyway, shows them.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cenv import printable
from cenv.pytest_plugin.format import current_test, duration, write_line

QUIET_FOR = 0.5  # seconds a template may take without a word
EVERY = 0.1  # seconds between changes of the line on a terminal
REMIND = 10.0  # seconds after which a stage that still runs is said again
POLL = 0.2  # seconds between the controller's looks at the workers' file
SIZED = ("download", "extract")  # stages whose progress is in bytes
SLOW_STAGES = ("setup",)  # of one call alone: shown at once, or never

Event = dict[str, Any]
Show = Callable[[Event], None]


def is_wanted(config: pytest.Config) -> bool:
    """Tell whether there is a terminal that may be written to."""
    plugins = config.pluginmanager
    return plugins.has_plugin("terminalreporter") and config.option.verbose >= 0


def live(config: pytest.Config) -> Live | None:
    """Return what shows this process's templates; None where nobody would see it."""
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        path = worker.get("cenv_progress")
        if path and os.path.isdir(os.path.dirname(path)):
            return Live(Events(path, worker["workerid"]), REMIND)
        return None
    if not is_wanted(config):
        return None
    terminal = Terminal(config)
    return Live(terminal.show, EVERY if terminal.changes else REMIND)


class Live:
    """Makes events of what the core tells while templates are made, not too many."""

    def __init__(self, show: Show, every: float) -> None:
        self._show = show
        self._every = every

    @contextlib.contextmanager
    def making(self, what: str) -> Iterator[Callable[[str, int, int], None]]:
        """Show the making of the template `what`: its stages, and its end."""
        start = shown = time.monotonic()
        running = ""

        def tell(stage: str, done: int, total: int) -> None:
            nonlocal running, shown
            now = time.monotonic()
            if now - start < QUIET_FOR and stage not in SLOW_STAGES:
                return
            if stage == running and now - shown < self._every:
                return
            event = {"what": what, "stage": stage, "seconds": now - start}
            event |= {"done": done, "total": total, "again": stage == running}
            running, shown = stage, now
            self._show(event)

        ended = "failed"
        try:
            yield tell
            ended = "ready"
        finally:
            if running:
                seconds = time.monotonic() - start
                self._show({"what": what, "ended": ended, "seconds": seconds})


class Events:
    """Appends a worker's events to the run's file, each with one write."""

    def __init__(self, path: str, worker: str) -> None:
        self._path = path
        self._worker = worker
        self({"pid": os.getpid()})  # which is how locks name it

    def __call__(self, event: Event) -> None:
        line = _line({**event, "worker": self._worker})
        with contextlib.suppress(OSError), open(self._path, "ab", buffering=0) as file:
            file.write(line)


def _line(event: Event) -> bytes:
    return json.dumps(event).encode() + b"\n"


class Terminal:
    """Writes events to pytest's terminal."""

    def __init__(self, config: pytest.Config) -> None:
        self._reporter: Any = config.pluginmanager.getplugin("terminalreporter")
        self._capture: Any = config.pluginmanager.getplugin("capturemanager")
        in_ci = any(os.environ.get(name) for name in ("CI", "BUILD_NUMBER"))
        self.changes = bool(getattr(self._reporter, "isatty", False)) and not in_ci
        self._open = False

    def show(self, event: Event) -> None:
        """Show an event of this process; of another thread's templates nothing."""
        if threading.current_thread() is not threading.main_thread():
            return
        with self._uncaptured():
            if "ended" in event:
                self._close()
                self._end(describe(event))
            elif self.changes:
                self._change(describe(event))
            else:
                write_line(self._reporter, describe(event, whole=False))

    def _change(self, line: str) -> None:
        self._reporter.ensure_newline()
        self._reporter.rewrite(printable.line(line)[: self._columns() - 1], erase=True)
        self._reporter.flush()
        self._open = True

    def _end(self, line: str) -> None:
        """Write the last line, then begin the line of the test's file again, for its dot."""
        reporter = self._reporter
        if getattr(reporter, "showfspath", False) and not reporter.showlongtestinfo:
            reporter.ensure_newline()
            reporter.write(
                printable.line(line)
            )  # the name of the file comes with its own line break
            reporter.write_fspath_result(current_test(), "")
        else:
            write_line(reporter, line)

    def _columns(self) -> int:
        return shutil.get_terminal_size().columns

    def _close(self) -> None:
        if self._open:
            self._reporter.rewrite("", erase=True)
            self._reporter.write("\r")
            self._open = False

    def _uncaptured(self) -> contextlib.AbstractContextManager[None]:
        if self._capture is None:
            return contextlib.nullcontext()
        found: contextlib.AbstractContextManager[None] = (
            self._capture.global_and_fixture_disabled()
        )
        return found


class Watch:
    """Shows the workers' events in the controller, from their file, until it is closed."""

    def __init__(self, path: str, config: pytest.Config) -> None:
        self._path = path
        self._reporter: Any = config.pluginmanager.getplugin("terminalreporter")
        self._read = 0
        self._workers: dict[int, str] = {}  # their names by process id
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="cenv")
        self._thread.start()

    def close(self) -> None:
        """Show what is left, and end; a second time is fine."""
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(POLL):
            self._look()
        self._look()

    def _look(self) -> None:
        """Show the whole lines that are new; mostly there is no such file at all."""
        try:
            with open(self._path, "rb") as file:
                file.seek(self._read)
                new = file.read()
        except OSError:
            return
        for line in new[: new.rfind(b"\n") + 1].splitlines(keepends=True):
            self._read += len(line)
            event = json.loads(line)
            if "pid" in event:
                self._workers[event["pid"]] = event["worker"]
                continue
            self._name_holder(event)
            self._say(describe(event, whole=False))

    def _name_holder(self, event: Event) -> None:
        """Call a process that is one of our workers by its name."""
        process = re.match(r"wait for process (\d+)\b", event.get("stage", ""))
        worker = self._workers.get(int(process[1])) if process else None
        if process and worker:
            event["stage"] = f"wait for {worker} (process {process[1]})"

    def _say(self, line: str) -> None:
        # xdist's dots leave no trace in the reporter, only in the terminal's own count.
        if getattr(self._reporter, "_width_of_current_line", 0):
            self._reporter.write("\n")
        write_line(self._reporter, line)


def describe(event: Event, whole: bool = True) -> str:
    """Return an event as a line: cenv: template python pip: extract 45% of 69 MB (3 s).

    Without `whole` a stage that only begins has no share yet.
    """
    where = f" {event['worker']}" if "worker" in event else ""
    what = f"cenv{where}: template {event['what']}".rstrip()
    if "ended" in event:
        return f"{what}: {event['ended']} after {duration(event['seconds'])}"
    share = _share(event) if whole or event["again"] else ""
    return f"{what}: {event['stage']}{share} ({event['seconds']:.0f} s)"


def _share(event: Event) -> str:
    if not event["total"]:
        return ""
    if event["stage"] in SIZED:
        from cenv.cli.output import human

        percent = min(100, 100 * event["done"] // event["total"])
        return f" {percent}% of {human(event['total'])}"
    return f" {event['done']} of {event['total']}"
