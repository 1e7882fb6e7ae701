# SPDX-License-Identifier: BSD-3-Clause
"""The fixtures, in the shape of conda 26.3: what is asked of conda goes to a log."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from conda.base.context import reset_context


class CondaCLIFixture:
    def __init__(self, capsys: Any) -> None:
        self.capsys = capsys

    def __call__(self, *argv: Any) -> tuple[Any, Any, int]:
        if self.capsys:
            self.capsys.readouterr()
        with open(os.environ["STANDIN_LOG"], "a") as log:
            log.write(" ".join(map(str, argv)) + "\n")
        if "--clone" in argv or "create" in argv:
            at = [str(a) for a in argv if str(a).startswith("--prefix")]
            prefix = (
                at[0].partition("=")[2]
                if "=" in at[0]
                else argv[argv.index("--prefix") + 1]
            )
            Path(prefix, "conda-meta").mkdir(parents=True, exist_ok=True)
            Path(prefix, "conda-meta", "history").touch()
        reset_context()
        return None, None, 0


class TmpEnvFixture:
    def __init__(self, path_factory: Any, conda_cli: CondaCLIFixture) -> None:
        self.path_factory = path_factory
        self.conda_cli = conda_cli

    def get_path(
        self,
        name: Any = None,
        prefix: Any = None,
        infix: Any = None,
        suffix: Any = None,
    ) -> Path:
        if hasattr(self.path_factory, "mktemp"):
            parts = (prefix or "tmp_env-") + (infix or "") + (suffix or "")
            return Path(self.path_factory.mktemp(name or parts))
        random = uuid.uuid4().hex
        return Path(
            self.path_factory,
            name
            or (prefix or random[:4])
            + (infix or random[4:8])
            + (suffix or random[8:12]),
        )

    @contextmanager
    def __call__(
        self,
        *args: Any,
        prefix: Any = None,
        name: str | None = None,
        path_prefix: str | None = None,
        path_infix: str | None = None,
        path_suffix: str | None = None,
        shallow: bool | None = None,
    ) -> Iterator[Path]:
        if shallow and args:
            raise ValueError("shallow=True cannot be used with any arguments")
        where = Path(
            prefix or self.get_path(name, path_prefix, path_infix, path_suffix)
        )
        if shallow or (shallow is None and not args):
            (where / "conda-meta").mkdir(parents=True, exist_ok=True)
            (where / "conda-meta" / "history").touch()
        else:
            self.conda_cli("create", f"--prefix={where}", *args, "--yes", "--quiet")
        yield where


@pytest.fixture
def conda_cli(capsys: Any) -> CondaCLIFixture:
    return CondaCLIFixture(capsys)


@pytest.fixture(scope="session")
def session_conda_cli() -> CondaCLIFixture:
    return CondaCLIFixture(None)


@pytest.fixture
def tmp_env(tmp_path: Path, conda_cli: CondaCLIFixture) -> TmpEnvFixture:
    return TmpEnvFixture(tmp_path, conda_cli)


@pytest.fixture(scope="session")
def session_tmp_env(
    tmp_path_factory: pytest.TempPathFactory, session_conda_cli: CondaCLIFixture
) -> TmpEnvFixture:
    return TmpEnvFixture(tmp_path_factory, session_conda_cli)
