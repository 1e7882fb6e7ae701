# SPDX-License-Identifier: BSD-3-Clause
"""What is installed in an environment: its records, its Python, what its pip puts there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess

from cenv.clones import process
from cenv.clones.activation import environment_for, program_in
from cenv.config import policy
from cenv.config.config import load
from cenv.config.urls import redact
from cenv.errors import LinkError, PrefixError
from cenv.model import PackageRecord, records_of

AnyPath = str | os.PathLike[str]

_LINES = 20  # of what pip said last, in the message of its failure
# What would make pip look or install elsewhere than into its own environment.
_FOREIGN = (
    *("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"),
    *("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON"),
    *("UV_SYSTEM_PYTHON", "UV_TARGET", "UV_PREFIX", "UV_PYTHON"),
)


def records(prefix: str) -> tuple[PackageRecord, ...]:
    """Return the packages that are installed now, by name; SpecError for a broken record."""
    found = records_of(policy.records_of_prefix(prefix))
    return tuple(sorted(found, key=lambda record: record.name))


def has(prefix: str, spec: object) -> bool:
    """Say whether a package that matches the spec is installed."""
    from cenv.specs.specs import MatchSpec

    asked = MatchSpec(str(spec))
    return any(asked.matches(record) for record in records(prefix))


def python(prefix: str) -> Path:
    """Return the environment's Python; PrefixError where it has none."""
    found = Path(prefix, "bin", "python")
    if not found.exists():
        hint = "add python to its specs"
        raise PrefixError(f"{prefix} has no python", hint=hint)
    return found


def site_packages(prefix: str) -> Path:
    """Return the directory of its Python's packages; PrefixError where it has no Python."""
    for record in records(prefix):
        if record.name == "python":
            own = record.raw.get("python_site_packages_path")
            minor = ".".join(record.version.split(".")[:2])
            return Path(prefix, own or f"lib/python{minor}/site-packages")
    found = sorted(Path(prefix).glob("lib/python*/site-packages"))
    if len(found) != 1:
        what = "no python" if not found else "several directories of packages"
        raise PrefixError(f"{prefix} has {what}", hint="add python to its specs")
    return found[0]


def pip_install(
    prefix: str,
    args: Sequence[AnyPath],
    *,
    cwd: AnyPath | None = None,
    timeout: float | None = None,
    offline: bool | None = None,
) -> CompletedProcess[str]:
    """Run `pip install` of the environment's pip, else of uv; what it said is in stdout.

    `offline` None: as configured. LinkError tells what it said last, PrefixError that
    there is nothing to do it with.
    """
    __tracebackhide__ = True
    if offline is None:
        offline = load().offline
    variables = _variables(prefix, offline)
    done: CompletedProcess[str] = process.run(
        [*_installer(prefix, variables), *args],
        variables,
        cwd=cwd,
        stdin=process.DEVNULL,
        stdout=process.PIPE,
        stderr=process.STDOUT,
        text=True,
        errors="replace",
        timeout=timeout,
    )
    if done.returncode:
        said = "\n".join(done.stdout.splitlines()[-_LINES:])
        status = f"exit status {done.returncode}"
        message = f"pip failed in {prefix}, {status}:\n{redact(said)}"
        raise LinkError(message, hint=_hint(said))
    return done


def _hint(said: str) -> str:
    if "No module named pip" in said:
        return "add pip to the specs of the environment, or install uv"
    return "correct what was to be installed, or what it needs"


def _installer(prefix: str, variables: dict[str, str]) -> list[str]:
    own = str(python(prefix))
    if Path(prefix, "bin/pip").exists() or has(prefix, "pip"):
        return [own, "-m", "pip", "install"]
    try:
        return [program_in(variables, "uv"), "pip", "install", "--python", own]
    except FileNotFoundError:  # Python says what is missing
        return [own, "-m", "pip", "install"]


def _variables(prefix: str, offline: bool) -> dict[str, str]:
    found = environment_for(prefix)
    for name in _FOREIGN:
        found.pop(name, None)
    found |= {"PYTHONNOUSERSITE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    found |= {"PIP_REQUIRE_VIRTUALENV": "0"}
    return found | ({"PIP_NO_INDEX": "1", "UV_OFFLINE": "1"} if offline else {})
