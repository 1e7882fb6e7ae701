# SPDX-License-Identifier: BSD-3-Clause
"""This process in a throw-away view: a private, writable copy of an environment at its path.

Nothing needs relocating, nothing it writes survives. Linux, as root or where user
namespaces are allowed; LinkError says why where it cannot work.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from cenv._extension import extension
from cenv.clones import activation
from cenv.errors import PrefixError

TYPE_CHECKING = False  # as typing has it: a command starts fast
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import NoReturn

    from cenv._cenv import Lease
else:
    import _signal as signal  # the same in C, without the enumerations

AnyPath = str | os.PathLike[str]

_IGNORED = (signal.SIGPIPE, signal.SIGXFSZ)  # by Python; others must not
_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


class Shown:
    """What a view shows: the environment at `path`, and what the core knows it by.

    `view` is the same path, or the entry of an environment of layers; below `files` lies
    what activation reads of it; `lease` keeps it in the store, for the command too.
    """

    __slots__ = ("files", "lease", "path", "view")

    def __init__(
        self, path: str, view: str, files: str, lease: Lease | None = None
    ) -> None:
        self.path = path
        self.view = view
        self.files = files
        self.lease = lease

    @staticmethod
    def of(prefix: AnyPath) -> Shown:
        """Return a prefix as it lies there."""
        path = os.path.abspath(os.fspath(prefix))
        return Shown(path, path, path)


def run(
    shown: Shown,
    argv: Sequence[str],
    keep: AnyPath | None = None,
    *,
    fail: Callable[[BaseException], int],
    activate: bool = True,
) -> int:
    """Become `argv` in a view; with `keep`, its changes go to that directory.

    `activate` False: without what the environment's activation scripts do.
    Exit status, signals and the terminal are the command's own: without `keep` this
    process is replaced, with it this process waits, passes signals on, and returns. What
    keeps the program from starting is raised, with `keep` told to `fail` in the child
    process, which returns its exit status. An OSError whose `filename` is the program:
    FileNotFoundError where there is none, else PermissionError.
    """
    variables = _variables(shown, activate)

    def become(upper: bytes | None, work: bytes | None) -> NoReturn:
        extension.view_enter(shown.view, upper, work)
        if shown.lease is not None and shown.lease.fileno() >= 0:
            os.set_inheritable(shown.lease.fileno(), True)
        with suppress(FileNotFoundError):  # removed meanwhile: it has no path
            os.chdir(os.getcwd())  # the same path, seen in the view
        for number in _IGNORED:
            signal.signal(number, signal.SIG_DFL)
        _execute(activation.program_in(variables, argv[0]), argv, variables)

    if keep is None:
        become(None, None)
    from pathlib import Path  # here and below: as above

    place = Path(keep).absolute()
    _check_place(place, shown)
    return _keeping(place, become, fail)


def _execute(path: str, argv: Sequence[str], variables: Mapping[str, str]) -> NoReturn:
    try:
        os.execve(path, list(argv), variables)
    except OSError as error:  # it is there: no format, no interpreter
        if not os.path.exists(path):
            raise FileNotFoundError(error.errno, "no such program", argv[0]) from None
        why = f"it cannot be run: {error.strerror}"
        raise PermissionError(error.errno, why, argv[0]) from None


def _variables(shown: Shown, activate: bool) -> dict[str, str]:
    """Return the variables; the scripts run in a view of their own, for nothing they write."""
    files = activation.read(shown.files)
    variables = activation.environment_for(shown.path, files=files)
    if not activate or not files.scripts:
        return variables
    from cenv.clones import activation_scripts

    place = activation_scripts.Place(shown.path, view=shown.view)
    return activation_scripts.activated(place, files, variables)


def _check_place(keep: Path, shown: Shown) -> None:
    """Refuse what lies in what is shown, which stays as it is, or in the store of layers."""
    hint = "name a new directory for the changes"
    of_layers = shown.view != shown.path  # shown at the path `v1/env` of their store
    top = os.path.dirname(os.path.dirname(shown.path)) if of_layers else shown.path
    inside = os.path.realpath(top)
    if os.path.commonpath([inside, os.path.realpath(keep)]) == inside:
        raise PrefixError(f"'{keep}' lies in '{top}'", hint=hint)
    if keep.exists() and any(keep.iterdir()):
        raise PrefixError(f"'{keep}' is not empty", hint=hint)


def _keeping(
    keep: Path,
    become: Callable[[bytes, bytes], NoReturn],
    fail: Callable[[BaseException], int],
) -> int:
    from cenv import api  # only here: `run` starts fast

    keep.mkdir(parents=True, exist_ok=True)
    work = keep.with_name(f".{keep.name}.work-{os.getpid()}")
    work.mkdir(mode=0o700)
    try:
        pid = _fork(lambda: become(os.fsencode(keep), os.fsencode(work)), fail)
        return wait(pid)
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


def wait(pid: int) -> int:
    """Wait for the child, passing signals on; return its status as a shell would."""
    for number in _FORWARDED:
        signal.signal(number, lambda caught, _frame: os.kill(pid, caught))
    for number in (signal.SIGINT, signal.SIGQUIT):  # the terminal sends them to both
        signal.signal(number, signal.SIG_IGN)
    _pid, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code
