# SPDX-License-Identifier: BSD-3-Clause
"""The guard of templates: what is written through hard links is found, named and healed."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import cenv
from cenv.doctor import examine
from cenv.pytest_plugin import guard
from cenv.pytest_plugin.guard import Finding

WRITES = """
    import os, time

    def plain(env):
        return env / "lib/plain.txt"

    def test_before(cenv_env):
        assert plain(cenv_env(mode="hardlink")).stat().st_nlink > 1

    def test_writes(cenv_env):
        time.sleep(0.1)
        with plain(cenv_env(mode="hardlink")).open("a") as file:
            file.write("more")
        time.sleep(0.1)

    def test_after(cenv_env):
        env = cenv_env(mode="hardlink")
        print("AFTER", plain(env).read_text().strip())
"""


@pytest.fixture
def project(configure) -> pytest.Pytester:
    return configure(cenv_store="store", cenv_specs='tool "data >=2,<3"')


def run(project: pytest.Pytester, *argv: str) -> pytest.RunResult:
    return project.runpytest_subprocess("--strict-markers", "-W", "error", *argv)


def test_session__fails_the_run_and_heals(project: pytest.Pytester) -> None:
    project.makepyfile(WRITES)
    result = run(project, "-s")
    result.assert_outcomes(passed=3)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*cenv: altered templates*",
            "the template 'tool data >=2,<3' was altered through a hard-linked clone:",
            "  lib/plain.txt (size)",
            "by this test, *",
            "  test_session__fails_the_run_and_heals.py::test_writes",
            "it was built anew; --cenv-mode=copy *",
        ]
    )
    assert "AFTER plainmore" in result.stdout.str().replace("\n", "")
    again = run(project, "-s", "-k", "not writes")
    assert again.ret == 0
    again.stdout.fnmatch_lines(["*AFTER plain"])


@pytest.mark.parametrize("how", ["ini", "environment", "option"])
def test_each_test__names_it_and_the_next_clone_is_right(
    project: pytest.Pytester, configure, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    project.makepyfile(WRITES)
    option = []
    if how == "ini":
        configure(cenv_guard="test")
    elif how == "environment":
        configure(cenv_guard="off")
        monkeypatch.setenv("CENV_GUARD", "test")
    else:
        monkeypatch.setenv("CENV_GUARD", "off")
        option = ["--cenv-guard=test"]
    result = run(project, "-s", *option)
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*AFTER plain",
            "*ERROR at teardown of test_writes*",
            "*was altered through a hard-linked clone:",
            "  lib/plain.txt (size)",
        ]
    )


def test_off__looks_at_nothing(project: pytest.Pytester) -> None:
    project.makepyfile(WRITES)
    result = run(project, "--cenv-guard=off")
    assert result.ret == 0
    assert "altered" not in result.stdout.str()


@pytest.mark.parametrize("when", ["session", "test"])
def test_workers__tell_which_test_it_was(project: pytest.Pytester, when: str) -> None:
    project.makepyfile(WRITES)
    result = run(project, "-n2", "--dist=each", f"--cenv-guard={when}")
    assert result.ret == 1
    assert "INTERNALERROR" not in result.stdout.str()
    result.stdout.fnmatch_lines(["*cenv: altered templates*", "*::test_writes"])
    assert run(project, "-n2", "-k", "not writes").ret == 0


def test_suspects__ran_more_than_once(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter((10.0, 11.0, 20.0, 21.0))
    monkeypatch.setattr(guard.time, "time", lambda: next(moments))
    log = guard._Log(None)
    for _ in range(2):
        log.started("test_again")
        log.stopped("test_again")
    for moment in (10.5, 20.5):
        assert log.suspects("template", [moment], certain=True) == ("test_again",)
    assert log.suspects("template", [15.0], certain=True) == ()


def test_put_back_time__is_no_hiding_place(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import os, time

        def test_hides(cenv_env):
            path = cenv_env(mode="hardlink") / "lib/plain.txt"
            time.sleep(0.05)
            old = path.stat()
            path.write_text("PLAIN\\n")
            os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))

        def test_next(cenv_env):
            assert (cenv_env(mode="hardlink") / "lib/plain.txt").read_text() == "plain\\n"
        """
    )
    result = run(project, "--cenv-guard=test")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["  lib/plain.txt (content)"])


def test_left_altered__is_healed_before_its_first_use(
    project: pytest.Pytester, tmp_path: Path, small_channel: Path
) -> None:
    store = cenv.TemplateStore(project.path / "store")
    template = store.template(["tool", "data >=2,<3"], [small_channel])
    (template / "lib/plain.txt").chmod(0o600)
    project.makepyfile(
        """
        def test_uses(cenv_env):
            path = cenv_env(mode="hardlink") / "lib/plain.txt"
            assert path.stat().st_mode & 0o777 == 0o640
        """
    )
    result = run(project)
    assert result.ret == 0, "no test of this run did it"
    result.stdout.fnmatch_lines(["  lib/plain.txt (mode)", "before this run*"])


def test_setup__is_run_again(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="session", params=["keyed", "transient"])
        def template(cenv_template, request):
            def setup(draft):
                (draft / "mine").write_text("set up")
            key = "key" if request.param == "keyed" else None
            return cenv_template("tool", setup=setup, key=key)

        def test_writes(cenv_env, template):
            (cenv_env(template=template, mode="hardlink") / "mine").write_text("x")

        def test_next(cenv_env, template):
            env = cenv_env(template=template, mode="hardlink")
            assert (env / "mine").read_text() == "set up"
        """
    )
    result = run(project, "--cenv-guard=test")
    result.assert_outcomes(passed=4, errors=2)


# ---- whatever a test does, on real packages ----

DOES = """
    import os, pathlib, subprocess, sys, pytest

    def sh(env, script):
        subprocess.run(["sh", "-c", script], cwd=env, check=True)

    @pytest.fixture
    def env(cenv_env):
        return cenv_env("python", "pip", "setuptools")

    def test_pip_installs(env, tmp_path):
        (tmp_path / "setup.py").write_text(
            "from setuptools import setup; setup(name='p', py_modules=['p'],"
            "entry_points={'console_scripts': ['p = p:main']})")
        (tmp_path / "p.py").write_text("def main(): print('p')")
        env.run("python", "-m", "pip", "install", "--no-index", "--no-deps",
                "--no-build-isolation", str(tmp_path), check=True)
        (script,) = pathlib.Path(env).rglob("bin/p")  # Debian's Python has it in local/
        assert env.run(script, capture_output=True, text=True).stdout == "p\\n"
        env.run("python", "-m", "pip", "uninstall", "-y", "setuptools", check=True)

    def test_sed(env):
        sh(env, "find lib -name '*.py' | head -50 | xargs sed -i 's/import/ import/'")

    def test_appends(env):
        sh(env, "f=$(find lib -name '*.py' -path '*json*' | head -1); echo '#' >> $f")

    def test_chmods(env):
        sh(env, "chmod -R u-w,go-rwx .")

    def test_compiles(env):
        env.run("python", "-m", "compileall", "-qf", "lib", check=False)

    def test_touches(env):
        sh(env, "find lib -name '*.py' | head -20 | xargs touch")

    def test_runs(env):
        sh(env, "find lib -name __pycache__ -print0 | xargs -0 rm -r")
        modules = "import json, email.mime.text, xml.dom, sqlite3, pip"
        sh(env, "unset PYTHONDONTWRITEBYTECODE; bin/python -c '%s'" % modules)
        assert list((env / "lib").rglob("*.pyc"))

    def test_replaces(env):
        sh(env, "for f in $(find lib -name '*.so*' -type f | head -20); do"
                " cp $f copy; mv copy $f; ln -sf /dev/null $f; done; mv bin away")

    def test_deletes(env):
        sh(env, "rm -rf lib bin")

    def test_deletes_all(env):
        sh(env, "cd /; rm -rf '%s' || true" % env)  # a mount point stays

    def test_clean(env):
        assert env.run("python", "-c", "import json, pip").returncode == 0
"""
GUILTY = {"test_appends", "test_chmods", "test_touches"}


def digest(root: Path) -> str:
    """Return one hash of all files below `root`: names, modes, times and content."""
    found = hashlib.sha256()
    for directory, names, files in os.walk(root):
        names.sort()
        for name in sorted(files):
            path = Path(directory, name)
            status = path.lstat()
            text = (
                os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
            )
            facts = (path, status.st_mode, status.st_uid, status.st_mtime_ns)
            found.update(repr(facts).encode() + hashlib.sha256(text).digest())
    return found.hexdigest()


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Return a directory where clones of the mode can be made, on XFS and btrfs for some."""
    able = examine(tmp_path)["clones"]["overlay"]
    if request.param == "overlay" and able != "yes":
        pytest.skip(f"overlay: {able}")
    if request.param == "snapshot":
        yield request.getfixturevalue("btrfs")
        return
    if request.param != "reflink":
        yield tmp_path
        return
    mounted, image = tmp_path / "xfs", tmp_path / "image"
    mounted.mkdir()
    with image.open("wb") as file:
        file.truncate(3 << 30)
    script = f"mkfs.xfs -q -m reflink=1 {image} && mount -o loop {image} {mounted}"
    made = subprocess.run(["sh", "-c", script], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("XFS cannot be made and mounted here")
    yield mounted
    subprocess.run(["umount", "-l", mounted], check=True)
    image.unlink()


@pytest.mark.parametrize(
    ("place", "mode"),
    [(mode, mode) for mode in ("copy", "hardlink", "overlay", "reflink", "snapshot")],
    ids=("copy", "hardlink", "overlay", "reflink", "snapshot"),
    indirect=["place"],
)
def test_safety__whatever_a_test_does(
    pytester: pytest.Pytester,
    python_channel: Path,
    session_store: Path,
    place: Path,
    mode: str,
) -> None:
    # What shares extents has to lie where its template does.
    near = mode in {"reflink", "snapshot"}
    store = cenv.TemplateStore(place / "store" if near else session_store)
    specs = ["python", "pip", "setuptools"]
    template = store.template(specs, [python_channel])
    sibling = template.clone(place / "sibling", mode="copy")
    packages = Path(store.path) / "v1/pkgs"
    before = digest(packages), digest(Path(sibling.path))
    original = {
        path.relative_to(template.path): path.read_bytes()
        for path in Path(template.path).rglob("*.py")
    }
    pytester.makepyfile(DOES)
    result = pytester.runpytest_subprocess(
        f"--cenv-mode={mode}",
        f"--basetemp={place / 'base'}",
        "--cenv-guard=test",
        f"--cenv-store={store.path}",
        "-o",
        f"cenv_channels={python_channel}",
    )
    named = {
        line.split("teardown of ")[1].strip(" _")
        for line in result.outlines
        if "ERROR at teardown of" in line
    }
    assert named == (GUILTY if mode == "hardlink" else set())
    result.assert_outcomes(passed=11, errors=len(named))
    result.stdout.fnmatch_lines([f"*clones ({mode}*"])
    assert before == (digest(packages), digest(Path(sibling.path)))
    assert template.check(content=True).ok
    for path, text in original.items():
        assert (template / str(path)).read_bytes() == text
    assert cenv.verify(template.clone(place / "last", mode="hardlink")).ok


def test_clone_of_clone__is_watched_too(project: pytest.Pytester) -> None:
    """It shares files with the template of the clone that it was made of."""
    project.makepyfile(
        """
        def test_writes(cenv_env, cenv_clone):
            first = cenv_env(mode="copy")
            second = cenv_clone(first, mode="hardlink")
            assert second.template.id == first.template.id
            with (second / "lib/plain.txt").open("a") as file:
                file.write("more")
        """
    )
    result = run(project)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "the template 'tool data >=2,<3' was altered through a hard-linked clone:",
            "  lib/plain.txt (size)",
            "by this test, *",
        ]
    )


def test_finding__steers_no_terminal() -> None:
    evil = "e\x1b]0;pwned\x07\n::error::fake"
    finding = Finding(
        template=evil,
        specs=(),
        altered=({"path": evil, "what": "size"},),
        tests=(evil,),
        repair=evil,
    )
    for line in finding.lines():
        assert line.isprintable()
        assert not line.lstrip().startswith("::")
