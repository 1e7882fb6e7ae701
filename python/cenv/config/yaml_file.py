# SPDX-License-Identifier: BSD-3-Clause
"""YAML in and out, loaded only where a YAML file is really there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from cenv.config.shape import Node, Number, key_below
from cenv.errors import CenvError, SpecError

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node as YamlNode

T = TypeVar("T")
FILE_MAX = 64 << 20  # bytes of a file of configuration, specs or locks
_NUMBERS = ("int", "float")
_WEIRD = (ValueError, TypeError, LookupError, AttributeError, AssertionError)


def read_text(path: str | os.PathLike[str], error: type[CenvError] = SpecError) -> str:
    """Read a text file, which must be UTF-8 and no larger than FILE_MAX bytes.

    A byte order mark is left out.
    """
    name = os.fspath(path)
    with Path(path).open("rb") as file:
        data = file.read(FILE_MAX + 1)
    if len(data) > FILE_MAX:
        raise error(f"{name} is larger than {FILE_MAX >> 20} MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = data[: wrong.start].count(b"\n") + 1
        raise error(f"{name}, line {line}: not UTF-8 text: {wrong.reason}") from None


def parse(
    name: str, text: str, parser: Callable[[str], T], error: type[CenvError] = SpecError
) -> T:
    """Run a parser of YAML; its mistakes are named with file and line."""
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        return parser(text)
    except MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise error(f"{name}{where}: {wrong.problem or wrong.context}") from None
    except YAMLError as wrong:
        raise error(f"{name}: {str(wrong).splitlines()[0]}") from None
    except RecursionError:
        raise error(f"{name}: nested too deeply") from None
    except _WEIRD as wrong:  # of values that the parser lets pass and cannot make
        raise error(f"{name} is not YAML: {wrong}") from None


def read_tree(path: str | os.PathLike[str]) -> Node:
    """Return the tree of a YAML file; SpecError, with its line, for what is none."""
    return tree_of(read_text(path), os.fspath(path))


def tree_of(text: str, name: str) -> Node:
    """Return the tree of a YAML document, of a file called `name`."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False  # YAML allows to name another value so
    root = parse(name, text, yaml.compose)
    if root is None:
        return Node(None, f"{name}, line 1")
    return parse(name, text, lambda _text: _Tree(name).node(root, ""))


class _Tree:
    """Makes the tree of one file; what an alias repeats is made once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._made: dict[int, Node | None] = {}

    def node(self, node: YamlNode, key: str) -> Node:
        if id(node) in self._made:
            found = self._made[id(node)]
            if found is None:
                raise self._node(None, node, key).fail("it contains itself")
            return found
        self._made[id(node)] = None
        made = self._node(self._value(node, key), node, key)
        self._made[id(node)] = made
        return made

    def _node(self, value: Any, node: YamlNode, key: str) -> Node:
        return Node(value, f"{self._name}, line {node.start_mark.line + 1}", key)

    def _value(self, node: YamlNode, key: str) -> Any:
        from ruamel.yaml.nodes import MappingNode

        kind = str(node.tag).rpartition(":")[2]
        if not isinstance(node.value, list):
            return self._scalar(kind, node.value)
        if isinstance(node, MappingNode):
            return self._members(node, key)
        items = enumerate(node.value)
        return [self.node(item, key_below(key, i)) for i, item in items]

    @staticmethod
    def _scalar(kind: str, text: str) -> Any:
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in {"true", "yes", "on", "y"}
        return Number(text) if kind in _NUMBERS else text

    def _members(self, node: YamlNode, key: str) -> dict[str, Node]:
        found: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for name, value in node.value:
            made = self.node(name, key)
            if isinstance(made.value, (list, dict)):
                raise made.expected("a text as key")
            word = str(name.value)
            if word in found:
                raise made.fail(f"{word} is there twice")
            below = self.node(value, key_below(key, word))
            if below.value is None:  # it may begin on a later line
                below = Node(None, made.where, below.key)
            if str(name.tag).endswith(":merge"):
                merged.update(below.members())
            else:
                found[word] = below
        return {**merged, **found}


def dump_yaml(document: Any, file: TextIO) -> None:
    """Write a document as YAML, keys in the order given; URLs without their secrets."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.representer.add_multi_representer(str, _represent_text)
    yaml.default_flow_style = False
    yaml.width = 4096
    yaml.dump(document, file)


def _represent_text(representer: Any, text: str) -> Any:
    return representer.represent_str(str(text))
