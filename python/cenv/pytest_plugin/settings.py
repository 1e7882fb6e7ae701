# SPDX-License-Identifier: BSD-3-Clause
"""What the options of a run come to, checked: one frozen value."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from cenv._choices import CloneMode
from cenv.clones import modes
from cenv.config.sizes import parse_size
from cenv.errors import UsageError
from cenv.pytest_plugin import options, overlay
from cenv.pytest_plugin.options import Given

DEFAULT_MODE: CloneMode = "auto"
Word = TypeVar("Word", bound=str)


@dataclass(frozen=True)
class Settings:
    """The configuration of a run; None where the package's own default holds."""

    store: str | None
    mode: CloneMode
    keep: str
    guard: str
    mirrors: str
    recycle: str
    memory: int | None  # bytes that may be remembered of clones' paths
    rebuild: bool
    spares: int | None  # the most kept of a template; None: as the machine allows
    channels: tuple[str, ...]
    specs: tuple[str, ...]  # of the default template
    templates: dict[str, tuple[str, ...]]
    offline: bool
    remote: str  # "": there is none
    remote_push: bool


def read(config: pytest.Config) -> Settings:
    """Read the options of `config`; raises pytest.UsageError for a value that makes no sense."""
    store = options.path(config, "store")
    named = dict(_templates(config))
    return Settings(
        store=None if store is None else str(store),
        mode=_mode(config),
        keep=_choice(config, "keep") or _retention(config),
        guard=_choice(config, "guard") or "session",
        mirrors=_choice(config, "mirrors") or "run",
        recycle=_choice(config, "recycle") or "auto",
        memory=_memory(config),
        rebuild=options.flag(config, "rebuild"),
        spares=_spares(config),
        channels=_channels(config),
        specs=_default_specs(config, named),
        templates=named,
        offline=options.flag(config, "offline"),
        remote=_remote(config),
        remote_push=options.flag(config, "remote_push"),
    )


def _one_of(item: Given, choices: Sequence[Word]) -> Word:
    value = options.one_text(item)
    for choice in choices:
        if choice == value:
            return choice
    raise options.wrong(item, f"expected one of {', '.join(choices)}")


def _choice(config: pytest.Config, name: str) -> str | None:
    found = next(options.given(config, name), None)
    return None if found is None else _one_of(found, options.choices(name))


def _mode(config: pytest.Config) -> CloneMode:
    found = next(options.given(config, "mode"), None)
    if found is None:
        return DEFAULT_MODE
    mode = _one_of(found, modes.names())
    return DEFAULT_MODE if modes.is_mount(mode) and overlay.is_refused(config) else mode


def _retention(config: pytest.Config) -> str:
    """Keep no more than pytest keeps of its own temporary directories."""
    try:
        policy = config.getini("tmp_path_retention_policy")
    except (KeyError, ValueError):  # -p no:tmpdir
        policy = None
    return "none" if policy == "none" else "failed"


def _remote(config: pytest.Config) -> str:
    for item in options.given(config, "remote"):
        from cenv.templates.remote import Remote

        text = options.one_text(item).strip()
        try:
            if text:
                Remote(text)
        except UsageError as error:
            raise pytest.UsageError(f"{item.where}: {error}") from None
        return text
    return ""


def _memory(config: pytest.Config) -> int | None:
    for item in options.given(config, "memory"):
        try:
            return parse_size(options.one_text(item))
        except UsageError:
            raise options.wrong(item, "expected a number, or 500M, 10G") from None
    return None


def _spares(config: pytest.Config) -> int | None:
    for item in options.given(config, "spares"):
        value = options.one_text(item)
        if value == "auto":
            return None
        if not (value.isascii() and value.isdecimal()):
            raise options.wrong(item, "expected 0, a number, or auto")
        return int(value)
    return None


def _words(config: pytest.Config, name: str) -> tuple[list[str], Path]:
    for item in options.given(config, name):
        return _split(item, item.value), item.base
    return [], config.rootpath


def _split(item: Given, value: Any) -> list[str]:
    """Return the words of a text, split as a shell does, or those of a list."""
    if isinstance(value, (list, tuple)) and all(isinstance(v, str) for v in value):
        return list(value)
    if not isinstance(value, str):
        raise options.wrong(item, "expected words, or a list of them")
    try:
        return shlex.split(value)
    except ValueError as error:
        raise options.wrong(item, f"{error}".lower()) from None


def _default_specs(
    config: pytest.Config, named: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """Return the specs of the default template: told, or those of a name that is told.

    Of a name and specs that different sources tell the stronger one holds.
    """
    name = next(options.given(config, "template"), None)
    specs = next(options.given(config, "specs"), None)
    if name is None or (specs is not None and specs.rank < name.rank):
        return tuple(_words(config, "specs")[0])
    if specs is not None and specs.rank == name.rank:
        hint = f"which template is the default is told by {specs.where}, too"
        raise options.wrong(name, hint)
    chosen = options.one_text(name)
    if chosen not in named:
        known = ", ".join(named) or "nothing"
        raise options.wrong(name, f"cenv_templates names {known}")
    return named[chosen]


def _channels(config: pytest.Config) -> tuple[str, ...]:
    words, base = _words(config, "channels")
    return tuple(
        os.path.normpath(base / word) if word.startswith(("./", "../")) else word
        for word in words
    )


def _templates(config: pytest.Config) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the named templates: lines 'name: specs', or a table of TOML."""
    for item in options.given(config, "templates"):
        lines = item.value
        if isinstance(lines, Mapping):
            for name, specs in lines.items():
                yield name, tuple(_split(item, specs))
            continue
        lines = lines.splitlines() if isinstance(lines, str) else lines
        if not isinstance(lines, list):
            raise options.wrong(item, "expected lines of 'name: specs'")
        for line in lines:
            yield _template(item, line)


def _template(item: Given, line: Any) -> tuple[str, tuple[str, ...]]:
    name, colon, specs = str(line).partition(":")
    if not colon or not name.strip():
        hint = "expected 'name: specs', such as py312: python=3.12 pip"
        raise options.wrong(item._replace(value=line), hint)
    return name.strip(), tuple(_split(item, specs))
