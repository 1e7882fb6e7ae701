# SPDX-License-Identifier: BSD-3-Clause
"""The running interpreter as a conda package that can be relocated to any prefix."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from pathlib import Path

from cenv.demo.elf import with_run_path
from cenv.demo.interpreter import Interpreter, libraries, stdlib_files
from cenv.demo.package import PLACEHOLDER, Member, Package

MARK = b"cenv-demo-prefix="

# Debian's site looks in dist-packages only, and is frozen into the executable.
_DEBIAN_SITE = b"""\
import site, sys
site.addsitedir(sys.prefix + "/lib/python%d.%d/site-packages" % sys.version_info[:2])
"""


def make(python: Interpreter, subdir: str) -> Package:
    """Return the package `python` made of the running interpreter."""
    members = {member.path: member for member in _members(python)}
    return Package(
        name="python",
        version=python.version,
        build="0_demo",
        subdir=subdir,
        members=list(members.values()),
        extra={"python_site_packages_path": f"{python.lib}/site-packages"},
    )


def _members(python: Interpreter) -> Iterator[Member]:
    yield from _executable(python)
    files = list(stdlib_files(python))
    for path, source in files:
        yield _stdlib_member(python, path, source)
    objects = [python.executable, *(s for _p, s in files if ".so" in s.name)]
    for name, source in sorted(libraries(python, iter(objects)).items()):
        yield _elf_member(f"lib/{name}", source)
    yield Member(
        "share/cenv-demo/prefix.txt",
        f"This environment lies at {PLACEHOLDER}\n".encode(),
        placeholder=PLACEHOLDER,
    )
    if python.debian:
        yield Member(f"{python.lib}/sitecustomize.py", _DEBIAN_SITE)


def _executable(python: Interpreter) -> Iterator[Member]:
    """Yield the binary, ended by a slot for the prefix (ELF ignores what lies behind it)."""
    data = with_run_path(python.executable.read_bytes(), b"$ORIGIN/../lib")
    slot = MARK + PLACEHOLDER.encode() + b"\0"
    name = f"python{python.short}{python.threads}"
    yield Member(f"bin/{name}", data + slot, 0o755, placeholder=PLACEHOLDER)
    if python.threads:
        yield Member(f"bin/python{python.short}", link=name)
    yield Member("bin/python3", link=name)
    yield Member("bin/python", link=name)


def _elf_member(path: str, source: Path) -> Member:
    up = posixpath.relpath("lib", posixpath.dirname(path))
    origin = "$ORIGIN" if up == "." else f"$ORIGIN/{up}"
    facts = source.stat()
    data = with_run_path(source.read_bytes(), origin.encode())
    return Member(path, data, facts.st_mode & 0o777, facts.st_mtime_ns)


def _stdlib_member(python: Interpreter, path: str, source: Path) -> Member:
    if source.is_symlink() and not os.path.isabs(os.readlink(source)):
        return Member(path, link=os.readlink(source))
    if ".so" in source.name and not python.distribution:
        return _elf_member(path, source)
    facts = source.stat()
    member = Member(path, source.read_bytes(), facts.st_mode & 0o777, facts.st_mtime_ns)
    return _with_placeholder(python, member) if "_sysconfig" in path else member


def _with_placeholder(python: Interpreter, member: Member) -> Member:
    """Put the placeholder where the old prefix stands in the build's variables.

    Not for /usr, which would hit /usr/bin/env and break `python -m venv` in a clone.
    """
    data = member.data
    if member.path.endswith(".pyc") or not member.path.endswith(".py"):
        return member
    if python.debian:
        data = data.replace(b"'posix_local'", b"'posix_prefix'")
    if not python.distribution:
        data = data.replace(os.fsencode(python.base), PLACEHOLDER.encode())
    if data == member.data:
        return member
    placeholder = PLACEHOLDER if PLACEHOLDER.encode() in data else None
    # A whole second later: bytecode of the original text must not be taken for fresh.
    return Member(
        member.path, data, member.mode, member.mtime_ns + 10**9, placeholder=placeholder
    )
