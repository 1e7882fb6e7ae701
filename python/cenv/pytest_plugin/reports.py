# SPDX-License-Identifier: BSD-3-Clause
"""The reports of a run: header, summary, JSON, JUnit properties, step summary, trace.

Imported in every run, so it imports nothing of cenv until there is something to say. The
controller alone reports; a worker of pytest-xdist sends what its recorder noted when it
ends, and a run without workers takes the same way.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from cenv.pytest_plugin.progress import Watch
    from cenv.pytest_plugin.session import EnvSession

NAME = "cenv_reports"
_OUTPUT = "cenv"  # our key in xdist's workeroutput
_FILES = ("json", "trace")
_ENVIRONMENT = ("STORE", "CHANNELS", "SPECS", "MODE", "KEEP", "TRACE")
_SETTINGS = (
    "channels specs templates store mode keep json trace patch_conda_testing".split()
)
_JUNIT = ("count", "median", "p95", "bytes_copied", "bytes_shared")


def add_options(parser: pytest.Parser) -> None:
    """Add the options of the reports."""
    group = parser.getgroup("cenv")
    group.addoption(
        "--cenv-report",
        action="store_true",
        help="report on environments even if no test used one",
    )
    group.addoption(
        "--cenv-json",
        metavar="FILE",
        help="write what the run did with environments to FILE",
    )
    group.addoption(
        "--cenv-trace",
        metavar="FILE",
        help="write a trace of all workers to FILE, for Perfetto and `cenv report`",
    )
    parser.addini("cenv_report", "as --cenv-report", type="bool", default=False)
    parser.addini("cenv_json", "as --cenv-json", default=None)
    parser.addini("cenv_trace", "as --cenv-trace", default=None)
    parser.addini(
        "cenv_step_summary",
        "append a summary to $GITHUB_STEP_SUMMARY",
        type="bool",
        default=True,
    )


def register(config: pytest.Config) -> None:
    """Begin to report on a run; a file that cannot be written is said at once."""
    config.pluginmanager.register(Reports(config), NAME)


def is_traced(config: pytest.Config) -> bool:
    """Tell whether spans are to be kept for a trace of the run."""
    if _is_worker(config):
        return bool(config.workerinput.get("cenv_traced"))  # type: ignore[attr-defined]
    return _text(config, "trace") is not None


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _text(config: pytest.Config, name: str) -> str | None:
    given = config.getoption(f"cenv_{name}", None)
    variable = os.environ.get(f"CENV_{name.upper()}") if name == "trace" else None
    found = given or variable or config.getini(f"cenv_{name}")
    return str(found) if found else None


def _beside(config: pytest.Config, name: str) -> Path:
    """Return what a file asked for is relative to: ini's own, or where pytest started."""
    if config.getoption(f"cenv_{name}", None) or config.inipath is None:
        return config.invocation_params.dir
    return config.inipath.parent


def _writable(config: pytest.Config, name: str) -> str | None:
    """Return the path of a file asked for, absolute now: a test may change directory."""
    given = _text(config, name)
    if given is None or _is_worker(config):
        return None
    path = os.path.normpath(_beside(config, name) / given)
    if not os.path.isdir(os.path.dirname(path)):
        raise pytest.UsageError(
            f"--cenv-{name}: there is no directory {os.path.dirname(path)}"
        )
    if os.path.isdir(path):
        raise pytest.UsageError(f"--cenv-{name}: {path} is a directory")
    return path


def _is_configured(config: pytest.Config) -> bool:
    """Tell whether anything says that this project uses cenv."""
    if any(os.environ.get(f"CENV_{name}") for name in _ENVIRONMENT):
        return True
    options = (vars(config.option) | {}).items()
    if any(value for name, value in options if name.startswith("cenv_")):
        return True
    return any(config.getini(f"cenv_{name}") for name in _SETTINGS)


class Reports:
    """Hooks of the reports; `config` is the run's."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._processes: list[dict[str, Any]] = []
        self._files = {name: _writable(config, name) for name in _FILES}
        self._problems: list[str] = []
        self._totals: dict[str, Any] = {}
        self._watch: Watch | None = None

    # ---- gathering ----

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker what to keep, and where it says what it is at."""
        node.workerinput["cenv_traced"] = self._files["trace"] is not None
        factory = getattr(self._config, "_tmp_path_factory", None)  # as xdist does
        if factory is None or not node.gateway.spec.popen:
            return
        if not _is_configured(self._config):  # no thread that looks for nothing
            return
        from cenv.pytest_plugin import progress

        if progress.is_wanted(self._config):
            path = str(factory.getbasetemp() / "cenv-progress")
            node.workerinput["cenv_progress"] = path
            if self._watch is None:
                self._watch = progress.Watch(path, self._config)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker noted; one that crashed sent nothing."""
        found = (getattr(node, "workeroutput", None) or {}).get(_OUTPUT)
        if found:
            self._processes.append(found)

    def finish(self, environments: EnvSession | None) -> None:
        """Take what this process noted; the controller reports on all."""
        if self._watch is not None:
            self._watch.close()
        if environments is not None:
            worker = getattr(self._config, "workerinput", {}).get("workerid", "")
            found = {"worker": worker, **environments.recorder.data()}
            if _is_worker(self._config):
                self._config.workeroutput[_OUTPUT] = found  # type: ignore[attr-defined]
            else:
                self._processes.append(found)
        if not _is_worker(self._config) and (self._processes or self._is_asked()):
            self._report()

    def _is_asked(self) -> bool:
        asked = self._config.getoption("cenv_report") or self._config.getini(
            "cenv_report"
        )
        return bool(asked or any(self._files.values()))

    # ---- telling ----

    def _report(self) -> None:
        from cenv.pytest_plugin import statistics

        self._processes.sort(key=lambda process: _rank(process["worker"]))
        self._totals = statistics.total(self._processes)
        self._try(self._write_json)
        self._try(self._write_trace)
        if statistics.happened(self._totals):
            self._add_junit()
            self._try(self._append_step_summary)

    def _try(self, write: Any) -> None:
        """A report that cannot be written fails no test; the summary says so."""
        try:
            write()
        except OSError as error:
            self._problems.append(f"cannot write a report: {error}")

    def _write_json(self) -> None:
        if self._files["json"]:
            import json

            from cenv.config.paths import replace_file

            text = json.dumps(self._totals, indent=2) + "\n"
            replace_file(self._files["json"], text.encode())

    def _write_trace(self) -> None:
        if self._files["trace"]:
            from cenv import trace

            trace.write_all(self._files["trace"], map(_traced, self._processes))

    def _append_step_summary(self) -> None:
        path = os.environ.get("GITHUB_STEP_SUMMARY")
        if path and self._config.getini("cenv_step_summary"):
            from cenv.pytest_plugin import summary

            with open(path, "a", encoding="utf-8") as file:
                file.write("\n" + summary.markdown(self._totals))

    def _add_junit(self) -> None:
        """Add properties to the test suite, of whatever plugin writes JUnit XML."""
        templates, clones = self._totals["templates"], self._totals["clones"]
        built = sum(1 for template in templates if template["builds"])
        facts = {"templates_built": built, "templates_reused": len(templates) - built}
        facts |= {f"clones_{key}": clones[key] for key in _JUNIT}
        facts["saved_seconds"] = self._totals["saved"]["seconds"]
        for plugin in self._config.pluginmanager.get_plugins():
            add = getattr(plugin, "add_global_property", None)
            if callable(add):
                for name, value in facts.items():
                    add(f"cenv_{name}", value)

    # ---- the terminal ----

    def pytest_report_header(self) -> str | None:
        """Say where environments come from, in projects that configure cenv."""
        if _is_worker(self._config) or not _is_configured(self._config):
            return None
        from cenv import __version__
        from cenv.config.paths import store_path
        from cenv.errors import UsageError
        from cenv.pytest_plugin import settings

        try:
            chosen = settings.read(self._config)
        except UsageError as error:
            return f"cenv {__version__}: {error}"
        store = store_path(chosen.store)
        count = _count_templates(store)
        return (
            f"cenv {__version__}: store={store} ({count}), mode={chosen.mode or 'auto'}"
        )

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what was done, if anything was; the guard lists its findings itself."""
        if not self._totals:
            return
        from cenv.pytest_plugin import statistics, summary

        happened = statistics.happened(self._totals)
        said = self._lines(summary, happened, self._config.option.verbose)
        if said or self._problems:
            terminalreporter.ensure_newline()
            terminalreporter.section("cenv environments")
            for line in said:
                terminalreporter.write_line(line)
            for line in self._problems:
                terminalreporter.write_line(line, red=True)

    def _lines(self, summary: Any, happened: bool, verbosity: int) -> list[str]:
        asked = self._config.getoption("cenv_report") or self._config.getini(
            "cenv_report"
        )
        if not happened:
            return ["no test used an environment"] if asked else []
        if verbosity < 0 and not asked:
            return []
        said = [*summary.lines(self._totals), *summary.troubles(self._totals)]
        if verbosity > 0:
            said += summary.template_lines(self._totals)
        if verbosity > 1:
            said += summary.clone_lines(self._processes)
        return said


def _rank(worker: str) -> tuple[int, str]:
    return len(worker), worker  # gw2 before gw10


def _traced(process: dict[str, Any]) -> tuple[int, str, list[dict[str, Any]]]:
    return process["pid"], process["worker"] or "pytest", process["spans"]


def _count_templates(store: str) -> str:
    """Count by the names of directories: the header loads no extension and reads no file."""
    try:
        count = len(os.listdir(os.path.join(store, "v1", "templates")))
    except OSError:
        count = 0
    return f"{count} template cached" if count == 1 else f"{count} templates cached"
