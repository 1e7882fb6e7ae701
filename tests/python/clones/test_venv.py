# SPDX-License-Identifier: BSD-3-Clause
"""A venv with all that pip, editable installs, build systems and users leave in one.

What the back ends of editable installs write is written here as they do: setuptools' finder and
.pth, hatchling's and flit's .pth, the loaders of meson-python and scikit-build-core.
"""

from __future__ import annotations

import base64
import bz2
import csv
import gzip
import hashlib
import io
import json
import lzma
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import cenv

PACKED = {"a.gz", "a.jar", "a.bz2", "a.xz", "a.tar.gz"}
OPAQUE = {"stored.zip", "a.sqlite"}
LOADER = """
import sys
class Finder:
    def __init__(self, names, build, command): self.build, self.command = build, command
    def find_spec(self, name, path=None, target=None): return None
def init(): sys.meta_path.insert(0, Finder({'m'}, '%s/src/m/build/cp3', ['%s/bin/ninja']))
"""
FINDER = """
import importlib.util, sys
MAPPING = {'finder_made': '%s/src/finder_made/finder_made'}
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        file = MAPPING.get(name, '') + '/__init__.py'
        return importlib.util.spec_from_file_location(name, file) if name in MAPPING else None
def install(): sys.meta_path.append(Finder)
"""
RUN = (
    "import sys, mine, finder_made, pth_made;"
    "print(sys.prefix, mine.__file__, finder_made.__file__, pth_made.__file__)"
)


def pip(prefix: Path, *argv: object) -> str:
    done = subprocess.run(
        [prefix / "bin/python", "-m", "pip", "--disable-pip-version-check", *argv],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def make_wheel(directory: Path) -> Path:
    """Write a wheel with a console script, a script and a data file."""
    rows, info = [], "mine-1.dist-info"
    files = {
        "mine.py": "def main(): print(__file__)\n",
        "mine-1.data/scripts/plain": "#!python\nimport sys\nprint(sys.prefix)\n",
        "mine-1.data/data/share/mine/a.txt": "data\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: mine\nVersion: 1\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\nmine = mine:main\n",
    }
    wheel = directory / "mine-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = (0o100755 if "scripts" in name else 0o100644) << 16
            archive.writestr(member, text)
            digest = hashlib.sha256(text.encode()).digest()
            told = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            rows.append(f"{name},sha256={told},{len(text)}\n")
        archive.writestr(f"{info}/RECORD", "".join(rows) + f"{info}/RECORD,,\n")
    return wheel


def add_editables(prefix: Path, site: Path) -> None:
    for name in ("finder_made", "pth_made", "flit_made"):
        package = prefix / "src" / name / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
    (site / "__editable___finder_made_1_finder.py").write_text(FINDER % prefix)
    (site / "__editable__.finder_made-1.pth").write_text(
        "import __editable___finder_made_1_finder as f; f.install()\n"
    )
    (site / "_pth_made.pth").write_text(f"{prefix}/src/pth_made\n")
    (site / "flit_made.pth").write_text(f"{prefix}/src/flit_made")
    (site / "_m_editable_loader.py").write_text(LOADER % (prefix, prefix))
    (site / "m-editable.pth").write_text("import _m_editable_loader as m; m.init()\n")
    info = site / "flit_made-1.dist-info"
    info.mkdir()
    url = {"url": f"file://{prefix}/src/flit_made", "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(url))


def add_texts(prefix: Path) -> None:
    texts = {
        "share/jupyter/kernels/k/kernel.json": json.dumps(
            {"argv": [f"{prefix}/bin/python", "-m", "ipykernel"]}
        ),
        "lib/pkgconfig/x.pc": f"prefix={prefix}\nLibs: -L{prefix}/lib -lx\n",
        "lib/cmake/x-config.cmake": f'set(X "{prefix}/lib")\nset(D "$ENV{{DESTDIR}}{prefix}")\n',
        "lib/R/etc/Renviron": f"R_LIBS=${{R_LIBS-'{prefix}/lib/R/library:/else'}}\n",
        "etc/escaped.json": json.dumps({"p": f"{prefix}/x"}).replace("/", "\\/"),
    }
    for name, text in texts.items():
        path = prefix / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (prefix / "etc/wide.txt").write_bytes(f"{prefix}/x".encode("utf-16"))
    (prefix / "etc/latin.txt").write_bytes(b"\xe9 " + os.fsencode(prefix) + b"/x\n")
    (prefix / "lib/absolute").symlink_to(prefix / "share")
    (prefix / "lib/outside").symlink_to("/usr/bin/env")


def add_packed(prefix: Path) -> None:
    top, text = prefix / "share", f"in {prefix}/x\n".encode() * 3
    (top / "a.gz").write_bytes(gzip.compress(text))
    (top / "a.bz2").write_bytes(bz2.compress(text))
    (top / "a.xz").write_bytes(lzma.compress(text))
    (top / "damaged.gz").write_bytes(gzip.compress(text)[:20])
    for name, mode in (("a.jar", zipfile.ZIP_DEFLATED), ("stored.zip", 0)):
        with zipfile.ZipFile(top / name, "w", mode) as archive:
            archive.writestr("first", "nothing" * 50)
            archive.writestr("second", text)
    with zipfile.ZipFile(top / "innocent.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", f"{prefix}2 " * 50)
    with tarfile.open(top / "a.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("x")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    base = sqlite3.connect(top / "a.sqlite")
    base.execute("create table t(p)")
    base.execute("insert into t values(?)", (str(prefix),))
    base.commit()
    base.close()


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prefix = tmp_path_factory.mktemp("made") / "venv"
    subprocess.run([sys.executable, "-m", "venv", prefix], check=True)
    pip(prefix, "install", "-q", "--no-index", make_wheel(prefix))
    (site,) = prefix.glob("lib/python*/site-packages")
    add_editables(prefix, site)
    add_texts(prefix)
    add_packed(prefix)
    return prefix


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a place with a short name, so that destinations can be shorter too."""
    top = Path(f"/tmp/v{os.getpid()}")
    top.mkdir()
    yield top
    shutil.rmtree(top)


def mentions(top: Path, old: Path, besides: set[str]) -> list[str]:
    """Return the files that still name `old`: bytecode tells it where nothing reads it."""
    forms = [
        re.escape(os.fsencode(old)) + rb"(?![\w-])",
        re.escape(os.fsencode(old).replace(b"/", b"\\/")),
        re.escape(str(old).encode("utf-16-le")),
    ]
    found = []
    for path in top.rglob("*"):
        name = str(path.relative_to(top))
        if path.is_symlink():
            data = os.fsencode(os.readlink(path))
        elif path.is_file() and path.suffix != ".pyc" and name not in besides:
            data = path.read_bytes()
        else:
            continue
        if any(re.search(form, data) for form in forms):
            found.append(name)
    return found


def run(prefix: Path, script: str, *argv: str) -> str:
    return subprocess.run(
        [prefix / "bin" / script, *argv], capture_output=True, text=True, check=True
    ).stdout


def check(clone: Path, was: Path) -> None:
    """Run what is there, and let pip look at it."""
    (site,) = clone.glob("lib/python*/site-packages")
    assert run(clone, "mine").strip() == str(site / "mine.py")
    assert run(clone, "plain").strip() == str(clone)
    assert str(site) in run(clone, "pip", "--version")
    assert f"{was}/" not in run(clone, "python", "-c", RUN)
    activate = f'. "{clone}/bin/activate" && echo "$VIRTUAL_ENV" && command -v python'
    shell = subprocess.run(
        ["/bin/sh", "-c", activate], capture_output=True, text=True, check=True
    )
    assert shell.stdout.splitlines() == [str(clone), f"{clone}/bin/python"]
    assert os.readlink(clone / "lib/absolute") == str(clone / "share")
    assert os.readlink(clone / "lib/outside") == "/usr/bin/env"
    record = site / "mine-1.dist-info/RECORD"
    with record.open(newline="") as rows:
        for name, digest, size in csv.reader(rows):
            if digest:
                data = (site / name).read_bytes()
                made = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
                assert digest == "sha256=" + made.rstrip(b"=").decode(), name
                assert int(size) == len(data), name


@pytest.mark.parametrize("name", ["d", "equal", "l" * 150, "with space"])
def test_venv_clone__works_and_so_does_its_clone(
    prefix: Path, place: Path, tmp_path: Path, name: str
) -> None:
    if name == "equal":
        name = "e" * (len(str(prefix)) - len(str(place)) - 1)
    clone, second, store = place / name, tmp_path / "second", tmp_path / "store"
    listed = {f"share/{file}" for file in PACKED | OPAQUE}
    source = prefix
    for dst in (clone, second):
        report = cenv.clone(source, dst, store=store)
        reasons = {entry.path: entry.reason for entry in report.unrelocatable}
        if source == prefix:
            assert set(reasons) == listed
            assert {reasons[f"share/{n}"] for n in PACKED} == {
                "named within a compressed file"
            }
        assert mentions(dst, source, listed) == []
        assert mentions(dst, prefix, listed) == []
        check(dst, source)
        source = dst
    pip(second, "check")
    pip(second, "uninstall", "-y", "mine")
    assert not [p for p in second.rglob("mine*") if p.suffix != ".whl"]
    assert not (second / "bin/plain").exists()
    assert (clone / "bin/mine").exists()
