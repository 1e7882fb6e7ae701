# SPDX-License-Identifier: BSD-3-Clause
"""What stands in for conda.testing's TmpEnvFixture: it clones where that would create."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from cenv.config.urls import redact
from cenv.errors import CenvError
from cenv.pytest_plugin import conda_context
from cenv.pytest_plugin.conda_options import NotOursError, Request
from cenv.solving.index import Index
from cenv.templates.recipe import Recipe

if TYPE_CHECKING:
    from cenv._choices import ChannelPriority, CloneMode
    from cenv.pytest_plugin.factories import EnvFactory, TemplateFactory
    from cenv.templates.template import Template

# Keywords of conda 24.9 to 26.7 that say where the environment lies.
_PLACES = ("name", "path_prefix", "path_infix", "path_suffix")


class CondaTmpEnv:
    """Called as conda's fixture is; what cenv does not do, that fixture does.

    Its other attributes (`conda_cli`, `get_path`, ...) are the original's. `pkgs_dirs`:
    $CONDA_PKGS_DIRS as the run had it.
    """

    def __init__(
        self,
        original: Any,
        templates: TemplateFactory,
        clones: EnvFactory,
        pkgs_dirs: str | None,
    ) -> None:
        self._original = original
        self._session = templates.session
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
                recorder = self._session.recorder
                recorder.passed_through(f"tmp_env: {reason}", _shown(args))
            made = None
        if made is not None:
            yield made
        else:
            with self._original(*args, **keywords) as prefix:
                yield prefix

    def _make(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> Path:
        self._check_keywords(args, keywords)
        request = Request.of(args)
        with conda_context.configured(request) as context:
            conda_context.check(context, request)
            defaults = conda_context.default_packages(context, request)
            try:
                return self._answer(context, request, defaults, keywords)
            except (CenvError, OSError) as error:
                # Tests of failures look for conda's own words.
                raise NotOursError(f"cenv raised {type(error).__name__}") from error

    def _check_keywords(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        unknown = keywords.keys() - {"prefix", "shallow", *_PLACES}
        if unknown or not keywords.keys() <= self._parameters.keys():
            raise NotOursError("a keyword cenv does not know")
        shallow = keywords.get("shallow")
        if "shallow" in self._parameters and (
            shallow or (shallow is None and not args)
        ):
            raise NotOursError  # conda itself makes that at once: one file
        places = [name for name in _PLACES if keywords.get(name)]
        prefix = keywords.get("prefix")
        if prefix and places:
            raise NotOursError("prefix= with another place")
        if prefix and _is_occupied(prefix):
            raise NotOursError("an environment that exists")
        if not hasattr(self._original, "get_path"):
            raise NotOursError("a fixture of another shape")

    def _answer(
        self,
        context: Any,
        request: Request,
        defaults: list[str],
        keywords: dict[str, Any],
    ) -> Path:
        if request.clone:
            return self._copy(context, request, keywords)
        request.specs += defaults
        if request.records and request.specs:
            raise NotOursError("packages beside specs")
        if not request.specs and not request.records:
            return self._empty(context, request, keywords)
        prefix = self._clone(context, self._template(context, request), keywords)
        conda_context.keep_platform(context, str(prefix))
        return prefix

    def _copy(self, context: Any, request: Request, keywords: dict[str, Any]) -> Path:
        """Clone the environment that --clone names."""
        if request.specs or request.records:
            raise NotOursError("option --clone beside specs")
        assert request.clone
        template = self._session.templates.existing(request.clone)
        return self._clone(context, template, keywords)

    def _clone(
        self, context: Any, template: Template, keywords: dict[str, Any]
    ) -> Path:
        prefix = self._place(keywords)
        mode: CloneMode | None = "copy" if context.always_copy else None
        made = self._clones(template=template, dst=prefix, mode=mode)
        conda_context.tell(made.path)
        self._swallow_output()
        return prefix

    def _empty(self, context: Any, request: Request, keywords: dict[str, Any]) -> Path:
        if "channel" in request.conda:  # a channel that is not there is an error
            Index(
                conda_context.channel_urls(context.channels),
                context.subdir,
                store=self._session.store.path,
                offline=context.offline,
            )
        prefix = self._place(keywords)
        conda_context.make_empty(str(prefix))
        conda_context.keep_platform(context, str(prefix))
        self._swallow_output()
        self._session.recorder.empty()
        return prefix

    def _template(self, context: Any, request: Request) -> Template:
        conda_context.check_named_channels(request.specs)
        own = conda_context.has_own_caches(context, self._pkgs_dirs)
        if own:
            conda_context.check_caches(context.pkgs_dirs, None)
        recipe = _recipe(context, request, rebuild=self._session.asked().rebuild)
        template = self._session.templates.of(recipe)
        records = [record.to_json() for record in template.records]
        if own:
            conda_context.check_caches(context.pkgs_dirs, records)
        if request.specs and getattr(context, "solver", None) == "classic":
            self._check_features(recipe, records)
        if context.shortcuts and _has_shortcuts(template.path):
            raise NotOursError("packages with shortcuts")
        return template

    def _check_features(
        self, recipe: Recipe, records: Sequence[Mapping[str, Any]]
    ) -> None:
        """Raise NotOursError for packages with features, which solver classic chooses by."""
        names = [record["name"] for record in records]
        index = Index(
            recipe.channels,
            recipe.platform,
            store=self._session.store.path,
            offline=recipe.offline,
            specs=recipe.specs,
        )
        tracked = any(record.get("track_features") for record in records)
        if tracked or index.featured(names):
            raise NotOursError("features of solver classic")

    def _place(self, keywords: dict[str, Any]) -> Path:
        prefix = keywords.get("prefix")
        if not prefix:
            place = [keywords.get(name) for name in _PLACES]
            prefix = self._original.get_path(*place if any(place) else ())
        return Path(prefix)

    def _swallow_output(self) -> None:
        """Empty what the original's capture holds, as its conda_cli does."""
        capture = getattr(getattr(self._original, "conda_cli", None), "capsys", None)
        if capture is not None:
            capture.readouterr()


def _is_occupied(prefix: Any) -> bool:
    path = Path(prefix)
    return path.exists() and (not path.is_dir() or any(path.iterdir()))


def _recipe(context: Any, request: Request, *, rebuild: bool) -> Recipe:
    """Return what the environment is made of, with what of conda's configuration shapes it."""
    if request.specs and context.offline:
        raise NotOursError("specs offline")
    return Recipe(
        specs=tuple(request.specs or map(_requested, request.records)),
        channels=conda_context.channel_urls(context.channels) or None,
        records=tuple(map(_hashed, request.records)) if request.records else None,
        platform=context.subdir,
        offline=bool(context.offline),
        rebuild=rebuild,
        deps=request.deps,
        pkgs_dirs=tuple(map(os.path.abspath, context.pkgs_dirs)),
        options={
            "channel_priority": cast(
                "ChannelPriority", str(context.channel_priority).lower()
            ),
            "add_pip": bool(context.add_pip_as_python_dependency),
            "pinned": tuple(str(spec) for spec in context.pinned_packages),
        },
    )


def _requested(record: Mapping[str, Any]) -> str:
    """Return what conda notes as asked for where a package itself was named."""
    place = "/".join(record[key] for key in ("channel", "subdir") if key in record)
    name, version, build = (record[key] for key in ("name", "version", "build"))
    return f"{place}::{name}=={version}={build}"


def _hashed(record: dict[str, Any]) -> dict[str, Any]:
    """Return a file's record with its hashes: the path may hold another package tomorrow."""
    url = urlsplit(str(record["url"]))
    if url.scheme != "file":
        return record
    try:
        hashes = _hashes(unquote(url.path))
    except OSError:
        raise NotOursError("a file that cannot be read") from None
    if any(record.get(kind, digest) != digest for kind, digest in hashes.items()):
        raise NotOursError("a file of another hash")
    return {**record, **hashes}


def _hashes(path: str) -> dict[str, str]:
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        for part in iter(lambda: file.read(1 << 20), b""):
            sha256.update(part)
            md5.update(part)
    return {"sha256": sha256.hexdigest(), "md5": md5.hexdigest()}


def _has_shortcuts(prefix: str) -> bool:
    return any(Path(prefix, "Menu").glob("*.json"))


def _shown(args: tuple[Any, ...]) -> str:
    """Return a request as reports show it."""
    return redact(shlex.join(map(str, args)))
