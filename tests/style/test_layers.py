# SPDX-License-Identifier: BSD-3-Clause
"""Who may include whom, and which calls the core never makes."""

from __future__ import annotations

STANDARD = {
    "assert.h", "ctype.h", "errno.h", "float.h", "inttypes.h", "limits.h", "math.h",
    "stdalign.h", "stdarg.h", "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h",
    "stdio.h", "stdlib.h", "stdnoreturn.h", "string.h", "time.h",
}  # fmt: skip

CPP_STANDARD = {"cerrno", "new"}  # of the shim before MiniSat

INTRINSICS = {"arm_neon.h", "emmintrin.h", "immintrin.h"}  # the compiler's own

# A foreign header, by its beginning, and the one file that uses it.
FOREIGN = {
    "Python.h": "binding/bind.h",
    "bzlib.h": "codec/bzip2.c",
    "cJSON.h": "codec/json.c",
    "curl/": "net/curl.h",
    "lzma.h": "codec/xz.c",
    "minisat/": "solve/sat.cc",
    "mpack": "codec/msgpack.c",
    "openssl/": "base/digest.c",
    "pcre2.h": "codec/regex.c",
    "zlib.h": "codec/deflate.c",
    "zstd": "codec/zstd.c",
}

BANNED = {
    # They write without a bound, or keep their state where all threads see it.
    "alloca", "asctime", "ctime", "gets", "gmtime", "localtime", "rand", "sprintf",
    "srand", "stpcpy", "strcat", "strcpy", "strerror", "strncat", "strncpy", "strtok",
    "vsprintf",
    # They cannot report an error.
    "atof", "atoi", "atol", "atoll",
    # They change the whole process, or end it.
    "abort", "chdir", "exit", "fchdir", "putenv", "quick_exit", "setenv", "setlocale",
    "sigaction", "signal", "umask", "unsetenv",
    # The core never prints, and starts no shell.
    "fprintf", "fputs", "perror", "popen", "printf", "putchar", "puts", "system",
    "vfprintf", "vprintf",
    # Names made by guessing: use openat with O_EXCL.
    "mktemp", "tempnam", "tmpnam",
}  # fmt: skip

ALLOCATION = {
    "aligned_alloc", "calloc", "free", "malloc", "posix_memalign", "realloc",
    "reallocarray", "strdup", "strndup",
}  # fmt: skip

# A child between fork and exec is a process of its own.
IN_A_CHILD = {
    "os/linux/namespace.c": {"chdir", "fchdir", "signal", "sigaction"},
}


SYSTEM = "os"  # the room that knows it


def foreign_home(header: str) -> str | None:
    """Return the file that may include `header`; None: any may."""
    homes = [home for start, home in FOREIGN.items() if header.startswith(start)]
    return homes[0] if homes else None


def test_rooms__use_only_rooms_above(rooms):
    order = list(rooms)
    wrong = [
        f"{room} uses {used}"
        for room in rooms
        for used in rooms[room]
        if used not in order or order.index(used) >= order.index(room)
    ]
    assert wrong == []


def test_include__names_a_room_that_may_be_used(sources, rooms):
    wrong = []
    for source in sources:
        if source.room == "include":
            continue
        for include in source.includes():
            room = include.strip('"<>').partition("/")[0]
            if include[0] == "<" or include == '"cenv.h"' or room == source.room:
                continue
            if foreign_home(include.strip('"')):
                continue
            if room not in rooms[source.room]:
                wrong.append(f"csrc/{source.name} includes {include}")
    assert wrong == []


def test_include__only_os_knows_the_system(sources):
    wrong = []
    for source in sources:
        allowed = (
            STANDARD
            | CPP_STANDARD
            | INTRINSICS
            | ({"pthread.h", "signal.h"} if source.room == "base" else set())
        )
        for include in source.includes():
            header = include.strip("<>")
            if include[0] == '"' or source.room == SYSTEM or foreign_home(header):
                continue
            if header not in allowed:
                wrong.append(f"csrc/{source.name} includes {include}")
    assert wrong == []


def test_include__each_library_has_one_home(sources):
    wrong = [
        f"csrc/{source.name} includes {include}; only {home} may"
        for source in sources
        for include in source.includes()
        if (home := foreign_home(include.strip('"<>'))) not in (None, source.name)
    ]
    assert wrong == []


def test_calls__none_is_banned(sources):
    wrong = [
        call
        for source in sources
        if source.room != "binding"
        for call in source.calls(BANNED - IN_A_CHILD.get(source.name, set()))
    ]
    assert wrong == []


def test_calls__memory_comes_from_alloc_only(sources):
    wrong = [
        call
        for source in sources
        if source.name not in ("base/alloc.c", "base/alloc.h")
        for call in source.calls(ALLOCATION)
    ]
    assert wrong == []


def test_secrets__are_read_where_requests_are_made(sources, top):
    """A URL's text has no secrets; what opens connections alone takes them out."""
    readers = {
        source.room
        for source in sources
        if "cenv_secret_url_for_request(" in source.text
        and "codec/secret_url." not in source.name
    }
    assert readers == {"net"}
    modules = {
        path.relative_to(top / "python/cenv").as_posix()
        for path in (top / "python/cenv").rglob("*.py")
        if ".for_request" in path.read_text()
    }
    assert modules == {"api.py", "solving/index.py", "solving/opening.py"}
