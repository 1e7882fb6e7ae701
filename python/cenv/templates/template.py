# SPDX-License-Identifier: BSD-3-Clause
"""Templates and their clones: built once per machine, cloned for every use."""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar

from cenv import _native, api
from cenv._arguments import checked
from cenv._choices import CloneMode
from cenv._options import CheckOptions, Provenance, RepairOptions
from cenv.clones import installed, modes, overlay, spares
from cenv.clones.activation_scripts import Place
from cenv.errors import CenvError, IntegrityError, PrefixError
from cenv.model import (
    CheckReport,
    CloneReport,
    PackageRecord,
    ResetReport,
    Stage,
    records_of,
)
from cenv.templates.building import BuildPlan, build, mirror, plan_of
from cenv.templates.environment import Environment
from cenv.templates.path_like import AnyPath, LikePath
from cenv.templates.remote import Pulled
from cenv.tracing import recorder as trace

if TYPE_CHECKING:
    from cenv._cenv import Store
    from cenv.clones.background_removal import Removal


@dataclass(frozen=True, eq=False, repr=False)
class Template(Environment):
    """A linked environment of the store, addressed by its content; never changed.

    What run() and popen() start sees a throw-away view of it: its writes vanish (Linux;
    LinkError where views cannot work).
    """

    path: str
    id: str
    records: tuple[PackageRecord, ...] = ()
    built: bool = False
    seconds: float = 0.0
    stages: tuple[Stage, ...] = ()
    specs: tuple[str, ...] = ()
    store: str | None = None
    cost: float = 0.0  # seconds its solve and build took when it was made; 0: unknown
    size: int = 0  # bytes of its files; 0: unknown
    transient: bool = False
    # What clones tell of their request where the template, built for another, tells else.
    provenance: Provenance | None = None
    plan: BuildPlan | None = None  # how it was made
    mirror_of: str | None = None  # the store of the original
    mirror_owner: int = 0  # the process it ends with; 0: none
    pulled: Pulled | None = None  # it came from a remote just now

    shown_in_views: ClassVar[bool] = True

    def __repr__(self) -> str:
        known = [f"id={self.id[:12]!r}"] if self.id else []
        known += [f"specs={self.specs!r}"] if self.specs else []
        return f"Template({', '.join([repr(self.path), *known])})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel without what is of one process: a set-up that cannot, and the run's numbers."""
        plan = self.plan if self.plan is None or self.plan.setup is None else None
        known = {name: getattr(self, name) for name in Template.__match_args__}
        return Template, tuple({**known, "plan": plan}.values())

    def environ(
        self, env: Mapping[str, str] | None = None, *, activate: bool | None = None
    ) -> dict[str, str]:
        __tracebackhide__ = True
        self.ensure()
        return super().environ(env, activate=activate)

    environ.__doc__ = Environment.environ.__doc__

    @property
    def origin(self) -> str:
        """What its clones have in common: its id, the path of an environment of others."""
        return self.id or self.path

    def _place(self) -> Place:
        return replace(super()._place(), origin=self.origin, store=self.store)

    @checked(makes="dst")
    def clone(
        self,
        dst: AnyPath | None = None,
        *,
        mode: CloneMode | None = None,
        owner: int | None = None,
        remember: bool = False,
        memory: int | str | None = None,
    ) -> Clone:
        """Clone to `dst`, absent or an empty directory; None: a spare, or a temporary one.

        Once the process `owner` is gone, a sweep removes the clone: this process for a
        clone without `dst`, nobody (0) for one with it, unless `owner` says otherwise.
        `remember`: what is relocated is kept for the next clone at `dst` already, and not
        only from the second on; `memory`: what all that is kept so may take, bytes or "2G";
        0: nothing is kept, None: as $CENV_MEMORY says.
        A template that turns out to be altered is built anew, with a RuntimeWarning.
        """
        if dst is None:
            spare = spares.take_for(self) if mode is None else None
            if spare is not None:
                return Clone(spare.prefix, self, spare.mode, spare)
            owner = os.getpid() if owner is None else owner
            dst = _temporary_dir()
        try:
            report = self._clone_to(dst, mode or "auto", owner or 0, remember, memory)
        except (OSError, CenvError) as error:
            with self._leased():
                if not self._mend(error):
                    raise
                report = self._clone_to(
                    dst, mode or "auto", owner or 0, remember, memory
                )
        return Clone(report.prefix, self._cloned(report), report.mode, report)

    def _cloned(self, report: CloneReport) -> Template:
        """Return what was cloned: of an environment that is itself a clone, its template."""
        if self.id or report.source == self.path:
            return self
        start = os.path.basename(os.path.dirname(report.source))
        found = _native.open_store(self.store).template_find(start)
        told = json.loads(found) if found else {}
        if told.get("prefix") != report.source:
            return self
        return replace(
            self,
            path=told["prefix"],
            id=told["id"],
            records=records_of(told.get("records") or ()),
            specs=tuple(told.get("specs") or ()),
            cost=float(told.get("cost") or 0),
            size=int(told.get("size") or 0),
        )

    def _clone_to(
        self,
        dst: AnyPath,
        mode: CloneMode,
        owner: int,
        remember: bool,
        memory: int | str | None,
    ) -> CloneReport:
        return api.make_clone(
            self,
            dst,
            mode=mode,
            store=self.store,
            owner=owner,
            provenance=self.provenance,
            remember=remember,
            memory=memory,
        )

    def _mend(self, error: Exception) -> bool:
        """Have the template there, and right, if that is why no clone could be made.

        It raises nothing of its own: an error that is raised where a variable has it is
        a circle, and keeps the store open.
        """
        if self.is_gone():
            self.ensure()
            return True
        if isinstance(error, IntegrityError) and self.repair(content=True):
            self.ensure()
            warnings.warn(f"{error}; it was built anew", RuntimeWarning, stacklevel=3)
            return True
        return False

    @contextlib.contextmanager
    def _leased(self) -> Iterator[None]:
        lease = _native.open_store(self.store).lease()
        try:
            yield
        finally:
            lease.release()

    def is_gone(self) -> bool:
        """Say whether it was removed since it was found, as another process's gc does."""
        try:
            os.stat(os.path.join(os.path.dirname(self.path), "template.json"))
        except (FileNotFoundError, NotADirectoryError):
            return bool(self.id)
        return False

    def ensure(self) -> None:
        """Build it again if it is gone; clone() and run() do that by themselves.

        Raises PrefixError where its packages alone do not make it.
        """
        if self.is_gone():
            self._make_again()

    def check(self, *, since: float = 0.0, content: bool = False) -> CheckReport:
        """Compare it with what it was when it was built: what hardlink clones wrote to it.

        By size, time, mode and owner of every file, without opening any. `since` (the
        time when the last clone of it was made) also finds a content whose time was put
        back, as long as nobody else makes or removes clones; `content` reads every file.
        """
        options: CheckOptions = {"since_us": int(since * 1e6), "content": content}
        opened = _native.open_store(self.store)
        return CheckReport.from_json(
            _native.call(opened.template_check, self.path, _native.dumps(options))
        )

    def repair(self, *, content: bool = False) -> bool:
        """Build it anew from its packages if it is altered, for the next clone to be right.

        False when there was nothing to repair. A set-up is run again; one that this
        object does not know makes the template vanish until it is next asked for. Other
        clones keep what they share with the altered one.
        """
        if not self.id:
            hint = "repair the environment, or clone it in mode copy or reflink"
            raise PrefixError(f"{self.path} is not of a store", hint=hint)
        options: RepairOptions
        options = {"content": content, "drop": self.mirror_of is not None}
        store = _native.open_store(self.store)
        done = _native.call(store.template_repair, self.id, _native.dumps(options))
        if done["action"] == "dropped":
            self._make_again(known_only=True)
        spares.renew_all(self.path)
        return bool(done["action"] != "none")

    def _make_again(self, *, known_only: bool = False) -> None:
        """Build it; `known_only`: nothing is done where how it was made is not known."""
        home = _native.open_store(self.mirror_of or self.store)
        if self.mirror_of is None or home.template_find(self.id) is None:
            if known_only and self.plan is None and self.mirror_of is None:
                return
            self._build_again(home)
        if self.mirror_of:
            place = os.path.dirname(self.store or "")
            mirror(home, self.id, place, self.mirror_owner)

    def _build_again(self, home: Store) -> None:
        plan = self.plan or plan_of(self.records, self.specs)
        with trace.recording():
            built = build(home, plan)
        if built["id"] != self.id:
            hint = "make it again as it was made: it has a set-up, or a base"
            raise PrefixError(f"template {self.id[:12]} is gone", hint=hint)

    @checked()
    def spares(
        self,
        count: int,
        *,
        new_path: Callable[[], str] | None = None,
        mode: CloneMode | None = None,
    ) -> None:
        """Keep `count` clones ready for clone() without a path; 0 ends it.

        They are made by a helper process that ends with this one. `new_path` gives each
        its path; without it they are temporary directories.
        """
        job = spares.CloneJob(self.path, self.store, mode or "auto", self.provenance)
        spares.keep_for(self, job, count, new_path or _temporary_dir)


def _temporary_dir() -> str:
    import tempfile  # only here: a command starts fast

    return tempfile.mkdtemp(prefix="cenv-")


@dataclass(eq=False, repr=False)
class Clone(LikePath, Environment):
    """A clone at a prefix of its own; `with` removes it on exit. Not for two threads at once.

    It equals the pathlib.Path of its prefix, and is one wherever a path is expected. A copy
    of it, by copy, deepcopy or pickle, stands for the same directory.
    """

    path: str
    template: Template | None = None
    mode: str = "auto"
    report: CloneReport | None = None
    permanent: bool = False

    def __repr__(self) -> str:
        return f"Clone({self.path!r}, mode={self.mode!r})"

    @property
    def records(self) -> tuple[PackageRecord, ...]:
        """The packages that are installed now, by name; SpecError for a broken record."""
        return installed.records(self.path)

    def _place(self) -> Place:
        if self.template is None:
            return super()._place()
        origin, store = self.template.origin, self.template.store
        return Place(self.path, origin=origin, store=store)

    def reset(self, *, override_frozen: bool = False) -> ResetReport:
        """Put it back to its template's state; one marked as frozen only if overridden."""
        store = self.template.store if self.template else None
        return api.reset(self, store=store, override_frozen=override_frozen)

    def remove(self, *, background: bool = False) -> Removal | None:
        """Remove it; a second time is fine.

        In the `background` it is out of the way at once, and a helper process removes
        it; wait() of what is returned raises what went wrong. What is not finished when
        this process ends, the helper finishes; were it killed too, a sweep does.
        """
        store = self.template.store if self.template else None
        if modes.is_mount(self.mode):
            overlay.remove(self.path, _native.open_store(store))
        elif background:
            from cenv.clones import background_removal

            return background_removal.remove_in_background(self.path, store)
        else:
            api.remove_tree(self, store=store)
        return None

    def materialize(self, path: AnyPath | None = None) -> Clone:
        """Make it permanent: neither `with` nor a sweep removes it then.

        An overlay clone becomes a real directory at its path, for every process, as it
        is now; what runs in it goes on in what it had open. With another `path` this
        clone stays as it is, and a permanent clone of it is made there.
        """
        store = self.template.store if self.template else None
        if path is not None and _native.fspath(path) != self.path:
            report = api.clone(self, path, store=store)
            return Clone(report.prefix, self.template, report.mode, report, True)
        report = api.materialize(self, store=store)
        self.mode, self.permanent = report.mode, True
        return self

    def __enter__(self) -> Clone:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        if not self.permanent:
            self.remove()
