# SPDX-License-Identifier: BSD-3-Clause
"""Repodata opened once for many solves."""

from __future__ import annotations

import copy
import json
import os
import threading
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from cenv import _native
from cenv._arguments import checked, listed, listed_records
from cenv._choices import ChannelPriority
from cenv._options import SOLVE_OPTIONS, FetchOptions, SolveOptions, SolveRequest
from cenv.config import policy
from cenv.config.channels import Channel, among, resolve
from cenv.config.config import Config, load
from cenv.errors import CenvError, ChannelError, UnsatisfiableError
from cenv.model import Record, Solution, plain_record, records_of
from cenv.solving.opening import Fetched, Opener
from cenv.solving.virtual_packages import (
    checked_platform,
    current_platform,
    virtual_packages,
)
from cenv.specs.spec_texts import clean_specs, named_channels
from cenv.specs.times import milliseconds
from cenv.tracing import recorder as trace

if TYPE_CHECKING:
    from typing_extensions import Unpack

_WIDER = 4  # how many indices with further channels are kept

# Where a package that is missing here may be: the hint of a failure names them.
_OTHER_PLATFORMS = ("linux-64", "linux-aarch64", "osx-64", "osx-arm64", "win-64")


def chosen_channels(
    channels: Sequence[str | os.PathLike[str]] | None, config: Config
) -> tuple[Channel, ...]:
    """Return the channels asked for, else the configured ones; none at all is an error."""
    found = resolve(listed(channels, "channels") or config.channels, config)
    if not found:
        hint = (
            "name one with -c CHANNEL (cenv_channels in pytest's ini, --cenv-channel), "
            "or set channels in .condarc"
        )
        raise ChannelError("no channel to take packages from", hint=hint)
    policy.check_channels(found, config)
    return found


def _named_beside(
    channels: tuple[Channel, ...], specs: Iterable[object], config: Config
) -> tuple[Channel, ...]:
    """Return those that specs name ("channel::package") and that are not `channels`."""
    named: tuple[Channel, ...] = ()
    for name in named_channels(specs):
        if not among(name, (*channels, *named), config):
            known = {channel.safe_url for channel in (*channels, *named)}
            named += tuple(
                c for c in resolve([name], config) if c.safe_url not in known
            )
    policy.check_channels(named, config)
    return named


def fetch_options(
    channels: Sequence[str | os.PathLike[str]] | None,
    offline: bool,
    pkgs_dirs: Sequence[str] = (),
) -> FetchOptions:
    """Return how packages are fetched, without reading repodata.

    `pkgs_dirs` are package caches to look into before a download.
    """
    config = load()
    named = listed(channels, "channels") or config.channels
    known = chosen_channels(named, config) if named else ()
    return {
        **config.connecting(offline),
        "secrets": _secrets(known),
        "pkgs_dirs": pkgs_dirs,
    }


def _secrets(channels: Iterable[Channel]) -> dict[str, str]:
    """Return channel URLs without secrets, and with them, where they have some."""
    return {c.safe_url: c.url.for_request for c in channels if c.secrets}


class Index:
    """The repodata of some channels for one platform; solves on it share the work.

    The channels that `specs` name come after the others where they are not among them;
    a later solve whose specs name more of them opens these, too. `channels` are all, in
    order of preference: those that others build on or override (CEP 42) come with them.
    Raises ChannelError when a channel is missing or its repodata cannot be read. Safe to
    use from any number of threads.
    """

    @checked()
    def __init__(
        self,
        channels: Sequence[str | os.PathLike[str]] | None = None,
        platform: str | None = None,
        *,
        store: str | os.PathLike[str] | None = None,
        offline: bool = False,
        config: Config | None = None,
        specs: Iterable[object] = (),
    ) -> None:
        self._config = config or load()
        self._heads = chosen_channels(channels, self._config)
        self.platform = (
            checked_platform(platform) if platform else current_platform(self._config)
        )
        self._place = store
        self._connecting = self._config.connecting(offline)
        self._opener = Opener(self.platform, store, self._config, self._connecting)
        self._lock = threading.Lock()
        with trace.recording() as recorder:
            self._open(())
            named = _named_beside(self.channels, specs, self._config)
            if named:
                self._open(named)
        self.opening = tuple(recorder.spans)
        self.virtual_packages = virtual_packages(self.platform, self._config)

    def _open(self, named: tuple[Channel, ...]) -> None:
        opened = self._opener.open(self._heads, named)
        self._named = named
        self._opened = opened
        self._index = opened.core
        self._told = opened.told
        self.channels = opened.channels
        self.identity = list(opened.identity)
        self._wider: dict[tuple[Channel, ...], Index] = {}

    def _reaching(self, specs: Iterable[object]) -> Index:
        """Return this index, or one that has the channels, too, that only specs name."""
        named = _named_beside(self.channels, specs, self._config)
        if not named:
            return self
        with self._lock:
            wider = self._wider.get(named)
            if wider is None:
                wider = copy.copy(self)
                wider._lock = threading.Lock()
                wider._open((*self._named, *named))
                self._wider = {
                    **dict(list(self._wider.items())[1 - _WIDER :]),
                    named: wider,
                }
        return wider

    def fetched(self, request: SolveRequest) -> Fetched:
        """Return how the repodata is fetched again, what it was, and how `request` is solved.

        The last only where all there is to a solution is what the core finds.
        """
        fetched = self._opener.fetched()
        config = self._config
        if self._named or config.disallowed_packages or policy.chooses_channels(config):
            return fetched
        solving = self._opener.solving(self._opened, request, self.fetching())
        return fetched._replace(solving=solving)

    def has(self, name: str) -> bool:
        """Say whether a channel has a package of that name."""
        try:
            _native.call(self._index.solve, _native.dumps({"specs": [name]}))
        except UnsatisfiableError as error:
            return not error.missing
        return True

    def featured(self, names: Iterable[str]) -> list[str]:
        """Return those of `names` that have records with legacy `features`.

        conda's solver classic may choose another record of these than solve() does.
        """
        asked = json.dumps(list(names))
        found: list[str] = _native.call(self._index.featured, asked)
        return found

    def for_platform(self, platform: str) -> Index:
        """Return what is on this machine of the same channels for another platform."""
        channels = [channel.url.for_request for channel in self.channels]
        return Index(
            channels, platform, store=self._place, offline=True, config=self._config
        )

    def fetching(self, pkgs_dirs: Sequence[str] = ()) -> FetchOptions:
        """Return how packages of these channels are fetched.

        `pkgs_dirs` are package caches to look into before a download.
        """
        return {
            **self._connecting,
            "secrets": _secrets(self.channels),
            "pkgs_dirs": pkgs_dirs,
        }

    def request(
        self,
        specs: Iterable[object],
        *,
        locked: Iterable[Record] = (),
        pinned: Iterable[object] = (),
        favored: Iterable[Record] = (),
        channel_priority: ChannelPriority | None = None,
        exclude_newer: str | None = None,
        add_pip: bool | None = None,
        explain: str | None = None,
    ) -> SolveRequest:
        """Return the request the core solves, as JSON values.

        What the configuration pins is pinned beside `pinned`; `exclude_newer` takes the
        place of the configured one, but not of those of packages and channels.
        """
        config = self._config
        pip = config.add_pip_as_python_dependency if add_pip is None else add_pip
        cutoff = milliseconds(exclude_newer)
        return {
            "specs": [str(spec) for spec in clean_specs(listed(specs, "specs"))],
            "virtual_packages": self.virtual_packages,
            "locked": [plain_record(r) for r in listed_records(locked, "locked")],
            "pinned": [
                str(s) for s in clean_specs((*self._pins(), *listed(pinned, "pinned")))
            ],
            "favored": [plain_record(r) for r in listed_records(favored, "favored")],
            "channel_priority": channel_priority or config.channel_priority,
            "exclude_newer": config.exclude_newer if cutoff is None else cutoff,
            "exclude_newer_package": dict(config.exclude_newer_package),
            "exclude_newer_channel": policy.channel_cutoffs(self.channels, config),
            "add_pip": pip,
            "explain": explain,
        }

    def _pins(self) -> list[str]:
        if self._config.ignore_pinned:
            return []
        return [str(spec) for spec in policy.parsed(self._config, "pinned_packages")]

    def check(self, records: Iterable[Record]) -> None:
        """Raise UsageError for a record that the configuration disallows."""
        policy.check_records(map(plain_record, records), self._config)

    @checked(SOLVE_OPTIONS)
    def solve(
        self, specs: Iterable[object], **options: Unpack[SolveOptions]
    ) -> Solution:
        """Solve `specs`; the options are those of `request`.

        Raises SpecError for a spec that does not parse and UnsatisfiableError, with the
        explanation, when no set of packages meets the specs.
        """
        asked = clean_specs(listed(specs, "specs"))
        with trace.recording() as recorder:
            index = self._reaching(asked)
            request = index.request(asked, **options)
            reply = index._reply(request)
            index._note(recorder, request, options, reply["records"])
        self.check(reply["records"])
        return Solution(
            records=records_of(reply["records"]),
            seconds=recorder.seconds,
            stages=recorder.stages(),
            specs=tuple(request["specs"]),
            channels=tuple(c.name for c in (*index._heads, *index._named)),
            stats=reply.get("stats", {}),
            explanation=reply.get("explanation"),
            skipped=tuple(reply.get("skipped", ())),
        )

    def _note(
        self,
        recorder: trace.Recorder,
        request: SolveRequest,
        options: SolveOptions,
        records: list[dict[str, Any]],
    ) -> None:
        """Tell the trace what was asked for and came of it; the repodata lay open before."""
        recorder.records = list(records)
        recorder.facts["request"] = {
            "specs": list(request["specs"]),
            "channels": [channel.name for channel in self.channels],
            "platform": self.platform,
            "options": _told_options(request, options),
        }
        recorder.facts["channels"] = [
            {
                **told,
                "cache": "open",
                "reason": "",
                "bytes_transferred": 0,
                "seconds": 0.0,
            }
            for told in self._told
        ]

    def _reply(self, request: SolveRequest) -> Any:
        try:
            return _native.call(self._index.solve, _native.dumps(request))
        except UnsatisfiableError as error:
            error.hint = self._hint_of(error)
            raise

    # ---- other platforms ----

    def _hint_of(self, error: UnsatisfiableError) -> str | None:
        told = self._other_platforms(error.missing)
        if error.hint and len(told) < max(1, len(error.missing)):
            told.append(error.hint)
        if self._config.use_only_tar_bz2:
            key = policy.said(self._config, "use_only_tar_bz2")
            told.append(f"{key} leaves .conda packages out")
        return "; ".join(told) or None

    def _other_platforms(self, missing: Sequence[str]) -> list[str]:
        """Say for which platforms the channels have what is missing, if for any.

        Looks only at repodata that is on this machine: a failure fetches nothing.
        """
        found: dict[str, list[str]] = {name: [] for name in missing}
        for platform in _OTHER_PLATFORMS if found else ():
            if platform != self.platform:
                for name in self._names_on(platform, list(found)):
                    found[name].append(platform)
        return [
            f"{name} is there for {_listed(platforms)}, not for {self.platform}"
            for name, platforms in found.items()
            if platforms
        ]

    def _names_on(self, platform: str, names: list[str]) -> list[str]:
        try:
            other = self.for_platform(platform)
            return [name for name in names if other.has(name)]
        except (CenvError, OSError):
            return []  # nothing of this platform is here


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


def _told_options(request: SolveRequest, options: SolveOptions) -> dict[str, str]:
    """Return for the trace what else a solution depends on; records by a sum."""
    told = {
        "channel_priority": request["channel_priority"],
        "exclude_newer": str(options.get("exclude_newer") or ""),
        "pinned": ", ".join(request["pinned"]),
    }
    for key, records in (
        ("locked", request["locked"]),
        ("favored", request["favored"]),
    ):
        told[key] = trace.sum_of(records) if records else ""
    return {key: value for key, value in told.items() if value}
