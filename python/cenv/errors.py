# SPDX-License-Identifier: BSD-3-Clause
"""What cenv raises; a refusal of the operating system stays an OSError."""

from __future__ import annotations

from cenv import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any


def _clean(text: str) -> str:
    """Return a message without the secrets of URLs that it quotes."""
    if not any(mark in text for mark in ("//", "@", "/t/")):
        return text
    try:
        from cenv import _cenv
    except ImportError:  # the error says so, and nothing of the user's was read yet
        return text
    return _cenv.redact(text.encode("utf-8", "surrogatepass")).decode(
        "utf-8", "surrogatepass"
    )


class CenvError(Exception):
    """Base of cenv's errors: one message, and what to do about it in `hint`.

    What it says has no secrets of URLs and steers no terminal, whoever raises it.
    """

    hint: str | None = None

    def __init__(self, message: str = "", *, hint: str | None = None) -> None:
        super().__init__(printable.lines(_clean(message)))
        if hint is not None:
            self.hint = printable.lines(_clean(hint))


class UsageError(CenvError):
    """A call, option or configuration that makes no sense."""


class SpecError(CenvError, ValueError):
    """A version, MatchSpec or other text that does not parse."""


class UnsatisfiableError(CenvError):
    """No set of packages meets the specs.

    `conflict` holds the specs and settings at fault: no set of packages meets them, one
    meets all but any one of them. `relax` holds what was tried and helps: each a mapping
    of "items" to drop, and of "works", the best version that could be had instead.
    `missing` holds the names that no channel has.
    """

    conflict: tuple[str, ...] = ()
    relax: tuple[Mapping[str, Any], ...] = ()
    missing: tuple[str, ...] = ()

    def __init__(
        self,
        message: str = "",
        *,
        conflict: Iterable[str] = (),
        relax: Iterable[Mapping[str, Any]] = (),
        missing: Iterable[str] = (),
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.conflict = tuple(conflict)
        self.relax = tuple(relax)
        self.missing = tuple(missing)


class ChannelError(CenvError):
    """A channel that is missing, unreachable or not a channel."""


class IntegrityError(CenvError):
    """Bytes that are not what their record promises."""


class RemoteError(CenvError):
    """A remote store of templates that cannot be reached, or refuses."""


class PrefixError(CenvError):
    """A prefix that cannot be used: absent, occupied, too long, damaged."""


class LinkError(CenvError):
    """Files that cannot be put into a prefix, or not in the mode asked for."""
