# SPDX-License-Identifier: BSD-3-Clause
"""Environments: directories that programs run in, activated, and what is installed there."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import TYPE_CHECKING, Any, ClassVar

from cenv.clones import activation, activation_scripts, installed, process
from cenv.clones.activation_scripts import Place
from cenv.clones.process import RunOptions
from cenv.errors import UsageError
from cenv.model import PackageRecord
from cenv.templates.path_like import AnyPath, Directory

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from cenv.clones.popen import Process

Argument = str | bytes | os.PathLike[str] | os.PathLike[bytes]


class Environment(Directory):
    """A directory that programs run in."""

    # Programs see a throw-away view of it: what they write vanishes.
    shown_in_views: ClassVar[bool] = False

    def run(
        self,
        *argv: Argument | Sequence[Argument],
        env: Mapping[str, str] | None = None,
        activate: bool | None = None,
        **options: Unpack[RunOptions],
    ) -> CompletedProcess[Any]:
        """Run a program of the activated environment to its end, as subprocess.run does.

        `argv`: the program and its arguments, one by one or as one list; the program is
        found on the environment's own PATH. `env` and `activate`: as of environ(). The
        rest is subprocess.run's: streams are None (this process's), PIPE, DEVNULL, STDOUT,
        a descriptor or a file; `timeout` is in seconds; output is bytes, or text with
        `text`, `encoding` or `errors`.

        The program has a session of its own: after a timeout or an exception here, all
        that it started there is killed. Raises FileNotFoundError and other OSErrors where
        it cannot be started, subprocess.TimeoutExpired, and with `check` CalledProcessError,
        whose texts have what was captured; UsageError for other keywords of Popen, which
        popen() takes; PrefixError and SpecError as environ().
        """
        __tracebackhide__ = True
        command, variables = self._command("run", argv, env, activate)
        view = self._view()
        return process.run(command, variables, view=view, **options)

    def popen(
        self,
        *argv: Argument | Sequence[Argument],
        env: Mapping[str, str] | None = None,
        activate: bool | None = None,
        **keywords: Any,
    ) -> Process:
        """Start a program of the activated environment, and return its subprocess.Popen.

        Arguments are as of run(), `keywords` those of subprocess.Popen but `shell`; it has
        a session of its own unless start_new_session=False. Its end() kills all in that
        session; leaving `with` by an exception does so too.
        """
        __tracebackhide__ = True
        from cenv.clones.popen import Process

        command, variables = self._command("popen", argv, env, activate)
        view = self._view()
        process = Process(command, variables, view=view, **keywords)
        process.environment = self
        return process

    def environ(
        self, env: Mapping[str, str] | None = None, *, activate: bool | None = None
    ) -> dict[str, str]:
        """Return the variables of the activated environment, for a Popen of one's own.

        Without `env`: those of this process, less what speaks of the environment that it
        runs in, as conda's activate would leave them: PATH, CONDA_PREFIX and its kin, what
        packages and the environment set, and what activation scripts do. With `env`: these,
        with the environment's bin first on PATH, CONDA_PREFIX, and what packages and the
        environment set. `activate`: whether scripts have a say; without `env` they have.

        What scripts do is found out once for a template, where it depends on nothing but
        their texts and the variables that they name; else they are run each time.
        Raises PrefixError where there is no bash to run them or one of them ends it, and
        SpecError for a malformed file of variables.
        """
        __tracebackhide__ = True
        files = self._activation()
        variables = activation.environment_for(self.path, env, files)
        if activate is None:
            activate = env is None
        if not activate:
            return variables
        if env is not None:
            variables |= activation.shell_variables(self.path)
        return activation_scripts.activated(self._place(), files, variables)

    def _place(self) -> Place:
        """Return where its scripts run, and how what they do is known."""
        return Place(self.path, view=self._view())

    def _view(self) -> str | None:
        """Return what the core knows it by, for a view of it; None: programs run in it."""
        return self.path if self.shown_in_views else None

    def _activation(self) -> activation.Files:
        """Return what activation reads of it."""
        return activation.read(self.path)

    def _program(self, variables: Mapping[str, str], name: str) -> str:
        """Return the path of a program, or what it is looked for by in its view."""
        __tracebackhide__ = True
        return activation.program_in(variables, name)

    def _command(
        self,
        caller: str,
        argv: tuple[Argument | Sequence[Argument], ...],
        env: Mapping[str, str] | None,
        activate: bool | None,
    ) -> tuple[list[Argument], dict[str, str]]:
        """Return the command, its program found, and the variables that it sees."""
        __tracebackhide__ = True
        given: Any = argv[0] if len(argv) == 1 and _is_list(argv[0]) else argv
        if not given:
            raise UsageError(f"{caller}() needs a command")
        variables = self.environ(env, activate=activate)
        program = self._program(variables, os.fsdecode(given[0]))
        return [program, *given[1:]], variables

    @property
    def python(self) -> Path:
        """Its Python; PrefixError where it has none."""
        return installed.python(self.path)

    @property
    def site_packages(self) -> Path:
        """The directory of its Python's packages; PrefixError where it has no Python."""
        return installed.site_packages(self.path)

    def is_installed(self, spec: object) -> bool:
        """Say whether a package that matches `spec`, a MatchSpec or its text, is there now.

        Of packages of conda; pip's are in site_packages. Raises SpecError.
        """
        return installed.has(self.path, spec)

    def pip_install(
        self, *args: AnyPath, cwd: AnyPath | None = None, timeout: float | None = None
    ) -> CompletedProcess[str]:
        """Install into it by its own pip, else by uv: `args` are those of `pip install`.

        As in `pip_install("a.whl")`, `pip_install("-e", project)`. Variables and settings
        that would make pip install elsewhere have no say; where cenv is offline, nor has
        an index. Raises LinkError with what pip said, PrefixError where there is no Python,
        or neither pip nor uv, and UsageError for a template, which nothing changes.
        """
        __tracebackhide__ = True
        if self.shown_in_views:
            hint = "install into a clone, or in setup= of a derived template"
            raise UsageError("a template is never changed", hint=hint)
        return installed.pip_install(self.path, args, cwd=cwd, timeout=timeout)


def _is_list(argument: object) -> bool:
    return isinstance(argument, (list, tuple))


@dataclass(frozen=True, eq=False)
class Draft(Environment):
    """A template in the making, as `setup=` gets it: what run() writes stays."""

    path: str

    @property
    def records(self) -> tuple[PackageRecord, ...]:
        """The packages that are installed now, by name."""
        return installed.records(self.path)
