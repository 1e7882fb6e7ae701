# SPDX-License-Identifier: BSD-3-Clause
"""The options of `conda create`, and which of them cenv answers: one table, shown in docs/.

conda 24.9 to 26.7 are what it was written from (cli/main_create.py, cli/helpers.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cenv.errors import CenvError, SpecError
from cenv.specs import explicit, spec_file
from cenv.specs.specs import MatchSpec
from cenv.templates.dependencies import Deps

_PACKAGES = (".conda", ".tar.bz2")


class NotOursError(Exception):
    """A request for conda's own fixture; the message says why, "" that nothing is lost."""


@dataclass
class Request:
    """What one call asks of `conda create`, as far as cenv answers it.

    `records` are those of files and URLs of packages, as far as these tell; `clone` is the
    path of an environment. `conda` is what conda's context takes of a command line, by its
    own names.
    """

    specs: list[str] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    clone: str | None = None
    default_packages: bool = True
    deps: Deps = "all"
    solver: str | None = None
    conda: dict[str, Any] = field(default_factory=lambda: {"quiet": True})

    @classmethod
    def of(cls, args: Sequence[object]) -> Request:
        """Read the arguments; raises NotOursError for what only conda does."""
        found, rest = cls(), [str(arg) for arg in args]
        while rest:
            arg = rest.pop(0)
            if arg.startswith("-"):
                _read_option(found, arg, rest)
            else:
                found.add(arg.strip("\"'"))
        return found

    def add(self, arg: str) -> None:
        """Add a spec, a package's file or its URL."""
        try:
            if arg.partition("#")[0].endswith(_PACKAGES):
                self.records += explicit.parse([arg], arg)
            else:
                self.specs.append(_spec(arg))
        except SpecError:
            raise NotOursError("not a spec") from None


def _spec(arg: str) -> str:
    package = arg.rpartition("::")[2]
    if "/" in package or "\\" in arg or arg.startswith("@"):
        raise NotOursError("not a spec")
    MatchSpec(arg)
    return arg


class Option(NamedTuple):
    """One option: its names and what it takes, and what becomes of a request with it.

    `read` puts it into the request; None: conda's own fixture serves the request.
    """

    text: str
    says: str
    read: Callable[[Request, str], None] | None = None

    @property
    def names(self) -> list[str]:
        """The option's names."""
        return [word for word in self.text.replace(",", "").split() if word[0] == "-"]

    @property
    def takes_value(self) -> bool:
        """Whether an argument follows it."""
        return self.text.split()[-1].isupper()


def _to(**values: Any) -> Callable[[Request, str], None]:
    """Return what sets attributes of the request, whatever the argument."""

    def read(request: Request, _value: str) -> None:
        for name, value in values.items():
            setattr(request, name, value)

    return read


def _tell(**values: Any) -> Callable[[Request, str], None]:
    """Return what tells conda's context of the option; `...` stands for its argument."""

    def read(request: Request, value: str) -> None:
        for name, given in values.items():
            request.conda[name] = value if given is ... else given

    return read


def _add_channel(request: Request, value: str) -> None:
    request.conda.setdefault("channel", []).append(value)


def _set_solver(request: Request, value: str) -> None:
    request.solver = value


def _set_clone(request: Request, value: str) -> None:
    """Take the path of an environment; conda takes what has no separator for a name."""
    if os.sep not in value or not os.path.isfile(f"{value}/conda-meta/history"):
        raise NotOursError("option --clone without the path of an environment")
    request.clone = os.path.abspath(value)


def _check_repodata(_request: Request, value: str) -> None:
    if value != "repodata.json":
        raise NotOursError("option --repodata-fn")


def _set_deps(deps: Deps) -> Callable[[Request, str], None]:
    def read(request: Request, _value: str) -> None:
        if request.deps not in ("all", deps):
            raise NotOursError("options --no-deps and --only-deps")
        request.deps = deps

    return read


def _add_list(request: Request, value: str) -> None:
    """Add what a list of specs or of packages names; other files are conda's plugins'."""
    if not value.endswith(".txt") or not os.path.isfile(value):
        raise NotOursError("option --file with something else than a list")
    try:
        found = spec_file.read([value])
    except CenvError:
        raise NotOursError("option --file with something else than a list") from None
    request.records += found.records
    for spec in found.specs:
        request.add(spec)


_NONE = "changes nothing in the environment"
_SEEN = "passed through: its output is what is looked at"
_CONDA = "passed through"

OPTIONS = (
    Option("-y, --yes", _NONE, _to()),
    Option("-q, --quiet", _NONE, _to()),
    Option("--json", _NONE, _to()),
    Option("--show-channel-urls", _NONE, _to()),
    Option("--no-show-channel-urls", _NONE, _to()),
    Option("-v, --verbose", _SEEN),
    Option("--debug", _SEEN),
    Option("--trace", _SEEN),
    Option("--console BACKEND", _SEEN),
    Option("-h, --help", _SEEN),
    Option("-d, --dry-run", "passed through: makes no environment"),
    Option("--download-only", "passed through: makes no environment"),
    Option("-n, --name ENVIRONMENT", "passed through: the fixture chooses the place"),
    Option("-p, --prefix PATH", "passed through: the fixture chooses the place"),
    Option(
        "--clone ENV",
        "answered for the path of an environment, by a clone of it as it is; a name is passed "
        "through",
        _set_clone,
    ),
    Option("-c, --channel CHANNEL", "answered", _add_channel),
    Option("-O, --override-channels", "answered", _tell(override_channels=True)),
    Option("--use-local", _CONDA),
    Option("--strict-channel-priority", "answered", _tell(channel_priority="strict")),
    Option("--channel-priority", "answered", _tell(channel_priority="true")),
    Option("--no-channel-priority", "answered", _tell(channel_priority="disabled")),
    Option(
        "--repodata-fn NAME",
        "answered for `repodata.json`, which cenv reads; else passed through",
        _check_repodata,
    ),
    Option("--repodata-use-zst", _NONE, _to()),
    Option("--no-repodata-use-zst", _NONE, _to()),
    Option("--repodata-use-shards", _NONE, _to()),
    Option("--no-repodata-use-shards", _NONE, _to()),
    Option("--no-lock", _NONE, _to()),
    Option("--experimental NAME", _CONDA),
    Option(
        "--subdir, --platform SUBDIR",
        "answered for platforms of this system, with the `.condarc` that conda writes; "
        "else passed through",
        _tell(subdir=...),
    ),
    Option(
        "--solver NAME",
        "answered where it is the one that conda is configured for; else passed through",
        _set_solver,
    ),
    Option("--no-deps", "answered", _set_deps("none")),
    Option("--only-deps", "answered", _set_deps("only")),
    Option(
        "--no-pin",
        "answered where nothing is pinned; else passed through",
        _tell(ignore_pinned=True),
    ),
    Option("--no-default-packages", "answered", _to(default_packages=False)),
    Option("--exclude-newer DATE", _CONDA),
    Option(
        "--offline",
        "answered without specs, and for files; else passed through: conda solves with "
        "what its caches have",
        _tell(offline=True),
    ),
    Option("-C, --use-index-cache", _CONDA),
    Option("-k, --insecure", _CONDA),
    Option("--copy", "answered by a clone of mode copy", _tell(copy=True)),
    Option(
        "--no-shortcuts",
        "answered: cenv makes none",
        _tell(shortcuts=False),
    ),
    Option(
        "--shortcuts",
        "answered where no package has some; else passed through, as without it",
        _tell(shortcuts=True),
    ),
    Option("--shortcuts-only PACKAGE", _CONDA),
    Option("--clobber", _CONDA),
    Option("--force", _CONDA),
    Option("--force-pscheck", _NONE, _to()),
    Option("--unknown", _CONDA),
    Option("--dev", _CONDA),
    Option(
        "-f, --file FILE",
        "answered for a `.txt` file that lists specs, or packages after `@EXPLICIT`; "
        "else passed through",
        _add_list,
    ),
    Option("--format FORMAT", _CONDA),
    Option("--environment-specifier, --env-spec FORMAT", _CONDA),
    Option(
        "--freeze-installed, --no-update-deps",
        "passed through: `conda create` has no such option, and says so",
    ),
    Option("--update-deps", "passed through: likewise"),
    Option("-S, --satisfied-skip-solve", "passed through: likewise"),
    Option("--update-all, --all", "passed through: likewise"),
    Option("--update-specs", "passed through: likewise"),
)
_BY_NAME = {name: option for option in OPTIONS for name in option.names}


def _read_option(request: Request, arg: str, rest: list[str]) -> None:
    """Read an option, and its value, as argparse does but for abbreviations."""
    name, given, value = arg.partition("=")
    if not arg.startswith("--") and len(name) > 2:  # -cCHANNEL, or -yq
        name, given, value = arg[:2], "=", arg[2:]
    option = _BY_NAME.get(name)
    if option is None or option.read is None:
        raise NotOursError(f"option {name}")
    if not option.takes_value and given:
        if name.startswith("--"):
            raise NotOursError(f"option {name} with a value")
        rest.insert(0, f"-{value}")
    elif option.takes_value and not given:
        if not rest or rest[0].startswith("-"):
            raise NotOursError(f"option {name} without a value")
        value = rest.pop(0)
    option.read(request, value)
