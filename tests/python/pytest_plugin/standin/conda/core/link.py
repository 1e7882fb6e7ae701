# SPDX-License-Identifier: BSD-3-Clause
"""What changes an environment, as far as one of no packages goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from conda.base.context import context
from conda.core.envs_manager import register_env


class PrefixSetup(NamedTuple):
    target_prefix: str
    unlink_precs: tuple[Any, ...]
    link_precs: tuple[Any, ...]
    remove_specs: tuple[Any, ...]
    update_specs: tuple[Any, ...]
    neutered_specs: tuple[Any, ...]


class UnlinkLinkTransaction:
    def __init__(self, setup: PrefixSetup) -> None:
        assert setup[1:] == ((), (), (), (), ())
        self.prefix = setup.target_prefix

    def execute(self) -> None:
        print("Preparing transaction: done")
        meta = Path(self.prefix, "conda-meta")
        meta.mkdir(parents=True, exist_ok=True)
        (meta / "history").write_text("==> 2026-11-30 10:00:00 <==\n# cmd: pytest\n")
        (meta / "created_at").write_text("1796000000.0000")
        if context.register_envs:
            register_env(self.prefix)
