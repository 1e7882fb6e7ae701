# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures for all tests: small channels built by code, one with a Python, a store."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytest_plugins = ["pytester"]

_NEW_MOUNTS, _BIND, _RECURSIVE, _DETACH = 0x20000, 0x1000, 0x4000, 2


def pytest_configure(config: pytest.Config) -> None:
    """In a chroot, give the run namespaces of mounts, if it may have them."""
    # What a shell starts behind & ignores interrupts, and so would all that tests interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.platform == "linux" and not hasattr(config, "workerinput"):
        _make_root_a_mount_point()


def _make_root_a_mount_point() -> None:
    """Bind / on itself, in a namespace of this process and its children.

    In a chroot it often is no mount point, of which the kernel makes no private view: root
    could not test views and overlays there. Users get no namespace in a chroot anyhow.
    """
    mounted = Path("/proc/self/mountinfo")
    if os.geteuid() != 0 or not mounted.exists():
        return
    if "/" in (line.split()[4] for line in mounted.read_text().splitlines()):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    here, root = os.getcwd(), tempfile.mkdtemp(prefix="cenv-root-")
    flags = ctypes.c_ulong(_BIND | _RECURSIVE)
    if libc.unshare(_NEW_MOUNTS) or libc.mount(b"/", root.encode(), None, flags, None):
        os.rmdir(root)
        return
    os.chroot(root)
    os.chdir(here)
    # Where mounts are shared with the machine, it has this one, too, until then.
    atexit.register(os.rmdir, root)
    atexit.register(libc.umount2, b"/", _DETACH)


@pytest.fixture(scope="session")
def python_channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a channel of python, pip and setuptools: real ones, else the running Python's."""
    from cenv.demo import interpreter, package, python_package, wheel_package
    from cenv.solving.index_dir import index
    from cenv.solving.virtual_packages import current_platform

    real = Path(os.environ.get("CENV_SHARED", ROOT.parent / "shared")) / "channel"
    if real.is_dir():
        return real
    channel = tmp_path_factory.mktemp("python")
    made = [python_package.make(interpreter.running(), current_platform())]
    made += filter(None, map(wheel_package.make, ("pip", "setuptools")))
    assert len(made) == 3
    for each in made:
        package.write(each, channel)
    index(channel)
    return channel


@pytest.fixture(scope="session")
def session_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store that the tests of one worker share."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path_factory) -> None:
    """Keep the machine's own conda configuration and stores out of the tests."""
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    for name in list(os.environ):
        if name.startswith(("CONDA", "CENV_")) and name != "CENV_SHARED":
            monkeypatch.delenv(name)


MountBtrfs = Callable[..., contextlib.AbstractContextManager[Path]]


@pytest.fixture(scope="session")
def mount_btrfs() -> MountBtrfs:
    """Return a function that mounts a new btrfs of a file, with options, as a context."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts file systems")
    if not shutil.which("mkfs.btrfs"):
        pytest.skip("mkfs.btrfs is not installed")

    @contextlib.contextmanager
    def mount(*options: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="cenv-btrfs-") as top:
            os.chmod(top, 0o755)  # everybody may go through
            image, mounted = Path(top, "image"), Path(top, "mounted")
            mounted.mkdir()
            with image.open("wb") as file:
                file.truncate(4 << 30)
            subprocess.run(["mkfs.btrfs", "-q", image], check=True, capture_output=True)
            argv = ["mount", "-o", ",".join(("loop", *options)), image, mounted]
            made = subprocess.run(argv, capture_output=True, text=True, check=False)
            if made.returncode:  # a container's root may not
                pytest.skip(f"cannot mount btrfs: {made.stderr.strip()}")
            try:
                yield mounted
            finally:
                subprocess.run(["umount", "-l", mounted], check=True)

    return mount


@pytest.fixture(scope="session")
def btrfs_mount(mount_btrfs: MountBtrfs) -> Iterator[Path]:
    """Mount a btrfs for all tests."""
    with mount_btrfs() as mounted:
        yield mounted


@pytest.fixture
def btrfs(btrfs_mount: Path) -> Iterator[Path]:
    """Return a directory of the test's own on a btrfs."""
    place = Path(tempfile.mkdtemp(dir=btrfs_mount))
    yield place
    shutil.rmtree(place)


MakeChannel = Callable[..., Path]


@pytest.fixture(scope="session")
def make_channel(tmp_path_factory: pytest.TempPathFactory) -> MakeChannel:
    """Return a function that writes packages to a new channel and indexes it."""
    from cenv.demo.package import Package, write
    from cenv.solving.index_dir import index

    def make(*packages: Package, extension: str = ".conda") -> Path:
        channel = tmp_path_factory.mktemp("channel")
        for package in packages:
            write(package, channel, extension)
        (channel / "noarch").mkdir(exist_ok=True)
        index(channel)
        return channel

    return make


@pytest.fixture(scope="session")
def small_channel(make_channel: MakeChannel) -> Path:
    """Return a channel of packages with every kind of file that is relocated."""
    from cenv.demo.package import PLACEHOLDER, Member, Package

    text = f"here={PLACEHOLDER}/lib\n".encode()
    binary = b"\x7f\0start " + PLACEHOLDER.encode() + b"/share\0end"
    script = f"#!{PLACEHOLDER}/bin/sh-link\necho {PLACEHOLDER}\n".encode()
    when = 1_600_000_000_123_456_789
    tool = Package(
        "tool",
        "1.0",
        depends=["data >=2"],
        members=[
            Member("bin/tool", script, 0o755, when, placeholder=PLACEHOLDER),
            Member("bin/sh-link", link="/bin/sh"),
            Member("etc/tool.conf", text, 0o644, when, placeholder=PLACEHOLDER),
            Member("lib/libtool.so", binary, 0o755, when, placeholder=PLACEHOLDER),
            Member("lib/plain.txt", b"plain\n", 0o640, when),
            Member("lib/link.txt", link="plain.txt"),
        ],
    )
    data = [
        Package("data", v, members=[Member("share/data.txt", v.encode(), 0o444, when)])
        for v in ("1.0", "2.0", "3.0")
    ]
    return make_channel(tool, *data)
