# SPDX-License-Identifier: BSD-3-Clause
"""What running a program of an environment takes: its variables, and where programs are.

The files that have a say are read by the core, whatever a test has put in the place of
Python's own functions.
"""

from __future__ import annotations

import errno
import os

from cenv._extension import extension

TYPE_CHECKING = False  # as typing has it: a command starts fast
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STATE = "conda-meta/state"
_SCRIPTS = "etc/conda/activate.d/"
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
    """Return variables without those of an active environment, of Python and of coverage.

    The bin of an active conda environment goes from PATH, as conda's activate has it.
    """
    kept = {
        name: value
        for name, value in variables.items()
        if name not in _HOST and not name.startswith(_HOST_STARTS)
    }
    host = variables.get("CONDA_PREFIX")
    if host and "PATH" in kept:
        parts = kept["PATH"].split(os.pathsep)
        gone = f"{host.rstrip('/')}/bin"
        kept["PATH"] = os.pathsep.join(part for part in parts if part != gone)
    return kept


class Files:
    """What activation reads of an environment: names below it, and contents."""

    __slots__ = ("scripts", "variables")

    def __init__(
        self,
        variables: tuple[tuple[str, bytes], ...],
        scripts: tuple[tuple[str, bytes], ...],
    ) -> None:
        self.variables = variables
        self.scripts = scripts


def read(prefix: str) -> Files:
    """Read what makes activating the environment what it is: variables, scripts, in order."""
    found = list(_parts(extension.activation_read(os.fsencode(prefix))))
    scripts = tuple(item for item in found if item[0].startswith(_SCRIPTS))
    return Files(tuple(item for item in found if item not in scripts), scripts)


def _parts(data: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0
    while at < len(data):
        name = data.index(b"\0", at)
        size = data.index(b"\0", name + 1)
        end = size + 1 + int(data[name + 1 : size])
        yield os.fsdecode(data[at:name]), data[size + 1 : end]
        at = end


def environment_for(
    prefix: str, base: Mapping[str, str] | None = None, files: Files | None = None
) -> dict[str, str]:
    """Return `base` as it is, with the prefix's bin first on PATH, and CONDA_PREFIX.

    Without one: this process's variables, less those of the environment that it runs in,
    and with all that conda's activate sets. With the variables that packages and the
    environment set (etc/conda/env_vars.d, conda-meta/state); what scripts do is
    activation_scripts' to tell. Raises SpecError where one of these files is malformed.
    """
    variables = without_host(os.environ) if base is None else dict(base)
    variables["PATH"] = _path(prefix, variables)
    variables["CONDA_PREFIX"] = prefix
    if base is None:
        variables |= shell_variables(prefix)
    return variables | _set_by(prefix, (files or read(prefix)).variables)


def _path(prefix: str, variables: Mapping[str, str]) -> str:
    """Return PATH with the prefix's bin first, or as it is where that is activated."""
    own = f"{prefix}/bin"
    parts = [part for part in variables.get("PATH", "").split(os.pathsep) if part]
    if own in parts[: 1 if variables.get("CONDA_PREFIX") != prefix else None]:
        return variables["PATH"]
    return os.pathsep.join([own, *parts])


def shell_variables(prefix: str) -> dict[str, str]:
    """Return what conda's activate tells shells: an environment below "envs" has a name."""
    above, name = os.path.split(prefix)
    told = name if os.path.basename(above) == "envs" else prefix
    return {
        "CONDA_DEFAULT_ENV": told,
        "CONDA_SHLVL": "1",
        "CONDA_PROMPT_MODIFIER": f"({told}) ",
    }


def state_variables(prefix: str) -> dict[str, str]:
    """Return the variables in conda-meta/state, which conda sets on activation."""
    return _set_by(
        prefix, [item for item in read(prefix).variables if item[0] == STATE]
    )


def _set_by(
    prefix: str, files: tuple[tuple[str, bytes], ...] | list[tuple[str, bytes]]
) -> dict[str, str]:
    """Return the variables that files set, those of the environment last, as conda does."""
    variables: dict[str, str] = {}
    for name, data in files:
        variables |= _variables_of(f"{prefix}/{name}", data, name == STATE)
    return {name: value for name, value in variables.items() if value != _UNSET}


def _variables_of(path: str, data: bytes, is_state: bool) -> dict[str, str]:
    from cenv.config.shape import of_json

    tree = of_json(data, path)
    found = tree.get("env_vars") if is_state else tree
    members = {} if found is None else found.members("a map of names to values")
    return {name: value.written() for name, value in members.items()}


def program_in(variables: Mapping[str, str], name: str) -> str:
    """Find a program on the PATH it will itself see.

    A path is itself, from the directory that the program starts in. Raises
    FileNotFoundError where there is none, PermissionError where none of its name may be
    executed; the `filename` of both is `name`.
    """
    __tracebackhide__ = True
    if "/" in name:
        return name
    places = variables.get("PATH", os.defpath)
    found = extension.program_find(os.fsencode(name), os.fsencode(places))
    if found:
        return os.fsdecode(found)
    if name and any(
        os.path.exists(f"{place}/{name}") for place in places.split(os.pathsep)
    ):
        raise PermissionError(errno.EACCES, "the program is not executable", name)
    raise FileNotFoundError(errno.ENOENT, "no such program", name)
