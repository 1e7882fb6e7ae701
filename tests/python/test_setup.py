# SPDX-License-Identifier: BSD-3-Clause
"""Set-up from nothing: what .ci/setup asks for, and how MiniSat is made."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
TOOLS = ("env", "sh", "date", "dirname", "id", "make", "c++", "cc", "ar", "grep")
TEST_PROGRAMS = (
    "Universal Ctags",
    "strace",
    "valgrind",
    "zstd",
    "mkfs.xfs",
    "mkfs.btrfs",
)


@pytest.fixture
def minisat():
    """Return the module .ci/minisat.py."""
    path = TOP / ".ci" / "minisat.py"
    spec = importlib.util.spec_from_file_location("cenv_setup_minisat", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def bare_path(tmp_path):
    """Return a PATH of a few tools: no apt-get, no sudo, no pkg-config."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for name in TOOLS:
        if found := shutil.which(name):
            (directory / name).symlink_to(found)
    (directory / "python3").symlink_to(sys.executable)
    return directory


def run_setup(
    path: Path, *words: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(TOP / ".ci" / "setup"), *words],
        env={"PATH": str(path), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_setup__names_all_that_is_missing_at_once(bare_path):
    done = run_setup(bare_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("cenv: ") == 1
    for name in (
        "pkg-config",
        "libcurl",
        "libzstd",
        "liblzma",
        "libcjson",
        "libpcre2-8",
    ):
        assert f"\n    {name}" in done.stderr or f"library {name}" in done.stderr
    assert "libcurl4-openssl-dev" in done.stderr
    assert "g++" not in done.stderr


def test_setup__names_libbz2_where_its_header_is_missing(bare_path):
    compiler = bare_path / "c++"
    compiler.unlink(missing_ok=True)
    real = shutil.which("c++")
    compiler.write_text(f'#!/bin/sh\nexec {real} -nostdinc "$@"\n')
    compiler.chmod(0o755)
    done = run_setup(bare_path)
    assert "\n    libbz2\n" in done.stderr
    assert "libbz2-dev" in done.stderr


def test_setup__asks_for_test_programs_where_tests_run(bare_path):
    script = (TOP / ".ci" / "setup").read_text()
    body = script.split("look_for_test_programs() {")[1].split("\n}")[0]
    assert all(name in body for name in TEST_PROGRAMS)
    (bare_path / "pkg-config").symlink_to("/bin/false")
    assert "Universal Ctags" not in run_setup(bare_path).stderr
    assert "Universal Ctags" in run_setup(bare_path, "test").stderr


def test_setup__refuses_an_old_python(bare_path):
    old = bare_path / "python2"
    old.write_text("#!/bin/sh\nexit 0\n")
    old.chmod(0o755)
    done = run_setup(bare_path, PYTHON=str(old))
    assert done.returncode == 1
    assert f"PYTHON={old} is no Python 3.10 or newer" in done.stderr


@pytest.fixture
def prepare(monkeypatch, tmp_path):
    """Return the module .ci/prepare.py, its checkout a directory of the test's."""
    monkeypatch.syspath_prepend(str(TOP / ".ci"))
    spec = importlib.util.spec_from_file_location("prepare", TOP / ".ci/prepare.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("pyproject.toml", "setup.py"):
        (tmp_path / name).write_text("")
    monkeypatch.setattr(module, "TOP", tmp_path)
    monkeypatch.setattr(module, "STAMPS", tmp_path / "stamps.json")
    monkeypatch.setattr(module, "extension_inputs", lambda: "inputs")
    ran = []
    monkeypatch.setattr(module, "run", lambda *argv: ran.append(argv[-1]))
    module.ran = ran
    return module


def test_prepare__demo_installs_what_runs_and_tests_the_rest(prepare):
    for extras in ("", "", "[test]", "", "[test]"):
        prepare.install(extras)
    assert [word for word in prepare.ran if word.startswith(".")] == [".", ".[test]"]


def test_prepare__compiles_what_pip_does_not_copy(prepare):
    prepare.install("")
    assert prepare.ran[-2:] == [".", "python/cenv"]


def make_tarball(minisat, path: Path, **changes: str) -> None:
    """Write a stand-in for the original tarball, its files as `changes` say."""
    files: dict[str, str] = {}
    for name, old, _ in minisat.SUBSTITUTIONS:
        files[name] = files.get(name, "head\n") + f"{old}\ntail\n"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in {**files, **changes}.items():
            member = tarfile.TarInfo(f"minisat2-2.2.1/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))


def test_minisat__source_is_substituted(minisat, tmp_path):
    make_tarball(minisat, tmp_path / "t.tar.gz")
    source = minisat.unpack(tmp_path / "t.tar.gz", tmp_path)
    for name, old, new in minisat.SUBSTITUTIONS:
        text = (source / name).read_text()
        assert new in text
        assert old not in text


def test_minisat__other_source_is_refused(minisat, tmp_path):
    changed = {"minisat/core/SolverTypes.h": "nothing of the kind"}
    make_tarball(minisat, tmp_path / "t.tar.gz", **changed)
    with pytest.raises(minisat.BuildError, match=r"SolverTypes\.h"):
        minisat.unpack(tmp_path / "t.tar.gz", tmp_path)


def test_minisat__tarball_counts_by_its_hash_alone(minisat, tmp_path, monkeypatch):
    path = tmp_path / "other.tar.gz"
    make_tarball(minisat, path)
    assert not minisat.is_tarball(path)
    assert not minisat.is_tarball(tmp_path / "absent")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(minisat, "SHA256", digest)
    assert minisat.is_tarball(path)


def test_minisat__is_built_again_for_another_substitution(
    minisat, tmp_path, monkeypatch
):
    make_tarball(minisat, tmp_path / "t.tar.gz", **{"minisat/core/Solver.h": ""})
    monkeypatch.setattr(minisat, "fetch", lambda work: tmp_path / "t.tar.gz")
    monkeypatch.delenv("MINISAT_PREFIX", raising=False)  # make exports it
    compiled = []

    def compile_library(source: Path) -> Path:
        compiled.append(source)
        (source / "libminisat.a").write_bytes(b"")
        return source / "libminisat.a"

    monkeypatch.setattr(minisat, "compile_library", compile_library)
    for _ in range(2):
        minisat.provide(tmp_path / "deps")
    assert len(compiled) == 1
    extra = ("minisat/utils/Options.h", "head", "tail")
    monkeypatch.setattr(minisat, "SUBSTITUTIONS", (*minisat.SUBSTITUTIONS, extra))
    for _ in range(2):
        minisat.provide(tmp_path / "deps")
    assert len(compiled) == 2


def test_minisat__allocates_nothing_before_main():
    """A failed allocation there would end the process that imports the extension."""
    library = TOP / "build/deps/lib/libminisat.a"
    listed = subprocess.run(["nm", "-C", library], capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("MiniSat is not of our build")
    assert "getOptionList" not in listed.stdout


def test_minisat__named_prefix_is_never_filled(minisat, tmp_path, monkeypatch):
    monkeypatch.setenv("MINISAT_PREFIX", str(tmp_path / "mine"))
    with pytest.raises(minisat.BuildError, match="no MiniSat is there"):
        minisat.provide(tmp_path / "build")
    assert os.listdir(tmp_path) == []


def test_minisat__without_apt_says_what_to_do(minisat, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("MINISAT_PREFIX", raising=False)
    with pytest.raises(minisat.BuildError, match="set MINISAT_PREFIX"):
        minisat.provide(tmp_path / "build")
    assert not (tmp_path / "build").exists()


def test_minisat__deb_src_twins(minisat, tmp_path, monkeypatch):
    etc, parts = tmp_path / "apt", tmp_path / "parts"
    (etc / "sources.list.d").mkdir(parents=True)
    parts.mkdir()
    line = "deb [arch=amd64 signed-by=/k.gpg] http://host/debian stable main\n"
    (etc / "sources.list").write_text(f"# comment\n{line}deb-src http://other x y\n")
    (etc / "sources.list.d/a.sources").write_text("Types: deb\nURIs: http://host\n")
    (etc / "sources.list.d/a.save").write_text(line)
    monkeypatch.setattr(minisat, "APT", etc)
    minisat.source_lists(parts)
    assert sorted(os.listdir(parts)) == ["a.sources", "sources.list"]
    assert (parts / "sources.list").read_text() == line.replace("deb ", "deb-src ")
    assert (parts / "a.sources").read_text().startswith("Types: deb-src\nURIs")
