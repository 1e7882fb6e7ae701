# SPDX-License-Identifier: BSD-3-Clause
"""The traces that a store keeps: the last few of each command, so that yesterday's is there.

Keeping one is best effort: it fails no command. They lie in `v1/traces` of the store, for
their user alone, few and small (docs/limits.md).
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cenv.config.paths import store_path
from cenv.tracing import KEPT_COMMANDS
from cenv.tracing.recorder import Recorder, sum_of
from cenv.tracing.trace_file import read, to_text

KEPT = 10  # of each command
MAX_BYTES = 32 << 20  # of all
MAX_TRACE = 8 << 20  # a larger one is not kept

if TYPE_CHECKING:
    from datetime import datetime

    from cenv.tracing.facts import Facts

_FILE = (  # a process that keeps a trace compiles no pattern
    r"(?P<when>\d{8}T\d{6}\.\d{6})-(?P<command>[a-z_]+)-(?P<request>[0-9a-f]{8})-\d+\.json"
)


@dataclass(frozen=True)
class KeptTrace:
    """A trace in the store. `request` is equal for traces that were asked for the same."""

    path: str
    command: str
    when: datetime
    request: str

    def read(self) -> Recorder:
        """Return its spans and facts; CenvError where it is damaged or gone."""
        return read(self.path)


def keep(
    facts: Facts,
    spans: list[dict[str, Any]],
    store: str | os.PathLike[str] | None = None,
    memory: Sequence[tuple[float, int]] = (),
) -> None:
    """Keep a trace in the store, if that is there, and take the oldest of too many away."""
    if facts.get("command") not in KEPT_COMMANDS:
        return
    data = to_text(spans, facts, memory).encode()
    if len(data) > MAX_TRACE:
        return
    with contextlib.suppress(OSError), _directory(store, make=True) as folder:
        if folder is not None:
            _write(folder, _name(facts), data)
            _thin_out(folder)


def kept(
    store: str | os.PathLike[str] | None = None, command: str | None = None
) -> list[KeptTrace]:
    """Return the traces of the store, of one command or all, the newest first."""
    place = os.path.join(store_path(store), "v1", "traces")
    found = []
    with contextlib.suppress(OSError), _directory(store) as folder:
        for name in _names(folder):
            match = re.fullmatch(_FILE, name)
            if match and _is_file(folder, name):
                with contextlib.suppress(ValueError):  # a name that is no time
                    found.append(_kept_trace(os.path.join(place, name), match))
    return [trace for trace in found if command in (None, trace.command)]


def is_closed(store: str | os.PathLike[str] | None = None) -> bool:
    """Say whether this user may not read the traces: they are for that of the store."""
    try:
        os.listdir(os.path.join(store_path(store), "v1", "traces"))
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def last(
    count: int = 1,
    store: str | os.PathLike[str] | None = None,
    command: str | None = None,
) -> list[KeptTrace]:
    """Return the newest trace and those before it that were asked for the same, newest first.

    At most `count`; none where none is kept.
    """
    found = kept(store, command)
    if not found:
        return []
    like = [trace for trace in found if _is_like(trace, found[0])]
    return like[:count]


def before(
    facts: Facts, store: str | os.PathLike[str] | None = None
) -> Iterator[KeptTrace]:
    """Yield the kept traces that were asked for the same as `facts`, the newest first."""
    request = request_key(facts)
    for trace in kept(store, facts.get("command")):
        if trace.request == request:
            yield trace


def request_key(facts: Facts) -> str:
    """Return a key that is equal for equal commands on equal requests, wherever they lead."""
    request = facts.get("request", {})
    asked = {
        key: request.get(key) for key in ("specs", "channels", "platform", "options")
    }
    told = request.get("source") if facts.get("command") == "clone" else asked
    return sum_of([facts.get("command"), told])


def _is_like(one: KeptTrace, other: KeptTrace) -> bool:
    return (one.command, one.request) == (other.command, other.request)


def _kept_trace(path: str, match: re.Match[str]) -> KeptTrace:
    from datetime import (  # a command that keeps one needs no more than time
        datetime,
        timezone,
    )

    when = datetime.strptime(match["when"], "%Y%m%dT%H%M%S.%f")
    command = match["command"].replace("_", " ")
    return KeptTrace(path, command, when.replace(tzinfo=timezone.utc), match["request"])


def _name(facts: Facts) -> str:
    seconds, parts = divmod(time.time_ns() // 1000, 1_000_000)
    now = time.strftime("%Y%m%dT%H%M%S", time.gmtime(seconds))
    command = facts["command"].replace(" ", "_")
    return f"{now}.{parts:06}-{command}-{request_key(facts)}-{os.getpid()}.json"


# ---- the directory, which no link leads out of ----

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextlib.contextmanager
def _directory(
    store: str | os.PathLike[str] | None, *, make: bool = False
) -> Iterator[int | None]:
    """Open the directory of the traces; None where there is none."""
    above = os.path.join(store_path(store), "v1")
    folder = None
    with contextlib.suppress(FileNotFoundError):
        if make and os.path.isdir(above):
            with contextlib.suppress(FileExistsError):
                os.mkdir(os.path.join(above, "traces"), 0o700)
        folder = os.open(os.path.join(above, "traces"), _DIRECTORY)
    try:
        yield folder
    finally:
        if folder is not None:
            os.close(folder)


def _names(folder: int | None) -> list[str]:
    """Return the names of the traces, the newest first."""
    return _newest_first(os.listdir(folder)) if folder is not None else []


def _newest_first(names: list[str]) -> list[str]:
    """Return those of traces, which begin with their time."""
    return sorted(filter(_is_ours, names), reverse=True)


def _is_ours(name: str) -> bool:
    parts = name.split("-")
    return len(parts) == 4 and parts[0][:8].isdigit() and name.endswith(".json")


def _is_file(folder: int | None, name: str) -> bool:
    """Say whether it is a file: what lies there may be a link, or wait for a writer."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(found.st_mode)


def _write(folder: int, name: str, data: bytes) -> None:
    scratch = f".{name}"
    descriptor = os.open(scratch, _NEW_FILE, 0o600, dir_fd=folder)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        os.rename(scratch, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(scratch, dir_fd=folder)
        raise


def _thin_out(folder: int) -> None:
    """Remove the oldest of each command beyond KEPT, and the oldest of all beyond MAX_BYTES."""
    seen: dict[str, int] = {}
    size = 0
    names = os.listdir(folder)
    _remove_scratch(folder, names)
    for name in _newest_first(names):
        command = name.partition("-")[2].partition("-")[0]
        seen[command] = seen.get(command, 0) + 1
        with contextlib.suppress(FileNotFoundError):  # another process was here first
            size += os.stat(name, dir_fd=folder, follow_symlinks=False).st_size
            if seen[command] > KEPT or size > MAX_BYTES:
                os.unlink(name, dir_fd=folder)


def _remove_scratch(folder: int, names: list[str]) -> None:
    """Remove what processes were writing when they were killed: a trace takes no minute."""
    for name in names:
        if name.startswith(".") and _is_ours(name[1:]):
            with contextlib.suppress(FileNotFoundError):
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                if found.st_mtime < time.time() - 60:
                    os.unlink(name, dir_fd=folder)
