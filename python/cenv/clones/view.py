# SPDX-License-Identifier: BSD-3-Clause
"""Throw-away views: a command sees a private, writable copy of a prefix at its own path.

Nothing needs relocating, nothing it writes survives. Linux, as root or where user
namespaces are allowed; LinkError says why where it cannot work.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from cenv import _native
from cenv.clones.activation import environment_for, program_in
from cenv.errors import PrefixError, UsageError

AnyPath = str | os.PathLike[str]

_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def run(
    prefix: AnyPath,
    argv: Sequence[str],
    keep: AnyPath | None = None,
    *,
    fail: Callable[[BaseException], int],
) -> int:
    """Become `argv` in a view of `prefix`; with `keep`, its changes go to that directory.

    Exit status, signals and the terminal are the command's own: without `keep` this
    process is replaced, with it this process waits, passes signals on, and returns. What
    keeps the program from starting is raised, with `keep` told to `fail` in the child
    process, which returns its exit status. An OSError whose `filename` is the program:
    FileNotFoundError where there is none, else PermissionError.
    """
    path = _native.fspath(prefix)
    variables = environment_for(path)

    def become(upper: bytes | None, work: bytes | None) -> NoReturn:
        _native.extension.view_enter(path, upper, work)
        os.chdir(os.getcwd())  # the same path, seen in the view
        signal.signal(
            signal.SIGPIPE, signal.SIG_DFL
        )  # Python ignores it; others must not
        _execute(program_in(variables, argv[0]), argv, variables)

    if keep is None:
        become(None, None)
    return _keeping(Path(keep).absolute(), become, fail)


def _execute(path: str, argv: Sequence[str], variables: Mapping[str, str]) -> NoReturn:
    try:
        os.execve(path, list(argv), variables)
    except OSError as error:  # it is there: no format, no interpreter
        why = f"it cannot be run: {error.strerror}"
        raise PermissionError(error.errno, why, argv[0]) from None


def _keeping(
    keep: Path,
    become: Callable[[bytes, bytes], NoReturn],
    fail: Callable[[BaseException], int],
) -> int:
    if keep.exists() and any(keep.iterdir()):
        hint = "name a new directory for the changes"
        raise PrefixError(f"'{keep}' is not empty", hint=hint)
    from cenv import api  # only here: `run` starts fast

    keep.mkdir(parents=True, exist_ok=True)
    work = keep.with_name(f".{keep.name}.work-{os.getpid()}")
    work.mkdir(mode=0o700)
    try:
        pid = _fork(lambda: become(os.fsencode(keep), os.fsencode(work)), fail)
        return _wait(pid)
    finally:
        api.remove_tree(work)


def _fork(become: Callable[[], NoReturn], fail: Callable[[BaseException], int]) -> int:
    """Run `become` in a child; `fail` reports there what it raises."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        become()
    except BaseException as error:
        status = fail(error)
    finally:  # a child must not return into the parent's code
        sys.stdout.flush()
        os._exit(status)


def _wait(pid: int) -> int:
    """Wait for the child, passing signals on; return its status as a shell would."""
    for number in _FORWARDED:
        signal.signal(number, lambda caught, _frame: os.kill(pid, caught))
    for number in (signal.SIGINT, signal.SIGQUIT):  # the terminal sends them to both
        signal.signal(number, signal.SIG_IGN)
    _pid, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


class ViewProcess(subprocess.Popen[Any]):
    """A Popen whose program runs in a throw-away view of `prefix`.

    Takes the keywords of subprocess.Popen that make sense there: stdin, stdout, stderr,
    text modes, env, cwd, start_new_session, executable.
    """

    def __init__(
        self, prefix: AnyPath, argv: Sequence[AnyPath], **keywords: Any
    ) -> None:
        refused = {"shell", "preexec_fn", "user", "group", "pass_fds"} & set(keywords)
        if refused:
            raise UsageError(f"a view takes no {', '.join(sorted(refused))}")
        self._prefix = _native.fspath(prefix)
        self._new_session = bool(keywords.get("start_new_session"))
        keywords["env"] = environment_for(self._prefix, keywords.get("env"))
        super().__init__([os.fspath(arg) for arg in argv], **keywords)

    def _execute_child(self, args: Any, executable: Any, *rest: Any) -> None:
        """Start the child: subprocess's own hook, whose arguments Pythons add to at the end."""
        _preexec, _close, _pass, cwd, env, _info, _flags, _shell, *streams = rest
        p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite = streams[:6]
        program = os.fspath(executable or program_in(env, args[0]))
        try:
            self.pid = _native.extension.view_spawn(
                os.fsencode(self._prefix),
                os.fsencode(os.path.abspath(program)),
                os.fsencode(_native.fspath(cwd or os.getcwd())),
                [os.fsencode(arg) for arg in args],
                [os.fsencode(f"{key}={value}") for key, value in env.items()],
                (p2cread, c2pwrite, errwrite),
                self._new_session,
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


def run_in_view(
    prefix: AnyPath, argv: Sequence[AnyPath], **keywords: Any
) -> subprocess.CompletedProcess[Any]:
    """Run a command in a throw-away view, as subprocess.run would.

    Keywords are those of subprocess.run. Raises LinkError where views cannot work.
    """
    data = keywords.pop("input", None)
    timeout = keywords.pop("timeout", None)
    check = keywords.pop("check", False)
    if keywords.pop("capture_output", False):
        keywords |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if data is not None:
        keywords["stdin"] = subprocess.PIPE
    with ViewProcess(prefix, argv, **keywords) as process:
        try:
            stdout, stderr = process.communicate(data, timeout=timeout)
        except BaseException:
            process.kill()
            raise
        done = subprocess.CompletedProcess(
            process.args, process.returncode, stdout, stderr
        )
    if check:
        done.check_returncode()
    return done
