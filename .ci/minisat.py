# SPDX-License-Identifier: BSD-3-Clause
"""Build MiniSat from the distribution's source package into a prefix.

    python3 .ci/minisat.py PREFIX

No distribution ships MiniSat as a library. Every one carries the same original
tarball, so it is fetched through apt, from the machine's own sources with its own
proxy and credentials, and accepted by its hash alone. Standard library only.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

NAME = "minisat2_2.2.1.orig.tar.gz"
SHA256 = "e54afa3c192c1753bc8075c0c7e126d5c495d9066e3f90a2588091149ac9ca40"
POOL = f"main/m/minisat2/{NAME}"
APT = Path("/etc/apt")
HELPER = "/usr/lib/apt/apt-helper"
FLAGS = ["-std=c++17", "-O2", "-DNDEBUG", "-fPIC", "-fvisibility=hidden", "-w", "-I."]
HEADERS = ("minisat/core", "minisat/mtl", "minisat/utils")
# (file, old, new): spots that no present compiler accepts; and the list of options, for what
# allocates before main() ends the process where memory is out.
SUBSTITUTIONS = (
    (
        "minisat/core/SolverTypes.h",
        "friend Lit mkLit(Var var, bool sign = false);",
        "friend Lit mkLit(Var var, bool sign);",
    ),
    (
        "minisat/core/SolverTypes.h",
        "inline  Lit  mkLit     (Var var, bool sign) {",
        "inline  Lit  mkLit     (Var var, bool sign = false) {",
    ),
    ("minisat/utils/Options.h", '"PRIi64', '" PRIi64 '),
    ("minisat/utils/Options.h", "getOptionList().push(this);", ""),
)


class BuildError(Exception):
    """MiniSat cannot be built; the message says what to do."""


def is_tarball(path: Path, sha256: str | None = None) -> bool:
    """Tell whether `path` is the expected tarball, MiniSat's where no sum is given."""
    if not path.is_file():
        return False
    return hashlib.sha256(path.read_bytes()).hexdigest() == (sha256 or SHA256)


def run(argv: list[str], cwd: Path | None = None) -> str:
    """Run `argv`, quietly; return its output whatever its exit status."""
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout


def fetch_from_pool(target: Path, name: str = POOL, sha256: str | None = None) -> bool:
    """Fetch `name`, "COMPONENT/x/source/FILE", from the pools of apt's repositories.

    apt's lists must exist. True: `target` is the tarball of this hash.
    """
    form = "$(REPO_URI) $(COMPONENT)"
    listed = run(["apt-get", "indextargets", "--format", form, "Created-By: Packages"])
    within = name.partition("/")[2]
    for line in dict.fromkeys(listed.splitlines()):
        uri, _, component = line.rpartition(" ")
        if component not in ("main", "universe"):
            continue
        url = f"{uri.rstrip('/')}/pool/{component}/{within}"
        digest = f"SHA256:{sha256 or SHA256}"
        run([HELPER, "download-file", url, str(target), digest])
        if is_tarball(target, sha256):
            return True
    return False


def source_lists(parts: Path) -> None:
    """Write a deb-src twin of each of the machine's apt sources into `parts`."""
    for path in [APT / "sources.list", *sorted((APT / "sources.list.d").glob("*"))]:
        if not path.is_file():
            continue
        text = path.read_text(errors="replace")
        if path.suffix == ".sources":
            text = re.sub(r"(?m)^[Tt]ypes:.*$", "Types: deb-src", text)
        elif path.suffix == ".list":
            found = re.findall(r"(?m)^[ \t]*deb([ \t].*)$", text)
            text = "".join(f"deb-src{rest}\n" for rest in found)
        else:
            continue
        (parts / path.name).write_text(text)


def fetch_as_source(target: Path, work: Path) -> None:
    """Fetch with `apt-get source`, through a private index: works without root."""
    parts, lists, cache = work / "parts", work / "lists", work / "cache"
    for directory in (parts, lists / "partial", cache / "archives/partial"):
        directory.mkdir(parents=True)
    source_lists(parts)
    options = [
        "-oDir::Etc::sourcelist=/dev/null",
        f"-oDir::Etc::sourceparts={parts}",
        f"-oDir::State::Lists={lists}",
        f"-oDir::Cache={cache}",
        "-oAPT::Sandbox::User=root",
    ]
    run(["apt-get", *options, "update"])
    run(["apt-get", *options, "source", "--download-only", "minisat2"], cwd=work)
    if is_tarball(work / NAME):
        shutil.copyfile(work / NAME, target)


def fetch(work: Path) -> Path:
    """Return the tarball, fetched into `work`."""
    target = work / NAME
    if shutil.which("apt-get") is None:
        raise BuildError(
            "MiniSat is missing and apt-get is not here to fetch its source.\n"
            "Install MiniSat (Homebrew and nixpkgs ship it) and set MINISAT_PREFIX "
            "to its prefix (lib/libminisat.a, include/minisat)."
        )
    fetch_from_pool(target)
    if not is_tarball(target):
        fetch_as_source(target, work)
    if not is_tarball(target):
        raise BuildError(
            f"apt could not fetch {NAME} (source package minisat2).\n"
            "It is in Debian main and Ubuntu universe: run 'apt-get update', enable "
            "universe, or set MINISAT_PREFIX to a prefix that holds MiniSat."
        )
    return target


def unpack(tarball: Path, work: Path) -> Path:
    """Unpack the tarball, make the substitutions, return the source directory."""
    with tarfile.open(tarball) as archive:
        # Older Pythons have no filters; the content is known by its hash.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(work / "src")
    source = work / "src/minisat2-2.2.1"
    substitute(source)
    return source


def substitute(source: Path) -> None:
    """Make the substitutions in an unpacked source directory."""
    for name, old, new in SUBSTITUTIONS:
        path = source / name
        text = path.read_text()
        if old not in text:
            raise BuildError(f"{name} in {NAME} is not as expected: no {old!r}")
        path.write_text(text.replace(old, new))


def compile_library(source: Path) -> Path:
    """Compile the solver's one file and archive it."""
    cxx = shlex.split(os.environ.get("CXX", "c++"))
    flags = [*FLAGS, *shlex.split(os.environ.get("MINISAT_CXXFLAGS", ""))]
    library = source / "libminisat.a"
    for argv in (
        [*cxx, *flags, "-c", "minisat/core/Solver.cc", "-o", "Solver.o"],
        ["ar", "rcs", str(library), "Solver.o"],
    ):
        try:
            subprocess.run(argv, cwd=source, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise BuildError(f"MiniSat does not compile: {error}") from error
    return library


def install(source: Path, library: Path, prefix: Path) -> None:
    """Copy headers, then the library: the library's presence means complete."""
    for name in HEADERS:
        to = prefix / "include" / name
        to.mkdir(parents=True, exist_ok=True)
        for header in (source / name).glob("*.h"):
            shutil.copyfile(header, to / header.name)
    (prefix / "lib").mkdir(parents=True, exist_ok=True)
    temporary = prefix / "lib" / f".libminisat.{os.getpid()}"
    shutil.copyfile(library, temporary)
    temporary.replace(prefix / "lib" / "libminisat.a")


def is_built(prefix: Path) -> bool:
    """Tell whether `prefix` holds the library and its headers."""
    header = prefix / "include/minisat/core/Solver.h"
    return header.is_file() and any((prefix / "lib").glob("libminisat.*"))


def is_current(prefix: Path) -> bool:
    """Tell whether what `prefix` holds was built with all the substitutions."""
    return is_built(prefix) and not any(
        old in (prefix / "include" / name).read_text() for name, old, _ in SUBSTITUTIONS
    )


def build(prefix: Path) -> None:
    """Make sure `prefix` holds MiniSat."""
    if is_current(prefix):
        return
    with tempfile.TemporaryDirectory(prefix="cenv-minisat-") as name:
        work = Path(name)
        source = unpack(fetch(work), work)
        install(source, compile_library(source), prefix)


def provide(default: Path) -> Path:
    """Return $MINISAT_PREFIX, else `default`, built where it is not there yet."""
    named = os.environ.get("MINISAT_PREFIX")
    prefix = Path(named).absolute() if named else default
    if prefix.resolve() == default.resolve():
        build(prefix)
    elif not is_built(prefix):
        raise BuildError(
            f"MINISAT_PREFIX is {prefix}, but no MiniSat is there "
            "(lib/libminisat.*, include/minisat/core/Solver.h)."
        )
    return prefix


if __name__ == "__main__":
    try:
        build(Path(sys.argv[1]).absolute())
    except BuildError as error:
        sys.exit(f"cenv: {error}")
