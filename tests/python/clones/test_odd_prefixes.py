# SPDX-License-Identifier: BSD-3-Clause
"""Prefixes with characters that shells and formats give a meaning, on real packages."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import cenv

DEEP = "/".join(["d" * 40] * 4)  # past what a first line may have
ODD = [
    "a b",
    "a!b%c",
    "a$HOME$(id)b",
    "a`id`b",
    "a\\b",
    "a&b;c#d*",
    "ōγђ家固한áêñßôç",
    "x" * 80,
    f"{DEEP}/plain",
    f"{DEEP}/a $(id) `id` b",
    f"{DEEP}/a\\b",
]


@pytest.fixture(scope="module")
def template(python_channel: Path, session_store: Path) -> cenv.Template:
    store = cenv.TemplateStore(session_store)
    return store.template(["python", "pip", "setuptools"], [python_channel])


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a short path: pytest's own take much of a placeholder's 255 bytes."""
    with tempfile.TemporaryDirectory(prefix="c") as found:
        yield Path(found)


@pytest.mark.parametrize("name", ODD)
def test_odd_prefix__programs_run(
    template: cenv.Template, place: Path, name: str
) -> None:
    clone = template.clone(place / name, mode="hardlink")
    for program in ("pip", "python"):  # an entry point, and a binary
        argv = [str(clone / "bin" / program), "--version"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        assert program != "pip" or str(clone) in done.stdout
    # Python 3.12 and later warn of backslashes in the lines that start a script.
    script = (clone / "bin/pip").read_bytes()
    assert compile(script, "pip", "exec")
    assert cenv.verify(clone).ok


@pytest.mark.parametrize("name", ['a"b', "a'b", f'{DEEP}/a"$b'])
def test_odd_prefix__equals_an_installation(
    template: cenv.Template, python_channel: Path, place: Path, name: str
) -> None:
    """Quotes break what packages put into Python's string literals, as conda's do."""
    clone = template.clone(place / name, mode="copy")
    made = {
        path.relative_to(clone.path): path.read_bytes()
        for path in Path(clone.path).rglob("*")
        if path.is_file() and path.suffix not in (".pyc", ".json")
    }
    clone.remove()
    cenv.create(
        place / name,
        records=template.records,
        channels=[python_channel],
        store=template.store,
        offline=True,
    )
    for path, content in made.items():
        if path.parent.name != "conda-meta":
            assert (place / name / path).read_bytes() == content, path


def test_too_long_a_prefix__is_refused_before_anything_is_made(
    template: cenv.Template, place: Path
) -> None:
    too_long = place / "/".join(["y" * 60] * 5)
    with pytest.raises(cenv.PrefixError, match="255"):
        template.clone(too_long)
    assert not os.listdir(place)
    with pytest.raises(cenv.PrefixError, match="control character"):
        template.clone(place / "a\nb")
