# SPDX-License-Identifier: BSD-3-Clause
"""Print what completes command lines in a shell."""

from __future__ import annotations

import argparse

from cenv.cli.output import Console
from cenv.cli.shells import SHELLS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "shell", choices=SHELLS, metavar="SHELL", help=f"one of {', '.join(SHELLS)}"
    )
    parser.epilog = (
        'bash, zsh: eval "$(cenv completion bash)"; fish: cenv completion fish | source'
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Print a script of the shell's own language."""
    script = SHELLS[options.shell]()
    console.result({"shell": options.shell, "script": script}, script.splitlines())
    return 0
