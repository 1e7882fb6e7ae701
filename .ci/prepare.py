# SPDX-License-Identifier: BSD-3-Clause
"""Make .venv with cenv in it, doing only what is not done; run by .ci/setup.

Three steps, each skipped while the fingerprint of its inputs is the one recorded in
.venv: the environment itself, the dependencies, the extension. cenv is installed
editable: an edited Python file needs no step at all.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import minisat
import servers

TOP = Path(__file__).resolve().parent.parent
VENV = TOP / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = VENV / "cenv-setup.json"
BEGAN = float(os.environ.get("CENV_SETUP_BEGAN", time.time()))
SWITCHES = ("CENV_DEBUG", "CENV_SANITIZE", "CENV_WERROR", "CC", "CXX", "CFLAGS")


def say(text: str) -> None:
    """Tell what takes long, and how many seconds the set-up has taken so far."""
    seconds = max(0, round(time.time() - BEGAN))
    print(f"cenv: {seconds:3d} s  {text}", file=sys.stderr, flush=True)


def run(*argv: object) -> None:
    """Run a command; what it says is shown where it fails, and ends the set-up."""
    words = [str(item) for item in argv]
    done = subprocess.run(
        words,
        cwd=TOP,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stdout.decode(errors="replace"))
        sys.exit(f"cenv: set-up failed: {' '.join(words)}")


def fingerprint(*parts: object) -> str:
    """Hash a step's inputs."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def read_stamps() -> dict[str, str]:
    """Return the recorded fingerprints, none where there are none."""
    try:
        return dict(json.loads(STAMPS.read_text()))
    except (OSError, ValueError):
        return {}


def write_stamp(step: str, value: str) -> None:
    """Record that `step` is done."""
    STAMPS.write_text(json.dumps({**read_stamps(), step: value}))


def is_usable(python: Path) -> bool:
    """Tell whether `python` starts and has pip."""
    try:
        argv = [str(python), "-c", "import pip"]
        return not subprocess.run(
            argv, stderr=subprocess.DEVNULL, check=False
        ).returncode
    except OSError:
        return False


def make_environment() -> None:
    """Make .venv under another name, so that .venv is whole or not there."""
    base = fingerprint(sys.executable, sys.version)
    recorded = read_stamps().get("environment")
    if recorded in (base, None) and is_usable(PYTHON):
        return
    say(f"making .venv with {sys.executable}")
    new = TOP / ".venv.new"
    shutil.rmtree(new, ignore_errors=True)
    run(sys.executable, "-m", "venv", new)
    for path in [new / "pyvenv.cfg", *(new / "bin").iterdir()]:
        if path.is_file() and not path.is_symlink():
            path.write_bytes(path.read_bytes().replace(bytes(new), bytes(VENV)))
    shutil.rmtree(VENV, ignore_errors=True)
    new.rename(VENV)
    write_stamp("environment", base)


def install(extras: str) -> None:
    """Install cenv, editable; with the extras "[test]" all that tests and lint need."""
    inputs = [(TOP / name).read_bytes() for name in ("pyproject.toml", "setup.py")]
    wanted = fingerprint(*inputs, extras)
    enough = {wanted, fingerprint(*inputs, "[test]")}
    if read_stamps().get("install") in enough:
        return
    what = "what tests and lint need" if extras else "its dependencies"
    say(f"building cenv, installing it and {what} into .venv")
    pip = (PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "-q")
    run(*pip, "pip", "setuptools>=70.1")
    run(*pip, "--no-build-isolation", "-e", f".{extras}")
    # pip compiles what it copies, and an editable install is no copy.
    run(PYTHON, "-m", "compileall", "-q", "-j", "0", "python/cenv")
    write_stamp("install", wanted)
    write_stamp("extension", extension_inputs())


def unpack_servers() -> None:
    """Unpack what tests of remotes talk with, once; they skip what cannot be had."""
    wanted = fingerprint((TOP / ".ci/servers.py").read_bytes())
    if read_stamps().get("servers") == wanted:
        return
    say("unpacking the servers that tests of remotes talk with")
    if lacking := servers.provide(TOP / "build" / "servers"):
        say(f"apt brings no {' and no '.join(lacking)}: tests that need it are skipped")
    write_stamp("servers", wanted)


def extension_inputs() -> str:
    """Fingerprint what the extension is made of; times, as a compiler would."""
    paths = [path for path in (TOP / "csrc").rglob("*") if path.is_file()]
    paths.append(minisat.provide(TOP / "build" / "deps") / "lib/libminisat.a")
    facts = [
        (str(path), path.stat().st_mtime_ns) for path in sorted(paths) if path.exists()
    ]
    return fingerprint(facts, [os.environ.get(name) for name in SWITCHES])


def build_extension() -> None:
    """Build the extension where its sources, or the switches, have changed."""
    built = list((TOP / "python/cenv").glob("_cenv*.so"))
    wanted = extension_inputs()
    if built and read_stamps().get("extension") == wanted:
        return
    say("building the extension")
    run(PYTHON, "setup.py", "-q", "build_ext", "--inplace")
    write_stamp("extension", wanted)


def main() -> None:
    """Do every step, one set-up of this checkout at a time."""
    extras = "[test]" if "test" in sys.argv[1:] else ""
    (TOP / "build").mkdir(exist_ok=True)
    with (TOP / "build/setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        minisat.provide(TOP / "build" / "deps")
        make_environment()
        install(extras)
        if extras:
            unpack_servers()
        build_extension()


if __name__ == "__main__":
    try:
        main()
    except minisat.BuildError as error:
        sys.exit(f"cenv: {error}")
