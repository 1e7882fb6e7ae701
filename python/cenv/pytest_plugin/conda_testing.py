# SPDX-License-Identifier: BSD-3-Clause
"""What stands in for conda.testing's TmpEnvFixture: requests read as conda reads them."""

from __future__ import annotations

import contextlib
import inspect
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cenv.errors import CenvError, SpecError
from cenv.specs.specs import MatchSpec

if TYPE_CHECKING:
    from cenv.pytest_plugin.factories import EnvFactory, TemplateFactory
    from cenv.templates.template import Template

# Keywords of conda 24.9 to 26.7 that say where the environment lies.
_PLACES = ("name", "path_prefix", "path_infix", "path_suffix")
# Settings under which conda makes another environment, or none.
_SETTINGS = (
    "allow_softlinks",
    "always_copy",
    "always_softlink",
    "disallowed_packages",
    "download_only",
    "dry_run",
    "exclude_newer",
    "exclude_newer_package",
    "ignore_pinned",
    "offline",
    "use_only_tar_bz2",
)
_QUIET = ("-y", "--yes", "-q", "--quiet")


class NotOursError(Exception):
    """A request for conda's own fixture; the message says why, "" that nothing is lost."""


@dataclass
class Request:
    """The arguments of one call, read as `conda create` reads them."""

    specs: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    override_channels: bool = False
    default_packages: bool = True
    solver: str | None = None
    platform: str | None = None

    @classmethod
    def of(cls, args: tuple[Any, ...]) -> Request:
        """Read the arguments; raises NotOursError for what only conda does."""
        found, rest = cls(), [os.fspath(arg) for arg in args]
        while rest:
            arg = rest.pop(0)
            if arg in ("-c", "--channel") and rest:
                found.channels.append(rest.pop(0))
            elif arg.startswith("--channel="):
                found.channels.append(arg.partition("=")[2])
            elif arg == "--solver" and rest:
                found.solver = rest.pop(0)
            elif arg.startswith("--solver="):
                found.solver = arg.partition("=")[2]
            elif arg in ("--platform", "--subdir") and rest:
                found.platform = rest.pop(0)
            elif arg.startswith(("--platform=", "--subdir=")):
                found.platform = arg.partition("=")[2]
            elif arg == "--override-channels":
                found.override_channels = True
            elif arg == "--no-default-packages":
                found.default_packages = False
            elif arg not in _QUIET:
                found.specs.append(_spec(arg))
        if not found.specs:
            raise NotOursError("no specs")
        return found


def _spec(arg: str) -> str:
    if arg.startswith("-"):
        raise NotOursError(f"option {arg.partition('=')[0]}")
    if "::" in arg:
        raise NotOursError("a channel in a spec")
    if "/" in arg or "\\" in arg or arg.startswith("@") or os.path.exists(arg):
        raise NotOursError("a file or a URL")
    try:
        MatchSpec(arg)
    except SpecError:
        raise NotOursError("not a spec") from None
    return arg


class CondaTmpEnv:
    """Called as conda's fixture is; what cenv does not do, that fixture does.

    Its other attributes (`conda_cli`, `get_path`, ...) are the original's.
    """

    def __init__(
        self,
        original: Any,
        templates: TemplateFactory,
        clones: EnvFactory,
        pkgs_dirs: str | None,
    ) -> None:
        self._original = original
        self._templates = templates
        self._clones = clones
        self._pkgs_dirs = pkgs_dirs
        self._parameters = inspect.signature(original).parameters

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    @contextlib.contextmanager
    def __call__(self, *args: Any, **keywords: Any) -> Iterator[Path]:
        """Give a new environment of `args`, specs and options of `conda create`."""
        try:
            made = self._make(args, keywords)
        except NotOursError as reason:
            if str(reason):
                self._clones.session.recorder.passed_through(f"tmp_env: {reason}")
            made = None
        if made is not None:
            yield made
        else:
            with self._original(*args, **keywords) as prefix:
                yield prefix

    def _make(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> Path:
        self._check_keywords(args, keywords)
        request = Request.of(args)
        from conda.base import context

        _check_conda(context.context, self._pkgs_dirs)
        _check_same(context.context, request)
        try:
            template = self._template(request)
            _check_features(context.context, template)
        except CenvError as error:
            # Tests of failures look for conda's own words.
            raise NotOursError(f"cenv raised {type(error).__name__}") from error
        finally:
            context.reset_context()
        return self._clone(template, keywords)

    def _check_keywords(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        unknown = keywords.keys() - {"prefix", "shallow", *_PLACES}
        if unknown or not keywords.keys() <= self._parameters.keys():
            raise NotOursError("a keyword cenv does not know")
        if keywords.get("shallow") or not args:
            raise NotOursError  # an empty directory: conda makes that at once
        places = [name for name in _PLACES if keywords.get(name)]
        prefix = keywords.get("prefix")
        if prefix and places:
            raise NotOursError("prefix= with another place")
        if "prefix" in keywords and prefix and _is_occupied(prefix):
            raise NotOursError("an environment that exists")
        if not hasattr(self._original, "get_path"):
            raise NotOursError("a fixture of another shape")

    def _template(self, request: Request) -> Template:
        found = _configuration(request)
        specs = [*request.specs, *found.pop("default_packages")]
        return self._templates(*specs, **found)

    def _clone(self, template: Template, keywords: dict[str, Any]) -> Path:
        prefix = keywords.get("prefix")
        if prefix is None:
            place = [keywords.get(name) for name in _PLACES]
            prefix = self._original.get_path(*place if any(place) else ())
        made = self._clones(template=template, dst=prefix)
        _tell_conda(made.path)
        capture = getattr(getattr(self._original, "conda_cli", None), "capsys", None)
        if capture is not None:
            capture.readouterr()
        return Path(prefix)


def _is_occupied(prefix: Any) -> bool:
    path = Path(prefix)
    return path.exists() and (not path.is_dir() or any(path.iterdir()))


# ---- conda's side ----


def _check_conda(context: Any, pkgs_dirs: str | None) -> None:
    """Raise NotOursError where a test has changed what conda would do."""
    for name in ("pkgs_dirs", "envs_dirs"):
        attribute = inspect.getattr_static(type(context), name, None)
        if type(attribute).__module__.startswith(("unittest.mock", "mock")):
            raise NotOursError(f"{name} is mocked")
    if os.environ.get("CONDA_PKGS_DIRS") != pkgs_dirs:
        raise NotOursError("a package cache of its own")
    for setting in _SETTINGS:
        if getattr(context, setting, False):
            raise NotOursError(f"{setting} is set")
    if _has_extra_plugins(context):
        raise NotOursError("a conda plugin of its own")


def _check_same(context: Any, request: Request) -> None:
    """Raise NotOursError for another solver, or platform, than conda is configured for."""
    if request.solver not in (None, getattr(context, "solver", None)):
        raise NotOursError("option --solver")
    if request.platform not in (None, context.subdir):
        raise NotOursError("option --platform")


def _check_features(context: Any, template: Template) -> None:
    """Raise NotOursError for packages with features, which solver classic chooses by."""
    if getattr(context, "solver", None) != "classic":
        return
    for record in template.records:
        raw = record.to_json()
        if raw.get("features") or raw.get("track_features"):
            raise NotOursError("features of solver classic")


def _has_extra_plugins(context: Any) -> bool:
    """Say whether plugins are registered that neither conda nor an entry point brought."""
    manager = getattr(context, "plugin_manager", None)
    if manager is None:
        return False
    installed = {id(plugin) for plugin, _dist in manager.list_plugin_distinfo()}
    return any(
        id(plugin) not in installed and not _module_of(plugin).startswith("conda.")
        for _name, plugin in manager.list_name_plugin()
        if plugin is not None
    )


def _module_of(plugin: Any) -> str:
    if inspect.ismodule(plugin):
        return plugin.__name__
    return str(getattr(plugin, "__module__", ""))


def _configuration(request: Request) -> dict[str, Any]:
    """Return what of conda's configuration shapes the environment, as template() takes it."""
    from argparse import Namespace

    from conda.base.context import context, reset_context

    options: dict[str, Any] = {}
    if request.channels:
        options["channel"] = request.channels
    if request.override_channels:
        options["override_channels"] = True
    reset_context(argparse_args=Namespace(**options))
    defaults = context.create_default_packages if request.default_packages else ()
    names = {MatchSpec(spec).name for spec in request.specs}
    return {
        "channels": _channel_urls(context.channels),
        "platform": context.subdir,
        "channel_priority": str(context.channel_priority).lower(),
        "add_pip": bool(context.add_pip_as_python_dependency),
        "pinned": tuple(str(spec) for spec in context.pinned_packages),
        "default_packages": [s for s in defaults if MatchSpec(s).name not in names],
    }


def _channel_urls(names: Any) -> list[str]:
    """Return base URLs, secrets included, in the order of priority."""
    from conda.models.channel import Channel

    found = []
    for name in names:
        for url in Channel(name).urls(with_credentials=True, subdirs=("noarch",)):
            base = url.removesuffix("/noarch")
            if base not in found:
                found.append(base)
    return found


def _tell_conda(prefix: str) -> None:
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
