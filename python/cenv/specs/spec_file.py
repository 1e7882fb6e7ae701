# SPDX-License-Identifier: BSD-3-Clause
"""What --file takes, told by its content: environment.yml, a lock, or a list.

A list is one of specs, or an @EXPLICIT one. Locks are conda-lock's and pixi's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from cenv._arguments import listed
from cenv.config.config import load
from cenv.config.shape import Node
from cenv.config.yaml_file import read_text, tree_of
from cenv.errors import SpecError, UsageError
from cenv.solving.virtual_packages import current_platform
from cenv.specs import conda_lock, environment_yml, explicit, pixi_lock
from cenv.specs.extras import Extras, PipSection

_YAML = (".yml", ".yaml", ".lock")
_YAML_KEY = re.compile(r"(?m)^(?:dependencies|package|packages|environments)\s*:")


@dataclass
class SpecFile:
    """What the files ask for, added up; `records` are of lists and locks."""

    specs: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    template: str | None = None  # the id that a lock tells for its packages
    is_list: bool = False  # some file says which packages, without a solve
    extras: Extras = field(default_factory=Extras)
    notices: list[str] = field(default_factory=list)


def read(
    paths: Sequence[str | os.PathLike[str]],
    *,
    platform: str | None = None,
    categories: Collection[str] = (),
) -> SpecFile:
    """Read spec files; a list of packages stands alone, as there is nothing to solve.

    Of locks, what is for `platform` (else this machine's), and of what is optional the
    `categories` asked for. Raises SpecError, naming file, line and key.
    """
    found = SpecFile()
    for path in listed(paths, "paths"):
        _read_one(path, found, platform, categories)
    if found.extras.pip:
        found.extras.offline = load().offline
    if found.is_list and found.specs:
        message = "a list or lock of packages cannot be combined with specs to solve"
        raise UsageError(message, hint="create from the list, or from the specs")
    if categories and not found.is_list:
        raise UsageError("only lock files have categories")
    return found


def _read_one(
    path: str | os.PathLike[str],
    found: SpecFile,
    platform: str | None,
    categories: Collection[str],
) -> None:
    name = os.fspath(path)
    if name.endswith(".toml"):
        hint = (
            "install what a pylock.toml locks with pip, from an environment.yml's pip:"
        )
        raise UsageError(f"{name} is TOML, which locks no conda packages", hint=hint)
    text = read_text(path)
    lines = text.splitlines()
    if any(line.strip() == explicit.MARK for line in lines):
        found.is_list = True
        found.records += explicit.parse(lines, name)
    elif name.endswith(_YAML) or _YAML_KEY.search(text):
        _read_yaml(tree_of(text, name), path, found, platform, categories)
    else:
        texts = (re.split(r"(?:^|\s)#", line)[0].strip() for line in lines)
        found.specs += [text for text in texts if text]


def _read_yaml(
    document: Node,
    path: str | os.PathLike[str],
    found: SpecFile,
    platform: str | None,
    categories: Collection[str],
) -> None:
    members = document.members("an environment.yml or a lock")
    if "dependencies" in members:
        asked = environment_yml.read(document)
        _take(asked, path, found)
        _tell_platform(asked.platforms, path, found, platform or current_platform())
        return
    locks = {"package": conda_lock.read, "environments": pixi_lock.read}
    read_lock = next((locks[key] for key in locks if key in members), None)
    if read_lock is None:
        hint = "is it an environment.yml, a conda-lock file, or a pixi.lock?"
        message = "there are neither dependencies nor locked packages"
        raise SpecError(f"{document.where}: {message}", hint=hint)
    here = platform or current_platform()
    if "package" in members and not found.records and not categories:
        found.template = conda_lock.template(document, here)
    found.is_list = True
    found.records += read_lock(document, here, categories)


def _take(
    asked: environment_yml.EnvironmentFile,
    path: str | os.PathLike[str],
    found: SpecFile,
) -> None:
    found.specs += asked.specs
    found.channels += asked.channels
    found.notices += asked.notices
    found.extras.variables.update(asked.variables)
    if asked.pip:
        directory = environment_yml.directory_of(path)
        found.extras.pip.append(PipSection(directory, tuple(asked.pip)))


def _tell_platform(
    platforms: list[str],
    path: str | os.PathLike[str],
    found: SpecFile,
    platform: str,
) -> None:
    if platforms and platform not in platforms:
        meant = ", ".join(platforms)
        found.notices.append(
            f"{os.fspath(path)}: it is for {meant}, not for {platform}"
        )
