# SPDX-License-Identifier: BSD-3-Clause
"""Environments as the command line names them: by name or by path."""

from __future__ import annotations

from cenv.cli.output import Console
from cenv.config import environments


def existing(word: str, console: Console) -> str:
    """Return the path of an environment that is there; tell what else its name could mean."""
    found = environments.existing(word)
    if found.passed_over:
        console.notice(
            f"{word} is taken for the environment {found.path}; "
            f"./{word} means {found.passed_over}"
        )
    return found.path
