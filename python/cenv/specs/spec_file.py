# SPDX-License-Identifier: BSD-3-Clause
"""What --file takes: environment.yml, a list of specs, or an @EXPLICIT list."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cenv.config.yaml_file import load_yaml, read_text
from cenv.errors import SpecError, UsageError
from cenv.specs import explicit


@dataclass
class SpecFile:
    """What the files ask for, added up; `records` are from @EXPLICIT lists."""

    specs: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)


def read(paths: Sequence[str | os.PathLike[str]]) -> SpecFile:
    """Read spec files; an @EXPLICIT list stands alone, as there is nothing to solve."""
    found = SpecFile()
    for path in paths:
        _read_one(path, found)
    if found.records and found.specs:
        message = "an @EXPLICIT list cannot be combined with specs to solve"
        raise UsageError(message, hint="create from the list, or from the specs")
    return found


def _read_one(path: str | os.PathLike[str], found: SpecFile) -> None:
    if os.fspath(path).endswith((".yml", ".yaml")):
        _read_environment(path, found)
        return
    lines = read_text(path).splitlines()
    if any(line.strip() == explicit.MARK for line in lines):
        found.records += explicit.parse(lines, os.fspath(path))
    else:
        texts = (line.partition("#")[0].strip() for line in lines)
        found.specs += [text for text in texts if text]


def _read_environment(path: str | os.PathLike[str], found: SpecFile) -> None:
    document = load_yaml(path)
    name = os.fspath(path)
    if not isinstance(document, Mapping) or "dependencies" not in document:
        raise SpecError(
            f"{name} has no list of dependencies", hint="is it an environment.yml?"
        )
    for item in document["dependencies"] or ():
        if isinstance(item, Mapping):
            sections = ", ".join(f"{key}:" for key in item)
            hint = "install those into the environment afterwards: cenv links conda packages only"
            raise UsageError(f"{name} has a {sections} section", hint=hint)
        found.specs.append(str(item))
    found.channels += [str(channel) for channel in document.get("channels") or ()]
