# SPDX-License-Identifier: BSD-3-Clause
"""Reading one .condarc or one environment: raw values with their place and flags.

conda marks precedence in comments: `#!final` behind a key, `#!top` and `#!bottom`
behind an item of a list, `#!final` behind a key of a map.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cenv.errors import UsageError

FINAL, TOP, BOTTOM = "final", "top", "bottom"

Value = Any  # str, or list of Raw, or dict of str to Raw


@dataclass(frozen=True)
class Raw:
    """One value as written: a text, a list of Raw or a dict of Raw; None is none."""

    value: Value
    where: str
    flag: str | None = None

    def fail(self, what: str) -> UsageError:
        """Return the error that says where this value stands."""
        return UsageError(f"{self.where}: {what}")


def read_file(path: Path) -> dict[str, Raw]:
    """Return the top-level keys of one YAML file.

    Raises UsageError, naming file and line, for what is not YAML, UTF-8 and a map.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        document = YAML().load(path.read_bytes())
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise _invalid(f"{path}{where}: {error.problem or error.context}") from None
    except YAMLError as error:
        raise _invalid(f"{path}: {str(error).splitlines()[0]}") from None
    except UnicodeDecodeError as error:
        raise _invalid(f"{path}: not UTF-8 text: {error.reason}") from None
    if document is None:
        return {}
    if not isinstance(document, Mapping):
        raise _invalid(f"{path}, line 1: expected a map of keys to values")
    return _members(document, path)


def _invalid(message: str) -> UsageError:
    return UsageError(message, hint="correct the file, or point CONDARC elsewhere")


def _flag(comment: Any) -> str | None:
    """Return the flag in a comment token's first line, as conda reads it."""
    if comment is None:
        return None
    text = comment.value.split("\n", 1)[0].strip().strip("!#").strip()
    return text if text in {FINAL, TOP, BOTTOM} else None


def _members(node: Any, path: Path) -> dict[str, Raw]:
    """Return the members of a map; each knows its line and its flag."""
    comments = node.ca.items
    found = {}
    for key, value in node.items():
        where = f"{path}, line {node.lc.key(key)[0] + 1}"
        found[str(key)] = _raw(
            value, path, where, _flag((comments.get(key) or [None] * 3)[2])
        )
    return found


def _raw(node: Any, path: Path, where: str, flag: str | None) -> Raw:
    if isinstance(node, Mapping):
        return Raw(_members(node, path), where, flag)
    if isinstance(node, list):
        comments = node.ca.items  # type: ignore[attr-defined]
        items = [
            _raw(
                value,
                path,
                f"{path}, line {node.lc.key(i)[0] + 1}",  # type: ignore[attr-defined]
                _flag((comments.get(i) or [None])[0]),
            )
            for i, value in enumerate(node)
        ]
        return Raw(items, where, flag)
    text = {True: "true", False: "false"}.get(node) if isinstance(node, bool) else node
    return Raw(None if text is None else str(text), where, flag)


def read_environment(environ: Mapping[str, str]) -> dict[str, Raw]:
    """Return what CONDA_KEY variables set, by key; `!important` means final."""
    found = {}
    for name, text in environ.items():
        if name.startswith("CONDA_"):
            value, mark, _ = text.partition("!important")
            flag = FINAL if mark else None
            found[name[len("CONDA_") :].lower()] = Raw(value.strip(), f"${name}", flag)
    return found


def candidates(search: str, environ: Mapping[str, str]) -> list[Path]:
    """Return the files one entry of the search path stands for.

    A file counts when it is called .condarc or condarc or ends in .yml or .yaml; a
    directory stands for such files in it, by name.
    """
    path = Path(expand(search, environ))
    if path.is_dir():
        return [p for p in sorted(path.iterdir()) if _is_condarc(p)]
    return [path] if _is_condarc(path) else []


def _is_condarc(path: Path) -> bool:
    named = path.name in {".condarc", "condarc"} or path.suffix in {".yml", ".yaml"}
    return named and os.path.isfile(path)  # Path.is_file raises where we may not look


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
