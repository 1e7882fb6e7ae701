# SPDX-License-Identifier: BSD-3-Clause
"""Programs run to their end, by the core: as subprocess.run does, in a session of their own.

Nothing that a test mocks has a say: neither subprocess, os, files nor the clock.
"""

from __future__ import annotations

import locale
import os
from collections.abc import Callable, Mapping, Sequence
from subprocess import CalledProcessError, CompletedProcess, TimeoutExpired
from typing import IO, TYPE_CHECKING, Any, TypedDict

from cenv import _native
from cenv.clones.real import system
from cenv.errors import UsageError

if TYPE_CHECKING:
    from typing_extensions import Unpack

AnyPath = str | os.PathLike[str]
Argument = str | bytes | os.PathLike[str] | os.PathLike[bytes]
Stream = int | IO[Any] | None

PIPE, STDOUT, DEVNULL = -1, -2, -3  # as subprocess has them
_INHERITED = -4
_LINES = 40  # of what a program said last, in the message of its failure
_LONGEST = 10 * 365 * 24 * 3600.0  # seconds


class CommandError(CalledProcessError):
    """A CalledProcessError whose text has what the program said to captured streams."""

    def __str__(self) -> str:
        return super().__str__() + _said(self.stdout, self.stderr)


class CommandTimeout(TimeoutExpired):
    """A TimeoutExpired whose text has what the program said to captured streams."""

    def __str__(self) -> str:
        return super().__str__() + _said(self.stdout, self.stderr)


def _said(*outputs: str | bytes | None) -> str:
    shown = ""
    for name, output in zip(("stdout", "stderr"), outputs):
        text = output.decode(errors="replace") if isinstance(output, bytes) else output
        lines = (text or "").splitlines()
        if lines:
            cut = "" if len(lines) <= _LINES else f" (the last {_LINES} lines)"
            shown += "\n".join([f"\n{name}{cut}:", *lines[-_LINES:]])
    return shown


class RunOptions(TypedDict, total=False):
    """Keywords of subprocess.run that a program of an environment takes."""

    cwd: AnyPath | None
    stdin: Stream
    input: str | bytes | None
    stdout: Stream
    stderr: Stream
    capture_output: bool
    text: bool | None
    encoding: str | None
    errors: str | None
    timeout: float | None
    check: bool


def run(
    argv: Sequence[Argument],
    variables: Mapping[str, str],
    *,
    view: str | None = None,
    until_exit: bool = False,
    **options: Unpack[RunOptions],
) -> CompletedProcess[Any]:
    """Run a program, `argv[0]` its path, to its end; with `view` in a view of that prefix.

    `until_exit`: what it leaves running with its output is not waited for.
    Whatever ends the call early (`timeout`, an exception) ends all that the program started
    in its session. Raises OSError where it cannot be started, TimeoutExpired, with `check`
    CalledProcessError, and UsageError for other keywords.
    """
    __tracebackhide__ = True
    _check(options)
    decode = _decoder(options)
    status, out, err, late = _native.call(
        _native.extension.program_run,
        None if view is None else _bytes(view),
        [_bytes(argument) for argument in argv],
        [_bytes(f"{name}={value}") for name, value in variables.items()],
        _directory(options.get("cwd"), view),
        _streams(options),
        _input(options),
        _milliseconds(options.get("timeout")),
        until_exit,
    )
    if late:
        raise CommandTimeout(list(argv), options.get("timeout") or 0.0, out, err)
    done = CompletedProcess(list(argv), status, decode(out), decode(err))
    if options.get("check") and status:
        raise CommandError(status, done.args, done.stdout, done.stderr)
    return done


def _check(options: RunOptions) -> None:
    refused = options.keys() - RunOptions.__annotations__.keys()
    if refused:
        hint = 'popen() takes what Popen takes; a shell is run("sh", "-c", "...")'
        raise UsageError(f"run() takes no {', '.join(sorted(refused))}", hint=hint)
    taken = {"stdin"} if options.get("input") is not None else set()
    taken |= {"stdout", "stderr"} if options.get("capture_output") else set()
    for name, value in options.items():
        if name in taken and value is not None:
            other = "input" if name == "stdin" else "capture_output"
            raise ValueError(f"{name} and {other} arguments may not both be used")


def _streams(options: RunOptions) -> tuple[int, int, int]:
    output = PIPE if options.get("capture_output") else None
    stdin = PIPE if options.get("input") is not None else options.get("stdin")
    stdout, stderr = options.get("stdout", output), options.get("stderr", output)
    return _descriptor(stdin), _descriptor(stdout), _descriptor(stderr)


def _input(options: RunOptions) -> bytes | None:
    given = options.get("input")
    if not isinstance(given, str):
        return given
    encoding = options.get("encoding") or _encoding()
    return given.encode(encoding, options.get("errors") or "strict")


def _bytes(argument: Argument) -> bytes:
    data = os.fsencode(argument)
    if b"\0" in data:
        raise ValueError("embedded null byte")
    return data


def _directory(cwd: AnyPath | None, view: str | None) -> bytes | None:
    """Return where the program starts; in a view by its path, which is another one there."""
    if view is None:
        return None if cwd is None else _bytes(cwd)
    return _bytes(os.path.join(system.getcwd(), cwd or ""))


def _descriptor(stream: Stream) -> int:
    if stream is None:
        return _INHERITED
    return stream if isinstance(stream, int) else stream.fileno()


def _milliseconds(timeout: float | None) -> int:
    if timeout is None:
        return -1
    return int(min(max(timeout, 0.0), _LONGEST) * 1000)


def _encoding() -> str:
    return locale.getpreferredencoding(False)


def _decoder(options: RunOptions) -> Callable[[bytes | None], Any]:
    """Return what makes of output what is asked for: bytes, or text with plain line ends."""
    encoding, errors = options.get("encoding"), options.get("errors")
    if not (options.get("text") or encoding or errors):
        return lambda data: data

    def decode(data: bytes | None) -> str | None:
        if data is None:
            return None
        told = data.decode(encoding or _encoding(), errors or "strict")
        return told.replace("\r\n", "\n").replace("\r", "\n")

    return decode
