# SPDX-License-Identifier: BSD-3-Clause
"""What users wait for, as benchmarks of pytest-codspeed or pytest-benchmark.

`make codspeed` runs them here; a job of CodSpeed's runs `pytest benchmarks --codspeed`. On
packages built here, and on real ones where they are there (CENV_SHARED).
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cenv
from cenv.demo.package import PLACEHOLDER, Member, Package, write

SHARED = Path(os.environ.get("CENV_SHARED", Path(__file__).parents[2] / "shared"))
REAL = (SHARED / "channel").is_dir()
SPECS = {"built": ["tool"], "real": ["python", "pip", "setuptools"]}
ROUNDS = 10
WHEN = 1_600_000_000_000_000_000

pytestmark = pytest.mark.filterwarnings("ignore:.*ignores rounds:UserWarning")


def build(directory: Path, plain: int = 1000, relocated: int = 50) -> Path:
    """Write a channel: a tool of many files, each tenth version of what it needs."""
    text = f"here={PLACEHOLDER}/lib\n".encode() * 20
    members = [
        Member(f"lib/plain/{n % 40}/{n}.txt", b"plain\n" * n, 0o644, WHEN)
        for n in range(plain)
    ]
    members += [
        Member(f"etc/{n}.conf", text, 0o644, WHEN, placeholder=PLACEHOLDER)
        for n in range(relocated)
    ]
    write(Package("tool", "1.0", depends=["data >=2"], members=members), directory)
    for version in range(20):
        member = Member("share/data", b"%d" % version, 0o644, WHEN)
        write(Package("data", f"{version}.0", members=[member]), directory)
    (directory / "noarch").mkdir(exist_ok=True)
    cenv.index(directory)
    return directory


@pytest.fixture(scope="session", params=["built", *(["real"] if REAL else [])])
def kind(request: pytest.FixtureRequest) -> str:
    """Return which packages are measured."""
    return str(request.param)


@pytest.fixture(scope="session")
def channel(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if kind == "real":
        return SHARED / "channel"
    return build(tmp_path_factory.mktemp("channel"))


@pytest.fixture(scope="session")
def template(kind: str, channel: Path, cenv_template: Any) -> cenv.Template:
    found: cenv.Template = cenv_template(*SPECS[kind], channels=[channel])
    return found


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Path]:
    """Return a function that names a path where nothing is."""
    numbers = itertools.count()
    return lambda: tmp_path / str(next(numbers))


@pytest.mark.parametrize("mode", ["hardlink", "copy"])
def test_clone(benchmark, template: cenv.Template, fresh, mode: str) -> None:
    def setup() -> Any:
        return (fresh(),), {"mode": mode}

    clone = benchmark.pedantic(template.clone, setup=setup, rounds=ROUNDS)
    assert (clone / "conda-meta/history").exists()


def test_reset(benchmark, template: cenv.Template, fresh) -> None:
    clone = template.clone(fresh(), mode="copy")
    found = (path for path in (clone / "lib").rglob("*.*") if not path.is_symlink())
    names = [path for path in found if path.is_file()][:20]

    def setup() -> Any:
        for path in names:
            path.write_text("changed")
        return (), {}

    report = benchmark.pedantic(clone.reset, setup=setup, rounds=ROUNDS)
    assert report.restored == len(names)


def test_remove(benchmark, template: cenv.Template, fresh) -> None:
    def setup() -> Any:
        return (template.clone(fresh()),), {}

    benchmark.pedantic(cenv.Clone.remove, setup=setup, rounds=ROUNDS)


def test_solve(benchmark, kind: str, channel: Path, tmp_path: Path) -> None:
    index = cenv.Index([channel], store=tmp_path / "store")
    solution = benchmark(index.solve, SPECS[kind])
    assert SPECS[kind][0] in [record.name for record in solution.records]


def test_open_index(benchmark, channel: Path, tmp_path: Path) -> None:
    cenv.Index([channel], store=tmp_path / "store")
    assert benchmark(lambda: cenv.Index([channel], store=tmp_path / "store"))


def test_extract(benchmark, kind: str, channel: Path, fresh) -> None:
    name = SPECS[kind][0]
    package = next(iter(sorted(channel.glob(f"*/{name}-[0-9]*"))))

    def setup() -> Any:
        return (package, fresh()), {}

    benchmark.pedantic(cenv.extract, setup=setup, rounds=ROUNDS)
