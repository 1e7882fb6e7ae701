# SPDX-License-Identifier: BSD-3-Clause
"""The mark `cenv`: what it may say. Light, as it is read when tests are collected."""

from __future__ import annotations

from typing import Any

import pytest

from cenv.errors import UsageError

_KNOWN = ("channels", "template", "mode", "recycle")


def check(mark: pytest.Mark) -> None:
    """Raise UsageError for what a mark cannot mean."""
    unknown = sorted(set(mark.kwargs) - set(_KNOWN))
    if unknown:
        hint = "it takes specs, channels=, template=, mode= and recycle="
        raise UsageError(f"pytest.mark.cenv: unknown {', '.join(unknown)}", hint=hint)
    if mark.args and "template" in mark.kwargs:
        hint = "a template has its specs; base= of cenv_template adds some"
        raise UsageError("pytest.mark.cenv: specs beside template=", hint=hint)
    names = templates(mark)
    if not all(isinstance(name, str) for name in names):
        hint = "template= takes a name of cenv_templates, or a list of them"
        raise UsageError(f"pytest.mark.cenv: {names!r} are no names", hint=hint)


def templates(mark: pytest.Mark) -> list[Any]:
    """Return the names of templates that the mark tells."""
    given = mark.kwargs.get("template")
    if given is None:
        return []
    return list(given) if isinstance(given, (list, tuple)) else [given]


def parametrize(metafunc: pytest.Metafunc, mark: pytest.Mark) -> None:
    """Run a test once for each template of `template=[...]`; the names are the ids."""
    check(mark)
    if isinstance(mark.kwargs.get("template"), (list, tuple)):
        metafunc.parametrize("cenv_env", templates(mark), indirect=True)
