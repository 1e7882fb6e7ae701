# SPDX-License-Identifier: BSD-3-Clause
"""Who may include whom, and which calls the core never makes."""

from __future__ import annotations

LAYERS = ("base", "io", "model", "ops", "binding")

STANDARD = {
    "assert.h", "ctype.h", "errno.h", "float.h", "inttypes.h", "limits.h", "math.h",
    "stdalign.h", "stdarg.h", "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h",
    "stdio.h", "stdlib.h", "stdnoreturn.h", "string.h", "time.h",
}  # fmt: skip

INTRINSICS = {"arm_neon.h", "emmintrin.h", "immintrin.h"}  # the compiler's own

# A foreign header, by its beginning, and the one file that uses it.
FOREIGN = {
    "Python.h": "binding/bind.h",
    "archive": "io/archive.c",
    "cJSON.h": "io/json.c",
    "curl/": "io/http.c",
    "minisat/": "io/sat.cc",
    "mpack": "io/msgpack.c",
    "openssl/": "base/digest.c",
    "pcre2.h": "io/regex.c",
    "zstd": "io/archive.c",
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
    "io/proc.c": {"chdir", "fchdir"},
    "io/ns.c": {"chdir", "fchdir", "signal", "sigaction"},
}


def foreign_home(header: str) -> str | None:
    """Return the file that may include `header`; None: any may."""
    homes = [home for start, home in FOREIGN.items() if header.startswith(start)]
    return homes[0] if homes else None


def test_include__goes_down_only(sources):
    wrong = []
    for source in sources:
        for include in source.includes():
            layer = include.strip('"<>').partition("/")[0]
            if include[0] == "<" or layer not in LAYERS or source.layer == "include":
                continue
            if LAYERS.index(layer) > LAYERS.index(source.layer):
                wrong.append(f"csrc/{source.name} includes {include}")
    assert wrong == []


def test_include__names_the_layer(sources):
    wrong = [
        f"csrc/{source.name} includes {include}"
        for source in sources
        for include in source.includes()
        if include[0] == '"'
        and include.strip('"') != "cenv.h"
        and include.strip('"').partition("/")[0] not in LAYERS
        and foreign_home(include.strip('"')) is None
    ]
    assert wrong == []


def test_include__only_io_knows_the_system(sources):
    wrong = []
    for source in sources:
        allowed = (
            STANDARD
            | INTRINSICS
            | ({"pthread.h", "signal.h"} if source.layer == "base" else set())
        )
        for include in source.includes():
            header = include.strip("<>")
            if include[0] == '"' or source.layer == "io" or foreign_home(header):
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
        if source.layer != "binding"
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
