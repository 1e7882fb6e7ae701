# SPDX-License-Identifier: BSD-3-Clause
"""Helper processes: modules of cenv run beside this process, with nothing of what surrounds it.

The core starts them, and what is asked of Python is bound when this is imported: a test may
mock subprocess, files and the clock, change the directory, or measure its programs' coverage.
"""

from __future__ import annotations

import os
import sys
from io import FileIO
from select import POLLIN, poll

from cenv._extension import extension
from cenv.clones.activation import without_host

_PYTHON = sys.executable
_PATH = [path for path in sys.path if os.path.isabs(path)]
# Isolated, so that no sitecustomize, directory or variable of the host's has a say.
_CODE = """
import runpy, sys
sys.path += {path}
runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
"""
_PIPE, _NOTHING, _INHERITED = -1, -3, -4


running: set[int] = set()  # process ids of this process's helpers, until waited for


class Helper:
    """A helper that takes lines and gives lines; waited for by wait(), or by nobody."""

    def __init__(self, pid: int, stdin: int, stdout: int) -> None:
        self.pid = pid
        self._in = FileIO(stdin, "wb")
        self._out = FileIO(stdout, "rb")
        self._rest = b""

    def tell(self, line: bytes) -> None:
        """Send a line; BrokenPipeError once it has ended."""
        left = memoryview(line)
        while left:
            left = left[self._in.write(left) or 0 :]

    def end(self) -> None:
        """Tell it that there is no more to do, upon which it ends."""
        self._in.close()

    def lines(self, *, wait: bool) -> list[bytes] | None:
        """Return the lines that it has said since, None at its end; `wait` for more of it."""
        ready = poll()  # select() takes no descriptor above 1023
        ready.register(self._out.fileno(), POLLIN)
        if not ready.poll(None if wait else 0):
            return []
        found = self._out.read(1 << 16)
        if not found:
            return None
        *lines, self._rest = (self._rest + found).split(b"\n")
        return lines

    def wait(self) -> int:
        """Wait for its end, and return its status."""
        return wait_for(self.pid)

    def close(self) -> None:
        """Listen no more."""
        self._out.close()


def start(module: str, *arguments: str) -> Helper:
    """Run a module of cenv, its stdin and stdout pipes, in a session of its own."""
    pid, stdin, stdout, _ = _start(module, arguments, (_PIPE, _PIPE, _INHERITED))
    return Helper(pid, stdin, stdout)


def start_outliving(module: str, *arguments: str) -> Helper:
    """The same for one that may go on when this process has ended.

    Whoever reads what this process says, to the end, does not wait for it.
    """
    pid, stdin, stdout, _ = _start(module, arguments, (_PIPE, _PIPE, _NOTHING))
    return Helper(pid, stdin, stdout)


def start_alone(module: str, *arguments: str) -> int:
    """The same for one that nobody talks with; return its process id, for wait_for()."""
    pid, *_ = _start(module, arguments, (_NOTHING, _NOTHING, _NOTHING))
    return pid


def wait_for(pid: int) -> int:
    """Wait for the end of a helper, and return its status."""
    status = extension.program_wait(extension.Task(None), pid)
    running.discard(pid)
    return status


def _start(
    module: str, arguments: tuple[str, ...], stdio: tuple[int, int, int]
) -> tuple[int, int, int, int]:
    code = _CODE.format(path=_PATH, module=module)
    argv = [_PYTHON, "-I", "-c", code, *arguments]
    variables = without_host(os.environ)
    started = extension.program_start(
        [os.fsencode(argument) for argument in argv],
        [os.fsencode(f"{name}={value}") for name, value in variables.items()],
        b"/",
        stdio,
    )
    running.add(started[0])
    return started
