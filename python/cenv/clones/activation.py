# SPDX-License-Identifier: BSD-3-Clause
"""What running a program of an environment takes: its variables, and where programs are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping


def environment_for(
    prefix: str, base: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return `base` (else this process's variables) with the prefix's bin first on PATH."""
    variables = dict(os.environ if base is None else base)
    parts = (os.path.join(prefix, "bin"), variables.get("PATH", ""))
    variables["PATH"] = os.pathsep.join(part for part in parts if part)
    variables["CONDA_PREFIX"] = prefix
    return variables


def program_in(variables: Mapping[str, str], name: str) -> str:
    """Find a program on the PATH it will itself see."""
    found = shutil.which(name, path=variables.get("PATH", os.defpath))
    if found is None:
        raise FileNotFoundError(2, "no such program", name)
    return found
