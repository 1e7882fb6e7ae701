# SPDX-License-Identifier: BSD-3-Clause
"""Values that stand for a directory: taken wherever a path is, and asked as a Path is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

AnyPath = str | os.PathLike[str]


class Directory:
    """A directory: str() and fspath() give its path, `/` a pathlib.Path."""

    path: str

    def __str__(self) -> str:
        return self.path

    def __fspath__(self) -> str:
        return self.path

    def __truediv__(self, other: AnyPath) -> Path:
        return Path(self.path) / other

    @property
    def prefix(self) -> Path:
        """The path as a pathlib.Path."""
        return Path(self.path)

    @property
    def bin(self) -> Path:
        """The directory of its programs."""
        return Path(self.path, "bin")

    @property
    def conda_meta(self) -> Path:
        """The directory of its records."""
        return Path(self.path, "conda-meta")


class LikePath(Directory):
    """A directory that equals the Path of it, hashes as it, and has its methods.

    Everything public that a pathlib.Path has is here, and is that of `prefix`: those that
    are most used are told one by one, for type checkers.
    """

    def __eq__(self, other: object) -> bool:
        if isinstance(other, LikePath):
            return self.path == other.path
        return PurePath(self.path) == other if isinstance(other, PurePath) else False

    def __hash__(self) -> int:
        return hash(PurePath(self.path))

    def __lt__(self, other: AnyPath) -> bool:
        return PurePath(self.path) < PurePath(other)

    def __gt__(self, other: AnyPath) -> bool:
        return PurePath(self.path) > PurePath(other)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.prefix.name

    @property
    def parent(self) -> Path:
        """The directory that it lies in."""
        return self.prefix.parent

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the path."""
        return self.prefix.parts

    def exists(self) -> bool:
        """Say whether it is there: not before it was made, nor once it is removed."""
        return self.prefix.exists()

    def is_dir(self) -> bool:
        """Say whether it is a directory."""
        return self.prefix.is_dir()

    def iterdir(self) -> Iterator[Path]:
        """Yield what is in it."""
        return self.prefix.iterdir()

    def glob(self, pattern: str) -> Iterator[Path]:
        """Yield what matches, as Path.glob."""
        return iter(self.prefix.glob(pattern))

    def rglob(self, pattern: str) -> Iterator[Path]:
        """Yield what matches at any depth, as Path.rglob."""
        return iter(self.prefix.rglob(pattern))

    def joinpath(self, *parts: AnyPath) -> Path:
        """Return a path below it."""
        return self.prefix.joinpath(*parts)

    def resolve(self) -> Path:
        """Return the path without links."""
        return self.prefix.resolve()

    def relative_to(self, other: AnyPath) -> PurePath:
        """Return the path from `other` on; ValueError where it is not below that."""
        return self.prefix.relative_to(other)

    def stat(self) -> os.stat_result:
        """Return what the system tells of the directory."""
        return self.prefix.stat()

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_") or not hasattr(Path, name):
                kind = type(self).__name__
                raise AttributeError(f"{kind!r} object has no attribute {name!r}")
            return getattr(self.prefix, name)
