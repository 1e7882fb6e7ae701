# SPDX-License-Identifier: BSD-3-Clause
"""Reading one .condarc or one environment: raw values with their place and flags.

conda marks precedence in comments: `#!final` behind a key, `#!top` and `#!bottom`
behind an item of a list, `#!final` behind a key of a map.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from os.path import isdir, isfile  # bound here: a test may mock os.path
from pathlib import Path
from typing import Any, ClassVar

from cenv.config.shape import Node, key_below
from cenv.errors import CenvError, UsageError

FINAL, TOP, BOTTOM = "final", "top", "bottom"


@dataclass(frozen=True)
class Raw(Node):
    """One value as written: a text, a list of Raw or a dict of Raw; None is none."""

    error: ClassVar[type[CenvError]] = UsageError


class _InvalidError(UsageError):
    hint = "correct the file, or point CONDARC elsewhere"


def read_file(path: Path) -> dict[str, Raw]:
    """Return the top-level keys of one YAML file.

    Raises UsageError, naming file and line, for what is not YAML, UTF-8 and a map.
    """
    from ruamel.yaml import YAML

    from cenv.config.yaml_file import parse, read_text

    name = str(path)
    yaml = YAML()
    yaml.composer.warn_double_anchors = False
    document = parse(name, read_text(path, _InvalidError), yaml.load, _InvalidError)
    if document is None:
        return {}
    if not isinstance(document, Mapping):
        raise _InvalidError(f"{name}, line 1: expected a map of keys to values")
    return parse(name, "", lambda _text: _members(document, path, ""), _InvalidError)


def _flag(comment: Any) -> str | None:
    """Return the flag in a comment token's first line, as conda reads it."""
    if comment is None:
        return None
    text = comment.value.split("\n", 1)[0].strip().strip("!#").strip()
    return text if text in {FINAL, TOP, BOTTOM} else None


def _members(node: Any, path: Path, key: str) -> dict[str, Raw]:
    """Return the members of a map; each knows its line and its flag."""
    comments = node.ca.items
    found = {}
    for name, value in node.items():
        where = f"{path}, line {node.lc.key(name)[0] + 1}"
        flag = _flag((comments.get(name) or [None] * 3)[2])
        found[str(name)] = _raw(value, path, where, key_below(key, str(name)), flag)
    return found


def _items(node: Any, path: Path, key: str) -> list[Raw]:
    comments = node.ca.items
    found = []
    for i, value in enumerate(node):
        where = f"{path}, line {node.lc.key(i)[0] + 1}"
        flag = _flag((comments.get(i) or [None])[0])
        found.append(_raw(value, path, where, key_below(key, i), flag))
    return found


def _raw(node: Any, path: Path, where: str, key: str, flag: str | None) -> Raw:
    if isinstance(node, Mapping):
        return Raw(_members(node, path, key), where, key, flag)
    if isinstance(node, list):
        return Raw(_items(node, path, key), where, key, flag)
    text = {True: "true", False: "false"}.get(node) if isinstance(node, bool) else node
    return Raw(None if text is None else str(text), where, key, flag)


def read_environment(environ: Mapping[str, str]) -> dict[str, Raw]:
    """Return what CONDA_KEY variables set, by key; `!important` means final."""
    found = {}
    for name, text in environ.items():
        if name.startswith("CONDA_"):
            value, mark, _ = text.partition("!important")
            flag = FINAL if mark else None
            key = name[len("CONDA_") :].lower()
            found[key] = Raw(value.strip(), f"${name}", key, flag)
    return found


def candidates(search: str, environ: Mapping[str, str]) -> list[Path]:
    """Return the files one entry of the search path stands for.

    A file counts when it is called .condarc or condarc or ends in .yml or .yaml; a
    directory stands for such files in it, by name.
    """
    place = expand(search, environ)
    if isdir(place):
        names = sorted(os.listdir(place))
        return [Path(place, name) for name in names if _is_condarc(place, name)]
    directory, name = os.path.split(place)
    return [Path(place)] if _is_condarc(directory, name) else []


def _is_condarc(directory: str, name: str) -> bool:
    named = name in {".condarc", "condarc"} or name.endswith((".yml", ".yaml"))
    return named and isfile(os.path.join(directory, name))


def expand(text: str, environ: Mapping[str, str]) -> str:
    """Replace $NAME, ${NAME} and a leading ~; what is not set stays."""
    if "$" in text:
        import re

        text = re.sub(
            r"\$(?:(\w+)|\{(\w+)\})",
            lambda found: environ.get(found[1] or found[2], found[0]),
            text,
        )
    if text.startswith("~") and "HOME" in environ and text[1:2] in {"", "/"}:
        return environ["HOME"] + text[1:]
    return text
