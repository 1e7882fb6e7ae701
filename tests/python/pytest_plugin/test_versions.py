# SPDX-License-Identifier: BSD-3-Clause
"""The oldest pytest that serves, and the newest, on every Python of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import cenv

PYTHON = Path(cenv.__file__).resolve().parents[1]
SUITE = """
import pytest

@pytest.fixture(scope="session")
def base(cenv_template):
    return cenv_template("data=2")

@pytest.mark.cenv(template=["newest", "oldest"])
def test_marked(cenv_env, request):
    expected = {"newest": "3.0", "oldest": "1.0"}
    assert (cenv_env() / "share/data.txt").read_text() == expected[request.node.callspec.id]

def test_layer(cenv_template, cenv_env, base):
    layer = cenv_template("tool", base=base, setup=lambda d: (d / "new").touch(), key="1")
    with cenv_env(template=layer) as env:
        assert (env / "new").exists()
        assert env.run("tool", capture_output=True, text=True).stdout.strip() == env.path

def test_session(cenv_session_env, cenv_clone, tmp_path):
    again = cenv_clone(cenv_session_env("tool"), tmp_path / "again")
    assert again.path in (again / "etc/tool.conf").read_text()

def test_conflict(cenv_env, pytestconfig):
    with pytest.raises(Exception, match="data"):
        cenv_env("tool", "data=1")
"""
INI = """[pytest]
cenv_channels = {channel}
cenv_store = store
cenv_templates =
    newest: tool
    oldest: data=1
"""


def pythons() -> dict[str, str]:
    """Return the interpreters of this machine by version, those of pyenv among them."""
    versions = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    found = {}
    for minor in range(10, 16):
        name = f"python3.{minor}"
        kept = sorted(versions.glob(f"3.{minor}.*/bin/{name}"))
        for path in (*map(str, kept[-1:]), f"/usr/bin/{name}", shutil.which(name)):
            if path and os.access(path, os.X_OK):
                found[f"3.{minor}"] = path
                break
    return found


def install(python: str, place: Path, *packages: str) -> Path:
    """Make a venv with `packages` and this very cenv in it, as a plugin pytest finds."""
    subprocess.run([python, "-m", "venv", place], check=True)
    pip = [place / "bin/pip", "--disable-pip-version-check", "-q", "install"]
    needed = ["platformdirs>=3", "ruamel.yaml>=0.17"]
    subprocess.run([*pip, *packages, *needed], check=True)
    (site,) = place.glob("lib/python3*/site-packages")
    (site / "cenv.pth").write_text(f"{PYTHON}\n")
    about = site / f"cenv-{cenv.__version__}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Name: cenv\nVersion: {cenv.__version__}\n")
    (about / "entry_points.txt").write_text("[pytest11]\ncenv = cenv.pytest_plugin\n")
    return place / "bin/python"


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "wanted", ["pytest==7.4.3", "pytest"], ids=["oldest", "newest"]
)
@pytest.mark.parametrize("version", pythons())
def test_versions__of_pytest_and_python_all_serve(
    version: str, wanted: str, tmp_path: Path, small_channel: Path
) -> None:
    python = install(pythons()[version], tmp_path / "venv", wanted, "pytest-xdist")
    project = tmp_path / "project"
    project.mkdir()
    (project / "pytest.ini").write_text(INI.format(channel=small_channel))
    (project / "test_suite.py").write_text(SUITE)
    for more in ([], ["-n2"], ["-p", "no:xdist", "--cenv-mode=copy", "-v"]):
        argv = [python, "-m", "pytest", "--strict-markers", "--strict-config"]
        done = subprocess.run(
            [*argv, "-W", "error", *more],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "5 passed" in done.stdout
        assert "cenv environments" in done.stdout
    argv = [python, "-m", "pytest", "-p", "no:cenv", "--co", "-q", "-c", os.devnull]
    done = subprocess.run(
        argv, cwd=project, capture_output=True, text=True, check=False
    )
    assert "5 tests" not in done.stdout
    assert "4 tests" in done.stdout, "nothing parametrises the marked one"
