# SPDX-License-Identifier: BSD-3-Clause
"""Programs that run beside their caller, as subprocess.Popen has them, also in views."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from cenv import _native
from cenv.clones.real import system
from cenv.errors import UsageError

Argument = str | bytes | os.PathLike[str] | os.PathLike[bytes]

_NOT_IN_VIEWS = {"preexec_fn", "user", "group", "extra_groups", "umask", "pass_fds"}


def _real_popen() -> Any:
    """Return Popen as Python has it, also where a test has something else in its place."""
    if subprocess.Popen.__module__ == "subprocess":
        return subprocess.Popen
    from importlib import util

    spec = util.find_spec("subprocess")
    assert spec is not None
    assert spec.loader is not None
    fresh = util.module_from_spec(spec)
    spec.loader.exec_module(fresh)
    return fresh.Popen


if TYPE_CHECKING:
    _Popen = subprocess.Popen[Any]
else:
    _Popen = _real_popen()


class Process(_Popen):
    """A Popen of a program of an environment, in a session of its own.

    `with` ends all that it started in its session when it is left by an exception.
    """

    environment: object = None  # which lives as long as this, so that gc waits for it

    def __init__(
        self,
        argv: Sequence[Argument],
        variables: Mapping[str, str],
        *,
        view: str | None = None,
        **keywords: Any,
    ) -> None:
        refused = {"shell", *(_NOT_IN_VIEWS if view else ())} & keywords.keys()
        if refused:
            hint = 'a shell is a program too: "sh", "-c", "..."'
            raise UsageError(f"no {', '.join(sorted(refused))} here", hint=hint)
        self._view = view
        keywords.setdefault("start_new_session", "process_group" not in keywords)
        self._leads = bool(keywords["start_new_session"])
        super().__init__(list(argv), env=dict(variables), **keywords)

    def end(self) -> None:
        """Kill it, and all that it started in its session; that may have been over."""
        if not self._leads or self.returncode is not None:
            self.kill()
        else:
            with contextlib.suppress(ProcessLookupError):
                system.killpg(self.pid, signal.SIGKILL)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.end()
        super().__exit__(kind, value, traceback)

    def _execute_child(self, args: Any, executable: Any, *rest: Any) -> None:
        """Start the child: subprocess's own hook, whose arguments Pythons add to at the end."""
        if self._view is None:
            super()._execute_child(args, executable, *rest)  # type: ignore[misc]
            return
        _preexec, _close, _pass, cwd, env, _info, _flags, _shell, *streams = rest
        p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite = streams[:6]
        where = os.path.abspath(cwd or system.getcwd())
        program = os.fsdecode(executable or args[0])
        if "/" in program:  # else it is looked for in the view
            program = os.path.join(where, program)
        try:
            self.pid = _native.extension.view_spawn(
                os.fsencode(self._view),
                os.fsencode(program),
                os.fsencode(where),
                [os.fsencode(arg) for arg in args],
                [os.fsencode(f"{key}={value}") for key, value in env.items()],
                (p2cread, c2pwrite, errwrite),
                self._leads,
            )
            self._child_created = True
        finally:
            self._close_ends(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)

    def _close_ends(self, *ends: int) -> None:
        """Close the child's ends, and what stood for DEVNULL."""
        p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite = ends
        devnull = getattr(self, "_devnull", None)
        for end, other in (
            (p2cread, p2cwrite),
            (c2pwrite, c2pread),
            (errwrite, errread),
        ):
            if end != -1 and other != -1 and end != devnull:
                os.close(end)
        if devnull is not None:
            os.close(devnull)
        self._closed_child_pipe_fds = True
