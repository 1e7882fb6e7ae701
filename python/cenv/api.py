# SPDX-License-Identifier: BSD-3-Clause
"""The functions of the package: each is one operation on paths and specs."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cenv import _native
from cenv._arguments import checked, listed, listed_records
from cenv._choices import CloneMode, LinkMode
from cenv._options import (
    SOLVE_OPTIONS,
    CloneOptions,
    CreateOptions,
    FetchOptions,
    OverlayOptions,
    Provenance,
    SolveOptions,
)
from cenv.clones import checkouts, editables, modes, overlay
from cenv.config import policy, sizes
from cenv.config.config import Config, load
from cenv.config.paths import store_path
from cenv.config.urls import SecretUrl
from cenv.errors import PrefixError
from cenv.model import (
    CloneReport,
    PrefixReport,
    Record,
    ResetReport,
    Solution,
    VerifyReport,
    plain_record,
    records_of,
)
from cenv.solving.index import Index, fetch_options
from cenv.specs.spec_texts import clean_specs
from cenv.tracing import recorder as trace

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from cenv.tracing.facts import Fallback, Link, Request

Path = str | os.PathLike[str]


@checked(SOLVE_OPTIONS)
def solve(
    specs: Iterable[object],
    channels: Sequence[Path] | None = None,
    *,
    platform: str | None = None,
    store: Path | None = None,
    offline: bool = False,
    **options: Unpack[SolveOptions],
) -> Solution:
    """Solve `specs` on `channels`, else the configured ones; options as of Index.request.

    Raises SpecError, ChannelError, or UnsatisfiableError with the explanation.
    """
    with trace.recording() as recorder:
        asked = clean_specs(listed(specs, "specs"))
        index = Index(channels, platform, store=store, offline=offline, specs=asked)
        solution = index.solve(asked, **options)
    return _timed(solution, recorder)


def _timed(solution: Solution, recorder: trace.Recorder) -> Solution:
    return replace(solution, seconds=recorder.seconds, stages=recorder.stages())


@checked(SOLVE_OPTIONS, makes="prefix")
def create(
    prefix: Path,
    specs: Iterable[object] = (),
    channels: Sequence[Path] | None = None,
    *,
    records: Iterable[Record] | None = None,
    platform: str | None = None,
    store: Path | None = None,
    link_mode: LinkMode = "auto",
    offline: bool = False,
    finish: Callable[[str], object] | None = None,
    **options: Unpack[SolveOptions],
) -> PrefixReport:
    """Solve, fetch, extract and link an environment at `prefix`.

    `prefix` is absent or an empty directory. With `records` nothing is solved: they
    are linked as given, in order of what they need. `finish` is called with the prefix
    once it is linked. All or nothing: after any error, of `finish` too, the prefix is as
    it was, but for a MemoryError after the work, which says that the prefix is made.
    """
    asked = clean_specs(listed(specs, "specs"))
    config, where = policy.load_for_operation(), _native.fspath(prefix)
    if link_mode == "auto" and config.always_copy:
        link_mode = "copy"
    solution = Solution(())
    with trace.recording() as recorder:
        if records is None:
            index = Index(channels, platform, store=store, offline=offline, specs=asked)
            solution, fetching = index.solve(asked, **options), index.fetching()
            found = [record.to_json() for record in solution.records]
        else:
            fetching = fetch_options(channels, offline)
            found = complete(records, fetching, store=store)
        settings = _settings(link_mode, where, asked, fetching)
        asked_for = recorder.facts.setdefault("request", _told_list(asked, found))
        asked_for["prefix"] = where
        reply = _link(where, found, settings, store, finish)
        recorder.records = reply["records"]
    return _prefix_report(reply, where, solution, asked, recorder)


def _told_list(asked: Sequence[str], records: Sequence[Mapping[str, Any]]) -> Request:
    """Return for the trace what is asked for where nothing is solved: packages, by a sum."""
    told = trace.sum_of([record.get("fn") for record in records])
    return {"specs": [str(spec) for spec in asked], "options": {"packages": told}}


def _settings(
    link_mode: LinkMode, prefix: str, asked: Sequence[str], fetching: FetchOptions
) -> CreateOptions:
    return {
        "link_mode": link_mode,
        "specs": [str(spec) for spec in asked],
        "cmd": _command(prefix, asked),
        **fetching,
    }


def _link(
    prefix: str,
    records: list[dict[str, Any]],
    settings: CreateOptions,
    store: Path | None,
    finish: Callable[[str], object] | None,
) -> dict[str, Any]:
    was_there = os.path.isdir(prefix)
    given = json.dumps(records), _native.dumps(settings)
    operation = _native.work_in_store(store).create
    reply: dict[str, Any] = _native.call(operation, prefix, *given)
    if finish is not None:
        _finish(finish, prefix, was_there)
    return reply


def _finish(finish: Callable[[str], object], prefix: str, was_there: bool) -> None:
    try:
        with trace.stage("setup"):
            finish(prefix)
    except BaseException:
        _native.call(_native.extension.remove, None, prefix, prefix)
        if was_there:
            os.mkdir(prefix)
        raise


def _command(prefix: str, specs: Sequence[str]) -> str:
    """Return what made the environment, for its history: never the words of the caller.

    Other words of a command line may be secrets, and history is copied with each clone.
    """
    command = shlex.join(["cenv", "create", "--prefix", prefix, *specs])
    return os.fsencode(command).decode("utf-8", "replace")


def _prefix_report(
    reply: Mapping[str, Any],
    prefix: str,
    solution: Solution,
    specs: Sequence[str],
    recorder: trace.Recorder,
) -> PrefixReport:
    return PrefixReport(
        records=records_of(reply["records"]),
        seconds=recorder.seconds,
        stages=recorder.stages(),
        prefix=prefix,
        specs=tuple(str(spec) for spec in specs),
        channels=solution.channels,
        linked=reply.get("linked", {}),
        messages=_lines(reply.get("messages")),
        warnings=tuple(reply.get("warnings") or ()),
    )


def _lines(text: Any) -> tuple[str, ...]:
    return tuple(text.splitlines()) if isinstance(text, str) else tuple(text or ())


def complete(
    records: Iterable[Record], fetching: FetchOptions, *, store: Path | None = None
) -> list[dict[str, Any]]:
    """Fetch the packages of `records` and return them whole, in link order.

    Records of a lock or an @EXPLICIT list lack what only the package tells.
    """
    from cenv.specs.link_order import link_order

    wanted = [plain_record(record) for record in listed_records(records, "records")]
    policy.check_records(wanted, load())
    secrets = {**fetching["secrets"], **_own_secrets(wanted)}
    options: FetchOptions = {**fetching, "secrets": secrets}
    fetch = _native.open_store(store).fetch_packages
    found = _native.call(fetch, json.dumps(wanted), _native.dumps(options))
    return link_order(found)


def _own_secrets(records: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    urls = (record.get("url") for record in records)
    return {str(url): url.for_request for url in urls if isinstance(url, SecretUrl)}


@checked(makes="dst")
def clone(
    src: Path,
    dst: Path,
    *,
    mode: CloneMode = "auto",
    store: Path | None = None,
    owner: int = 0,
    provenance: Provenance | None = None,
    also: Mapping[str, Path] | None = None,
    remember: bool = False,
    memory: int | str | None = None,
) -> CloneReport:
    """Make a relocated clone of the environment `src` at `dst`, absent or an empty directory.

    `mode`: auto, snapshot, reflink, hardlink, copy, or overlay: a mount that only this process and
    its children see (cenv.enter_overlay_namespace). `owner` (a process id): the clone is swept
    after that process died. `provenance`: what its records and history tell of the request,
    where that is not the template's own. `also`: directories, and where editable installs of
    projects in them are moved to (cenv.clones.editables); None: where both environments lie
    in checkouts of one repository, from the one to the other. `remember`, `memory`: as of
    Template.clone. Raises PrefixError or LinkError, and UsageError for what the configuration
    forbids; `src` is never changed.
    """
    config = check_source(src)
    if mode == "auto" and config.always_copy:
        mode = "copy"
    moves = _moves(src, dst, also)
    was_there = os.path.isdir(dst)
    made = make_clone(
        src,
        dst,
        mode=mode,
        store=store,
        owner=owner or (os.getpid() if moves else 0),
        provenance=provenance,
        note=editables.to_note(moves) if moves else None,
        remember=remember,
        memory=memory,
    )
    return _move_editables(made, moves, store, owner, was_there) if moves else made


def _moves(src: Path, dst: Path, also: Mapping[str, Path] | None) -> dict[str, str]:
    if also is not None:
        return editables.checked_moves(also)
    return checkouts.moves_between(_native.fspath(src), _native.fspath(dst))


def _move_editables(
    made: CloneReport,
    moves: dict[str, str],
    store: Path | None,
    owner: int,
    was_there: bool,
) -> CloneReport:
    """Finish a clone, which is this process's until then: were it killed, a sweep takes it."""
    try:
        moved = editables.move(made.prefix, moves)
        if not owner and not modes.is_mount(made.mode):
            _native.open_store(store).clone_set_owner(made.prefix, 0)
    except BaseException:
        remove_tree(made.prefix, store=store)
        if was_there:
            os.mkdir(made.prefix)
        raise
    return replace(made, moved=tuple(moved))


def check_source(src: Path) -> Config:
    """Return the configuration; UsageError where it forbids to clone that environment.

    That is one with a disallowed package, as for conda create --clone. No file is read
    where nothing is disallowed.
    """
    config = policy.load_for_operation()
    if config.disallowed_packages:
        policy.check_records(policy.records_of_prefix(src), config)
    return config


def make_clone(
    src: Path,
    dst: Path,
    *,
    mode: CloneMode = "auto",
    store: Path | None = None,
    owner: int = 0,
    provenance: Provenance | None = None,
    note: str | None = None,
    remember: bool = False,
    memory: int | str | None = None,
) -> CloneReport:
    """Do what clone() does with a source that is known to be allowed."""
    options: CloneOptions = {
        "mode": mode,
        "owner": owner,
        "provenance": provenance,
        "note": note,
        "memory": sizes.memory_bytes(memory),
        "remember": remember,
    }
    if modes.is_mount(mode):
        options = _overlay_options(options)
    opened, path = _native.work_in_store(store), _native.fspath(dst)
    origin = _native.fspath(src)
    lease = opened.lease()  # gc may not take the template away meanwhile
    kept = False
    try:
        with trace.recording() as recorder:
            reply = _native.call(
                _native.extension.clone, opened, origin, path, _native.dumps(options)
            )
            _note_clone(recorder, origin, path, reply)
        if modes.is_mount(mode):
            overlay.mounted(path, lease)
            kept = True
    finally:
        if not kept:
            lease.release()
    return _clone_report(reply, path, recorder)


def _clone_report(
    reply: dict[str, Any], path: str, recorder: trace.Recorder
) -> CloneReport:
    # Paths are bytes, JSON is not: its path is for people.
    reply = {**reply, "prefix": path, "stages": recorder.stages()}
    return CloneReport.from_json(reply)


def _note_clone(
    recorder: trace.Recorder, origin: str, path: str, reply: Mapping[str, Any]
) -> None:
    """Tell the trace what was cloned, and how its files got there."""
    fallbacks: list[Fallback] = [
        {"to": "copy", "files": files, "reason": reason}
        for reason, files in reply.get("fallbacks", {}).items()
    ]
    link: Link = {
        "mode": reply["mode"],
        "fallbacks": fallbacks,
        "passed_over": dict(reply.get("passed_over", {})),
    }
    recorder.facts["request"] = {"source": origin, "prefix": path}
    recorder.facts["machine"] = {"link": link}


def _overlay_options(options: CloneOptions) -> OverlayOptions:
    owner = options["owner"] or os.getpid()
    return {**options, "owner": owner, "namespace": overlay.namespace()}


@checked()
def reset(
    clone: Path, *, store: Path | None = None, override_frozen: bool = False
) -> ResetReport:
    """Put a clone back to the state of its template, its editable installs moved as clone() did.

    Raises PrefixError for one with conda-meta/frozen (CEP 22), unless that is overridden.
    """
    if not override_frozen:
        policy.check_frozen(clone)
    return _put_back(_native.extension.reset, clone, store)


@checked()
def recycle(clone: Path, *, store: Path | None = None) -> ResetReport:
    """Put back a clone that its user is done with, for the next one as a new clone.

    Raises PrefixError while it is in use, or where it could not pass for a new one.
    """
    return _put_back(_native.extension.recycle, clone, store)


def _put_back(
    operation: Callable[..., str], clone: Path, store: Path | None
) -> ResetReport:
    reply = _native.call(operation, _native.work_in_store(store), _native.fspath(clone))
    note = reply.pop("note", None)
    if note:
        editables.move(_native.fspath(clone), editables.from_note(note))
    return ResetReport.from_json(reply)


def materialize(clone: Path, *, store: Path | None = None) -> CloneReport:
    """Make a clone permanent, an overlay clone by writing it out at its own path."""
    path = _native.fspath(clone)
    reply = _native.call(_native.extension.materialize, _native.open_store(store), path)
    overlay.forget(path)
    return CloneReport.from_json(reply)


@checked()
def verify(prefix: Path) -> VerifyReport:
    """Check every file of `prefix` against its record."""
    return VerifyReport.from_json(
        _native.call(_native.extension.verify, _native.fspath(prefix))
    )


@checked()
def remove(
    path: Path, *, store: Path | None = None, override_frozen: bool = False
) -> None:
    """Remove an environment, following no link; an overlay clone is unmounted first.

    Raises PrefixError for what is neither an environment nor an empty directory, and for
    one with conda-meta/frozen (CEP 22), unless that is overridden. Where nothing is,
    nothing is done. The store (`store`, else the configured one if it is there) forgets
    the clone.
    """
    where = _native.fspath(path)
    _check_environment(where)
    if not override_frozen:
        policy.check_frozen(where)
    remove_tree(where, store=store)


def _check_environment(where: str) -> None:
    marks = ("conda-meta", "pyvenv.cfg")
    if not os.path.lexists(where) or overlay.is_mounted(where):
        return
    if os.path.isdir(where) and not os.listdir(where):
        return  # what was left when its own removal failed, after all in it
    if not any(os.path.lexists(os.path.join(where, mark)) for mark in marks):
        message = f"{where} is no environment: it has no {' and no '.join(marks)}"
        raise PrefixError(message, hint="remove other directories by other means")


def remove_tree(
    path: Path, *, store: Path | None = None, clone: Path | None = None
) -> None:
    """Do what remove() does with a tree that is known to be ours.

    The store forgets the clone of `path`, or of the path `clone` from which it was moved.
    """
    where = _native.fspath(path)
    known = _native.open_store(store) if os.path.isdir(store_path(store)) else None
    if overlay.is_mounted(where):
        return overlay.remove(where, known)
    was = where if clone is None else _native.fspath(clone)
    _native.call(_native.extension.remove, known, where, was)
