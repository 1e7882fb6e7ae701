# SPDX-License-Identifier: BSD-3-Clause
"""What the options of a run come to, checked: one frozen value."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cenv.clones import modes
from cenv.errors import UsageError
from cenv.pytest_plugin import options, overlay

DEFAULT_MODE = "auto"


@dataclass(frozen=True)
class Settings:
    """The configuration of a run; None where the package's own default holds."""

    store: str | None
    mode: str
    keep: str
    guard: str
    rebuild: bool
    spares: int | None  # the most kept of a template; None: as the machine allows
    channels: tuple[str, ...]
    specs: tuple[str, ...]
    templates: dict[str, tuple[str, ...]]


def read(config: pytest.Config) -> Settings:
    """Read the options of `config`; raises UsageError for a value that makes no sense."""
    store = options.path(config, "store")
    return Settings(
        store=None if store is None else str(store),
        mode=_mode(config),
        keep=_choice(config, "keep") or _retention(config),
        guard=_choice(config, "guard") or "session",
        rebuild=options.flag(config, "rebuild"),
        spares=_spares(config),
        channels=_channels(config),
        specs=tuple(_words(config, "specs")[0]),
        templates=dict(map(_template, config.getini("cenv_templates") or ())),
    )


def check_mode(mode: str) -> str:
    """Return a mode that there is."""
    return _one_of("mode", mode, modes.names())


def _one_of(name: str, value: str, choices: Sequence[str]) -> str:
    if value not in choices:
        hint = f"expected one of {', '.join(choices)}"
        raise UsageError(f"cenv_{name} is '{value}'", hint=hint)
    return value


def _choice(config: pytest.Config, name: str) -> str | None:
    value = options.text(config, name)
    return None if value is None else _one_of(name, value, options.choices(name))


def _mode(config: pytest.Config) -> str:
    mode = check_mode(options.text(config, "mode") or DEFAULT_MODE)
    return DEFAULT_MODE if modes.is_mount(mode) and overlay.is_refused(config) else mode


def _retention(config: pytest.Config) -> str:
    """Keep no more than pytest keeps of its own temporary directories."""
    try:
        policy = config.getini("tmp_path_retention_policy")
    except (KeyError, ValueError):  # -p no:tmpdir
        policy = None
    return "none" if policy == "none" else "failed"


def _spares(config: pytest.Config) -> int | None:
    value = options.text(config, "spares") or "auto"
    if value == "auto":
        return None
    if not value.isdecimal():
        raise UsageError(f"cenv_spares is '{value}'", hint="expected 0, a number, auto")
    return int(value)


def _words(config: pytest.Config, name: str) -> tuple[list[str], Path]:
    for value, base in options.given(config, name):
        words = shlex.split(value) if isinstance(value, str) else list(value)
        return words, base
    return [], config.rootpath


def _channels(config: pytest.Config) -> tuple[str, ...]:
    words, base = _words(config, "channels")
    return tuple(
        os.path.normpath(base / word) if word.startswith(("./", "../")) else word
        for word in words
    )


def _template(line: Any) -> tuple[str, tuple[str, ...]]:
    name, colon, specs = str(line).partition(":")
    if not colon or not name.strip():
        hint = "expected 'name: specs', such as py312: python=3.12 pip"
        raise UsageError(f"cenv_templates: '{line}' names no template", hint=hint)
    return name.strip(), tuple(shlex.split(specs))
