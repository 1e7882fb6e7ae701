# SPDX-License-Identifier: BSD-3-Clause
"""What is built for others: one wheel for every Python, a whole source archive."""

from __future__ import annotations

import fcntl
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import cenv

TOP = Path(__file__).resolve().parents[2]
LIMITED = not sysconfig.get_config_var("Py_GIL_DISABLED")


def build(kind: str, to: Path) -> Path:
    """Build a `wheel` or an `sdist` with setuptools' own hook; return the file."""
    code = (
        "import sys, setuptools.build_meta as m; getattr(m, sys.argv[1])(sys.argv[2])"
    )
    command = [sys.executable, "-c", code, f"build_{kind}", str(to)]
    with (TOP / "build/setup.lock").open("w") as lock:  # they share build/
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            command, cwd=TOP, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = to.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


def test_wheel__is_abi3_by_name_and_by_content(wheel):
    assert ("-cp310-abi3-" in wheel.name) == LIMITED
    with zipfile.ZipFile(wheel) as archive:
        extensions = [name for name in archive.namelist() if name.endswith(".so")]
    if LIMITED:
        assert extensions == ["cenv/_cenv.abi3.so"]


def test_wheel__keeps_to_the_stable_interface(wheel):
    command = [sys.executable, "-m", "abi3audit", "--strict", "--report", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"non_abi3_symbols": []' in done.stdout


def test_wheel__holds_types_and_entry_points(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (entry,) = (name for name in names if name.endswith("entry_points.txt"))
        text = archive.read(entry).decode()
    assert {"cenv/py.typed", "cenv/_cenv.pyi"} <= set(names)
    assert "cenv/pytest_plugin/__init__.py" in names
    assert "cenv = cenv.cli:main" in text
    assert "[pytest11]\ncenv = cenv.pytest_plugin" in text


@pytest.fixture(scope="module")
def sdist(tmp_path_factory) -> set[str]:
    with tarfile.open(build("sdist", tmp_path_factory.mktemp("sdist"))) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def test_sdist__holds_all_that_a_build_needs(sdist):
    sources = {p.relative_to(TOP).as_posix() for p in (TOP / "csrc").rglob("*.[ch]*")}
    assert sources | {"csrc/ROOMS", "csrc/Makefile"} <= sdist
    assert {"setup.py", "pyproject.toml", ".ci/minisat.py", "LICENSE"} <= sdist


def test_sdist__holds_what_its_tests_look_at(sdist):
    pages = {p.relative_to(TOP).as_posix() for p in (TOP / "docs").rglob("*.md")}
    assert len(pages) > 10
    assert pages <= sdist
    assert {"README.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile"} <= sdist
    assert {".ci/run", ".github/workflows/ci.yml"} <= sdist
    assert {"recipe/recipe.yaml", "recipe/variants.yaml", ".ci/smoke.py"} <= sdist


OF_OTHER_MACHINES = {"SETUPTOOLS_EXT_SUFFIX", "_PYTHON_HOST_PLATFORM"}


def test_release__builds_wheels_as_make_wheel_does():
    text = (TOP / "pyproject.toml").read_text().partition("[tool.cibuildwheel]\n")[2]
    section, _, rest = text.partition("[tool.cibuildwheel.environment]\n")
    made = (TOP / ".ci/wheel.py").read_text()
    given = set(re.findall(r"^ {12}([A-Z_]+)=", made, re.M))
    told = set(re.findall(r"^([A-Z_]+) = ", rest.partition("[tool.")[0], re.M))
    assert told == given - OF_OTHER_MACHINES
    targets = (TOP / ".ci/libraries.py").read_text()
    for tag in re.findall(r'^    "(\w+linux_\w+)": Target', targets, re.M):
        kind, machine = re.fullmatch(r"(\w+?_\d+_\d+)_(\w+)", tag).groups()
        assert f'{kind.partition("_")[0]}-{machine}-image = "{kind}"' in section


@pytest.fixture(scope="module")
def recipe() -> dict[str, Any]:
    text = (TOP / "recipe/recipe.yaml").read_text()
    found: dict[str, Any] = YAML(typ="safe").load(text)
    return found


def test_recipe__is_of_this_version(recipe):
    assert recipe["context"]["version"] == cenv.__version__


def test_recipe__has_the_variants_that_its_compilers_ask_for(recipe):
    asked = [item for item in recipe["requirements"]["build"] if "stdlib" in item]
    assert asked == ['${{ stdlib("c") }}']
    variants = YAML(typ="safe").load((TOP / "recipe/variants.yaml").read_text())
    assert {"c_stdlib", "c_stdlib_version"} <= set(variants)


def test_recipe__imports_the_plugin_only_where_pytest_is(recipe):
    for test in recipe["tests"]:
        if "pytest" not in test.get("requirements", {}).get("run", []):
            assert "pytest" not in str(test)


def test_recipe__names_what_pyproject_and_setup_name(recipe):
    requirements = recipe["requirements"]
    text = (TOP / "pyproject.toml").read_text()
    (listed,) = re.findall(r"^dependencies = \[(.*)\]", text, re.M)
    wanted = {item.replace(">=", " >=") for item in re.findall(r'"(.*?)"', listed)}
    assert wanted < set(requirements["run"])
    assert re.findall(r'^requires-python = "(.*)"', text, re.M) == [">=3.10"]
    assert "python >=3.10" in requirements["run"]
    (libraries,) = re.findall(
        r"^LIBRARIES = \((.*?)\)", (TOP / "setup.py").read_text(), re.M | re.S
    )
    channels = {
        "libzstd": "zstd",
        "liblzma": "liblzma-devel",
        "libcjson": "cjson",
        "libcrypto": "openssl",
        "libpcre2-8": "pcre2",
    }
    built = {"mpack"}  # by recipe/build_libraries.py
    for name in set(re.findall(r'"(.*?)"', libraries)) - built:
        assert channels.get(name, name) in requirements["host"]
