# SPDX-License-Identifier: BSD-3-Clause
"""What an environment gets beside packages: variables, and what its own pip installs."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cenv.clones import installed
from cenv.clones.activation import STATE, state_variables
from cenv.config.paths import replace_file
from cenv.errors import PrefixError

_FILE_OPTION = re.compile(
    r"(-r|-c|--requirement|--constraint)(?:\s+|=|(?<=-[rc]))(\S.*)"
)


@dataclass(frozen=True)
class PipSection:
    """Lines of a requirements file; relative paths in them start from `directory`."""

    directory: str
    lines: tuple[str, ...]

    def whole_lines(self) -> list[str]:
        """Return the lines with the files that they name made absolute."""
        return [_FILE_OPTION.sub(self._absolute, line) for line in self.lines]

    def files(self) -> Iterator[Path]:
        """Yield the files of requirements and constraints that the lines name."""
        for line in self.whole_lines():
            named = _FILE_OPTION.fullmatch(line)
            if named and os.path.isfile(named[2]):
                yield Path(named[2])

    def _absolute(self, found: re.Match[str]) -> str:
        if "://" in found[2]:
            return found[0]
        return f"{found[1]} {os.path.join(self.directory, found[2].strip())}"


@dataclass
class Extras:
    """Variables and pip sections, of all files together."""

    variables: dict[str, str] = field(default_factory=dict)
    pip: list[PipSection] = field(default_factory=list)
    offline: bool = False

    def __bool__(self) -> bool:
        return bool(self.variables or self.pip)

    @property
    def key(self) -> list[str | Path]:
        """What tells them from others, as a key of a set-up."""
        parts: list[str | Path] = [json.dumps(self.variables, sort_keys=True)]
        for section in self.pip:
            parts += [section.directory, *section.lines, *section.files()]
        return parts

    def apply(self, prefix: str | os.PathLike[str]) -> None:
        """Put them into the environment at `prefix`; LinkError with what pip said."""
        if self.variables:
            write_variables(prefix, self.variables)
        for section in self.pip:
            _install(os.fspath(prefix), section, self.offline)


def write_variables(prefix: str | os.PathLike[str], variables: dict[str, str]) -> None:
    """Add variables to conda-meta/state, from where activation sets them."""
    path = Path(prefix) / STATE
    state_variables(os.fspath(prefix))  # whether it has the shape
    state = json.loads(path.read_bytes()) if path.exists() else {}
    state["env_vars"] = {**(state.get("env_vars") or {}), **variables}
    replace_file(path, json.dumps(state, ensure_ascii=False).encode())


def _install(prefix: str, section: PipSection, offline: bool) -> None:
    python = os.path.join(prefix, "bin", "python")
    if not os.path.exists(python):
        hint = "add python and pip to the dependencies"
        raise PrefixError(f"{prefix} has no python to run pip with", hint=hint)
    with tempfile.TemporaryDirectory(prefix="cenv-") as scratch:
        file = Path(scratch, "requirements.txt")
        file.write_text("\n".join(section.whole_lines()) + "\n", encoding="utf-8")
        args = ["-U", "-r", str(file), "--exists-action=b"]
        installed.pip_install(prefix, args, cwd=section.directory, offline=offline)
