# SPDX-License-Identifier: BSD-3-Clause
"""environment.yml (CEP 24): specs, channels, variables, and what pip is to install."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

from cenv.config.channels import KNOWN_SUBDIRS
from cenv.config.shape import Node
from cenv.errors import UsageError

KEYS = (
    "name",
    "prefix",
    "dependencies",
    "channels",
    "variables",
    "platforms",
    "category",
)
_RESERVED = frozenset({"PATH"})  # conda's
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass
class EnvironmentFile:
    """What one file asks for; `notices` are what is worth saying of it."""

    specs: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    pip: list[str] = field(default_factory=list)  # lines of a requirements file
    platforms: list[str] = field(default_factory=list)  # none: whatever is asked for
    notices: list[str] = field(default_factory=list)


def read(document: Node) -> EnvironmentFile:
    """Return what the file asks for; a key that nobody knows is named in a notice."""
    found = EnvironmentFile()
    for key, node in document.members().items():
        if key not in KEYS:
            found.notices.append(
                f"{node.where}: the key {key} is not known: passed over"
            )
    for item in document.need("dependencies").items("a list of specs"):
        if isinstance(item.value, dict):
            _take_section(item, found)
        else:
            found.specs.append(item.text("a spec as a text"))
    channels = document.get("channels")
    if channels is not None:
        found.channels = channels.texts("a list of channels")
    found.variables = _variables(document.get("variables"))
    found.platforms = _platforms(document)
    _check_names(document)
    _want_pip(document, found)
    return found


def _take_section(item: Node, found: EnvironmentFile) -> None:
    for name, lines in item.members().items():
        if name != "pip":
            hint = "install those into the environment afterwards"
            raise UsageError(f"{item.where}: cenv cannot install {name}:", hint=hint)
        found.pip += lines.texts("a list of requirements")


def _variables(node: Node | None) -> dict[str, str]:
    found = {}
    members = {} if node is None else node.members("a map of names to values")
    for name, value in members.items():
        if not _VARIABLE.fullmatch(name) or name in _RESERVED:
            raise value.fail("expected the name of a variable that may be set")
        found[name] = value.written()
    return found


def _check_names(document: Node) -> None:
    """Check what has no effect here: the command says where the environment lies."""
    for key in ("name", "prefix", "category"):
        node = document.get(key)
        if node is not None:
            node.text()


def _platforms(document: Node) -> list[str]:
    platforms = document.get("platforms")
    items = [] if platforms is None else platforms.items("a list of platforms")
    for item in items:
        if item.text() not in KNOWN_SUBDIRS - {"noarch"}:
            raise item.expected("a platform such as linux-64")
    return [item.text() for item in items]


def _want_pip(document: Node, found: EnvironmentFile) -> None:
    """pip is installed where it is to install something, as conda has it."""
    names = {
        re.split(r"[\s=<>!~\[]", spec.rpartition("::")[2])[0] for spec in found.specs
    }
    if found.pip and "pip" not in names:
        found.specs.append("pip")
        file = document.where.rpartition(", line ")[0]
        found.notices.append(
            f"{file}: pip is added to its dependencies, for its pip section"
        )


def directory_of(path: str | os.PathLike[str]) -> str:
    """Return the directory that relative paths in a pip section start from."""
    return os.path.dirname(os.path.abspath(path))
