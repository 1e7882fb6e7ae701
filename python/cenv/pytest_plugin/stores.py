# SPDX-License-Identifier: BSD-3-Clause
"""The stores that a pytest process uses: held against gc as long as it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cenv.errors import CenvError
from cenv.templates.remote import Remote
from cenv.templates.store import TemplateStore

if TYPE_CHECKING:
    from cenv._cenv import Lease


class OpenStores:
    """The run's own store, and those of mirrors on other file systems.

    `tell` gets what could not be removed: that is an earlier run's, and fails no test of this.
    """

    def __init__(
        self,
        path: str | None,
        tell: Callable[[str], object],
        remote: Remote | None = None,
    ) -> None:
        self._tell = tell
        self._open: dict[str, TemplateStore] = {}
        self._leases: list[Lease] = []
        self.main = self.open(path, remote)

    def open(self, path: str | None, remote: Remote | None = None) -> TemplateStore:
        """Hold a store for this process, and clear what killed runs left in it."""
        store = TemplateStore(path, remote=remote or "")
        if store.path not in self._open:
            self._leases.append(store.lease())
            self._sweep(store)
            self._open[store.path] = store
        return self._open[store.path]

    def _sweep(self, store: TemplateStore) -> None:
        try:
            store.sweep()
        except (CenvError, OSError) as error:
            self._tell(f"what an earlier run left cannot be removed: {error}")

    def close(self) -> None:
        """Let the stores go."""
        for lease in self._leases:
            lease.release()
