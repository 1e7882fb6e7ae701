# SPDX-License-Identifier: BSD-3-Clause
"""Templates as fixtures give them: clones that a test makes of them itself count too."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from cenv._choices import CloneMode
from cenv.pytest_plugin.clones import Clones
from cenv.templates.path_like import AnyPath
from cenv.templates.template import Clone, Template


@dataclass(frozen=True, eq=False, repr=False)
class CountedTemplate(Template):
    """A template whose clones are in the run's report, and known to its guard."""

    clones: Clones | None = field(default=None, repr=False)

    def clone(
        self,
        dst: AnyPath | None = None,
        *,
        mode: CloneMode | None = None,
        owner: int | None = None,
        remember: bool = False,
        memory: int | str | None = None,
    ) -> Clone:
        """Clone as Template.clone does."""

        def make() -> Clone:
            return Template.clone(
                self, dst, mode=mode, owner=owner, remember=remember, memory=memory
            )

        if self.clones is None:
            return make()
        return self.clones.noted(self, mode or "auto", make)


def counted(template: Template, clones: Clones) -> Template:
    """Return the template with clones that count: the same one for the same template."""
    if isinstance(template, CountedTemplate):
        return template
    if template in clones.counted:
        return clones.counted[template]
    known = {item.name: getattr(template, item.name) for item in fields(Template)}
    clones.counted[template] = CountedTemplate(**known, clones=clones)
    return clones.counted[template]
