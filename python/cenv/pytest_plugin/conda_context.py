# SPDX-License-Identifier: BSD-3-Clause
"""conda's side of conda.testing's fixtures: what it is configured for, and what it is told.

Everything here runs in conda's own process and takes conda as it is: its context decides.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from cenv.config.channels import resolve
from cenv.config.config import load
from cenv.pytest_plugin.conda_options import NotOursError, Request
from cenv.specs.spec_texts import named_channels
from cenv.specs.specs import MatchSpec

# Settings under which conda makes another environment, or none.
SETTINGS = (
    "allow_softlinks",
    "always_softlink",
    "disallowed_packages",
    "download_only",
    "dry_run",
    "exclude_newer",
    "exclude_newer_package",
    "track_features",
    "use_only_tar_bz2",
)
# What conda reads of a channel where nothing else is set; the first is a part of the second.
_REPODATA = {"current_repodata.json", "repodata.json"}
_EXTENSIONS = (".conda", ".tar.bz2")


@contextlib.contextmanager
def configured(request: Request) -> Iterator[Any]:
    """Give conda's context as `conda create` has it for `request`, and leave it as that does."""
    from conda.base.context import context, reset_context

    reset_context(argparse_args=Namespace(**request.conda))
    try:
        yield context
    finally:
        reset_context()


def check(context: Any, request: Request) -> None:
    """Raise NotOursError where conda would do what cenv does not."""
    for setting in SETTINGS:
        if getattr(context, setting, False):
            raise NotOursError(f"{setting} is set")
    if not _REPODATA.issuperset(getattr(context, "repodata_fns", ())):
        raise NotOursError("repodata_fns is set")
    if _has_extra_plugins(context):
        raise NotOursError("a conda plugin of its own")
    if request.solver not in (None, getattr(context, "solver", None)):
        raise NotOursError("option --solver")
    if _system(context.subdir) != _system(native_subdir(context)):
        raise NotOursError("a platform of another system")
    if context.ignore_pinned and context.pinned_packages:
        raise NotOursError("ignore_pinned is set")


def _system(subdir: str) -> str:
    return subdir.partition("-")[0]


def native_subdir(context: Any) -> str:
    """Return the platform that conda itself runs on."""
    return str(context._native_subdir())


def _has_extra_plugins(context: Any) -> bool:
    """Say whether plugins are registered that neither conda nor an entry point brought."""
    manager = getattr(context, "plugin_manager", None)
    if manager is None:
        return False
    modules = (_module_of(p) for _name, p in manager.list_name_plugin() if p)
    own = [name for name in modules if not name.startswith("conda.")]
    return not _installed_plugins().issuperset(own)


@functools.cache
def _installed_plugins() -> frozenset[str]:
    """Return the modules of conda's plugins that are installed; pluggy may not know them.

    conda registers what entry points bring by itself, until 25.11 without a word of it.
    """
    return frozenset(point.module for point in entry_points(group="conda"))


def _module_of(plugin: Any) -> str:
    if inspect.ismodule(plugin):
        return plugin.__name__
    return str(getattr(plugin, "__module__", ""))


# ---- what a request is, in this configuration ----


def default_packages(context: Any, request: Request) -> list[str]:
    """Return create_default_packages, without those of a name that was asked for."""
    if not request.default_packages:
        return []
    names = {MatchSpec(spec).name for spec in request.specs}
    names |= {record["name"] for record in request.records}
    configured = context.create_default_packages
    return [spec for spec in configured if MatchSpec(spec).name not in names]


def channel_urls(names: Iterable[str], *, secrets: bool = True) -> tuple[str, ...]:
    """Return the base URLs of channels, in the order of priority."""
    from conda.models.channel import Channel

    found: dict[str, None] = {}
    for name in names:
        for url in Channel(name).urls(with_credentials=secrets, subdirs=("noarch",)):
            found[url.removesuffix("/noarch")] = None
    return tuple(found)


def check_named_channels(specs: Iterable[str]) -> None:
    """Raise NotOursError where a spec's channel is not to conda what it is to cenv."""
    config = load()
    for name in set(named_channels(specs)):
        ours = {channel.safe_url for channel in resolve([name], config)}
        if ours != set(channel_urls([name], secrets=False)):
            raise NotOursError("a channel in a spec")


# ---- package caches ----


def has_own_caches(context: Any, at_start: str | None) -> bool:
    """Say whether a test has other package caches than the run: it will look into them.

    `at_start`: $CONDA_PKGS_DIRS as the run had it.
    """
    attribute = inspect.getattr_static(type(context), "pkgs_dirs", None)
    is_mocked = type(attribute).__module__.startswith(("unittest.mock", "mock"))
    return is_mocked or os.environ.get("CONDA_PKGS_DIRS") != at_start


def check_caches(
    pkgs_dirs: Sequence[str], records: Sequence[Mapping[str, Any]] | None
) -> None:
    """Raise NotOursError where conda would bring packages into a test's own caches.

    `records` are those it would need there, None if that is not known yet: a cache that
    has none at all lacks them, whatever they are.
    """
    caches = [Path(pkgs_dir) for pkgs_dir in pkgs_dirs]
    if records is None:
        found = any(any(cache.glob("*/info/index.json")) for cache in caches)
    else:
        stems = [_stem(record["fn"]) for record in records]
        found = all(
            any((cache / stem / "info/index.json").is_file() for cache in caches)
            for stem in stems
        )
    if not found:
        raise NotOursError("the test's own package cache lacks packages")


def _stem(fn: str) -> str:
    return next((fn.removesuffix(e) for e in _EXTENSIONS if fn.endswith(e)), fn)


# ---- what conda is told, and makes itself ----


def make_empty(prefix: str) -> None:
    """Make an environment without packages: with conda's own transaction, of nothing."""
    from conda.core.link import PrefixSetup, UnlinkLinkTransaction

    nothing: tuple[()] = ()
    setup = PrefixSetup(prefix, nothing, nothing, nothing, nothing, nothing)
    UnlinkLinkTransaction(setup).execute()


def keep_platform(context: Any, prefix: str) -> None:
    """Write the platform of an environment into it, as conda does for one of another."""
    if context.subdir != native_subdir(context):
        Path(prefix, ".condarc").write_text(f"subdir: {context.subdir}\n")


def tell(prefix: str) -> None:
    """Leave conda's caches and registry as `conda create` leaves them."""
    from conda.base.context import context
    from conda.core.prefix_data import PrefixData

    cache = getattr(PrefixData, "_cache_", {})
    for key in list(cache):
        if str(key[0] if isinstance(key, tuple) else key) == prefix:
            del cache[key]
    PrefixData(prefix)
    if context.register_envs:
        from conda.core.envs_manager import register_env

        register_env(prefix)
