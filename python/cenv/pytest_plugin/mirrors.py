# SPDX-License-Identifier: BSD-3-Clause
"""Templates beside clones that lie on another file system than the store.

Nothing can be linked from one file system to another, so a template is copied once, and its
clones link to the copy. It takes room in the temporary directory: it is told of, bounded,
and ends with the run.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from cenv.clones import modes
from cenv.errors import CenvError
from cenv.pytest_plugin.recorder import Recorder
from cenv.pytest_plugin.settings import Settings
from cenv.pytest_plugin.stores import OpenStores
from cenv.templates.setup import Run
from cenv.templates.template import Template

_SHARE = 4  # a copy may take so large a part, one in four, of what is free


class Mirrors:
    """The copies that a run's clones link to; `base` is where the clones will lie."""

    def __init__(
        self,
        settings: Settings,
        stores: OpenStores,
        run: Run,
        recorder: Recorder,
        base: Path,
    ) -> None:
        self._wanted = settings.mirrors != "off" and modes.may_share(settings.mode)
        self._owner = 0 if settings.mirrors == "keep" else run.owner
        self._end = run.owner
        self._stores = stores
        self._recorder = recorder
        self._base = base
        self.used = False  # the clones' store ends with the run

    def beside_clones(self, template: Template) -> Template:
        """Return the template where clones can link to it: on their own file system."""
        if not self._wanted or not template.id:
            return template
        place = self._place()
        if os.stat(place).st_dev == os.stat(template).st_dev:
            return template
        refused = _room_lacks(template, place)
        if not refused:
            try:
                return self._copy(template, place)
            except (CenvError, OSError) as error:
                refused = str(error)
        self._recorder.mirror(template, refused=refused)
        return template

    def _copy(self, template: Template, place: str) -> Template:
        copy = self._stores.main.mirror(template, place, owner=self._owner)
        if copy is not template and copy.store:
            self._stores.open(copy.store)
            self._recorder.mirror(copy, kept=not self._owner)
            self.used = True
        return copy

    def _place(self) -> str:
        """Return the usual temporary directory, if that is on the clones' file system."""
        place = tempfile.gettempdir()
        if os.stat(place).st_dev == os.stat(self._base).st_dev:
            return place
        return str(self._base.parent)

    def end(self) -> None:
        """Remove the copies that were made for this run; call it when no lease is held.

        What another worker still uses, that worker removes; what nobody could, a later run.
        """
        if self.used:
            self._stores.main.end_mirrors(self._end)


def _room_lacks(template: Template, place: str) -> str:
    """Return why a copy of the template would take too much room; "" if it does not."""
    from cenv.cli.output import human

    disk = os.statvfs(place)
    free = disk.f_bavail * disk.f_frsize
    if template.size * _SHARE <= free:
        return ""
    return (
        f"{human(template.size)} are more than a quarter of what is free in {place}, "
        f"{human(free)}"
    )
