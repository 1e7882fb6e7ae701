# SPDX-License-Identifier: BSD-3-Clause
"""Environments as directories: a path that programs run in."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cenv.clones.activation import environment_for, program_in
from cenv.errors import UsageError

AnyPath = str | os.PathLike[str]


class Environment:
    """A directory: str() and fspath() give its path, `/` a pathlib.Path."""

    path: str

    def __str__(self) -> str:
        return self.path

    def __fspath__(self) -> str:
        return self.path

    def __truediv__(self, other: str) -> Path:
        return Path(self.path) / other

    def run(self, *argv: AnyPath, **keywords: Any) -> subprocess.CompletedProcess[Any]:
        """Run a command with this environment's bin first on PATH and CONDA_PREFIX set.

        Keywords are those of subprocess.run.
        """
        if not argv:
            raise UsageError("run() needs a command")
        variables = environment_for(self.path, keywords.pop("env", None))
        program = program_in(variables, os.fspath(argv[0]))
        command = [program, *argv[1:]]
        return subprocess.run(command, env=variables, **keywords)


@dataclass(frozen=True, eq=False)
class Draft(Environment):
    """A template in the making, as `setup=` gets it: what run() writes stays."""

    path: str
