# SPDX-License-Identifier: BSD-3-Clause
"""The configuration: of CONDA_* variables and of the command line."""

from __future__ import annotations

import os
from argparse import Namespace
from typing import Any


class Context:
    subdir = "linux-64"
    solver = "libmamba"
    channel_priority = "flexible"
    add_pip_as_python_dependency = False
    pinned_packages: tuple[str, ...] = ()
    register_envs = False
    plugin_manager = None

    def __init__(self, argparse_args: Namespace | None = None) -> None:
        self.given = list(getattr(argparse_args, "channel", ()))
        self.override = getattr(argparse_args, "override_channels", False)

    @property
    def channels(self) -> tuple[str, ...]:
        configured = os.environ.get("CONDA_CHANNELS", "").split(",")
        return (*self.given, *([] if self.override else filter(None, configured)))

    @property
    def create_default_packages(self) -> tuple[str, ...]:
        named = os.environ.get("CONDA_CREATE_DEFAULT_PACKAGES", "")
        return tuple(filter(None, named.split(",")))

    @property
    def pkgs_dirs(self) -> tuple[str, ...]:
        return (os.environ.get("CONDA_PKGS_DIRS", "/nowhere/pkgs"),)

    @property
    def envs_dirs(self) -> tuple[str, ...]:
        return ("/nowhere/envs",)


context = Context()


def reset_context(search_path: Any = None, argparse_args: Any = None) -> None:
    context.__init__(argparse_args)  # type: ignore[misc]
