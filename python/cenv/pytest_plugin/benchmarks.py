# SPDX-License-Identifier: BSD-3-Clause
"""Benchmarks: what each was measured in is told with its numbers.

A number counts for the environment that it was measured in: of which template, made how, at
a path of which length. pytest-benchmark keeps that beside each benchmark (extra_info) and of
the run (machine_info), CodSpeed of the run. Registered where one of them is there.
"""

from __future__ import annotations

from typing import Any

import pytest

_CODSPEED = "codspeed_plugin"
_FIXTURES = ("benchmark", "codspeed_benchmark")

Environment = dict[str, Any]  # template, mode, path_length


class Benchmarks:
    """Hooks of the plugins that measure; the environments of this run's benchmarks."""

    def __init__(self) -> None:
        self._environments: list[Environment] = []
        self._compared: dict[str, list[Environment]] = {}

    def stamp(self, item: pytest.Item, found: list[Environment]) -> None:
        """Tell a benchmark's environments beside its numbers."""
        for one in found:
            same = {key: one[key] for key in one if key != "clones"}
            if same not in self._environments:
                self._environments.append(same)
        for name in _FIXTURES:
            fixture: Any = getattr(item, "funcargs", {}).get(name)
            if found and hasattr(fixture, "extra_info"):
                fixture.extra_info["cenv"] = found

    @pytest.hookimpl(optionalhook=True)
    def pytest_benchmark_update_machine_info(
        self, machine_info: dict[str, Any]
    ) -> None:
        """Tell the run's environments, known when its numbers are saved."""
        if self._environments:
            machine_info["cenv"] = self._sorted()

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_benchmark_compare_machine_info(
        self, compared_benchmark: dict[str, Any]
    ) -> None:
        """Put aside what an older run told: what this one uses is known at its end."""
        told = compared_benchmark["machine_info"].pop("cenv", None)
        if told is not None:
            self._compared[compared_benchmark.get("datetime", "")] = told

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell CodSpeed, in versions that take it."""
        codspeed = session.config.pluginmanager.get_plugin(_CODSPEED)
        hooks: Any = getattr(
            getattr(codspeed, "instrument", None), "instrument_hooks", 0
        )
        if self._environments and hasattr(hooks, "set_environment_list"):
            hooks.set_environment_list("cenv", "environments", self._lines())
            hooks.write_environment()

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Warn of numbers that are compared though their environments differ."""
        from cenv.pytest_plugin.format import write_line

        for when, told in self._compared.items():
            if self._environments and told != self._sorted():
                line = f"cenv: the benchmarks of {when} ran in other environments: "
                line += "; ".join(map(_line, told))
                line += f"; these in {'; '.join(self._lines())}"
                write_line(terminalreporter, line, red=True)

    def _sorted(self) -> list[Environment]:
        return sorted(self._environments, key=lambda one: list(map(str, one.values())))

    def _lines(self) -> list[str]:
        return list(map(_line, self._sorted()))


def _line(told: Environment) -> str:
    template = str(told.get("template", ""))[:12]
    return f"{template} {told.get('mode')}, path of {told.get('path_length')}"
