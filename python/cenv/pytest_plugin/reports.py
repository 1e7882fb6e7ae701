# SPDX-License-Identifier: BSD-3-Clause
"""The reports of a run: header, summary, JSON, JUnit properties, step summary, trace.

Imported in every run, so it imports of cenv the options alone until there is something to say. The
controller alone reports; a worker of pytest-xdist sends what its recorder noted when it
ends, and a run without workers takes the same way.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from cenv.pytest_plugin import options

if TYPE_CHECKING:
    from cenv.pytest_plugin.progress import Watch

NAME = "cenv_reports"
_OUTPUT = "cenv"  # our key in xdist's workeroutput
_FILES = ("json", "trace")
_JUNIT = ("count", "median", "p95", "bytes_copied", "bytes_shared")


def register(config: pytest.Config) -> None:
    """Begin to report on a run; a file that cannot be written is said at once."""
    config.pluginmanager.register(Reports(config), NAME)


def is_traced(config: pytest.Config) -> bool:
    """Tell whether spans are to be kept for a trace of the run."""
    if _is_worker(config):
        return bool(config.workerinput.get("cenv_traced"))  # type: ignore[attr-defined]
    return options.text(config, "trace") is not None


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _writable(config: pytest.Config, name: str) -> str | None:
    """Return the path of a file asked for, absolute now: a test may change directory."""
    given = options.path(config, name)
    if given is None or _is_worker(config):
        return None
    path = os.path.normpath(given)
    if not os.path.isdir(os.path.dirname(path)):
        raise pytest.UsageError(
            f"--cenv-{name}: there is no directory {os.path.dirname(path)}"
        )
    if os.path.isdir(path):
        raise pytest.UsageError(f"--cenv-{name}: {path} is a directory")
    return path


class Reports:
    """Hooks of the reports; `config` is the run's."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._processes: list[dict[str, Any]] = []
        self._files = {name: _writable(config, name) for name in _FILES}
        self._problems: list[str] = []
        self._statistics: dict[str, Any] = {}
        self._watch: Watch | None = None

    # ---- gathering ----

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker what to keep, and where it says what it is at."""
        node.workerinput["cenv_traced"] = self._files["trace"] is not None
        factory = getattr(self._config, "_tmp_path_factory", None)  # as xdist does
        if factory is None or not node.gateway.spec.popen:
            return
        if not options.is_configured(self._config):  # no thread that looks for nothing
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

    def finish(self, noted: dict[str, Any] | None) -> None:
        """Take what this process noted, if anything; the controller reports on all."""
        if self._watch is not None:
            self._watch.close()
        if noted is not None:
            worker = getattr(self._config, "workerinput", {}).get("workerid", "")
            found = {"worker": worker, **noted}
            if _is_worker(self._config):
                self._config.workeroutput[_OUTPUT] = found  # type: ignore[attr-defined]
            else:
                self._processes.append(found)
        if not _is_worker(self._config) and (self._processes or self._is_asked()):
            self._report()

    def _is_asked(self) -> bool:
        asked = options.flag(self._config, "report")
        return asked or any(self._files.values())

    # ---- telling ----

    def _report(self) -> None:
        from cenv.pytest_plugin import statistics

        self._processes.sort(key=lambda process: _rank(process["worker"]))
        self._statistics = statistics.add_up(self._processes)
        self._try(self._write_json)
        self._try(self._write_trace)
        if statistics.happened(self._statistics):
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

            text = json.dumps(self._statistics, indent=2) + "\n"
            replace_file(self._files["json"], text.encode())

    def _write_trace(self) -> None:
        if self._files["trace"]:
            from cenv.tracing import trace_file

            facts = _facts_of_run(self._processes, self._statistics)
            processes = map(_traced, self._processes)
            trace_file.write_all(self._files["trace"], processes, facts)

    def _append_step_summary(self) -> None:
        path = os.environ.get("GITHUB_STEP_SUMMARY")
        if path and options.flag(self._config, "step_summary"):
            from cenv.pytest_plugin import summary

            with open(path, "a", encoding="utf-8") as file:
                file.write("\n" + summary.markdown(self._statistics))

    def _add_junit(self) -> None:
        """Add properties to the test suite, of whatever plugin writes JUnit XML."""
        templates, clones = self._statistics["templates"], self._statistics["clones"]
        built = sum(1 for template in templates if template["builds"])
        facts = {"templates_built": built, "templates_reused": len(templates) - built}
        facts |= {f"clones_{key}": clones[key] for key in _JUNIT}
        facts["saved_seconds"] = self._statistics["saved"]["seconds"]
        for plugin in self._config.pluginmanager.get_plugins():
            add = getattr(plugin, "add_global_property", None)
            if callable(add):
                for name, value in facts.items():
                    add(f"cenv_{name}", value)

    # ---- the terminal ----

    def pytest_report_header(self) -> str | None:
        """Say where environments come from, in projects that configure cenv."""
        if _is_worker(self._config) or not options.is_configured(self._config):
            return None
        from cenv import __version__
        from cenv.config.paths import store_path
        from cenv.errors import UsageError
        from cenv.pytest_plugin import settings

        chosen = settings.read(self._config)
        try:
            store = store_path(chosen.store)
        except UsageError as error:
            return f"cenv {__version__}: {error}; {error.hint}"
        count = _count_templates(store)
        return f"cenv {__version__}: store={store} ({count}), mode={chosen.mode}"

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what was done, if anything was; the guard lists its findings itself."""
        if not self._statistics:
            return
        from cenv.pytest_plugin import statistics, summary
        from cenv.pytest_plugin.format import write_line

        happened = statistics.happened(self._statistics)
        said = self._lines(summary, happened, self._config.option.verbose)
        # Clones go when all else is over: what could not be removed is known by now.
        wrong = [*self._problems, *statistics.texts(self._processes, "left")]
        if said or wrong:
            terminalreporter.ensure_newline()
            terminalreporter.section("cenv environments")
            for line in said:
                write_line(terminalreporter, line)
            for line in wrong:
                write_line(terminalreporter, line, red=True)

    def _lines(self, summary: Any, happened: bool, verbosity: int) -> list[str]:
        asked = options.flag(self._config, "report")
        if not happened:
            return ["no test used an environment"] if asked else []
        if verbosity < 0 and not asked:
            return []
        said = [*summary.lines(self._statistics), *summary.troubles(self._statistics)]
        if verbosity > 0:
            said += summary.template_lines(self._statistics)
            said += summary.passed_lines(self._statistics)
        if verbosity > 1:
            said += summary.cause_lines(self._statistics)
            said += summary.clone_lines(self._processes)
        return said


def _rank(worker: str) -> tuple[int, str]:
    return len(worker), worker  # gw2 before gw10


def _traced(process: dict[str, Any]) -> tuple[int, str, list[dict[str, Any]]]:
    return process["pid"], process["worker"] or "pytest", process["spans"]


def _facts_of_run(processes: list[dict[str, Any]], found: dict[str, Any]) -> Any:
    """Return the facts of the longest build; the seconds are those that tests waited."""
    builds = [facts for process in processes for facts in process["facts"]]
    longest: dict[str, Any]
    longest = max(builds, key=lambda facts: float(facts["seconds"]), default={})
    waited = sum(template["seconds"] for template in found["templates"])
    kept = {key: value for key, value in longest.items() if key != "stages"}
    whole = {"command": "pytest", "seconds": waited + found["clones"]["seconds"]}
    return {**kept, **whole}


def _count_templates(store: str) -> str:
    """Count by the names of directories: the header loads no extension and reads no file."""
    try:
        count = len(os.listdir(os.path.join(store, "v1", "templates")))
    except OSError:
        count = 0
    return f"{count} template cached" if count == 1 else f"{count} templates cached"
