# SPDX-License-Identifier: BSD-3-Clause
"""What a store asks of its remote, and tells it, while templates are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cenv._options import FetchOptions
from cenv.errors import CenvError, IntegrityError, RemoteError
from cenv.specs.specs import MatchSpec
from cenv.templates.remote import Pulled, Remote

if TYPE_CHECKING:
    from cenv._cenv import Store

Check = Callable[
    [Sequence[Mapping[str, Any]]], None
]  # raises for what must not be used


class Sharing:
    """A store's dealings with its remote: none of them fails, what cannot be had is built."""

    def __init__(self, store: Store, remote: Remote | None) -> None:
        self._store = store
        self.remote = remote

    def of_request(
        self,
        request: str,
        fetching: FetchOptions,
        asked: Sequence[str] = (),
        check: Check | None = None,
    ) -> Pulled | None:
        """Pull what a request led to elsewhere; None: it is to be solved.

        Its packages must be what `asked` asks for, and pass `check`.
        """

        return self._pull(fetching, asked, check, request=request)

    def of_id(
        self,
        id: str,  # noqa: A002
        fetching: FetchOptions,
        records: Sequence[Mapping[str, Any]] = (),
    ) -> Pulled | None:
        """Pull the template `id`; None: it is to be built.

        Its packages come from where `records` have them.
        """

        urls = {
            record["sha256"]: record["url"] for record in records if record.get("url")
        }
        return self._pull(fetching, urls=urls, id=id)

    def built(self, id: str, fetching: FetchOptions, request: str | None) -> None:  # noqa: A002
        """Push a template that was built, or found by a request that is new."""
        remote = self.remote
        if remote is None or not remote.push or not self._may_ask(remote, fetching):
            return
        try:
            asked = [] if request is None else [request]
            remote.send(self._store, id, fetching, requests=asked)
        except (CenvError, OSError) as error:
            remote.refused_push(error)

    def _pull(
        self,
        fetching: FetchOptions,
        asked: Sequence[str] = (),
        check: Check | None = None,
        urls: Mapping[str, str] | None = None,
        **key: str,
    ) -> Pulled | None:
        remote = self.remote
        if remote is None or not self._may_ask(remote, fetching):
            return None
        try:
            found = remote.find(self._store, **key)
            if found is None:
                return None
            _check_records(found, asked, check)
            reply = remote.pull(self._store, found, fetching, key.get("id"), urls)
        except (CenvError, OSError) as error:
            remote.refused(error)
            return None
        cost = max(0.0, float(reply.get("cost") or 0) - reply["seconds"])
        counts = (reply["received"], reply["packages"], reply["seconds"])
        return Pulled(reply["id"], str(remote.url), *counts, saved=cost)

    def _may_ask(self, remote: Remote, fetching: FetchOptions) -> bool:
        """Whether the remote is there, as far as is known, and no network is needed."""
        if remote.away is not None or (fetching["offline"] and not remote.is_here):
            return False
        if remote.contact is not None:
            remote.away = remote.contact.first(lambda: self._ask(remote))
        return remote.away is None

    def _ask(self, remote: Remote) -> str | None:
        """Ask for a key that nothing has; return why the remote does not answer."""
        try:
            remote.find(self._store, request="cenv contact")
        except RemoteError as error:
            remote.say(f"{error}; templates are made here")
            return str(error)
        except CenvError:
            pass  # it answers
        return None


def _check_records(
    found: Mapping[str, Any], asked: Sequence[str], check: Check | None
) -> None:
    """Raise IntegrityError where the packages are not what was asked for.

    A remote that answers a request may name any template; its id says that the packages
    are whole, and not that they are the ones.
    """
    template = found.get("template")
    records = template.get("records") if isinstance(template, dict) else None
    if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
        raise IntegrityError("its description has no records")
    if check is not None:
        check(records)
    for text in asked:
        spec = MatchSpec(text)
        if text.lstrip().startswith("__"):
            continue  # of the machine
        if not any(_matches(spec, record) for record in records):
            raise IntegrityError(f"the template it knows has no package for {text}")


def _matches(spec: MatchSpec, record: Mapping[str, Any]) -> bool:
    try:
        return spec.matches(record)
    except (CenvError, KeyError, TypeError, ValueError):
        return False
