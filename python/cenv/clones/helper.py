# SPDX-License-Identifier: BSD-3-Clause
"""Helper processes: modules of cenv run beside this process, with nothing of what surrounds it.

What starts them is bound when this is imported, which the pytest plugin does first of all: a
test may mock subprocess, change the directory, or measure its own programs' coverage.
"""

from __future__ import annotations

import os
import sys
from subprocess import PIPE, Popen

from cenv.clones.activation import without_host

_PYTHON = sys.executable
_PATH = [path for path in sys.path if os.path.isabs(path)]
# Isolated, so that no sitecustomize, directory or variable of the host's has a say.
_CODE = """
import runpy, sys
sys.path += {path}
runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
"""


def start(module: str, *arguments: str) -> Popen[bytes]:
    """Run a module of cenv, its stdin and stdout pipes, in a session of its own."""
    code = _CODE.format(path=_PATH, module=module)
    return Popen(
        [_PYTHON, "-I", "-c", code, *arguments],
        stdin=PIPE,
        stdout=PIPE,
        start_new_session=True,
        cwd="/",
        env=without_host(os.environ),
    )
