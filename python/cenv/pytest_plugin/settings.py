# SPDX-License-Identifier: BSD-3-Clause
"""What the plugin is told: argument > command line > environment > ini."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cenv.errors import UsageError

MODES = ("auto", "reflink", "hardlink", "copy", "overlay")
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
    spares: int | None  # the most kept of a template; None: as the machine allows
    channels: tuple[str, ...]
    specs: tuple[str, ...]
    templates: dict[str, tuple[str, ...]]


def read(config: pytest.Config) -> Settings:
    """Read the configuration of `config`, the environment and ini."""
    return Settings(
        store=_path(config, "store"),
        mode=_mode(config),
        keep=_choice(config, "keep", KEEPS) or _retention(config),
        guard=_choice(config, "guard", GUARDS) or "session",
        rebuild=bool(config.getoption("cenv_rebuild")),
        spares=_spares(config),
        channels=_channels(config),
        specs=tuple(_words(config, "specs")[0]),
        templates=dict(map(_template, config.getini("cenv_templates") or ())),
    )


def _sources(config: pytest.Config, name: str) -> Iterator[tuple[Any, Path]]:
    """Yield the values of a setting, strongest first, and what their paths are relative to."""
    started = config.invocation_params.dir
    beside = config.inipath.parent if config.inipath else config.rootpath
    yield config.getoption(f"cenv_{name}", None), started
    yield os.environ.get(f"CENV_{name.upper()}"), started
    yield config.getini(f"cenv_{name}"), beside


def _text(config: pytest.Config, name: str) -> str | None:
    return next((str(value) for value, _ in _sources(config, name) if value), None)


def _path(config: pytest.Config, name: str) -> str | None:
    for value, base in _sources(config, name):
        if value:
            return str(base / Path(str(value)).expanduser())
    return None


def _choice(config: pytest.Config, name: str, choices: tuple[str, ...]) -> str | None:
    value = _text(config, name)
    if value is not None and value not in choices:
        hint = f"expected one of {', '.join(choices)}"
        raise UsageError(f"cenv_{name} is '{value}'", hint=hint)
    return value


def _mode(config: pytest.Config) -> str | None:
    mode = _choice(config, "mode", MODES)
    if mode == "overlay":
        from cenv.pytest_plugin import overlay

        return overlay.mode_of(config, mode)
    return mode


def _retention(config: pytest.Config) -> str:
    """Keep no more than pytest keeps of its own temporary directories."""
    try:
        policy = config.getini("tmp_path_retention_policy")
    except (KeyError, ValueError):  # -p no:tmpdir
        policy = None
    return "none" if policy == "none" else "failed"


def _spares(config: pytest.Config) -> int | None:
    value = _text(config, "spares") or "auto"
    if value == "auto":
        return None
    if not value.isdecimal():
        raise UsageError(f"cenv_spares is '{value}'", hint="expected 0, a number, auto")
    return int(value)


def _words(config: pytest.Config, name: str) -> tuple[list[str], Path]:
    for value, base in _sources(config, name):
        if value:
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
