# SPDX-License-Identifier: BSD-3-Clause
"""Build MiniSat and libmpack, unpacked, into a prefix; recipe.yaml runs it.

    python build_libraries.py MINISAT LIBMPACK PREFIX

Static, with the compilers of $CC and $CXX: no channel has either.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / ".ci"))

import libraries
import minisat

PACKAGE = """\
Name: mpack
Description: MessagePack
Version: 1.0.5
Cflags: -I{prefix}/include
Libs: {prefix}/lib/libmpack.a
"""


def build_minisat(source: Path, prefix: Path) -> None:
    """Mend, compile and install MiniSat."""
    minisat.substitute(source)
    minisat.install(source, minisat.compile_library(source), prefix)


def build_mpack(source: Path, prefix: Path) -> None:
    """Compile libmpack, and install what pkg-config and the compiler look for."""
    cc = shlex.split(os.environ.get("CC", "cc"))
    flags = ["-O2", "-DNDEBUG", "-fPIC", "-fvisibility=hidden"]
    objects = source / "mpack.o"
    subprocess.run(
        [*cc, *flags, "-c", source / "src/mpack.c", "-o", objects], check=True
    )
    subprocess.run(["ar", "rcs", prefix / "lib/libmpack.a", objects], check=True)
    (prefix / "include/mpack.h").write_text(
        libraries.join_mpack_headers(source / "src")
    )
    (prefix / "lib/pkgconfig").mkdir(exist_ok=True)
    (prefix / "lib/pkgconfig/mpack.pc").write_text(PACKAGE.format(prefix=prefix))


def main(minisat_source: Path, mpack_source: Path, prefix: Path) -> None:
    """Build both."""
    build_minisat(minisat_source, prefix)
    build_mpack(mpack_source, prefix)


if __name__ == "__main__":
    main(*(Path(word).resolve() for word in sys.argv[1:4]))
