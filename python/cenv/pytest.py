# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures of one's own: an environment for each test, class, module, package or session.

In a conftest or a test module::

    import cenv.pytest

    env = cenv.pytest.fixture("python=3.12", scope="module")

    def test_version(env):
        env.run("python", "--version", check=True)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import pytest

from cenv import pytest_plugin
from cenv._choices import CloneMode

if TYPE_CHECKING:
    from cenv.pytest_plugin.factories import AnyPath, Recycle, TemplateFactory
    from cenv.templates.template import Clone, Template

__all__ = ["fixture"]

Scope = Literal["function", "class", "module", "package", "session"]


def fixture(
    *specs: str,
    scope: Scope | Callable[[str, pytest.Config], Scope] = "function",
    channels: Sequence[AnyPath] | None = None,
    template: str | None = None,
    file: AnyPath | None = None,
    mode: CloneMode | None = None,
    recycle: Recycle | None = None,
    name: str | None = None,
    autouse: bool = False,
) -> Any:
    """Return a fixture that gives a clone, to be kept under the name that tests ask for.

    One clone for each `scope`, given back at its end, or kept when a test failed meanwhile
    (cenv_keep). What it is of: `specs`, `channels`, `template` and `mode` as of cenv_env,
    `file` as of cenv_template; without any of them the default template. `recycle` is that
    of cenv_env. `scope`, `name` and `autouse` are those of pytest.fixture.
    """

    def environment(
        *_instance: object,  # of the class, where it is an attribute of one
        request: pytest.FixtureRequest,
        cenv_template: TemplateFactory,
    ) -> Iterator[Clone]:
        from cenv.pytest_plugin.factories import EnvFactory

        clones = EnvFactory(cenv_template)
        chosen: Template | str | None = template
        given = specs
        if file is not None:
            chosen, given = cenv_template(*specs, file=file, channels=channels), ()
        with pytest_plugin.ending(request, clones):
            yield clones(
                *given, channels=channels, template=chosen, mode=mode, recycle=recycle
            )

    what = " ".join(specs) or template or file or "the default template"
    environment.__doc__ = f"Give a clone of {what}: a path, and run()."
    return pytest.fixture(scope=scope, name=name, autouse=autouse)(environment)
