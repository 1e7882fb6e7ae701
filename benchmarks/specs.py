# SPDX-License-Identifier: BSD-3-Clause
"""Parse and match the dependency strings of real channels: ns for each, in the C core alone.

Needs the shared oracles (CENV_SHARED or ../shared) and zstd. The last of three rounds counts.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from measure import ROOT, shared, workspace

LIBRARIES = ("libpcre2-8", "libcrypto")
SOURCES = ("base/*.c", "model/*.c", "codec/regex.c", "codec/json_scan.c")


def build(place: Path) -> Path:
    """Compile the program with the parts of the core it uses."""
    flags = ["pkg-config", "--cflags", "--libs", *LIBRARIES]
    libraries = subprocess.run(flags, check=True, stdout=subprocess.PIPE, text=True)
    sources = [path for name in SOURCES for path in sorted((ROOT / "csrc").glob(name))]
    out = place / "specs"
    command = ["cc", "-O2", "-std=gnu11", "-D_GNU_SOURCE", "-pthread", "-o", out]
    command += [f"-I{ROOT}/csrc", f"-I{ROOT}/csrc/include", ROOT / "benchmarks/specs.c"]
    subprocess.run([*command, *sources, *libraries.stdout.split()], check=True)
    return out


def main() -> int:
    """Print the figures."""
    folder = shared()
    if folder is None:
        print("the shared oracles are not here (CENV_SHARED)")
        return 0
    with workspace() as place:
        names = ("matchspec_matches_conda.tsv", "universe.tsv")
        for name in names:
            packed = folder / "repodata" / "oracles" / f"{name}.zst"
            subprocess.run(["zstd", "-dqf", packed, "-o", place / name], check=True)
        subprocess.run([build(place), *(place / name for name in names)], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
