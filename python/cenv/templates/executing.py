# SPDX-License-Identifier: BSD-3-Clause
"""A program run in an environment that is not linked, in one call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from subprocess import CompletedProcess
from typing import Any

from cenv._options import SOLVE_OPTIONS
from cenv.errors import LinkError
from cenv.model import Record
from cenv.templates.environment import Argument
from cenv.templates.path_like import AnyPath
from cenv.templates.store import TemplateStore


def exec(  # noqa: A001
    specs: Iterable[object],
    *argv: Argument | Sequence[Argument],
    channels: Sequence[AnyPath] | None = None,
    records: Iterable[Record] | None = None,
    platform: str | None = None,
    store: AnyPath | None = None,
    offline: bool = False,
    fallback: bool = False,
    env: Mapping[str, str] | None = None,
    activate: bool | None = None,
    **options: Any,
) -> CompletedProcess[Any]:
    """Run a program in an environment of `specs` that nobody linked; what it writes vanishes.

    The first arguments are as of TemplateStore.layered, the others as of its run().
    `fallback`: where the machine shows no layers, run it in a clone of the template.
    Raises what these raise.
    """
    __tracebackhide__ = True
    solving = {name: options.pop(name) for name in SOLVE_OPTIONS if name in options}
    asked: dict[str, Any] = {
        "specs": specs,
        "channels": channels,
        "records": records,
        "platform": platform,
        "offline": offline,
        **solving,
    }
    templates = TemplateStore(store)
    running: dict[str, Any] = {"env": env, "activate": activate, **options}
    try:
        return templates.layered(**asked).run(*argv, **running)
    except LinkError:
        if not fallback:
            raise
    with templates.template(**asked).clone() as clone:
        return clone.run(*argv, **running)
