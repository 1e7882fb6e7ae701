# SPDX-License-Identifier: BSD-3-Clause
"""Run a command in an environment that is not linked: its packages shown as layers."""

from __future__ import annotations

from cenv.cli.commands.run import add_view, in_view
from cenv.cli.options import add_channels, add_store
from cenv.cli.output import Console, counted
from cenv.errors import LinkError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from cenv.cli.options import Parser
    from cenv.cli.request import Request
    from cenv.templates.store import TemplateStore


def add_arguments(parser: Parser) -> None:
    """Add the arguments; what stands behind -- is the command."""
    parser.usage = "cenv exec [-h] [OPTION ...] SPEC ... -- COMMAND ..."
    parser.add_argument("specs", nargs="*", metavar="SPEC", help="what is to be in it")
    add_channels(parser)
    parser.add_argument(
        "--with",
        dest="files",
        action="append",
        default=[],
        metavar="F",
        help="as --file: what is in it, beside the SPECs",
    )
    add_view(parser)
    parser.add_argument(
        "--fallback",
        action="store_true",
        help="where views cannot work, build a template, and run COMMAND in a clone",
    )
    add_store(parser)


def run_at_once(options: argparse.Namespace) -> int | None:
    """Run a command line that is known from before; None: it is not."""
    if not options.command or options.fallback:
        return None
    from cenv.cli import recalled

    shown = recalled.find(options)
    if shown is None:
        return None
    try:
        return in_view(shown, options, Console(options))
    except LinkError as error:
        raise _with_way_out(error) from None


def run(options: argparse.Namespace, console: Console) -> int:
    """Run a command in an environment of layers."""
    if not options.command:
        hint = "cenv exec SPEC ... -- COMMAND ..."
        raise UsageError("no command given", hint=hint)
    if options.fallback and options.keep:
        raise UsageError("--fallback keeps nothing: leave it or --keep out")
    from cenv.cli import request
    from cenv.templates.store import TemplateStore

    asked = request.read(options, console)
    store = TemplateStore(options.store)
    try:
        return _in_layers(store, asked, options, console)
    except LinkError as error:
        if not options.fallback:
            raise _with_way_out(error) from None
    return _in_clone(store, asked, options, console)


def _with_way_out(error: LinkError) -> LinkError:
    way = "--fallback runs the command in a clone"
    error.hint = f"{error.hint}; {way}" if error.hint else way
    return error


def _in_layers(
    store: TemplateStore,
    asked: Request,
    options: argparse.Namespace,
    console: Console,
) -> int:
    from cenv.cli import recalled
    from cenv.clones.view import Shown
    from cenv.templates.layered import LayeredEnvironment
    from cenv.tracing import recorder

    made = store.layered(asked.specs, asked.channels, **_given(asked, options))
    if console.verbose:
        for note in recorder.active().notes:
            console.notice(f"note: {note}")
    if not isinstance(made, LayeredEnvironment):
        return in_view(Shown.of(made), options, console)
    recalled.keep(options, made)
    if console.verbose:
        count = counted(made.layers, "layer")
        console.notice(f"{count} at {made.path}, {made.made} of them new")
        for warning in made.warnings:
            console.notice(f"warning: {warning}")
    return in_view(made.shown, options, console)


def _in_clone(
    store: TemplateStore,
    asked: Request,
    options: argparse.Namespace,
    console: Console,
) -> int:
    from cenv.clones import view

    template = store.template(asked.specs, asked.channels, **_given(asked, options))
    with template.clone() as clone:
        console.close()
        activate = False if options.no_activate else None
        with clone.popen(
            options.command, activate=activate, start_new_session=False
        ) as process:
            return view.wait(process.pid)


def _given(asked: Request, options: argparse.Namespace) -> dict[str, Any]:
    extras = asked.extras
    return {
        "records": asked.records if asked.is_list else None,
        "setup": extras.apply if extras else None,
        "key": extras.key if extras else None,
        "platform": options.platform,
        "offline": options.offline,
        **asked.options,
    }
