# SPDX-License-Identifier: BSD-3-Clause
"""What the command line prints: JSON, tables, notices, progress, and one message per failure."""

from __future__ import annotations

import os
import sys
import time
import warnings
from contextlib import contextmanager, suppress

from cenv import __version__, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, TextIO

_STREAMS = {"stdin": os.O_RDONLY, "stdout": os.O_RDONLY, "stderr": os.O_WRONLY}
QUIET_FOR = 0.5  # seconds without a word; only longer work shows progress


class Console:
    """Results go to stdout; all else to stderr, progress only on a terminal."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.json: bool = options.json
        self.quiet: bool = options.quiet
        self.verbose: int = options.verbose
        self._terminal = sys.stderr.isatty() and not (self.json or self.quiet)
        self._start = time.monotonic()
        self._line = ""

    def result(self, data: Any, lines: Iterable[str]) -> None:
        """Print the result: `data` with --json, else `lines`."""
        self.close()
        _print([_as_json(data)] if self.json else lines)

    def notice(self, text: str) -> None:
        """Say something worth knowing that is no result."""
        if not self.quiet:
            self.close()
            _say(text)

    def progress(self, stage: str, done: int, total: int) -> None:
        """Show the running stage on one line, once the work lasts over half a second."""
        if not self._terminal or time.monotonic() - self._start < QUIET_FOR:
            return
        import shutil

        passed = time.monotonic() - self._start
        told = f"{stage}{_share(stage, done, total)} ({passed:.0f} s)"
        width = shutil.get_terminal_size().columns - 1  # a full line would wrap
        line = printable.line(told)[:width]
        if line != self._line:
            print(
                f"\r{line.ljust(len(self._line))}", end="", file=sys.stderr, flush=True
            )
            self._line = line

    def close(self) -> None:
        """Wipe the progress line."""
        if self._line:
            print(f"\r{' ' * len(self._line)}\r", end="", file=sys.stderr, flush=True)
            self._line = ""


@contextmanager
def warnings_said(console: Console) -> Iterator[None]:
    """Say warnings as notices: where in cenv they are raised is nothing to a user."""

    def say(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, RuntimeWarning):
            console.notice(f"cenv: warning: {message}")
        else:
            before(message, category, filename, lineno, file, line)

    with warnings.catch_warnings():
        warnings.simplefilter("always", RuntimeWarning)
        before = warnings.showwarning
        warnings.showwarning = say
        yield


def _share(stage: str, done: int, total: int) -> str:
    """Return how much of a stage is done, in what it counts."""
    from cenv.tracing.recorder import unit

    if not total:
        return ""
    counted = unit(stage)
    whole = human(total) if counted == "bytes" else f"{total} {counted}".rstrip()
    return f" {min(100, 100 * done // total):3d}% of {whole}" if done else f" {whole}"


def _as_json(data: Any) -> str:
    import json

    return json.dumps(data, ensure_ascii=True)


def _print(lines: Iterable[str]) -> None:
    """Print a result to its end; a failure tells that it is one of printing."""
    shown = [printable.line(line) for line in lines]
    try:
        for line in shown:
            print(line)
        sys.stdout.flush()  # at exit nobody could be told
    except BrokenPipeError:
        raise
    except OSError as error:
        told = f"cannot write to standard output: {error.strerror}"
        raise OSError(error.errno, told) from error


def print_version() -> None:
    """Print the version."""
    _print([f"cenv {__version__}"])


def open_missing() -> None:
    """Put something where a standard stream is closed, or the next file would be in its place.

    Results are told to be lost, as by any other program; messages and progress are not.
    """
    for number, (name, mode) in enumerate(_STREAMS.items()):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, mode)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
            kind = "r" if name == "stdin" else "w"
            setattr(sys, name, os.fdopen(number, kind, encoding="utf-8", closefd=False))


def drop_unwritten() -> None:
    """Give up what could not be written, which Python would try again, and tell, at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(text: str) -> None:
    """Print a message, which may have several lines, beside the results."""
    print(printable.lines(text), file=sys.stderr)


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], right: str = ""
) -> list[str]:
    """Lay out rows in columns; the letters of `right` are r for right-aligned columns."""
    cells = [list(head), *[list(row) for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    align = [
        str.rjust if right[i : i + 1] == "r" else str.ljust for i in range(len(head))
    ]
    return [
        "  ".join(a(cell, w) for a, cell, w in zip(align, row, widths)).rstrip()
        for row in cells
    ]


def human(size: float) -> str:
    """Return a size in bytes as people read it: 1.5 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(size) < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def counted(number: int, noun: str) -> str:
    """Return a number of things: 1 file, 2 files."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def seconds(value: float) -> str:
    """Return a duration as people read it: 12.3 ms, 1.45 s."""
    return f"{value * 1e3:.1f} ms" if value < 1 else f"{value:.2f} s"


def fail(
    message: str, *, as_json: bool, kind: str, hint: str | None = None, **more: Any
) -> None:
    """Report a failure: one message, and what to do; without secrets, whatever it quotes."""
    from cenv.config.urls import redact

    message, hint = redact(message), hint and redact(hint)
    more = {k: redact(v) if isinstance(v, str) else v for k, v in more.items()}
    if as_json:
        error = {"type": kind, "message": message, "hint": hint, **more}
        with suppress(OSError):  # then it is said to people
            _print([_as_json({"error": error})])
            return
    _say(f"cenv: error: {message}")
    if hint:
        _say(f"cenv: hint: {hint}")


def fail_with(error: BaseException, *, as_json: bool) -> None:
    """Report an exception."""
    message = error.strerror or str(error) if isinstance(error, OSError) else str(error)
    more: dict[str, Any] = {}
    if isinstance(error, OSError):
        path = error.filename
        if path is not None and str(path) not in message:
            message = f"{message}: '{path}'"
        more = {"errno": error.errno, "filename": None if path is None else str(path)}
    if hasattr(error, "conflict"):
        more["conflict"] = list(error.conflict)
        more["relax"] = list(getattr(error, "relax", ()))
    fail(
        message or type(error).__name__,
        as_json=as_json,
        kind=type(error).__name__,
        hint=getattr(error, "hint", None),
        **more,
    )
