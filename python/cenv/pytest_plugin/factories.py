# SPDX-License-Identifier: BSD-3-Clause
"""What the fixtures give: plain callables that make templates and clones."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest

from cenv.errors import UsageError
from cenv.pytest_plugin.session import EnvSession, prefix_key
from cenv.store import Clone, Template

AnyPath = str | os.PathLike[str]


class TemplateFactory:
    """cenv_template(*specs, channels=None, ...) -> Template."""

    def __init__(self, session: EnvSession) -> None:
        self.session = session

    def __call__(
        self,
        *specs: str,
        channels: Sequence[AnyPath] | None = None,
        prefix: AnyPath | None = None,
        file: AnyPath | None = None,
        platform: str | None = None,
        **options: Any,
    ) -> Template:
        """Return the template of `specs`, of a spec file, or of an existing environment.

        `channels` replace those of ini. Without arguments: the default template.
        """
        if prefix is not None:
            if specs or file is not None:
                raise UsageError(
                    "prefix= names a whole environment: give no specs beside it"
                )
            path = os.path.abspath(prefix)
            return self.session.template(prefix_key(path), lambda: self._existing(path))
        wanted, given, records = self._wanted(specs, file)
        sources = tuple(
            c if isinstance(c, str) else os.path.abspath(c)
            for c in channels or given or self.session.settings.channels
        )
        key = (wanted, sources, platform, str(records), tuple(sorted(options.items())))
        return self.session.template(
            key,
            lambda: self.session.store.template(
                wanted,
                sources or None,
                records=records or None,
                platform=platform,
                rebuild=self.session.settings.rebuild,
                **options,
            ),
            " ".join(wanted),
        )

    def _wanted(
        self, specs: tuple[str, ...], file: AnyPath | None
    ) -> tuple[tuple[str, ...], list[str], list[dict[str, Any]]]:
        if file is not None:
            from cenv import specfile

            found = specfile.read([file])
            return (*specs, *found.specs), found.channels, found.records
        return specs or self._default(), [], []

    def _default(self) -> tuple[str, ...]:
        if not self.session.settings.specs:
            hint = "set cenv_specs in ini, or give specs"
            raise UsageError("no specs given, and cenv_specs is not set", hint=hint)
        return self.session.settings.specs

    def _existing(self, path: str) -> Template:
        if not os.path.isdir(path):
            raise UsageError(f"no environment at {path}")
        return Template(path=path, id="", store=self.session.store.path)

    def named(self, name: str) -> Template:
        """Return a template that ini's cenv_templates names."""
        known = self.session.settings.templates
        if name not in known:
            hint = f"cenv_templates names: {', '.join(known) or 'nothing'}"
            raise UsageError(f"no template is named '{name}'", hint=hint)
        return self(*known[name])


class _Clones:
    """Clones that end with a fixture."""

    def __init__(self, session: EnvSession) -> None:
        self.session = session
        self._made: list[Clone] = []

    def _clone(
        self, template: Template, dst: AnyPath | None, mode: str | None
    ) -> Clone:
        target = self.session.new_path() if dst is None else dst
        clone = self.session.clone(template, target, mode)
        self._made.append(clone)
        return clone

    def close(self, *, failed: bool) -> None:
        """Remove the clones, unless they are to be kept."""
        if self.session.keeps(failed=failed):
            return
        while self._made:
            self._made.pop().remove()


class EnvFactory(_Clones):
    """cenv_env(*specs, channels=None, template=None, dst=None, mode=None) -> Clone."""

    def __init__(self, templates: TemplateFactory, mark: pytest.Mark | None) -> None:
        super().__init__(templates.session)
        self._templates = templates
        self._mark = mark
        if mark is not None:
            _check_mark(mark)

    def __call__(
        self,
        *specs: str,
        channels: Sequence[AnyPath] | None = None,
        template: Template | str | None = None,
        dst: AnyPath | None = None,
        mode: str | None = None,
    ) -> Clone:
        """Return a fresh clone, removed when the fixture ends; also a context manager.

        `template`: a Template, or a name of ini's cenv_templates. `dst`: absent or an
        empty directory; otherwise a path of pytest's own temporary directory.
        """
        return self._clone(self._template(specs, channels, template), dst, mode)

    def _template(
        self,
        specs: tuple[str, ...],
        channels: Sequence[AnyPath] | None,
        template: Template | str | None,
    ) -> Template:
        if self._mark is not None and not specs and template is None:
            specs = self._mark.args
            channels = channels or self._mark.kwargs.get("channels")
            template = self._mark.kwargs.get("template")
        if isinstance(template, str):
            return self._templates.named(template)
        return template or self._templates(*specs, channels=channels)


def _check_mark(mark: pytest.Mark) -> None:
    unknown = set(mark.kwargs) - {"channels", "template"}
    if unknown:
        hint = "it takes specs, channels= and template="
        raise UsageError(
            f"pytest.mark.cenv: unknown {', '.join(sorted(unknown))}", hint=hint
        )


class CloneFactory(_Clones):
    """cenv_clone(src, dst=None, mode=None) -> Clone."""

    def __call__(
        self, src: AnyPath, dst: AnyPath | None = None, *, mode: str | None = None
    ) -> Clone:
        """Clone any conda environment or venv."""
        source = src if isinstance(src, Template) else None
        template = source or Template(
            path=os.path.abspath(src), id="", store=self.session.store.path
        )
        return self._clone(template, dst, mode)
