# SPDX-License-Identifier: BSD-3-Clause
"""The plugin's options, in one table: command line, environment, ini, and their values.

A setting is --cenv-NAME, else $CENV_NAME, else ini's cenv_NAME; which of the three there
are, the table says. Imported in every run, so it imports nothing of cenv.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

FLAG = ""  # the argument of an option that takes none


class Option(NamedTuple):
    """One setting, and where it can be made."""

    name: str
    help: str
    ini: str | None = "string"  # the kind of ini's value; None: it is not of ini
    argument: str | None = None  # of the command line's option; None: it has none
    each: str | None = None  # NAME of an option that may be given again, for more
    choices: tuple[str, ...] = ()
    variable: bool = False  # $CENV_NAME tells it too
    default: bool | None = None  # of ini

    @property
    def on_command_line(self) -> bool:
        """Whether --cenv-NAME is there."""
        return self.argument is not None or bool(self.choices)

    @property
    def switch(self) -> str:
        """What it is called on the command line."""
        return f"--cenv-{self.each or self.name}"


OPTIONS = (
    Option(
        "channels",
        "channel of the environments, in place of those configured; again for more",
        ini="args",
        argument="CHANNEL",
        each="channel",
        variable=True,
    ),
    Option(
        "specs",
        "specs of the default template",
        ini="args",
        argument="SPECS",
        variable=True,
    ),
    Option(
        "template",
        "the one of cenv_templates that is the default template",
        argument="NAME",
        variable=True,
    ),
    Option("templates", "named templates, one 'name: specs' a line", ini="linelist"),
    Option(
        "offline",
        "open no socket: take what is on this machine",
        ini="bool",
        argument=FLAG,
        variable=True,
        default=False,
    ),
    Option("store", "directory of the store", argument="DIR", variable=True),
    Option(
        "remote",
        "where machines share templates: https://, oci://, s3:// or file://",
        argument="URL",
        variable=True,
    ),
    Option(
        "remote_push",
        "push the templates that this run builds to the remote",
        ini="bool",
        variable=True,
        default=False,
    ),
    Option(
        "mode",
        "how clones are made: auto (default), snapshot, reflink, hardlink, copy, overlay",
        argument="MODE",
        variable=True,
    ),
    Option(
        "keep",
        "which tests' clones to keep (default failed)",
        choices=("failed", "all", "none"),
        variable=True,
    ),
    Option(
        "guard",
        "when to look whether tests altered templates through hard links: at the "
        "end (default), after each test, never",
        choices=("session", "test", "off"),
        variable=True,
    ),
    Option(
        "spares",
        "most clones made ahead of a template while tests run: auto, 0, or a number",
        argument="N",
        variable=True,
    ),
    Option(
        "recycle",
        "whether clones of passed tests are put back for the next tests: auto (default), off",
        choices=("auto", "off"),
        variable=True,
    ),
    Option(
        "memory",
        "how much of the disk what is remembered of clones' paths may take: 512MiB (default), 0",
        argument="SIZE",
        variable=True,
    ),
    Option(
        "mirrors",
        "copies of templates beside clones on another file system: for the run "
        "(default), to keep, or off",
        choices=("run", "keep", "off"),
        variable=True,
    ),
    Option("rebuild", "build the templates of this run anew", ini=None, argument=FLAG),
    Option(
        "patch_conda_testing",
        "clone where conda.testing's tmp_env and session_tmp_env would create",
        ini="bool",
        variable=True,
        default=False,
    ),
    Option(
        "report",
        "report on environments even if no test used one",
        ini="bool",
        argument=FLAG,
        default=False,
    ),
    Option(
        "json",
        "write what the run did with environments to FILE",
        argument="FILE",
    ),
    Option(
        "trace",
        "write a trace of all workers to FILE, for Perfetto and `cenv report`",
        argument="FILE",
        variable=True,
    ),
    Option(
        "step_summary",
        "append a summary to $GITHUB_STEP_SUMMARY",
        ini="bool",
        default=True,
    ),
)
_BY_NAME = {option.name: option for option in OPTIONS}


def add(parser: pytest.Parser) -> None:
    """Add every option to pytest's command line and ini."""
    group = parser.getgroup("cenv", "fresh conda environments")
    for option in OPTIONS:
        if option.on_command_line:
            _add_to_command_line(group, option)
        if option.ini is not None:
            kind: Any = option.ini
            parser.addini(
                f"cenv_{option.name}", option.help, type=kind, default=option.default
            )


def _add_to_command_line(group: pytest.OptionGroup, option: Option) -> None:
    more: dict[str, Any] = {"metavar": option.argument}
    if option.argument == FLAG:
        more = {"action": "store_true"}
    elif option.choices:
        more = {"choices": option.choices}
    elif option.each:
        more["action"] = "append"
    dest = f"cenv_{option.name}"
    group.addoption(option.switch, dest=dest, help=option.help, **more)


def choices(name: str) -> tuple[str, ...]:
    """Return the values that a setting may have."""
    return _BY_NAME[name].choices


class Given(NamedTuple):
    """A value that a setting was given, what its paths are relative to, and where."""

    value: Any
    base: Path
    where: str
    rank: int  # of its source: of two the lower one is the stronger


def given(config: pytest.Config, name: str) -> Iterator[Given]:
    """Yield what a setting is given, strongest first."""
    option = _BY_NAME[name]
    started = config.invocation_params.dir
    found = []
    if option.on_command_line:
        value = config.getoption(f"cenv_{name}", None)
        found.append(Given(value, started, option.switch, 0))
    if option.variable:
        variable = f"CENV_{name.upper()}"
        found.append(Given(dict(os.environ).get(variable), started, variable, 1))
    if option.ini is not None:
        beside = config.inipath.parent if config.inipath else config.rootpath
        found.append(Given(_of_ini(config, name), beside, f"cenv_{name}", 2))
    return (item for item in found if _is_made(item.value))


def _is_made(value: Any) -> bool:
    return value is not None and value is not False and value not in ("", [])


def _of_ini(config: pytest.Config, name: str) -> Any:
    """Return ini's value; one of another type than pytest expects as it was written.

    The tables of TOML have types of their own: a number where others write a text.
    """
    try:
        return config.getini(f"cenv_{name}")
    except (TypeError, ValueError, pytest.UsageError):
        written = getattr(config, "_inicfg", None) or config.inicfg
        raw = written[f"cenv_{name}"]
        return getattr(raw, "value", raw)


def text(config: pytest.Config, name: str) -> str | None:
    """Return a setting's value; None: it is not made."""
    return next((one_text(item) for item in given(config, name)), None)


def one_text(item: Given) -> str:
    """Return a value as text; a number is one, a list or a table is not."""
    if isinstance(item.value, (str, os.PathLike)):
        return str(item.value)
    if isinstance(item.value, int) and not isinstance(item.value, bool):
        return str(item.value)
    raise wrong(item, "expected a text")


def wrong(item: Given, expected: str) -> pytest.UsageError:
    """Return the error for a value that makes no sense, which says where it stands."""
    return pytest.UsageError(f"{item.where} is {item.value!r}: {expected}")


def path(config: pytest.Config, name: str) -> Path | None:
    """Return the path that a setting tells, absolute."""
    for item in given(config, name):
        try:
            return item.base / Path(one_text(item)).expanduser()
        except RuntimeError:  # the user has no home directory
            raise wrong(item, "there is no home directory for ~") from None
    return None


_BOOLS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


def flag(config: pytest.Config, name: str) -> bool:
    """Return whether a switch is on: as the strongest of those who say something has it."""
    for item in given(config, name):
        found = _BOOLS.get(str(item.value).strip().lower())
        if found is None:
            raise wrong(item, "expected true or false")
        return found
    return False


def is_switched_off(config: pytest.Config, name: str) -> bool:
    """Return whether a switch was set to off; ini's "false" is but its default, and is not."""
    return any(True for _ in given(config, name)) and not flag(config, name)


def is_configured(config: pytest.Config) -> bool:
    """Tell whether anything says that this project uses cenv."""
    asked = (option.name for option in OPTIONS if option.default is not True)
    return any(item for name in asked for item in given(config, name))
