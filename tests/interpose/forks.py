# SPDX-License-Identifier: BSD-3-Clause
"""Runs a call in a fork of this process, and tells how it ended: for drivers of bad weather."""

from __future__ import annotations

import json
import os
import resource
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """How a call ended: kind "" for well, else the kind of failure and its message."""

    kind: str
    message: str
    errno: int = 0
    noted: int = 0
    seconds: float = 0.0
    megabytes: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether it ended as a call of cenv may end."""
        return self.kind not in ("died", "traceback", "OSError without a path") and (
            self.kind == "" or bool(self.message.strip())
        )


def tell(run: Callable[[], object], ours: type) -> tuple[str, str, int]:
    """Run it; return the kind of its failure (`ours` is CenvError), the message, errno."""
    try:
        run()
    except ours as failure:
        return type(failure).__name__, str(failure), 0
    except MemoryError as failure:
        return "MemoryError", str(failure) or "out of memory", 0
    except OSError as failure:
        named = "OSError" if failure.filename else "OSError without a path"
        return named, str(failure), failure.errno or 0
    except BaseException:
        return "traceback", traceback.format_exc(limit=-4), 0
    return "", "", 0


def run_in_child(
    run: Callable[[], object],
    before: Callable[[], object],
    after: Callable[[], int],
    write: int,
) -> None:
    """Run it here, `before` and `after` around it; write what came of it."""
    from cenv.errors import CenvError

    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    before()
    kind, message, number = tell(run, CenvError)
    noted = after()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - grown
    told = [kind, message[:20000], number, noted, 0.0, grown / 1024]
    os.write(write, json.dumps(told).encode()[:60000])


def run_in_fork(
    run: Callable[[], object],
    seconds: int,
    before: Callable[[], object] = lambda: None,
    after: Callable[[], int] = lambda: 0,
) -> Outcome:
    """Run it in a child, `before` and `after` around it; what `after` returns is noted."""
    read, write = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(read)
        signal.alarm(seconds)
        try:
            run_in_child(run, before, after, write)
        finally:  # a child must not return into the parent's code
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        text = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if not text:
        return Outcome("died", f"exit status {status}")
    *told, _, megabytes = json.loads(text)
    return Outcome(*told, time.monotonic() - began, megabytes)
