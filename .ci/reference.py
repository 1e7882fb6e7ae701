# SPDX-License-Identifier: BSD-3-Clause
"""Write the pages of docs/reference from the code: `make docs` runs it, a test compares.

    python .ci/reference.py [DIRECTORY]

Commands come from the parsers, settings from the plugin's table, JSON from the values
that cenv returns.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cenv import model
from cenv.cli import parser, tree
from cenv.pytest_plugin import options

TOP = Path(__file__).resolve().parent.parent
SCHEMA = TOP / "python/cenv/pytest_plugin/report.schema.json"
# What --json of a command prints.
PRINTED = {
    "solve": model.Solution,
    "create, template build": model.PrefixReport,
    "clone": model.CloneReport,
    "reset": model.ResetReport,
    "verify": model.VerifyReport,
    "template check": model.CheckReport,
}
PARTS = (model.PackageRecord, model.Stage, model.Notice, model.Alteration)
WORDS = (
    (r"tuple\[(.*), \.\.\.\]", r"list of \1"),
    (r"Mapping\[str, (.*?)\]", r"object of \1"),
    (r" of Any\b", ""),
    (r"\bstr\b", "string"),
    (r"\b(int|float)\b", "number"),
    (r"\bbool\b", "boolean"),
    (r" \| None", " or null"),
)
NOTE = "<!-- Made by .ci/reference.py from the code: change that, then `make docs`. -->"


def cell(text: object) -> str:
    """Return a text as the cell of a table."""
    return re.sub(r"\s+", " ", str(text)).replace("|", "\\|").strip()


def page(name: str, heading: str = "") -> str:
    """Return a link to a page of docs/, given from the top of the repository."""
    inside = name.removeprefix("docs/")
    return f"[{inside}](../{inside}{heading})"


def table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Return the lines of a table; none without rows."""
    lines = [[cell(item) for item in row] for row in rows]
    if lines:
        heads = list(heads)
        yield from ("| " + " | ".join(heads) + " |", "|" + "---|" * len(heads))
        yield from ("| " + " | ".join(line) + " |" for line in lines)
        yield ""


def written(action: argparse.Action) -> str:
    """Return how an argument or option is typed."""
    value = action.metavar or (
        ",".join(map(str, action.choices)) if action.choices else action.dest.upper()
    )
    if not action.option_strings:
        many = {"*": f"[{value} ...]", "+": f"{value} ...", "?": f"[{value}]"}
        return f"`{many.get(str(action.nargs), value)}`"
    names = ", ".join(f"`{name}`" for name in action.option_strings)
    return names if action.nargs == 0 else f"{names} `{value}`"


def arguments(actions: Iterable[argparse.Action]) -> Iterator[str]:
    """Return the table of arguments and options."""
    shown = [a for a in actions if a.help is not argparse.SUPPRESS]
    return table(("", "does"), ((written(a), a.help or "") for a in shown))


def commands() -> Iterator[str]:
    """Return the page of commands."""
    main = parser.main_parser().actions()
    yield from ("# Commands", "", NOTE, "")
    yield "Every command and option, as `--help` tells it."
    yield f"{page('docs/command-line.md')} says how they work together."
    yield from (
        "",
        "## Options of every command",
        "",
        "Before the command or behind it.",
    )
    yield ""
    yield from arguments(main)
    common = {name for action in main for name in action.option_strings}
    for words in tree.every():
        found = parser.command_parser(words)
        yield from (
            f"## {found.prog}",
            "",
            f"{(found.description or '').capitalize()}.",
        )
        yield ""
        own = [a for a in found.actions() if not common & {*a.option_strings}]
        yield from arguments(own)


def places(option: options.Option) -> tuple[str, str, str]:
    """Return where a setting can be made: ini, command line, environment."""
    switch = option.switch if option.on_command_line else ""
    if option.argument:
        switch += f" {option.argument}"
    if option.choices:
        switch += f" {','.join(option.choices)}"
    return (
        f"`cenv_{option.name}`" if option.ini else "",
        f"`{switch}`" if switch else "",
        f"`CENV_{option.name.upper()}`" if option.variable else "",
    )


def settings() -> Iterator[str]:
    """Return the page of the plugin's settings."""
    yield from ("# Settings of the plugin", "", NOTE, "")
    yield "A setting is taken from the argument of the call, else from the command line,"
    where = page("docs/pytest.md", "#settings")
    yield f"else from the environment, else from ini. {where} says what they are for."
    yield ""
    rows = ((*places(option), option.help) for option in options.OPTIONS)
    yield from table(("ini", "command line", "environment", "does"), rows)


def json_type(text: str) -> str:
    """Return JSON's words for a type of Python's."""
    for pattern, word in WORDS:
        text = re.sub(pattern, word, text)
    return text


def fields(kind: type[Any]) -> Iterator[str]:
    """Return the table of a value's keys."""
    found = [f for f in dataclasses.fields(kind) if f.name != "raw"]
    rows = ((f"`{f.name}`", json_type(str(f.type))) for f in found)
    yield from table(("key", "is"), rows)


def summary(kind: type[Any]) -> str:
    """Return the first paragraph of a docstring."""
    return cell((inspect.getdoc(kind) or "").partition("\n\n")[0])


def json_page() -> Iterator[str]:
    """Return the page of what is printed and written as JSON."""
    yield from ("# JSON", "", NOTE, "")
    yield "With `--json` a command prints one object. Keys may be added, none changes its"
    yield "meaning. In Python the same values are dataclasses with these attributes."
    yield ""
    for name, kind in PRINTED.items():
        yield from (f"## {name}", "", f"`{kind.__name__}`: {summary(kind)}", "")
        yield from fields(kind)
    yield from ("## What these hold", "")
    for kind in PARTS:
        yield from (f"### {kind.__name__}", "", summary(kind), "")
        yield from fields(kind)
    yield from ("## A failure", "", "`error`, an object:", "")
    yield from table(
        ("key", "is"),
        (
            ("`type`", f"a class of {page('docs/python.md', '#errors')}"),
            ("`message`, `hint`", "what, which, where; what to do next"),
            (
                "`conflict`, `relax`",
                "of a solve: why there is no solution, and what would give one",
            ),
        ),
    )
    yield from ("## The report of a pytest run", "", "`--cenv-json FILE` writes:", "")
    yield from schema(json.loads(SCHEMA.read_text()))


def schema(found: dict[str, Any]) -> Iterator[str]:
    """Return the table of a schema's keys, nested ones behind a dot."""

    def rows(node: dict[str, Any], before: str) -> Iterator[tuple[str, str]]:
        node = node.get("items", node)
        node = (
            found["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node
        )
        for name, value in node.get("properties", {}).items():
            yield f"`{before}{name}`", value.get("description", "")
            yield from rows(value, f"{before}{name}.")

    yield from table(("key", "is"), rows(found, ""))


PAGES = {
    "docs/reference/commands.md": commands,
    "docs/reference/settings.md": settings,
    "docs/reference/json.md": json_page,
}


def main(directory: Path) -> None:
    """Write the pages."""
    directory.mkdir(exist_ok=True)
    for name, lines in PAGES.items():
        (directory / Path(name).name).write_text("\n".join(lines()).rstrip("\n") + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else TOP / "docs" / "reference")
