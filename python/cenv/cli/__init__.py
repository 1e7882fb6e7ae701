# SPDX-License-Identifier: BSD-3-Clause
"""The command line: results on stdout, progress and errors on stderr, exit 0, 1 or 2."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import contextmanager, suppress

from cenv.cli import output
from cenv.errors import CenvError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from cenv.tracing.recorder import Recorder

USAGE_EXIT = 2
_NOT_KEPT = (CenvError, OSError, MemoryError)  # why a trace is not
INTERRUPT_EXIT = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    output.open_missing()
    status = _status(list(sys.argv[1:] if argv is None else argv))
    output.drop_unwritten()
    return status


def _status(arguments: list[str]) -> int:
    as_json = _wants_json(arguments)
    try:
        return _run(arguments)
    except SystemExit as stop:  # argparse, of --help and --version
        return stop.code if isinstance(stop.code, int) else USAGE_EXIT
    except KeyboardInterrupt:
        return _tell_interrupt(as_json=as_json)
    except BrokenPipeError:
        return 1
    except (CenvError, OSError, MemoryError) as error:
        output.fail_with(error, as_json=as_json)
        return USAGE_EXIT if isinstance(error, UsageError) else 1
    except Exception as error:  # a fault of ours: where it is goes to stderr
        if _hides_interrupt(error):
            return _tell_interrupt(as_json=as_json)
        if not as_json:
            raise
        import traceback

        traceback.print_exc()
        output.fail_with(error, as_json=as_json)
        return 1


def _tell_interrupt(*, as_json: bool) -> int:
    output.fail("interrupted", as_json=as_json, kind="KeyboardInterrupt")
    return INTERRUPT_EXIT


def _hides_interrupt(error: BaseException) -> bool:
    """Whether cleaning up after an interrupt failed: argparse's does, at times."""
    before = error.__context__
    return before is not None and (
        isinstance(before, KeyboardInterrupt) or _hides_interrupt(before)
    )


def _wants_json(arguments: Sequence[str]) -> bool:
    if "--json" not in arguments:
        return False
    from cenv.cli.parser import own_arguments

    return "--json" in own_arguments(arguments)


def _run(arguments: list[str]) -> int:
    if arguments == ["--version"]:  # scripts ask often: no parser for it
        output.print_version()
        return 0
    with _uncollected():
        options = _options(arguments)
        known = options.run_at_once and options.run_at_once(options)
    if known is not None:
        return int(known)
    from cenv.tracing import recorder  # --help does without

    console = output.Console(options)
    status = None
    with (
        output.warnings_said(console),
        recorder.recording(console.progress) as recorded,
    ):
        try:
            status = int(options.run(options, console) or 0)
            return status
        finally:
            console.close()
            for note in recorded.notes if console.verbose else ():
                console.notice(f"note: {note}")
            _hand_on(options, recorded, is_done=status == 0)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no garbage: what is loaded makes next to none, and one look takes as long as it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _options(arguments: list[str]) -> argparse.Namespace:
    from cenv.cli import plain

    found: argparse.Namespace | None = plain.read(arguments)
    if found is not None:
        return found
    from cenv.cli.parser import parse

    return parse(arguments)


def _hand_on(options: argparse.Namespace, recorded: Recorder, *, is_done: bool) -> None:
    """Write the trace where it is asked for, and keep that of a command that has succeeded."""
    seconds = recorded.seconds
    from cenv.tracing import KEPT_COMMANDS

    command = options.run.__module__.removeprefix("cenv.cli.commands.")
    command = command.replace(".", " ")
    target = options.trace or os.environ.get("CENV_TRACE")
    to_keep = is_done and command in KEPT_COMMANDS
    if not (target or to_keep):
        return
    from cenv.tracing import assembly, kept, trace_file

    store = getattr(options, "store", None)
    with suppress(*(() if target else _NOT_KEPT)):  # what was done stays done
        facts = assembly.assemble(recorded, command, store, seconds)
        if target:
            trace_file.write(target, recorded.spans, facts, recorded.memory)
        if to_keep:
            kept.keep(facts, recorded.spans, store, recorded.memory)
