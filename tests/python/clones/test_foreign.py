# SPDX-License-Identifier: BSD-3-Clause
"""Environments as other installers leave them: the clone is what they give at its path.

mamba's records are written here as libmamba's LinkPackage writes them: no placeholder and no
file mode, sizes of the package, and for a link the hash of what it leads to. py-rattler installs
for itself, where it is there.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cenv
from cenv.demo.package import PLACEHOLDER, Member, Package

P = "/opt/" + "placehold_" * 20 + "x"
SP = "lib/python3.12/site-packages"
ENTRY = "# -*- coding: utf-8 -*-\nimport re\nimport sys\n\nfrom m import f\n"

# name -> (content, file_mode or None); a str is the target of a link
ARCH: dict[str, Any] = {
    "bin/tool": (f"#!{P}/bin/python3.12 -s\nhome = '{P}/share'\n".encode(), "text"),
    "bin/tool3": "tool",
    "bin/broken": "nowhere",
    "lib/libx.so.1": (
        b"\x7fELF\0\0" + f"{P}/lib:{P}/lib64".encode() + b"\0t\0",
        "binary",
    ),
    "lib/libx.so": "libx.so.1",
    "lib/plain.so": "libx.so",
    f"{SP}/_sysconfigdata.py": (
        f"x = {{'WASM': '.{P}', 'd': '$(DESTDIR){P}/lib', 'o': '{P}2'}}\n".encode(),
        "text",
    ),
    "share/plain.txt": (b"nothing here\n", None),
}
NOARCH: dict[str, Any] = {
    "site-packages/m.py": (f"P = '{P}'\ndef f(): pass\n".encode(), "text"),
    "site-packages/n.py": (b"x = 1\n", None),
    "python-scripts/run": (f"#!{P}/bin/python\n".encode(), "text"),
}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def relocated(data: bytes, mode: str | None, prefix: str) -> bytes:
    old, new = P.encode(), prefix.encode()
    if mode != "binary":
        return data.replace(old, new) if mode else data
    parts = []
    for text in data.split(b"\0"):
        padding = text.count(old) * (len(old) - len(new))
        parts.append(text.replace(old, new) + b"\0" * padding)
    return b"\0".join(parts)


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o755 if "bin" in path.parts[-2:-1] else 0o644)
    os.utime(path, (1_600_000_000, 1_600_000_000))


def extract(cache: Path, files: dict[str, Any]) -> Path:
    """Lay out an extracted package."""
    paths = []
    for name, what in files.items():
        if isinstance(what, str):
            (cache / name).parent.mkdir(parents=True, exist_ok=True)
            (cache / name).symlink_to(what)
            paths.append({"_path": name, "path_type": "softlink", "sha256": ""})
            continue
        data, mode = what
        write(cache / name, data)
        entry = {"_path": name, "path_type": "hardlink", "sha256": sha256(data)}
        entry["size_in_bytes"] = len(data)
        if mode:
            entry |= {"file_mode": mode, "prefix_placeholder": P}
        paths.append(entry)
    info = {"paths_version": 1, "paths": paths}
    write(cache / "info/paths.json", json.dumps(info).encode())
    index = {"name": cache.name.split("-")[0], "version": "1", "build": "0"}
    write(cache / "info/index.json", json.dumps(index).encode())
    return cache


def target(name: str) -> str:
    return name.replace("site-packages/", f"{SP}/", 1).replace(
        "python-scripts/", "bin/"
    )


def link(
    prefix: Path, package: Path, files: dict[str, Any], noarch: str | None
) -> None:
    """Install a package and record it as mamba does."""
    final = {name: target(name) if noarch else name for name in files}
    paths: list[dict[str, Any]] = []
    for name, what in files.items():
        path = prefix / final[name]
        entry: dict[str, Any] = {"_path": final[name]}
        if isinstance(what, str):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(what)
            entry["path_type"] = "softlink"
        else:
            data = relocated(what[0], what[1], str(prefix))
            write(path, data)
            entry["path_type"] = "hardlink"
            entry["sha256_in_prefix"] = sha256(data)
            entry["sha256"] = sha256(what[0])
            entry["size_in_bytes"] = len(what[0])
        paths.append(entry)
    for entry in paths:
        if entry["path_type"] == "softlink":  # once everything is there
            path = prefix / entry["_path"]
            entry["sha256_in_prefix"] = sha256(
                path.read_bytes() if path.exists() else b""
            )
    if noarch:
        script = f"#!{prefix}/bin/python3.12\n{ENTRY}"
        write(prefix / "bin/cmd", script.encode())
        paths.append({"_path": "bin/cmd", "path_type": "unix_python_entry_point"})
    record = {
        "name": package.name.split("-")[0],
        "version": "1",
        "build": "0",
        "noarch": noarch,
        "paths_data": {"paths": paths, "paths_version": 1},
        "files": [entry["_path"] for entry in paths],
        "requested_spec": "",
        "package_tarball_full_path": f"{package}.tar.bz2",
        "extracted_package_dir": str(package),
        "link": {"source": str(package), "type": 1},
    }
    text = json.dumps({k: v for k, v in record.items() if v is not None}, indent=4)
    write(prefix / "conda-meta" / f"{package.name}.json", text.encode())


def mamba(prefix: Path, cache: Path) -> Path:
    """Install both packages, and a python for the noarch one's sake."""
    link(prefix, cache / "arch-1-0", ARCH, None)
    link(prefix, cache / "noarch-1-0", NOARCH, "python")
    python = {"name": "python", "version": "3.12.1", "build": "0", "files": []}
    write(prefix / "conda-meta/python-3.12.1-0.json", json.dumps(python).encode())
    write(prefix / "conda-meta/history", b"")
    return prefix


def content(top: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for path in sorted(top.rglob("*")):
        name = str(path.relative_to(top))
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_file():
            data: Any = path.read_bytes()
            is_json = name.startswith("conda-meta/") and name.endswith(".json")
            found[name] = (path.stat().st_mode, json.loads(data) if is_json else data)
    return found


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    extract(tmp_path / "pkgs/arch-1-0", ARCH)
    extract(tmp_path / "pkgs/noarch-1-0", NOARCH)
    return tmp_path / "pkgs"


@pytest.mark.parametrize("name", ["e", "same", "a-good-deal-longer"])
@pytest.mark.parametrize("again", [False, True])
def test_foreign_clone__of_mambas_environment_is_its_install(
    tmp_path: Path, cache: Path, name: str, again: bool
) -> None:
    source, store = mamba(tmp_path / "from", cache), tmp_path / "store"
    clone, kept = tmp_path / name, tmp_path / "kept"
    mamba(clone, cache)
    expected = content(clone)
    clone.rename(kept)
    if again:  # a clone of a clone
        cenv.clone(source, tmp_path / "between-the-two", mode="copy", store=store)
        source = tmp_path / "between-the-two"
    report = cenv.clone(source, clone, mode="copy", store=store)
    assert content(clone) == expected
    assert report.unrelocatable == ()


def test_foreign_clone__needs_no_package_cache_of_mamba(
    tmp_path: Path, cache: Path
) -> None:
    """Nothing tells the room in binaries: shorter fits, longer is reported, not refused."""
    source, store = mamba(tmp_path / "from", cache), tmp_path / "store"
    clone, longer = tmp_path / "e", tmp_path / "longer-than-it-was"
    expected = content(mamba(clone, cache))
    clone.rename(tmp_path / "kept")
    cache.rename(tmp_path / "gone")
    cenv.clone(source, clone, mode="copy", store=store)
    got = content(clone)
    library = "lib/libx.so.1"
    strip = f"{clone}/lib:{clone}/lib64\0".encode()
    assert got[library][1].startswith(b"\x7fELF\0\0" + strip)  # type: ignore[index]
    other = f"{SP}/_sysconfigdata.py"  # "<prefix>2" is another path, for all we know
    assert f"'.{clone}'" in (clone / other).read_text()
    assert f"'{source}2'" in (clone / other).read_text()
    for path in (library, other, "conda-meta/arch-1-0.json"):
        expected.pop(path)
        got.pop(path)
    assert got == expected
    report = cenv.clone(source, longer, mode="copy", store=store)
    assert [entry.path for entry in report.unrelocatable] == [library]
    assert (longer / library).read_bytes() == (source / library).read_bytes()


RATTLER = """
import asyncio, sys
from pathlib import Path
from rattler import Channel, Gateway, VirtualPackage, install, solve

async def main(channel, cache, *prefixes):
    gateway = Gateway(cache_dir=Path(cache))
    records = await solve([Channel(Path(channel).as_uri())], ["python", "pip", "setuptools"],
                          gateway, ["linux-64", "noarch"],
                          virtual_packages=VirtualPackage.detect())
    for prefix in prefixes:
        await install(records, prefix, cache_dir=cache, show_progress=False)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.skipif(
    importlib.util.find_spec("rattler") is None,
    reason="py-rattler is not installed (pip install py-rattler)",
)
def test_foreign_clone__of_rattlers_environment_is_its_install(
    tmp_path: Path, python_channel: Path, session_store: Path
) -> None:
    source = tmp_path / "from"
    names = ["e", "same", "d" * 60, "d" * 150]
    prefixes = [tmp_path / name for name in names]
    argv = [sys.executable, "-c", RATTLER, python_channel, tmp_path / "cache"]
    # It may crash at its exit, when the work is done.
    subprocess.run([*argv, source, *prefixes], check=False)
    for prefix in prefixes:
        expected = content(prefix)
        prefix.rename(tmp_path / "kept")
        cenv.clone(source, prefix, mode="copy", store=session_store)
        assert content(prefix) == expected
        (tmp_path / "kept").rename(tmp_path / f"kept-{prefix.name}")
    (tmp_path / "cache").rename(tmp_path / "gone")  # and from the records alone
    for prefix in prefixes[:2]:
        other = tmp_path / "another-store"
        expected = content(prefix)
        prefix.rename(tmp_path / f"moved-{prefix.name}")
        cenv.clone(source, prefix, mode="copy", store=other)
        assert content(prefix) == expected


def test_clone__of_files_recorded_below_a_linked_directory(
    make_channel: Callable[..., Path], tmp_path: Path
) -> None:
    binary = b"\x7fELF\0\0" + f"{PLACEHOLDER}/share\0tail\0".encode()
    members = [
        Member("lib64/b.so", binary, 0o755, placeholder=PLACEHOLDER),
        Member("lib64/t.pc", f"p={PLACEHOLDER}\n".encode(), placeholder=PLACEHOLDER),
        # mamba's records hash what a link leads to, through other links.
        Member("bin/t", link="../lib64/t.pc"),
    ]
    links = [Member("lib64", link="lib"), Member("lib/keep", b"1")]
    channel = make_channel(
        Package("base", "1", members=links),
        Package("user", "1", depends=["base"], members=members),
    )
    src = tmp_path / "env"
    cenv.create(src, ["user"], channels=[channel], store=tmp_path / "store")
    record = src / "conda-meta/user-1-0.json"
    data = json.loads(record.read_text())
    for entry in data["paths_data"]["paths"]:
        if entry["_path"] == "bin/t":
            entry["sha256_in_prefix"] = sha256((src / "lib/t.pc").read_bytes())
    record.write_text(json.dumps(data))
    assert cenv.verify(src).ok
    for name in ("vne", "a-much-longer-name"):
        report = cenv.clone(src, tmp_path / name, store=tmp_path / "store")
        assert report.unrelocatable == ()
        text = (tmp_path / name / "lib/t.pc").read_text()
        assert text == f"p={tmp_path / name}\n"
        verified = cenv.verify(tmp_path / name)
        assert (verified.altered, verified.missing) == ((), ())
        assert verified.unmanaged == ()


@pytest.fixture(scope="module")
def scripted(make_channel: Callable[..., Path]) -> Path:
    """Return a channel of a package with a script, one with a text and a binary alone."""
    script = f"#!{PLACEHOLDER}/bin/python\n".encode()
    text = f"prefix={PLACEHOLDER}\n".encode()
    binary = b"\x7fELF\0\0" + PLACEHOLDER.encode() + b"/share\0tail\0"
    more = [
        Member("lib/t.pc", text, placeholder=PLACEHOLDER),
        Member("lib/t.so", binary, 0o755, placeholder=PLACEHOLDER),
    ]
    tool = Member("bin/tool", script, 0o755, placeholder=PLACEHOLDER)
    return make_channel(
        Package("scripts", "1", members=[tool, *more]),
        Package("texts", "1", members=more),
    )


@pytest.mark.parametrize("package", ["scripts", "texts"])
@pytest.mark.parametrize("how", ["moved", "copied"])
@pytest.mark.parametrize("cached", [True, False])
def test_clone__of_a_moved_environment_names_the_clone(
    scripted: Path, tmp_path: Path, package: str, how: str, cached: bool
) -> None:
    first, src, dst = tmp_path / "first", tmp_path / "second", tmp_path / "third-one"
    argv = [sys.executable, "-m", "cenv", "create", "-p", first, package]
    argv += ["--override-channels", "-c", scripted, "--store", tmp_path / "store"]
    subprocess.run(argv, check=True, capture_output=True)
    (first / "share").mkdir()
    (first / "share/mine").write_text(f"{first}/x {first}-old {tmp_path}/third\n")
    if how == "moved":
        first.rename(src)
    else:
        subprocess.run(["cp", "-a", first, src], check=True)
    store = tmp_path / ("store" if cached else "another")
    report = cenv.clone(src, dst, store=store, mode="copy")
    assert [notice.path for notice in report.notices] == [str(first)]
    assert (dst / "share/mine").read_text() == f"{dst}/x {first}-old {tmp_path}/third\n"
    assert (dst / "lib/t.pc").read_text() == f"prefix={dst}\n"
    assert str(dst).encode() in (dst / "lib/t.so").read_bytes()
    if package == "scripts":
        assert (dst / "bin/tool").read_text() == f"#!{dst}/bin/python\n"
    assert cenv.verify(dst).ok


def test_clone__with_a_script_of_another_place_was_not_moved(
    make_channel: Callable[..., Path], tmp_path: Path
) -> None:
    script = f"#!/usr/bin/env\n{PLACEHOLDER}\n".encode()
    tool = Member("bin/tool", script, 0o755, placeholder=PLACEHOLDER)
    channel = make_channel(Package("a", "1", members=[tool]))
    src, dst = tmp_path / "src", tmp_path / "dst"
    cenv.create(src, ["a"], channels=[channel], store=tmp_path / "store")
    (src / "etc").mkdir()
    (src / "etc/mine").write_text("/usr/bin/env\n")
    assert cenv.clone(src, dst, store=tmp_path / "store").notices == ()
    assert (dst / "bin/tool").read_text() == f"#!/usr/bin/env\n{dst}\n"
    assert (dst / "etc/mine").read_text() == "/usr/bin/env\n"


def test_clone__tells_of_directories_elsewhere(scripted: Path, tmp_path: Path) -> None:
    src, disk = tmp_path / "src", tmp_path / "disk"
    cenv.create(src, ["texts"], channels=[scripted], store=tmp_path / "store")
    (src / "lib").rename(disk)
    (src / "lib").symlink_to(disk)
    (src / "etc").symlink_to("../disk")
    (src / "share").mkdir()
    (src / "share/inside").symlink_to("../conda-meta")
    (src / "share/file").symlink_to("/bin/sh")
    (src / "share/own").symlink_to(src / "conda-meta")
    report = cenv.clone(src, tmp_path / "dst", store=tmp_path / "store")
    assert sorted(notice.path for notice in report.notices) == ["etc", "lib"]
    assert "share what is in it" in report.notices[0].reason


@pytest.mark.parametrize("kind", ["condabin/conda", "pkgs/urls.txt"])
def test_clone__of_a_base_environment_leaves_its_cache_where_it_is(
    scripted: Path, tmp_path: Path, kind: str
) -> None:
    src, dst = tmp_path / "base", tmp_path / "clone"
    cenv.create(src, ["texts"], channels=[scripted], store=tmp_path / "store")
    inside = ("pkgs/texts-1-0/info/index.json", "envs/one/conda-meta/history")
    for path in (kind, *inside, "share/pkgs/mine"):
        (src / path).parent.mkdir(parents=True, exist_ok=True)
        (src / path).touch()
    record = "conda-meta/texts-1-0.json"
    data = json.loads((src / record).read_text())
    cache = f"{src}/pkgs/texts-1-0"
    data["link"]["source"] = data["extracted_package_dir"] = cache
    data["own"] = f"{src}/share/pkgs"
    (src / record).write_text(json.dumps(data))
    report = cenv.clone(src, dst, store=tmp_path / "store")
    assert {notice.path for notice in report.skipped} == {"pkgs", "envs"}
    assert not (dst / "pkgs").exists()
    assert not (dst / "envs").exists()
    assert (dst / "share/pkgs/mine").exists()
    data = json.loads((dst / record).read_text())
    assert data["link"]["source"] == data["extracted_package_dir"] == cache
    assert data["own"] == f"{dst}/share/pkgs"
    assert cenv.verify(dst).ok
