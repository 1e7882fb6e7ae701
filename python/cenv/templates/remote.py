# SPDX-License-Identifier: BSD-3-Clause
"""Templates on a remote: looked for before a solve and a build, pushed after one."""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from cenv import _native
from cenv._options import FetchOptions, PullOptions, PushOptions, RemoteOptions
from cenv.config.config import load
from cenv.config.urls import is_url, path_url, secret_url
from cenv.errors import (
    CenvError,
    ChannelError,
    IntegrityError,
    RemoteError,
    UsageError,
)
from cenv.solving.virtual_packages import virtual_packages

if TYPE_CHECKING:
    from cenv._cenv import Store

REMOTE_VARIABLE = "CENV_REMOTE"
PUSH_VARIABLE = "CENV_REMOTE_PUSH"
SCHEMES = ("https", "http", "oci", "oci+http", "s3", "file")
_OFF = ("", "0", "false", "no", "off")
_ANSWER = "(HTTP "  # an error that tells a status: the server is there
_HINT = "a remote is a URL: " + ", ".join(f"{scheme}://" for scheme in SCHEMES)
_REPAIR = "remove it there, and push it again from where it was made"


def chosen(remote: object, push: bool | None) -> Remote | None:
    """Return the remote of a store: as given, else as the environment says; "" is none."""
    if isinstance(remote, Remote):
        return remote
    if push is None:
        push = os.environ.get(PUSH_VARIABLE, "").strip().lower() not in _OFF
    if remote is None:
        return _of_environment(push)
    if not isinstance(remote, (str, os.PathLike)):
        raise UsageError(f"remote= is a URL, not a {type(remote).__name__}")
    text = os.fspath(remote)
    return Remote(text, push=push) if text else None


def _of_environment(push: bool) -> Remote | None:
    given = os.environ.get(REMOTE_VARIABLE, "").strip()
    try:
        return Remote(given, push=push) if given else None
    except UsageError as error:
        raise UsageError(f"{REMOTE_VARIABLE}: {error}", hint=error.hint) from None


def _id_of(description: Mapping[str, Any]) -> str | None:
    """Return which template a description, which may be anything, says that it is of."""
    template = description.get("template")
    found = template.get("id") if isinstance(template, dict) else None
    return found if isinstance(found, str) else None


class Contact(Protocol):
    """What processes that belong together tell each other of a remote."""

    def first(self, ask: Callable[[], str | None]) -> str | None:
        """Return why the remote is not to be asked (None: it is), by one process's `ask`."""

    def lost(self, why: str) -> None:
        """Tell the others that it is away."""


@dataclass(frozen=True)
class Pulled:
    """What came from a remote in the place of a build."""

    id: str
    url: str
    bytes: int  # that came over the wire
    packages: int  # of them, how many packages
    seconds: float
    saved: float  # seconds that its solve and build took where it was made, less these


@dataclass
class Remote:
    """A place where machines share templates: http(s)://, oci://, s3:// or file://.

    Asked for what the store lacks; with `push`, told what is built. One that fails costs
    one time-out: it is said once, by `tell` (a RuntimeWarning without it), and not asked
    again. `verify`: bytecode and records are made here, too, and compared. Raises
    UsageError for what is no URL of a remote.
    """

    url: str
    push: bool = False
    verify: bool = False
    timeout: float = 10.0  # seconds without a byte moved
    tell: Callable[[str], None] | None = None
    contact: Contact | None = field(default=None, repr=False)
    away: str | None = field(default=None, repr=False)
    _told: set[str] = field(default_factory=set, repr=False)

    def __post_init__(self) -> None:
        given = self.url
        if not given:
            raise UsageError("no remote was given", hint=_HINT)
        try:
            self.url = secret_url(given if is_url(given) else path_url(given))
        except ChannelError as error:
            raise UsageError(f"remote: {error}", hint=error.hint) from None
        if self.url.partition("://")[0] not in SCHEMES:
            told = f"remote {self.url}: no remote has this scheme"
            raise UsageError(told, hint=_HINT)

    @property
    def is_here(self) -> bool:
        """Whether it needs no network."""
        return self.url.startswith("file:")

    def options(self, *, push: bool) -> RemoteOptions:
        """Return what the core opens it with.

        With `push` what may not be read counts as absent: registries refuse what is not
        there, and the push tells whether that was all.
        """
        request = getattr(self.url, "for_request", self.url)
        network = load().connecting()["network"]
        return {
            "url": request,
            "network": network,
            "timeout_ms": round(self.timeout * 1000),
            "push": push,
        }

    def find(self, store: Store, **key: str) -> dict[str, Any] | None:
        """Return the description under `request=`, a text, or `id=`; None: there is none.

        It is what its writer wrote, whoever that was. Raises RemoteError and IntegrityError.
        """
        asked = _native.dumps({"remote": self.options(push=self.push), **key})
        with self._named(key.get("id")):
            found: dict[str, Any] | None = _native.call(
                store.template_remote_find, asked
            )
        return found

    def pull(
        self,
        store: Store,
        description: Mapping[str, Any],
        fetching: FetchOptions,
        id: str | None = None,  # noqa: A002
        urls: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Make the template of a description; return what the core tells of it.

        `urls` say, by SHA-256, where this machine has packages from.

        Raises IntegrityError for what is not as it was pushed, PrefixError where this
        machine lacks what its packages need, ChannelError where these are not to be had.
        """
        options: PullOptions = {
            "remote": self.options(push=True),
            "id": id,
            "urls": dict(urls or {}),
            "virtual_packages": virtual_packages(),
            "verify": self.verify,
            **fetching,
        }
        text = json.dumps(description)
        with self._named(id or _id_of(description)):
            reply: dict[str, Any] = _native.call(
                store.template_pull, text, _native.dumps(options)
            )
        return reply

    @contextlib.contextmanager
    def _named(self, id: str | None) -> Iterator[None]:  # noqa: A002
        """Name the remote, and the template, where what it holds is not as it should be."""
        try:
            yield
        except IntegrityError as error:
            told = str(error)
            if not told.startswith("remote "):
                which = f"template {id[:12]}: " if id else ""
                told = f"remote {self.url}: {which}{told}"
            raise IntegrityError(told, hint=error.hint or _REPAIR) from None

    def send(
        self,
        store: Store,
        id: str,  # noqa: A002
        fetching: FetchOptions,
        *,
        requests: Sequence[str] | None = None,
        packages: bool = False,
    ) -> dict[str, Any]:
        """Push a template, found by `requests` too; return what the core tells of it."""
        options: PushOptions = {
            "remote": self.options(push=True),
            "id": id,
            "requests": None if requests is None else list(requests),
            "packages": packages,
            **fetching,
        }
        reply: dict[str, Any] = _native.call(
            store.template_push, _native.dumps(options)
        )
        return reply

    def refused(self, error: CenvError | OSError) -> None:
        """Take note that it gave nothing: of one that cannot be reached that is the last."""
        if isinstance(error, RemoteError):
            self._lose(str(error))
        self.say(f"{self._reason(error)}; the template is made here")

    def refused_push(self, error: CenvError | OSError) -> None:
        """Take note that it took nothing: it may answer, and only not to us."""
        self.push = False
        if (
            isinstance(error, RemoteError)
            and not self.is_here
            and _ANSWER not in str(error)
        ):
            self._lose(str(error))
        self.say(f"{self._reason(error)}; nothing more is pushed")

    def _reason(self, error: CenvError | OSError) -> str:
        told = (isinstance(error, OSError) and error.strerror) or str(error)
        return told if told.startswith("remote ") else f"remote {self.url}: {told}"

    def _lose(self, why: str) -> None:
        self.away = why
        if self.contact is not None:
            self.contact.lost(why)

    def say(self, message: str) -> None:
        """Tell the user, once."""
        if message in self._told:
            return
        self._told.add(message)
        if self.tell is not None:
            self.tell(message)
        else:
            warnings.warn(message, RuntimeWarning, stacklevel=2)
