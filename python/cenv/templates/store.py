# SPDX-License-Identifier: BSD-3-Clause
"""The store of templates: solved and linked once per machine, found by request."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cenv import _native
from cenv._arguments import checked, listed, listed_records
from cenv._options import (
    SOLVE_OPTIONS,
    ExportOptions,
    ImportOptions,
    SolveOptions,
)
from cenv.config.paths import store_path
from cenv.errors import UsageError
from cenv.model import Record, plain_record
from cenv.solving.index import fetch_options
from cenv.solving.virtual_packages import virtual_packages
from cenv.specs.spec_texts import clean_specs
from cenv.templates.building import mirror
from cenv.templates.environment import Draft
from cenv.templates.layered import LayeredEnvironment, LayeredMaker
from cenv.templates.making import TemplateMaker
from cenv.templates.path_like import AnyPath
from cenv.templates.recipe import Recipe
from cenv.templates.remote import REMOTE_VARIABLE, Remote, chosen
from cenv.templates.setup import Run, Setup
from cenv.templates.template import Clone, Template

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from cenv._cenv import Lease


class TemplateStore:
    """The store of a machine (or of a project): templates by content, found by request.

    `remote` is where machines share templates, a URL or a Remote (None: $CENV_REMOTE, "":
    nowhere): what is missing here is looked for there before it is solved and built. With
    `push` (None: $CENV_REMOTE_PUSH) what is built is pushed there. A remote that fails is
    told once, by a RuntimeWarning, and does without. Safe to use from any number of
    threads and processes.
    """

    @checked()
    def __init__(
        self,
        path: AnyPath | None = None,
        *,
        remote: str | Remote | None = None,
        push: bool | None = None,
    ) -> None:
        self.path = store_path(path)
        self._remote, self._no_remote = _remote_or_error(remote, push)
        self._store = _native.open_store(self.path)
        self._maker = TemplateMaker(self.path, self._store, self._remote)
        self._layered = LayeredMaker(self.path, self._store, self._maker)

    @property
    def remote(self) -> Remote | None:
        """Where machines share templates; None: nowhere.

        Raises UsageError for a CENV_REMOTE that is none, as all do that would use it.
        """
        if self._no_remote is not None:
            raise self._no_remote
        return self._remote

    def _begin_making(self) -> None:
        """Fail by a CENV_REMOTE that is none, and tell the core where work is done."""
        if self._no_remote is not None:
            raise self._no_remote
        _native.work_in_store(self.path)

    @checked(SOLVE_OPTIONS)
    def template(
        self,
        specs: Iterable[object] = (),
        channels: Sequence[AnyPath] | None = None,
        *,
        platform: str | None = None,
        records: Iterable[Record] | None = None,
        pin: str | None = None,
        offline: bool = False,
        rebuild: bool = False,
        base: Template | None = None,
        setup: Callable[[Draft], object] | Setup | None = None,
        key: object = None,
        run: Run | None = None,
        **options: Unpack[SolveOptions],
    ) -> Template:
        """Return the template of a solution, built now unless the store has it.

        One template per distinct solution, built once per machine whatever process asks;
        a request known from before solves nothing. With `base` it is derived from that
        template, whose packages stay as they are and whose state, set-up included, is
        where it starts. `setup` is run once in the new template; `key` (str, bytes,
        files, or several) tells what it does: without it the template ends with this
        process, or with `run`. `pin` is the id that a lock tells beside its `records`, by
        which a remote finds it. Other options are those of Index.request.
        """
        recipe = Recipe(
            specs=tuple(clean_specs(listed(specs, "specs"))),
            channels=None if channels is None else tuple(listed(channels, "channels")),
            records=_as_tuple(records),
            pin=pin,
            base=base,
            setup=Setup.of(setup, key, run),
            platform=platform,
            offline=offline,
            rebuild=rebuild,
            options=options,
        )
        return self.make(recipe)

    @checked(SOLVE_OPTIONS)
    def layered(
        self,
        specs: Iterable[object] = (),
        channels: Sequence[AnyPath] | None = None,
        *,
        platform: str | None = None,
        records: Iterable[Record] | None = None,
        offline: bool = False,
        setup: Callable[[Draft], object] | None = None,
        key: object = None,
        **options: Unpack[SolveOptions],
    ) -> LayeredEnvironment | Template:
        """Return an environment to run programs in that is not linked: its packages as layers.

        A request known from before solves nothing. Arguments are as of template(). Packages
        with link scripts, too many of them, files that exclude each other, or a `setup`
        make it the template, which programs see a view of as well. Raises LinkError where
        the machine shows no layers.
        """
        recipe = Recipe(
            specs=tuple(clean_specs(listed(specs, "specs"))),
            channels=None if channels is None else tuple(listed(channels, "channels")),
            records=_as_tuple(records),
            setup=Setup.of(setup, key, None),
            platform=platform,
            offline=offline,
            options=options,
        )
        self._begin_making()
        return self._layered.make(recipe)

    def make(self, recipe: Recipe) -> Template:
        """Return the template of a recipe, as template() does."""
        self._begin_making()
        return self._maker.make(recipe)

    def made(self, id: str, recipe: Recipe) -> Template | None:  # noqa: A002
        """Return the template `id`, which another process made of `recipe`; None: it is gone."""
        return self._maker.made(id, recipe)

    def mirror(
        self, template: Template, directory: AnyPath, *, owner: int = 0
    ) -> Template:
        """Return what to clone from into `directory`, which exists.

        On the store's own file system that is `template`; on another one a copy, made
        once in a private directory below it, which clones can link to. A new copy ends
        with the process `owner` (end_mirrors); 0: it stays until gc.
        """
        if not template.id:
            return template
        reply = mirror(self._store, template.id, _native.fspath(directory), owner)
        if not reply["mirrored"]:
            return template
        return self._maker.mirrored(template, reply, owner)

    def mirrors(self) -> list[dict[str, Any]]:
        """Return path, number of templates and bytes of each store of such copies."""
        paths: list[str] = _native.call(self._store.template_mirrors)
        return [_measured(path) for path in paths]

    def end_mirrors(self, owner: int) -> None:
        """Remove the copies that end with the process `owner`, or with one that is gone.

        Those in a directory whose lease somebody holds stay.
        """
        _native.call(self._store.template_mirrors_end, owner)

    @checked()
    def find(self, id: str) -> Template | None:  # noqa: A002
        """Return a template by its id or the unique start of one."""
        return self._maker.find(id)

    def templates(self) -> list[dict[str, Any]]:
        """Return id, path, specs, labels, number of records, size and times of every template.

        Labels are what it was asked for as since: other specs, names of files.
        """
        found: list[dict[str, Any]] = json.loads(self._store.template_list())
        return found

    def id_of(self, records: Iterable[Record]) -> str | None:
        """Return the id of the template of packages; None: a hash of one is not known."""
        plain = [plain_record(record) for record in listed_records(records, "records")]
        found: str | None = _native.call(
            self._store.template_id, json.dumps(plain), _native.dumps({})
        )
        return found

    def label(self, id: str, text: str) -> None:  # noqa: A002
        """Note what a template was asked for as, for templates() to tell: a file's name."""
        told = json.dumps({"id": id, "label": text})
        self._store.request_put(f"cenv label {told}", told)

    @checked(makes="file")
    def export(
        self,
        file: AnyPath,
        ids: Iterable[str] = (),
        *,
        replace: bool = False,
        packages: bool | None = None,
    ) -> dict[str, Any]:
        """Write templates (all of the store by default) into one relocatable archive.

        `ids` are ids or unique starts of them. With `packages` None the archive holds all
        files; with False it refers to packages, which are got from channels or package
        caches where it is taken in; with True it holds them as they are downloaded.

        Returns path, size, seconds and, for each template, id, members, bytes, how many of
        them the archive had already (shared), whether it is linked from packages, how many
        of these lie beside it, and what archives do not keep (skipped).
        """
        given = listed(ids, "ids")
        wanted = [self._whole_id(start) for start in given] or self._lasting()
        options: ExportOptions = {
            "ids": wanted,
            "replace": replace,
            "linked": packages is not None,
            "packages": bool(packages),
            **fetch_options(None, offline=False),
        }
        _native.work_in_store(self.path)
        found: dict[str, Any] = _native.call(
            self._store.template_export, _native.fspath(file), _native.dumps(options)
        )
        return found

    @checked()
    def import_(self, file: AnyPath) -> list[dict[str, Any]]:
        """Take in the templates of an archive, relocated; return what templates() tells.

        Each with `imported`: False when it was there. Raises IntegrityError for a damaged
        archive, PrefixError when this machine lacks what its packages need, ChannelError
        where it only refers to packages and one is not to be had. Trust the archive as
        far as you trust its author. All or nothing: a MemoryError says where to look.
        """
        options: ImportOptions = {
            "virtual_packages": virtual_packages(),
            **fetch_options(None, offline=False),
        }
        _native.work_in_store(self.path)
        operation, archive = self._store.template_import, _native.fspath(file)
        try:
            reply: dict[str, Any] = _native.call(
                operation, archive, _native.dumps(options)
            )
        except MemoryError as failure:  # the core may have done all by then
            told = f"out of memory: all that '{archive}' holds is taken in, or nothing"
            raise MemoryError(f"{told}; `cenv template list` tells") from failure
        found: list[dict[str, Any]] = reply["templates"]
        return found

    @checked()
    def push(
        self,
        url: str | Remote | None = None,
        ids: Iterable[str] = (),
        *,
        packages: bool = False,
    ) -> list[dict[str, Any]]:
        """Push templates (all by default) to a remote: `url`, or the store's own.

        `ids` are ids or unique starts of them. With `packages` their packages are pushed,
        too. Returns for each id, pushed (False: the remote had it), sent and delta in
        bytes, packages, requests (keys that are new) and skipped, as of export(). Raises
        RemoteError, and ChannelError for a package that is not to be had any more.
        """
        remote = self._remote_of(url)
        wanted = [self._whole_id(start) for start in listed(ids, "ids")]
        _native.work_in_store(self.path)
        fetching = fetch_options(None, offline=False)
        return [
            remote.send(self._store, id_, fetching, packages=packages)
            for id_ in wanted or self._lasting()
        ]

    @checked()
    def pull(
        self, ids: Iterable[str], url: str | Remote | None = None
    ) -> list[dict[str, Any]]:
        """Pull templates by their whole ids from a remote: `url`, or the store's own.

        Returns what templates() tells of each, with pulled (False: it was here), received
        in bytes and packages, how many came from there. Raises RemoteError, UsageError for
        one that is not there, and IntegrityError for what is not as it was pushed.
        """
        remote = self._remote_of(url)
        _native.work_in_store(self.path)
        fetching = fetch_options(None, offline=False)
        found = []
        for id_ in listed(ids, "ids"):
            description = remote.find(self._store, id=id_)
            if description is None:
                hint = "cenv template push puts it there"
                raise UsageError(f"no template {id_} on {remote.url}", hint=hint)
            found.append(remote.pull(self._store, description, fetching, id_))
        return found

    def _remote_of(self, url: str | Remote | None) -> Remote:
        remote = self.remote if url is None else chosen(url, push=True)
        if remote is None:
            raise UsageError(
                "no remote was given", hint=f"set {REMOTE_VARIABLE}, or give its URL"
            )
        return remote

    def _whole_id(self, start: str) -> str:
        found = self._store.template_find(start)
        if found is None:
            hint = "cenv template list shows what is there"
            raise UsageError(f"no template {start} in {self.path}", hint=hint)
        return str(json.loads(found)["id"])

    def _lasting(self) -> list[str]:
        """Return the ids of all templates but those that serve one run only."""
        return [item["id"] for item in self.templates() if not item.get("transient")]

    @checked()
    def remove(self, id: str) -> None:  # noqa: A002
        """Remove a template."""
        _native.call(self._store.template_remove, id)

    @checked()
    def gc(self, max_size: int = 0, *, dry_run: bool = False) -> dict[str, Any]:
        """Remove what nobody uses, the longest unused first, down to `max_size` bytes.

        `dry_run`: only tell what would be removed.
        """
        found: dict[str, Any] = _native.call(self._store.gc, max_size, dry_run)
        return found

    def lease(self) -> Lease:
        """Keep gc away from this store until the lease's release() is called."""
        return self._store.lease()

    @contextlib.contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """Let one process of this machine at a time into the block, for each `key`.

        The lock ends with its process, however that ends. While this waits, the recorder's
        progress is told which process holds the lock, and since when.
        """
        held = _native.call(self._store.lock, key)
        try:
            yield
        finally:
            held.release()

    def remember(self, key: str, value: Mapping[str, Any]) -> None:
        """Keep a small JSON object for `key`, until gc needs the room."""
        self._store.request_put(key, json.dumps(value))

    def recall(self, key: str) -> dict[str, Any] | None:
        """Return what was remembered for `key`."""
        found = self._store.request_find(key)
        return None if found is None else dict(json.loads(found))

    def set_owner(self, clone: Clone, owner: int = 0) -> None:
        """Make a clone that a sweep may remove another process's, or nobody's (0)."""
        self._store.clone_set_owner(_native.fspath(clone), owner)

    def set_clone_dir_owner(self, directory: AnyPath, owner: int) -> None:
        """Tell that a process makes clones in `directory`; 0: no longer.

        When it was killed, a sweep removes what it had not finished there.
        """
        self._store.clone_dir_set_owner(_native.fspath(directory), owner)

    def sweep(self) -> list[str]:
        """Remove clones whose owner died and the scratch of killed runs; return their paths.

        Their copies beside clones go, too.
        """
        removed: Any = _native.call(self._store.sweep)["removed"]
        self.end_mirrors(0)
        return [str(path) for path in removed]

    def orphans(self) -> list[dict[str, str]]:
        """Return `what` and `path` of all that a sweep would remove, and remove nothing."""
        found: list[dict[str, str]] = _native.call(self._store.orphans)
        return found


def _remote_or_error(
    given: str | Remote | None, push: bool | None
) -> tuple[Remote | None, UsageError | None]:
    """Return the remote, or what is wrong with the environment's: most calls need none."""
    try:
        return chosen(given, push), None
    except UsageError as error:
        if given is not None:
            raise
        return None, error


def _as_tuple(records: Iterable[Record] | None) -> tuple[Record, ...] | None:
    return None if records is None else tuple(listed_records(records, "records"))


def _measured(path: str) -> dict[str, Any]:
    sizes = [item.get("size") or 0 for item in TemplateStore(path).templates()]
    return {"path": path, "templates": len(sizes), "bytes": sum(sizes)}
