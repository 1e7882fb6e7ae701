# SPDX-License-Identifier: BSD-3-Clause
"""Run one action on the store of templates."""

from __future__ import annotations

import argparse
import os
import re
import time
from collections.abc import Callable
from typing import Any

from cenv.cli.options import add_channels, add_store
from cenv.cli.output import Console, human, seconds, table
from cenv.cli.tables import stage_table
from cenv.errors import UsageError
from cenv.templates.store import TemplateStore
from cenv.templates.template import Template

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


_TEMPLATE_ACTIONS = {
    "list": "what is there",
    "build": "solve and link one",
    "path": "where one lies",
    "check": "compare one with what was built, exit 1 if a clone altered it",
    "export": "into one archive",
    "import": "from one",
    "remove": "one",
    "gc": "all that nobody uses, orphans too",
    "sweep": "remove orphans: clones whose owner died, what killed runs left",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments; the action's own follow it."""
    parser.add_argument(
        "action",
        choices=tuple(_TEMPLATE_ACTIONS),
        metavar="ACTION",
        help="; ".join(f"{name}: {does}" for name, does in _TEMPLATE_ACTIONS.items()),
    )
    parser.add_argument(
        "specs",
        nargs="*",
        metavar="ARG",
        help="specs (build), an id (path, check, remove), a file (import), "
        "a file and ids, by default all (export)",
    )
    parser.add_argument(
        "--force", action="store_true", help="export: replace the file if it is there"
    )
    parser.add_argument(
        "--content", action="store_true", help="check: read and hash every file"
    )
    parser.add_argument(
        "--repair", action="store_true", help="check: build it anew if it is altered"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="gc: only tell what would be removed"
    )
    parser.add_argument(
        "--max-size", metavar="SIZE", help="gc: down to this size (e.g. 10G)"
    )
    add_channels(parser)
    add_store(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Run one action on the store."""
    store = TemplateStore(options.store)
    return _ACTIONS[options.action](store, options, console) or 0


def _list(store: TemplateStore, options: argparse.Namespace, console: Console) -> None:
    found = store.templates()
    rows = [
        (
            item["id"][:12],
            human(item["size"]),
            time.strftime("%Y-%m-%d %H:%M", time.localtime(item["used"])),
            "; ".join(_names(item)),
        )
        for item in found
    ]
    console.result(
        {"templates": found}, table(("id", "size", "used", "specs"), rows, " r")
    )


def _names(item: dict[str, Any]) -> list[str]:
    """Return what a template was asked for as."""
    names = dict.fromkeys([" ".join(item["specs"]), *item["labels"]])
    return [name for name in names if name]


def _build(store: TemplateStore, options: argparse.Namespace, console: Console) -> None:
    from cenv.cli import request

    asked = request.read(options, console)
    extras = asked.extras
    built = store.template(
        asked.specs,
        asked.channels,
        records=asked.records if asked.is_list else None,
        setup=extras.apply if extras else None,
        key=extras.key if extras else None,
        platform=options.platform,
        offline=options.offline,
        **asked.options,
    )
    if options.files:
        store.label(built.id, " ".join(os.path.basename(f) for f in options.files))
    word = "built" if built.built else "already there"
    console.notice(f"template {built.id[:12]} {word}, {seconds(built.seconds)}")
    if console.verbose:
        for line in stage_table(built.stages):
            console.notice(line)
    console.result(
        {
            "records": [record.to_json() for record in built.records],
            "seconds": built.seconds,
            "stages": [stage.to_json() for stage in built.stages],
            "prefix": built.path,
            "id": built.id,
            "built": built.built,
        },
        [built.path],
    )


def _one(store: TemplateStore, options: argparse.Namespace) -> Template:
    if len(options.specs) != 1:
        raise UsageError(f"template {options.action} takes one id")
    found = store.find(options.specs[0])
    if found is None:
        hint = "cenv template list shows what is there"
        raise UsageError(f"no template {options.specs[0]} in {store.path}", hint=hint)
    return found


def _path(store: TemplateStore, options: argparse.Namespace, console: Console) -> None:
    found = _one(store, options)
    console.result({"id": found.id, "path": found.path}, [found.path])


def _export(
    store: TemplateStore, options: argparse.Namespace, console: Console
) -> None:
    if not options.specs:
        raise UsageError("template export needs a file to write")
    file, *ids = options.specs
    found = store.export(file, ids, replace=options.force)
    for item in found["templates"]:
        size = human(item["bytes"])
        console.notice(f"template {item['id'][:12]}, {size} unpacked")
        for note in item["skipped"]:
            console.notice(f"  {note['path']}: {note['reason']}")
    took = f"{human(found['size'])}, {seconds(found['seconds'])}"
    console.notice(f"{len(found['templates'])} exported, {took}")
    console.result(found, [found["path"]])


def _import(
    store: TemplateStore, options: argparse.Namespace, console: Console
) -> None:
    if len(options.specs) != 1:
        raise UsageError("template import takes one file")
    found = store.import_(options.specs[0])
    for item in found:
        word = "imported" if item["imported"] else "already there"
        console.notice(f"template {item['id'][:12]} {word}")
    console.result({"templates": found}, [item["path"] for item in found])


def _remove(
    store: TemplateStore, options: argparse.Namespace, console: Console
) -> None:
    found = _one(store, options)
    store.remove(found.id)
    console.result({"id": found.id, "removed": found.path}, [found.id])


def _gc(store: TemplateStore, options: argparse.Namespace, console: Console) -> None:
    size = _size(options.max_size or "0")
    swept = [] if options.dry_run else store.sweep()
    found = store.gc(size, dry_run=options.dry_run)
    freed = human(found["bytes"])
    lines = [f"{found['removed']} removed, {freed} freed"]
    if options.dry_run:
        lines = [f"{found['removed']} would be removed, {freed} freed"]
        swept = [item["path"] for item in store.orphans()]
    word = "orphan" if options.dry_run else "orphan removed"
    lines += [f"{word}: {path}" for path in swept]
    console.result({**found, "swept": swept}, lines)


def _sweep(store: TemplateStore, options: argparse.Namespace, console: Console) -> None:
    found = store.sweep()
    console.notice(f"{len(found)} orphans removed")
    console.result({"removed": found}, found)


def _check(store: TemplateStore, options: argparse.Namespace, console: Console) -> int:
    """Exit 1 when it is altered, repaired or not: something wrote to it."""
    found = _one(store, options)
    report = found.check(content=options.content)
    repaired = (
        options.repair and not report.ok and found.repair(content=options.content)
    )
    lines = [f"{item.path}: {item.what}" for item in report.altered]
    word = f"{len(lines)} altered" if lines else "as it was built"
    word += ", built anew" if repaired else ""
    took = f"{report.checked} files, {seconds(report.seconds)}"
    console.notice(f"template {found.id[:12]} {word} ({took})")
    if lines and not repaired:
        console.notice("hardlink clones wrote to it; --repair builds it anew")
    data = {"id": found.id, "ok": report.ok, "repaired": repaired}
    console.result({**report.to_json(), **data}, lines)
    return 0 if report.ok else 1


def _size(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", text.strip().lower())
    if not match:
        raise UsageError(
            f"'{text}' is not a size", hint="expected a number, or 500M, 10G"
        )
    return int(float(match[1]) * _UNITS[match[2]])


_Action = Callable[[TemplateStore, argparse.Namespace, Console], int | None]


_ACTIONS: dict[str, _Action] = {
    "list": _list,
    "build": _build,
    "path": _path,
    "export": _export,
    "import": _import,
    "remove": _remove,
    "gc": _gc,
    "sweep": _sweep,
    "check": _check,
}
