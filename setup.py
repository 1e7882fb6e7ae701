# SPDX-License-Identifier: BSD-3-Clause
"""Build of the extension cenv._cenv; everything else is in pyproject.toml.

Environment: MINISAT_PREFIX (where MiniSat is), CENV_DEBUG=1 (no optimisation, asserts),
CENV_SANITIZE=address,undefined, CENV_WERROR=1, CENV_JOBS=N; CENV_LIBRARIES, a prefix of
static libraries to link instead of the machine's (.ci/libraries.py, for wheels).
"""

from __future__ import annotations

import os
import runpy
import shlex
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError

TOP = Path(__file__).resolve().parent
LIBRARIES = (
    "libcurl",
    "libzstd",
    "liblzma",
    "zlib",
    "libcjson",
    "libcrypto",
    "mpack",
    "libpcre2-8",
)
PACKAGES = (
    "g++ pkg-config python3-dev libcurl4-openssl-dev libzstd-dev liblzma-dev "
    "libbz2-dev zlib1g-dev libcjson-dev libssl-dev libmpack-dev libpcre2-dev"
)

DEBUG = os.environ.get("CENV_DEBUG", "0") not in ("", "0")
WERROR = os.environ.get("CENV_WERROR", "0") not in ("", "0")
SANITIZE = os.environ.get("CENV_SANITIZE", "")
STATIC = os.environ.get("CENV_LIBRARIES", "")
# In the order in which one needs the next.
ARCHIVES = "curl ssl crypto bz2 lzma zstd z cjson mpack pcre2-8 minisat".split()
# Free-threaded builds of CPython have no Limited API.
LIMITED = not sysconfig.get_config_var("Py_GIL_DISABLED")

COMMON = ["-fvisibility=hidden", "-pthread", "-fno-common", "-Wall", "-Wextra"]
COMMON += ["-O0", "-g3", "-UNDEBUG"] if DEBUG else ["-O2"]
COMMON += ["-Werror"] if WERROR else []
LINK = [f"-fsanitize={SANITIZE}"] if SANITIZE else []
if SANITIZE:
    COMMON += [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer"]


def linux_flags() -> list[str]:
    """Return what GNU ld and lld take, and the linkers of other systems do not."""
    # --as-needed counts only for the libraries after it.
    flags = ["-Wl,--as-needed"]
    flags += [] if SANITIZE else ["-Wl,-z,relro,-z,now"]
    if STATIC:
        # zig has libc++ in it, static, and takes no --exclude-libs.
        exports = TOP / "csrc/binding/exports.map"
        return [*flags, f"-Wl,--version-script={exports}", "-Wl,-s"]
    flags += ["-Wl,--exclude-libs,ALL"]
    # Our own libstdc++: the one a conda-built Python brings may be older.
    return flags if SANITIZE else [*flags, "-static-libstdc++", "-static-libgcc"]


if sys.platform == "linux":
    LINK += linux_flags()
if not DEBUG and not SANITIZE:
    COMMON += ["-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2", "-fstack-protector-strong"]

# Outside the Limited API a call is an undeclared one: never only a warning.
C_FLAGS = ["-std=gnu11", "-Werror=implicit-function-declaration"]
C_FLAGS += ["-Wno-format-truncation"]  # messages are cut to their length on purpose
CXX_FLAGS = ["-std=c++17"]


def fail(message: str) -> None:
    """End the build with one message."""
    sys.exit(f"cenv: {message}")


def pkg_config(*arguments: str) -> list[str]:
    """Return the flags that pkg-config prints; some are relative or of two words."""
    command = [os.environ.get("PKG_CONFIG", "pkg-config"), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return shlex.split(done.stdout)


def has_library(name: str) -> bool:
    """Tell whether pkg-config knows `name`."""
    command = [os.environ.get("PKG_CONFIG", "pkg-config"), "--exists", name]
    try:
        return subprocess.run(command, check=False).returncode == 0
    except OSError:
        return False


def has_bzip2() -> bool:
    """Tell whether libbz2 is there, which not every system describes to pkg-config."""
    compiler = shlex.split(os.environ.get("CC", "cc"))
    command = [*compiler, "-E", "-include", "bzlib.h", "-xc", os.devnull]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError:
        return True  # no compiler: setuptools says that better
    return done.returncode == 0


def check_libraries() -> None:
    """Name every missing library at once."""
    missing = [name for name in LIBRARIES if not has_library(name)]
    missing += [] if has_bzip2() else ["libbz2"]
    if missing:
        fail(
            f"cannot build the extension without {', '.join(missing)}.\n"
            f"Debian, Ubuntu: apt-get install {PACKAGES}"
        )


def minisat_prefix() -> Path:
    """Return the prefix that holds MiniSat; build it where nothing provides one."""
    script = runpy.run_path(str(TOP / ".ci" / "minisat.py"))
    try:
        return script["provide"](TOP / "build" / "deps")
    except script["BuildError"] as error:
        fail(str(error))
        raise


def machine_libraries() -> tuple[list[str], list[str]]:
    """Return the compiler's and the linker's flags for the machine's libraries."""
    check_libraries()
    minisat = minisat_prefix()
    compiling = pkg_config("--cflags", *LIBRARIES)
    linking = pkg_config("--libs", *LIBRARIES)
    return (
        [*compiling, "-isystem", str(minisat / "include")],
        [*linking, f"-L{minisat / 'lib'}", "-lminisat", "-lbz2", "-lz"],
    )


def carried_libraries() -> tuple[list[str], list[str]]:
    """Return the compiler's and the linker's flags for static libraries of a prefix."""
    archives = [f"{STATIC}/lib/lib{name}.a" for name in ARCHIVES]
    missing = [path for path in archives if not os.path.exists(path)]
    if missing:
        fail(f"CENV_LIBRARIES={STATIC} has no {', '.join(missing)}")
    flags = ["-DCENV_LINK_CURL", "-DCURL_STATICLIB", "-DPCRE2_STATIC"]
    flags.append("-Wno-macro-redefined")  # pyconfig.h is the build machine's
    return [*flags, "-isystem", f"{STATIC}/include"], archives


def run_compiler(command: list[str], output: str) -> None:
    """Run `command` unless `output` is newer than its inputs and made the same way."""
    made, record = Path(output), Path(output + ".cmd")
    line = shlex.join(command)
    if made.exists() and record.exists() and record.read_text() == line:
        inputs = dependencies(made.with_suffix(".d"))
        newest = made.stat().st_mtime_ns
        if inputs and all(is_older(path, newest) for path in inputs):
            return
    record.unlink(missing_ok=True)
    made.parent.mkdir(parents=True, exist_ok=True)
    print(f"  compile {command[-3]}", flush=True)
    if subprocess.run(command, check=False).returncode:
        raise CompileError(f"this failed:\n{line}")
    record.write_text(line)


def dependencies(depfile: Path) -> list[str]:
    """Return the files that a compiler's depfile names."""
    if not depfile.exists():
        return []
    return depfile.read_text().replace("\\\n", " ").split()[1:]


def is_older(path: str, than_ns: int) -> bool:
    """Tell whether `path` exists and was written before `than_ns`."""
    try:
        return os.stat(path).st_mtime_ns < than_ns
    except OSError:
        return False


class BuildExtension(build_ext):
    """Compile in parallel, only what changed, with flags by language."""

    def finalize_options(self) -> None:
        """Keep objects in one place: an editable install would use a new one."""
        super().finalize_options()
        tag = f"{sysconfig.get_platform()}-{sys.implementation.cache_tag}"
        self.build_temp = str(Path("build") / f"ext-{tag}")

    def run(self) -> None:
        """Find the libraries, then build."""
        check_system()
        self.force = True  # link always: what is compiled, run_compiler decides
        (extension,) = self.extensions
        compiling, linking = carried_libraries() if STATIC else machine_libraries()
        extension.extra_compile_args += compiling
        extension.extra_link_args += [*linking, "-lm", "-pthread"]
        super().run()

    def build_extensions(self) -> None:
        """Give the compiler object a compile step of our own."""
        self.compiler.compile = self.compile_all
        super().build_extensions()

    def compile_all(
        self, sources, output_dir=None, macros=None, include_dirs=None, debug=False,
        extra_preargs=None, extra_postargs=None, depends=None,
    ):  # fmt: skip
        """Take the place of the compiler's own: serial there, and all or nothing."""
        includes = [f"-I{path}" for path in (include_dirs or [])]
        includes += [f"-I{path}" for path in self.compiler.include_dirs]
        defines = [f"-D{name}={value}" for name, value in macros or []]
        outputs = [
            str(Path(output_dir, source).with_suffix(".o")) for source in sources
        ]

        def compile_one(source: str, output: str) -> None:
            base, flags = self.compiler.compiler_so, C_FLAGS
            if source.endswith(".cc"):
                base = getattr(self.compiler, "compiler_so_cxx", None) or [
                    *shlex.split(os.environ.get("CXX", "c++")),
                    *base[1:],
                ]
                flags = CXX_FLAGS
            command = [*base, *defines, *includes, *(extra_postargs or []), *flags]
            command += ["-MMD", "-c", source, "-o", output]
            run_compiler(command, output)

        jobs = int(os.environ.get("CENV_JOBS", 0)) or os.cpu_count() or 1
        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(compile_one, sources, outputs))
        return outputs


def read_rooms() -> list[str]:
    """Return the rooms of the core: csrc/ROOMS has a line "room: rooms it uses" each."""
    lines = (TOP / "csrc" / "ROOMS").read_text().splitlines()
    parts = [line.partition("#")[0].partition(":") for line in lines]
    return [room.strip() for room, colon, _ in parts if colon]


def system_folders() -> list[str]:
    """Return the folders of csrc/os for this system; csrc/os/SYSTEMS names them."""
    for line in (TOP / "csrc" / "os" / "SYSTEMS").read_text().splitlines():
        names, _, folders = line.partition("#")[0].partition(":")
        if sys.platform in names.split()[1:]:
            return folders.split()
    return []


def check_system() -> None:
    """Say where csrc/os knows nothing of this system."""
    if not system_folders():
        fail(
            f"cannot build the extension, csrc/os/SYSTEMS names no {sys.platform}: "
            f"docs/architecture.md says how a system is added."
        )


def sources() -> list[str]:
    """Return every source of the core and the binding, in a fixed order."""
    rooms = [TOP / "csrc" / room for room in read_rooms()]
    rooms += [TOP / "csrc" / "os" / folder for folder in system_folders()]
    found = [path for room in rooms for path in room.glob("*.c*")]
    return sorted(str(path.relative_to(TOP)) for path in found)


def version() -> str:
    """Return the version, whose one home is cenv/__init__.py."""
    for line in (TOP / "python/cenv/__init__.py").read_text().splitlines():
        if line.startswith("__version__ = "):
            return line.split('"')[1]
    raise RuntimeError("no __version__ in python/cenv/__init__.py")


MACROS = [("_GNU_SOURCE", "1"), ("CENV_VERSION", f'"{version()}"')]
if LIMITED:
    MACROS.append(("Py_LIMITED_API", "0x030A0000"))

setup(
    license="BSD-3-Clause",  # here, as pyproject.toml's form depends on the version
    license_files=["LICENSE", "licenses/*.txt"],  # the latter of what a wheel carries
    ext_modules=[
        Extension(
            "cenv._cenv",
            sources(),
            include_dirs=["csrc", "csrc/include"],
            define_macros=MACROS,
            extra_compile_args=COMMON,
            extra_link_args=LINK,
            language="c++",
            py_limited_api=LIMITED,
        )
    ]
    if os.name == "posix"  # elsewhere cenv imports, and says that it does not run there
    else [],
    cmdclass={"build_ext": BuildExtension},
    options={"bdist_wheel": {"py_limited_api": "cp310"}} if LIMITED else {},
)
