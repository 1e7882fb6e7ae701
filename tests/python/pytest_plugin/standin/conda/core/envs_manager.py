# SPDX-License-Identifier: BSD-3-Clause
"""The list of environments that were made."""

from __future__ import annotations

import os


def register_env(prefix: str) -> None:
    with open(os.environ["STANDIN_LOG"], "a") as log:
        log.write(f"registered {prefix}\n")
