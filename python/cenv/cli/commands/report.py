# SPDX-License-Identifier: BSD-3-Clause
"""Show where the time of a run went, why, and what would make it faster."""

from __future__ import annotations

import argparse

from cenv.cli.options import add_store
from cenv.cli.output import Console, table
from cenv.config.paths import replace_file
from cenv.errors import CenvError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cenv.reporting.advice import Trials
    from cenv.reporting.difference import Difference
    from cenv.reporting.run import Run
    from cenv.tracing.recorder import Recorder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "traces",
        nargs="*",
        metavar="TRACE",
        help="a file of --trace; of two, the earlier first, the difference is told",
    )
    parser.add_argument(
        "--last",
        nargs="?",
        type=int,
        const=1,
        metavar="N",
        help="the last run that the store keeps; with N, compared with the N-th last, of the "
        "same request where there are so many: --last 2 with the one before",
    )
    parser.add_argument(
        "--replay",
        action="store_true",
        help="solve what differs again on the repodata that is here, to try each cause; "
        "of one trace, try what needs the channels, too",
    )
    parser.add_argument(
        "--html", metavar="FILE", help="write it as a page that needs nothing else, too"
    )
    add_store(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Show where the time of a run went, or what made two differ."""
    from cenv.reporting.run import Run

    runs = [Run.of(recorder) for recorder in _recorders(options)]
    for path, run in zip(options.traces, runs):
        if not run.spans and not run.facts:
            hint = "write one with: cenv --trace FILE COMMAND"
            raise CenvError(f"{path}: this trace has nothing of cenv", hint=hint)
    if len(runs) == 1:
        _report_one(runs[0], options, console)
    else:
        _report_two(runs[0], runs[1], options, console)
    return 0


def _recorders(options: argparse.Namespace) -> list[Recorder]:
    """Return one or two traces: of the files named, else of those that the store keeps."""
    from cenv.tracing import trace_file

    if options.last is not None:
        if options.traces:
            raise UsageError("--last takes traces of the store, and no files beside it")
        return _kept(options)
    if not 1 <= len(options.traces) <= 2:
        hint = "name one, two to compare, or take --last"
        raise UsageError("report takes one trace, or two to compare", hint=hint)
    return [trace_file.read(path) for path in options.traces]


def _kept(options: argparse.Namespace) -> list[Recorder]:
    """Return the last kept trace, behind the earlier one that it is compared with."""
    from cenv.tracing import kept

    if options.last < 1:
        raise UsageError(f"--last counts traces from 1, which {options.last} is not")
    found = kept.last(options.last, options.store)
    if len(found) < options.last and found:  # the request itself is another
        found = kept.kept(options.store, found[0].command)[: options.last]
    if not found and kept.is_closed(options.store):
        hint = "compare files of --trace, or take a store of your own: --store"
        raise CenvError("--last: the store's traces are for its owner alone", hint=hint)
    if len(found) < options.last:
        there = f"{len(found)} of {found[0].command}" if found else "none"
        hint = "create, template build, solve and clone keep theirs in the store"
        message = f"--last {options.last}: the store keeps {there}"
        raise CenvError(message, hint=hint)
    chosen = [found[-1], found[0]] if options.last > 1 else found
    return [trace.read() for trace in chosen]


def _report_one(run: Run, options: argparse.Namespace, console: Console) -> None:
    from cenv.reporting import advice, causes

    found = causes.of_run(run)
    trials = advice.tried(run, options.store, online=options.replay)
    data = {
        "seconds": run.seconds,
        "stages": [stage.to_json() for stage in run.stages],
        "causes": [cause.to_json() for cause in found],
        **trials.to_json(),
    }
    if options.html:
        from cenv.reporting.page import one

        replace_file(options.html, one.page(run, found, trials).encode())
    more = _more(run) if console.verbose else []
    console.result(data, [*_lines_of_one(run, trials), *more])


_NAMES = 20  # that -v tells


def _more(run: Run) -> list[str]:
    """Return what each spec brings, and what the solve looked at."""
    from cenv.reporting import tables

    specs = table(tables.SPEC_HEAD, tables.spec_rows(run), " rrrrrr")
    return [
        "",
        *specs,
        "",
        *table(tables.NAME_HEAD, tables.name_rows(run, _NAMES), " rrr"),
    ]


def _lines_of_one(run: Run, trials: Trials) -> list[str]:
    from cenv.reporting import causes, text

    found = causes.of_run(run)
    largest = text.cause_rows(found[: text.LARGEST], run.seconds)
    lines = [text.headline(run, found), text.circumstances(run), ""]
    lines += table(("time", "share", "what took it"), largest, "rr")
    lines += ["", *table(text.STAGE_HEAD, text.stage_rows(run), " rrrr"), ""]
    return [*lines, *text.advice_lines(trials)]


def _report_two(
    before: Run, after: Run, options: argparse.Namespace, console: Console
) -> None:
    from cenv.reporting import confirming, difference
    from cenv.tracing import comparison

    found = difference.between(before, after)
    tried = confirming.confirmed(found, options.store) if options.replay else []
    stages = comparison.compare(before.recorder, after.recorder)
    data = {**found.to_json(), "stages": stages, "replayed": tried}
    if options.html:
        from cenv.reporting.page import two

        replace_file(options.html, two.page(found, tried).encode())
    console.result(data, _lines_of_two(found, tried))


def _lines_of_two(found: Difference, tried: list[str]) -> list[str]:
    from cenv.reporting import text

    lines = [text.headline_of_two(found), text.circumstances(found.after)]
    lines += [*text.doubts(found), ""]
    rows = text.difference_rows(found)
    lines += table(("seconds", "what made the difference"), rows, "r")
    lines += ["", *table(text.COMPARED_HEAD, text.compared_rows(found), " rrr")]
    if tried:
        lines += ["", "Replayed on the repodata that is here:"]
    return [*lines, *(f"  {line}" for line in tried)]
