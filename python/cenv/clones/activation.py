# SPDX-License-Identifier: BSD-3-Clause
"""What running a program of an environment takes: its variables, and where programs are."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping

STATE = "conda-meta/state"
_UNSET = "***unset***"  # conda's value of a variable that was taken back

# What speaks of the environment that this process runs in: tools believe it before PATH.
_HOST = {
    *("VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "PIPENV_ACTIVE", "POETRY_ACTIVE"),
    *("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONEXECUTABLE"),
    *("__PYVENV_LAUNCHER__", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON"),
    *("CONDA_DEFAULT_ENV", "CONDA_SHLVL", "CONDA_PROMPT_MODIFIER", "CONDA_PREFIX"),
}
# Environments below the active one, what it replaced, and coverage's hooks in programs
# that are not of the code under test.
_HOST_STARTS = (
    *("CONDA_PREFIX_", "CONDA_BACKUP_", "CONDA_STACKED_"),
    *("COV_CORE_", "COVERAGE_PROCESS_"),
)


def without_host(variables: Mapping[str, str]) -> dict[str, str]:
    """Return variables without those of an active environment, of Python and of coverage."""
    return {
        name: value
        for name, value in variables.items()
        if name not in _HOST and not name.startswith(_HOST_STARTS)
    }


def environment_for(
    prefix: str, base: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return `base` as it is, with the prefix's bin first on PATH.

    Without one: this process's variables, less those of the environment that it runs in.
    And with the variables that the environment sets (conda-meta/state). Raises SpecError
    where that file is malformed.
    """
    variables = without_host(os.environ) if base is None else dict(base)
    parts = (os.path.join(prefix, "bin"), variables.get("PATH", ""))
    variables["PATH"] = os.pathsep.join(part for part in parts if part)
    variables["CONDA_PREFIX"] = prefix
    if base is None:
        variables |= {"CONDA_DEFAULT_ENV": prefix, "CONDA_SHLVL": "1"}
    return variables | state_variables(prefix)


def state_variables(prefix: str) -> dict[str, str]:
    """Return the variables in conda-meta/state, which conda sets on activation."""
    path = os.path.join(prefix, STATE)
    if not os.path.isfile(path):
        return {}
    from cenv.config.shape import of_json

    with open(path, "rb") as file:
        found = of_json(file.read(), path).get("env_vars")
    members = {} if found is None else found.members("a map of names to values")
    values = {name: value.written() for name, value in members.items()}
    return {name: value for name, value in values.items() if value != _UNSET}


def program_in(variables: Mapping[str, str], name: str) -> str:
    """Find a program on the PATH it will itself see.

    Raises FileNotFoundError where there is none, PermissionError where none of its name
    may be executed; the `filename` of both is `name`.
    """
    places = variables.get("PATH", os.defpath)
    found = shutil.which(name, path=places)
    if found is not None:
        return found
    if shutil.which(name, os.F_OK, places) is not None:
        raise PermissionError(errno.EACCES, "the program is not executable", name)
    raise FileNotFoundError(errno.ENOENT, "no such program", name)
