# SPDX-License-Identifier: BSD-3-Clause
"""A package of PyTorch's size: 12,000 files, 1.1 GB, half of it in two libraries.

Made from a wheel, if one is given (`pip download --no-deps torch==2.11.0` gets the one that
figures are of), else from made-up bytes of the same sizes, which pack and decode at a like
rate. `large_package.py TARGET [WHEEL]` makes it; packing takes minutes.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

NAME, VERSION, BUILD = "large-package", "1.0", "0"
STEM = f"{NAME}-{VERSION}-{BUILD}"
TIME = (
    1_700_000_000.25  # with a fraction, as conda-build writes them: a pax header each
)

# Sizes of torch 2.11's files: how many lie up to which size, then each large one.
QUANTILES = (0, 786, 1080, 1515, 3460, 12_721, 27_458, 100_733)
SHARES = (0.10, 0.15, 0.25, 0.25, 0.15, 0.05, 0.04)
SMALL_FILES = 11_830
LARGE = (
    *(1_355_031, 1_498_969, 1_775_311, 2_252_855, 4_039_577, 5_285_920, 5_285_920),
    *(32_275_033, 37_741_528, 53_532_193, 451_209_129, 456_142_457),
)


class Noise:
    """Bytes like a library's: two fifths new, the rest repeats of what came before."""

    def __init__(self) -> None:
        self.random = random.Random(17)
        self.pool = self.random.randbytes(1 << 20)

    def bytes(self, size: int) -> bytes:
        """Return `size` bytes, others each time."""
        parts, left = [], size
        while left > 0:
            at = self.random.randrange(len(self.pool) - 64)
            part = self.pool[at : at + 32] + self.random.randbytes(18)
            parts.append(part)
            left -= len(part)
        return b"".join(parts)[:size]


def made_up() -> Iterator[tuple[str, bytes]]:
    """Give paths and contents of the sizes above, forty files a directory."""
    noise, number = Noise(), 0
    sizes = zip(SHARES, QUANTILES, QUANTILES[1:], strict=True)
    for share, low, high in sizes:
        for _ in range(int(SMALL_FILES * share)):
            path = f"large/part{number % 290:03d}/file{number:05d}.h"
            yield path, noise.bytes(noise.random.randint(low, high))
            number += 1
    block = noise.bytes(16 << 20)
    for index, size in enumerate(LARGE):
        turned = b"".join(
            block[at:] + block[:at]
            for at in (noise.random.randrange(len(block)) for _ in range(size >> 24))
        )
        rest = noise.bytes(size - len(turned))
        yield f"large/lib/lib{index:02d}.so", turned + rest


def of_wheel(wheel: Path) -> Iterator[tuple[str, bytes]]:
    """Give paths and contents of a wheel as they lie in a prefix."""
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(n for n in archive.namelist() if not n.endswith("/")):
            yield f"lib/python3.11/site-packages/{name}", archive.read(name)


def add(tar: tarfile.TarFile, path: str, data: bytes) -> None:
    """Append a file."""
    member = tarfile.TarInfo(path)
    member.size, member.mode, member.mtime = len(data), 0o644, TIME
    tar.addfile(member, io.BytesIO(data))


def pack(target: Path, members: Iterator[tuple[str, bytes]]) -> list[dict[str, object]]:
    """Write members through zstd, as conda-build does; return what paths.json says."""
    paths: list[dict[str, object]] = []
    with target.open("wb") as out:
        argv = ["zstd", "-q", "-T0", "-8", "--zstd=wlog=23", "-c"]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=out) as packing:
            assert packing.stdin
            with tarfile.open(fileobj=packing.stdin, mode="w|", bufsize=1 << 20) as tar:
                for path, data in members:
                    add(tar, path, data)
                    paths.append(
                        {
                            "_path": path,
                            "path_type": "hardlink",
                            "sha256": hashlib.sha256(data).hexdigest(),
                            "size_in_bytes": len(data),
                        }
                    )
    if packing.returncode:
        raise SystemExit("zstd failed")
    return paths


def documents(paths: list[dict[str, object]]) -> Iterator[tuple[str, bytes]]:
    """Give the files of info/."""
    index = {"name": NAME, "version": VERSION, "build": BUILD, "build_number": 0}
    index |= {"depends": [], "subdir": "linux-64"}
    yield "info/index.json", json.dumps(index).encode()
    listing = {"paths_version": 1, "paths": paths}
    yield "info/paths.json", json.dumps(listing, indent=1).encode()


def make(target: Path, wheel: Path | None = None) -> Path:
    """Make the package at `target`, a directory, unless it is there; return its path."""
    package = target / f"{STEM}.conda"
    if package.exists():
        return package
    target.mkdir(parents=True, exist_ok=True)
    pkg, info = target / f"pkg-{STEM}.tar.zst", target / f"info-{STEM}.tar.zst"
    pack(info, documents(pack(pkg, of_wheel(wheel) if wheel else made_up())))
    unfinished = package.with_suffix(".part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as outer:
        outer.writestr("metadata.json", json.dumps({"conda_pkg_format_version": 2}))
        for part in (pkg, info):
            outer.write(part, part.name)
            part.unlink()
    unfinished.rename(package)
    return package


if __name__ == "__main__":
    print(make(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None))
