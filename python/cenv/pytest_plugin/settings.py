# SPDX-License-Identifier: BSD-3-Clause
"""What the plugin is told: argument > command line > environment > ini."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from typing import Any

import pytest

from cenv.errors import UsageError

MODES = ("auto", "reflink", "hardlink", "copy")
KEEPS = ("failed", "all", "none")
GUARDS = ("session", "test", "off")


@dataclass(frozen=True)
class Settings:
    """The configuration of a run; None where the package's own default holds."""

    store: str | None
    mode: str | None
    keep: str
    guard: str
    rebuild: bool
    channels: tuple[str, ...]
    specs: tuple[str, ...]
    templates: dict[str, tuple[str, ...]]


def read(config: pytest.Config) -> Settings:
    """Read the configuration of `config`, the environment and ini."""
    return Settings(
        store=_text(config, "store"),
        mode=_choice(config, "mode", MODES),
        keep=_choice(config, "keep", KEEPS) or "failed",
        guard=_choice(config, "guard", GUARDS) or "session",
        rebuild=bool(config.getoption("cenv_rebuild")),
        channels=_words(config, "channels"),
        specs=_words(config, "specs"),
        templates=dict(map(_template, config.getini("cenv_templates") or ())),
    )


def _text(config: pytest.Config, name: str) -> str | None:
    values = (
        config.getoption(f"cenv_{name}", None),
        os.environ.get(f"CENV_{name.upper()}"),
        config.getini(f"cenv_{name}"),
    )
    return next((str(value) for value in values if value), None)


def _choice(config: pytest.Config, name: str, choices: tuple[str, ...]) -> str | None:
    value = _text(config, name)
    if value is not None and value not in choices:
        hint = f"expected one of {', '.join(choices)}"
        raise UsageError(f"cenv_{name} is '{value}'", hint=hint)
    return value


def _words(config: pytest.Config, name: str) -> tuple[str, ...]:
    environment = os.environ.get(f"CENV_{name.upper()}")
    if environment:
        return tuple(shlex.split(environment))
    return tuple(config.getini(f"cenv_{name}") or ())


def _template(line: Any) -> tuple[str, tuple[str, ...]]:
    name, colon, specs = str(line).partition(":")
    if not colon or not name.strip():
        hint = "expected 'name: specs', such as py312: python=3.12 pip"
        raise UsageError(f"cenv_templates: '{line}' names no template", hint=hint)
    return name.strip(), tuple(shlex.split(specs))
