# SPDX-License-Identifier: BSD-3-Clause
"""Extraction of real packages against zstd and tar on the same bytes.

cenv also reads the ZIP, hashes the archive and every file and checks the package's own
list; `zstd -dc | tar x` gets the inner archives unpacked from the ZIP beforehand and
checks nothing. Peers take part where they are installed: py-rattler,
conda-package-streaming.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import zipfile
from pathlib import Path

from measure import Contender, command, compare, python, shared, table, workspace

PACKAGES = ("python-3.*.conda", "ncurses-*.conda", "tzdata-*.conda")


def unzip(package: Path, place: Path) -> list[Path]:
    """Return the inner archives, taken out of the ZIP."""
    with zipfile.ZipFile(package) as outer:
        names = [name for name in outer.namelist() if name.endswith(".tar.zst")]
        return [Path(outer.extract(name, place)) for name in names]


def contenders(package: Path, place: Path) -> dict[str, Contender]:
    """Return who extracts `package` how; every one makes its target itself."""
    inner = unzip(package, place)
    plain = []
    for archive in inner:
        plain.append(archive.with_suffix(""))
        subprocess.run(["zstd", "-dqf", archive, "-o", plain[-1]], check=True)
    piped = " && ".join(f"zstd -dqc '{archive}' | tar x -C '{{}}'" for archive in inner)
    untar = " && ".join(f"tar xf '{archive}' -C '{{}}'" for archive in plain)
    found = {
        "cenv.extract": python(
            "import cenv", f"cenv.extract({str(package)!r}, target)"
        ),
        "zstd -dc | tar x": command("sh", "-c", f"mkdir '{{}}' && {piped}"),
        "tar x, decompressed before": command("sh", "-c", f"mkdir '{{}}' && {untar}"),
    }
    if importlib.util.find_spec("rattler"):
        found["py-rattler"] = python(
            "import pathlib\nfrom rattler.package_streaming import extract",
            f"extract(pathlib.Path({str(package)!r}), pathlib.Path(target))",
        )
    if importlib.util.find_spec("conda_package_streaming"):
        found["conda-package-streaming"] = python(
            "import os\nfrom conda_package_streaming.extract import extract",
            f"os.mkdir(target); extract({str(package)!r}, target)",
        )
    return found


def main(rounds: int = 7) -> list[str]:
    place = shared()
    if place is None:
        return ["the shared folder of real packages is not here: nothing measured"]
    if not shutil.which("zstd"):
        return ["the command zstd is not here: nothing to measure against"]
    lines = []
    with workspace() as work:
        for pattern in PACKAGES:
            (package, *_others) = sorted((place / "channel").glob(f"*/{pattern}"))
            own = work / package.stem
            own.mkdir()
            samples = compare(contenders(package, own), own, rounds)
            lines += table(f"extract {package.name}", samples, "zstd -dc | tar x")
    return lines


if __name__ == "__main__":
    print("\n".join(main()))
