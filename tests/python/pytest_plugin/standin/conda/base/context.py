# SPDX-License-Identifier: BSD-3-Clause
"""The configuration: of CONDA_* variables and of the command line."""

from __future__ import annotations

import os
from argparse import Namespace
from typing import Any


def _listed(variable: str) -> tuple[str, ...]:
    return tuple(filter(None, os.environ.get(variable, "").split(",")))


class Context:
    add_pip_as_python_dependency = False
    register_envs = False
    plugin_manager = None

    def __init__(self, argparse_args: Namespace | None = None) -> None:
        given = vars(argparse_args or Namespace())
        self.given = list(given.get("channel", ()))
        self.override = given.get("override_channels", False)
        self.channel_priority = given.get("channel_priority", "flexible")
        self.subdir = given.get("subdir", os.environ.get("CONDA_SUBDIR", "linux-64"))
        self.offline = given.get("offline", False)
        self.always_copy = given.get("copy", False)
        self.shortcuts = given.get("shortcuts", True)
        self.ignore_pinned = given.get("ignore_pinned", False)
        self.solver = os.environ.get("CONDA_SOLVER", "libmamba")
        self.pinned_packages = _listed("CONDA_PINNED_PACKAGES")
        self.create_default_packages = _listed("CONDA_CREATE_DEFAULT_PACKAGES")

    @staticmethod
    def _native_subdir() -> str:
        return "linux-64"

    @property
    def channels(self) -> tuple[str, ...]:
        configured = () if self.override else _listed("CONDA_CHANNELS")
        return (*self.given, *configured)

    @property
    def pkgs_dirs(self) -> tuple[str, ...]:
        return (os.environ.get("CONDA_PKGS_DIRS", "/nowhere/pkgs"),)

    @property
    def envs_dirs(self) -> tuple[str, ...]:
        return ("/nowhere/envs",)


context = Context()


def reset_context(search_path: Any = None, argparse_args: Any = None) -> None:
    context.__init__(argparse_args)  # type: ignore[misc]
