# SPDX-License-Identifier: BSD-3-Clause
"""YAML in and out, loaded only where a YAML file is really there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TextIO

from cenv.errors import SpecError


def load_yaml(path: str | os.PathLike[str]) -> Any:
    """Parse a YAML file (the safe subset); a mistake is named with its line."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    text = read_text(path)
    try:
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise SpecError(f"{os.fspath(path)}{where}: {error.problem}") from None
    except YAMLError as error:
        raise SpecError(f"{os.fspath(path)}: {error}") from None


def dump_yaml(document: Any, file: TextIO) -> None:
    """Write a document as YAML, keys in the order given."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 4096
    yaml.dump(document, file)


def read_text(path: str | os.PathLike[str]) -> str:
    """Read a text file, which must be UTF-8."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SpecError(f"{os.fspath(path)} is not UTF-8 text: {error}") from None
