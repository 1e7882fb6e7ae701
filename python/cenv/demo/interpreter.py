# SPDX-License-Identifier: BSD-3-Clause
"""Facts about the running Python, and the files it is made of."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cenv.demo.elf import read_dynamic

# Not needed to run, or not relocatable, or of the machine and not of Python.
_LEFT_OUT_DIRS = frozenset(
    "site-packages dist-packages test tests idlelib turtledemo tkinter lib2to3".split()
)
_LEFT_OUT_NAMES = frozenset(["sitecustomize.py", "EXTERNALLY-MANAGED"])


@dataclass(frozen=True)
class Interpreter:
    """The Python that runs: behind shims, links and virtual environments."""

    executable: Path
    version: str  # 3.11.7
    short: str  # 3.11
    threads: str  # "t" where there is no global lock: of the names that Python gives
    stdlib: Path
    dynload: Path
    base: Path
    distribution: bool  # /usr: the libraries are the system's, nothing is rewritten
    debian: bool  # site looks for dist-packages only

    @property
    def lib(self) -> str:
        """The standard library's place in a prefix."""
        return f"lib/python{self.short}{self.threads}"


def running() -> Interpreter:
    """Describe the running Python (Linux: /proc/self/exe sees through shims and venvs)."""
    executable = Path(os.path.realpath("/proc/self/exe"))
    stdlib = Path(sysconfig.get_path("stdlib"))
    dynload = next(
        (Path(p) for p in sys.path if p.endswith("lib-dynload")), stdlib / "lib-dynload"
    )
    base = Path(os.path.realpath(sys.base_prefix))
    return Interpreter(
        executable=executable,
        version=".".join(map(str, sys.version_info[:3])),
        short=".".join(map(str, sys.version_info[:2])),
        threads="t" if sysconfig.get_config_var("Py_GIL_DISABLED") else "",
        stdlib=stdlib,
        dynload=dynload,
        base=base,
        distribution=base == Path("/usr"),
        debian="deb_system" in sysconfig.get_scheme_names(),
    )


def stdlib_files(python: Interpreter) -> Iterator[tuple[str, Path]]:
    """Yield (path in the prefix, source) for the standard library and its extensions."""
    yield from _tree(python.stdlib, python.lib)
    if python.dynload.parent != python.stdlib:
        yield from _tree(python.dynload, f"{python.lib}/lib-dynload")


def _tree(top: Path, place: str) -> Iterator[tuple[str, Path]]:
    for folder, names, files in os.walk(top):
        names[:] = sorted(n for n in names if not _left_out_dir(n))
        inside = os.path.relpath(folder, top)
        head = place if inside == "." else f"{place}/{inside}"
        for name in sorted(files):
            if not _left_out_file(name):
                yield f"{head}/{name}", Path(folder, name)


def _left_out_dir(name: str) -> bool:
    return name in _LEFT_OUT_DIRS or name.startswith("config-")


def _left_out_file(name: str) -> bool:
    return (
        name in _LEFT_OUT_NAMES
        or name.endswith((".a", ".opt-1.pyc", ".opt-2.pyc"))
        or name.startswith("sitecustomize.")
    )


def libraries(python: Interpreter, objects: Iterator[Path]) -> dict[str, Path]:
    """Return the shared libraries of the base prefix that `objects` need, all the way down."""
    if python.distribution:
        return {}
    found: dict[str, Path] = {}
    waiting = list(objects)
    while waiting:
        dynamic = read_dynamic(waiting.pop().read_bytes())
        for needed in dynamic.needed if dynamic else ():
            name = os.path.basename(needed)
            source = _library(python, name)
            if source and name not in found:
                found[name] = source
                waiting.append(source)
    return found


def _library(python: Interpreter, name: str) -> Path | None:
    for base in (python.base, Path(sys.base_prefix)):
        candidate = base / "lib" / name
        if candidate.exists():
            return candidate.resolve()
    return None
