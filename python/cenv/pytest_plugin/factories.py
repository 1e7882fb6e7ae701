# SPDX-License-Identifier: BSD-3-Clause
"""What the fixtures give: plain callables that make templates and clones."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import pytest

from cenv import printable
from cenv._arguments import listed
from cenv._choices import ChannelPriority, CloneMode
from cenv._options import SolveOptions
from cenv.errors import CenvError, UsageError
from cenv.pytest_plugin import marks, options
from cenv.pytest_plugin.counted import counted
from cenv.pytest_plugin.rounds import Rounds
from cenv.pytest_plugin.session import EnvSession
from cenv.templates.environment import Draft
from cenv.templates.recipe import Recipe
from cenv.templates.setup import Setup
from cenv.templates.template import Clone, Template

if TYPE_CHECKING:
    from cenv.specs.spec_file import SpecFile

AnyPath = str | os.PathLike[str]
Recycle = Literal["auto", "off"]


def checked_recycle(given: str | None) -> None:
    """Raise UsageError for what `recycle` cannot be."""
    if given is not None and given not in options.choices("recycle"):
        known = ", ".join(options.choices("recycle"))
        raise UsageError(f"recycle is {given!r}: expected one of {known}")


class TemplateFactory:
    """cenv_template(*specs, channels=None, ...) -> Template."""

    def __init__(self, session: EnvSession) -> None:
        self.session = session

    def __call__(
        self,
        *specs: str,
        channels: Sequence[AnyPath] | None = None,
        name: str | None = None,
        prefix: AnyPath | None = None,
        file: AnyPath | None = None,
        base: Template | str | None = None,
        setup: Callable[[Draft], object] | None = None,
        key: object = None,
        platform: str | None = None,
        channel_priority: ChannelPriority | None = None,
        exclude_newer: str | None = None,
        add_pip: bool | None = None,
        pinned: Sequence[str] = (),
    ) -> Template:
        """Return the template of `specs`, of a spec file, or of an existing environment.

        `channels` replace those of ini. `name`: one of ini's cenv_templates. `prefix`: any
        environment or venv, as it is. `file`: environment.yml, a list of specs, an
        @EXPLICIT list, or a lock of conda-lock or pixi. `base`: a template, or its name,
        that this one is derived from. `setup` is run once in the new template, and `key`
        (str, bytes, files, or several) tells what it does: without it the template serves
        this run only. Without arguments: the default template.
        """
        if prefix is not None:
            return self._existing(prefix, bool(specs or name or file or base or setup))
        specs = (*self._names(name), *specs)
        below = self.named(base) if isinstance(base, str) else base
        shaped = self.session.templates.setup(setup, key)
        asked = self._asked(specs, channels, file, below, shaped, platform)
        options: SolveOptions = {
            "channel_priority": channel_priority,
            "exclude_newer": exclude_newer,
            "add_pip": add_pip,
            "pinned": tuple(listed(pinned, "pinned")),
        }
        recipe = replace(asked, options=options)
        return counted(self.session.templates.of(recipe), self.session.clones)

    def _existing(self, prefix: AnyPath, more: bool) -> Template:
        if more:
            hint = "give no specs, name, file, base or setup beside it"
            raise UsageError("prefix= names a whole environment", hint=hint)
        path = os.path.abspath(prefix)
        if not os.path.isdir(path):
            raise UsageError(f"no environment at {path}")
        return counted(self.session.templates.existing(path), self.session.clones)

    def _asked(
        self,
        specs: tuple[str, ...],
        channels: Sequence[AnyPath] | None,
        file: AnyPath | None,
        base: Template | None,
        setup: Setup | None,
        platform: str | None,
    ) -> Recipe:
        """Return what is asked for; a set-up over a base needs nothing more."""
        records: tuple[dict[str, Any], ...] | None = None
        pin = None
        if file is not None:
            from cenv.specs import spec_file

            found = spec_file.read([file], platform=platform)
            _refuse_specs_beside(file, found, specs)
            specs = (*specs, *found.specs)
            records = tuple(found.records) if found.is_list else None
            channels = channels or found.channels
            pin = found.template
            _tell(found.notices)
            if found.extras:
                before = Setup.of(found.extras.apply, found.extras.key)
                setup = setup.after(before) if setup else before
        elif not specs and not (base and setup):
            specs = self._default()
        settings = self.session.asked()
        chosen = listed(channels, "channels") or settings.channels
        return Recipe(
            specs=specs,
            channels=tuple(map(_channel, chosen)) or None,
            records=records,
            pin=pin,
            base=base,
            setup=setup,
            platform=platform,
            offline=settings.offline,
            rebuild=settings.rebuild,
        )

    def _default(self) -> tuple[str, ...]:
        specs = self.session.asked().specs
        if not specs:
            hint = "set cenv_specs in ini, or give specs"
            raise UsageError("no specs given, and cenv_specs is not set", hint=hint)
        return specs

    def _names(self, name: str | None) -> tuple[str, ...]:
        if name is None:
            return ()
        known = self.session.asked().templates
        if name not in known:
            hint = f"cenv_templates names: {', '.join(known) or 'nothing'}"
            raise UsageError(f"no template is named '{name}'", hint=hint)
        return known[name]

    def named(self, name: str) -> Template:
        """Return a template that ini's cenv_templates names."""
        return self(name=name)


def _refuse_specs_beside(
    file: AnyPath, found: SpecFile, specs: tuple[str, ...]
) -> None:
    if found.is_list and specs:
        message = f"{file} names every package: give no specs beside it"
        raise UsageError(message)


def _tell(notices: Iterable[str]) -> None:
    for notice in notices:
        warnings.warn(printable.line(notice), stacklevel=5)


def _channel(given: AnyPath) -> str:
    """Return a channel's name or URL, or the path of its directory, absolute now."""
    if isinstance(given, str) and not given.startswith(("./", "../")):
        return given
    return os.path.abspath(given)


class _Clones:
    """Clones that end with a fixture."""

    def __init__(self, session: EnvSession) -> None:
        self.session = session
        self._made: list[Clone] = []

    def _clone(
        self,
        template: Template,
        dst: AnyPath | None,
        mode: CloneMode | None,
        recycle: Recycle | None,
    ) -> Clone:
        clone = self.session.clones.make(template, dst, mode, recycle)
        self._made.append(clone)
        return clone

    def close(self, *, failed: bool) -> None:
        """Be done with the clones: use them again or remove them, or keep them."""
        self.session.clones.end(self.ended(), "failed" if failed else "passed")

    def ended(self) -> list[Clone]:
        """Let go of the clones, the last one first; the caller ends them."""
        made, self._made = self._made[::-1], []
        return made


class EnvFactory(_Clones):
    """cenv_env(*specs, channels=None, template=None, dst=None, mode=None, ...) -> Clone."""

    def __init__(
        self,
        templates: TemplateFactory,
        mark: pytest.Mark | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(templates.session)
        self._templates = templates
        self._mark = mark
        self._name = name
        self._reused: dict[tuple[str, str | None, str | None], Clone] = {}
        self._rounds = Rounds()
        if mark is not None:
            marks.check(mark)

    def __call__(
        self,
        *specs: str,
        channels: Sequence[AnyPath] | None = None,
        template: Template | str | None = None,
        dst: AnyPath | None = None,
        mode: CloneMode | None = None,
        reuse: bool = False,
        recycle: Recycle | None = None,
    ) -> Clone:
        """Return a fresh clone, given back when the fixture ends; also a context manager.

        `template`: a Template, or a name of ini's cenv_templates. `dst`: absent or an
        empty directory; otherwise a path in pytest's own temporary directory. `reuse`:
        the clone that the last such call returned, put back to its template's state:
        for the rounds of a benchmark. `recycle`: "off" for one that no test had before,
        nor has after; in the place of the setting.
        """
        said = self._mark.kwargs if self._mark else {}
        mode, recycle = mode or said.get("mode"), recycle or said.get("recycle")
        checked_recycle(recycle)
        chosen = self._template(specs, channels, template)
        if not reuse:
            return self._rounds.lend(self._clone(chosen, dst, mode, recycle))
        key = (chosen.path, None if dst is None else os.fspath(dst), mode)
        if key not in self._reused or not _reset(self._reused[key]):
            self._reused[key] = self._clone(chosen, dst, mode, recycle)
        return self._reused[key]

    def of_round(self, setup: Callable[[], object]) -> object:
        """Run the set-up of a benchmark's round, after giving back what rounds had before."""
        over = list(filter(self.session.clones.give_back, self._rounds.over()))
        self._made = [clone for clone in self._made if clone not in over]
        with self._rounds.making():
            return setup()

    def _template(
        self,
        specs: tuple[str, ...],
        channels: Sequence[AnyPath] | None,
        template: Template | str | None,
    ) -> Template:
        if specs and template is not None:
            hint = "a template has its specs; base= of cenv_template adds some"
            raise UsageError("specs beside template=", hint=hint)
        if not specs and template is None:
            template = self._name
        if self._mark is not None and not specs and template is None:
            specs = self._mark.args
            channels = channels or self._mark.kwargs.get("channels")
            template = self._mark.kwargs.get("template")
        if isinstance(template, str):
            return self._templates(name=template, channels=channels)
        return template or self._templates(*specs, channels=channels)


def _reset(clone: Clone) -> bool:
    """Put a clone back; False, and it is removed, when it is beyond that."""
    with contextlib.suppress(CenvError, OSError):
        clone.reset()
        return True
    clone.remove()
    return False


class CloneFactory(_Clones):
    """cenv_clone(src, dst=None, mode=None, recycle=None) -> Clone."""

    def __call__(
        self,
        src: AnyPath,
        dst: AnyPath | None = None,
        *,
        mode: CloneMode | None = None,
        recycle: Recycle | None = None,
    ) -> Clone:
        """Clone any conda environment or venv."""
        checked_recycle(recycle)
        source = src if isinstance(src, Template) else None
        template = source or self.session.templates.existing(os.path.abspath(src))
        return self._clone(template, dst, mode, recycle)
