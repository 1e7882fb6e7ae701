# SPDX-License-Identifier: BSD-3-Clause
"""Overlay clones: equal to copies through the mount, private, and gone without a trace.

A process enters its namespace with one thread, which a test process may not have: every
scenario is a process of its own, as root and as an ordinary user where that can be.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import cenv
from cenv import _native


def test_overlay_clone__equals_a_copy(scenario: Any) -> None:
    scenario(
        """
        template = make()
        before = seen(template)
        with template.clone(here, mode="copy") as copy:
            wanted = seen(copy)
        clone = template.clone(here, mode="overlay")
        same(seen(clone), wanted)
        report = clone.report
        assert report.mode == clone.mode == "overlay", report
        assert report.relocated and report.bytes_copied and not report.fallbacks
        assert report.files == copy.report.files
        assert clone.run("tool", capture_output=True, text=True).stdout.strip() == here
        same(seen(template), before)
        """
    )


def test_overlay_clone__keeps_writes_to_itself(scenario: Any) -> None:
    scenario(
        """
        template = make()
        before = seen(template)
        other = template.clone(os.path.join(work, "other"), mode="overlay")
        fresh = seen(other)
        clone = template.clone(here, mode="overlay")
        wanted = seen(clone)
        for _round in range(2):
            (clone / "share/data.txt").unlink()
            (clone / "share/data.txt").write_text("mine")
            (clone / "etc/tool.conf").unlink()
            shutil.rmtree(clone / "lib")
            (clone / "lib").mkdir()
            (clone / "lib/new").write_text("new")
            os.rename(clone / "bin/tool", clone / "bin/renamed")
            os.chmod(clone, 0o700)
            subprocess.run(["sh", "-c", "echo child > etc/child"], cwd=clone, check=True)
            shown = clone.run("cat", f"{here}/lib/new", capture_output=True)
            assert shown.stdout == b"new"
            same(seen(template), before)
            same(seen(other), fresh)
            report = clone.reset()
            assert report.removed and report.prefix == here, report
            same(seen(clone), wanted)
        """
    )


def test_overlay_clone__has_its_layer_from_a_memory(scenario: Any) -> None:
    scenario(
        """
        import glob
        template = make()
        template.clone(here, mode="copy").remove()
        clone = template.clone(here, mode="overlay")
        assert clone.report.remembered == 0, clone.report
        wanted = seen(clone)
        clone.remove()
        home = os.path.join(os.path.dirname(template.path), "memory")
        def memories():
            return glob.glob(f"{home}/*-overlay/layer")
        for round in range(3):
            os.mkdir(here)
            os.chmod(here, 0o755)
            clone = template.clone(here, mode="overlay", remember=True)
            (layer,) = memories()
            assert clone.report.remembered == clone.report.relocated + 1, clone.report
            assert (clone.report.bytes_copied > 0) == (round == 0)
            same(seen(clone), wanted)
            kept = seen(layer)
            (clone / "lib/libtool.so").write_bytes(b"mine")
            shutil.rmtree(clone / "etc")
            (clone / "bin/tool").chmod(0o600)
            same(seen(layer), kept)
            assert clone.reset().removed
            same(seen(clone), wanted)
            clone.remove()
        damaged = f"{layer}/lib/libtool.so"
        os.chmod(damaged, 0o600)
        open(damaged, "ab").write(b"#")
        os.mkdir(here)
        os.chmod(here, 0o755)
        clone = template.clone(here, mode="overlay")
        assert clone.report.bytes_copied > 0
        same(seen(clone), wanted)
        # It is shown: what others remember takes no room from it, nor does a check.
        (layer,) = memories()
        os.environ["CENV_MEMORY"] = str(store.templates()[0]["memory"])
        other = template.clone(f"{work}/other", mode="hardlink", remember=True)
        assert other.report.remembered == 0 and memories() == [layer]
        os.chmod(f"{layer}/etc/tool.conf", 0o600)
        assert template.check().ok and memories() == [layer]
        # Where somebody took it away, a reset makes the clone anew.
        shutil.rmtree(layer)
        (clone / "lib/new").write_text("x")
        clone.reset()
        same(seen(clone), wanted)
        clone.remove()
        """
    )


def test_overlay_clone__takes_any_environment(scenario: Any) -> None:
    scenario(
        """
        source = os.path.join(work, "source")
        cenv.clone(make(), source, mode="copy", store=store.path)
        os.mkfifo(f"{source}/pipe")
        os.mkdir(f"{source}/empty")
        open(f"{source}/conf", "w").write(f"{source}/lib")
        os.link(f"{source}/conf", f"{source}/etc/twin")
        os.symlink(f"{source}/conf", f"{source}/absolute")
        os.chmod(f"{source}/empty", 0o555)
        copy = cenv.clone(source, here, mode="copy", store=store.path)
        wanted = seen(here)
        cenv.remove(here)
        made = cenv.clone(source, here, mode="overlay", store=store.path)
        assert made.skipped == copy.skipped and made.files == copy.files, (made, copy)
        same(seen(here), wanted)
        assert os.path.samefile(f"{here}/conf", f"{here}/etc/twin")
        open(f"{source}/conf", "a").write("more")  # and so says a new clone, and a reset
        cenv.reset(here, store=store.path)
        assert open(f"{here}/conf").read() == f"{here}/libmore"
        cenv.remove(here)
        assert not os.path.exists(here)
        """
    )


def test_gc__leaves_what_shows_through(scenario: Any) -> None:
    scenario(
        """
        template = make()
        clone = template.clone(here, mode="overlay")
        try:
            store.gc()
        except cenv.CenvError:
            pass
        assert (clone / "lib/plain.txt").read_text() == "plain\\n"
        assert store.find(template.id)
        clone.remove()
        store.gc()
        assert not store.find(template.id)
        """
    )


@pytest.mark.usefixtures("_user_namespaces")
def test_namespace__leaves_the_user_the_same(scenario: Any) -> None:
    scenario(
        """
        user, group = os.getuid(), os.getgid()
        cenv.enter_overlay_namespace()
        cenv.enter_overlay_namespace()
        clone = make().clone(here, mode="overlay")
        assert (os.getuid(), os.getgid()) == (user, group)
        shown = clone.run("id", "-u", capture_output=True, text=True).stdout
        assert int(shown) == user
        try:
            open(clone / "share/data.txt", "w")
        except PermissionError:
            assert user != 0
        else:
            assert user == 0
        append = ["sh", "-c", "echo x >> share/data.txt"]
        done = clone.run(*append, cwd=clone, stderr=subprocess.DEVNULL)
        assert (done.returncode == 0) == (user == 0)
        """
    )


@pytest.mark.usefixtures("_user_namespaces")
def test_namespace__lets_views_work(scenario: Any) -> None:
    scenario(
        """
        cenv.enter_overlay_namespace()
        template = make()
        script = "rm -r share; mkdir share; echo $CONDA_PREFIX"
        done = template.run(
            "sh", "-c", script, capture_output=True, text=True, cwd=template.path
        )
        assert (done.stdout.strip(), done.stderr) == (template.path, ""), done
        assert os.path.exists(f"{template.path}/share/data.txt")
        """
    )


_CHILD = """
import os, sys, threading, cenv

work, channel, other = sys.argv[1:]
stop = threading.Event()
threading.Thread(target=stop.wait).start()
try:
    assert os.path.exists(os.path.join(work, "environment/bin/tool"))
    store = cenv.TemplateStore(os.path.join(work, "store"))
    template = store.template(["tool", "data>=2,<3"], channels=[channel])
    clone = template.clone(other, mode="overlay")
    (clone / "share/data.txt").unlink()
    clone.reset()
    assert (clone / "share/data.txt").exists()
    if os.getuid():
        status = open("/proc/self/status").read()
        assert "CapEff:\\t0000000000000000" in status, status
        assert "CapAmb:\\t0000000000000000" in status, status
    clone.remove()
finally:
    stop.set()
"""


def test_namespace__is_shared_with_programs_on_demand(scenario: Any) -> None:
    (scenario.work / "child.py").write_text(_CHILD)
    scenario(
        """
        from cenv.clones import overlay

        make().clone(here, mode="overlay")
        overlay.share_namespace()
        child, other = os.path.join(work, "child.py"), os.path.join(work, "other")
        subprocess.run([sys.executable, child, work, channel, other], check=True)
        assert not os.path.exists(other)
        """
    )


def test_namespace__tells_a_process_with_threads_what_to_do(scenario: Any) -> None:
    scenario(
        """
        template = make()
        stop = threading.Event()
        other = threading.Thread(target=stop.wait)
        other.start()
        try:
            template.clone(here, mode="overlay")
        except cenv.LinkError as error:
            assert "threads" in str(error) and "enter_overlay_namespace" in error.hint
        else:
            raise AssertionError("a process with threads entered a namespace")
        finally:
            stop.set()
            other.join()
        assert not os.path.exists(here)
        assert template.clone(here, mode="overlay").mode == "overlay"
        """
    )


def test_overlay_clone__leaves_nothing_when_it_fails(scenario: Any) -> None:
    scenario(
        """
        template = make()
        cenv.enter_overlay_namespace()
        before = mounts()
        os.makedirs(f"{here}/full")
        for path in (here, f"{template.path}/inside"):
            try:
                template.clone(path, mode="overlay")
            except cenv.PrefixError:
                pass
            else:
                raise AssertionError(path)
        # Every call that takes a descriptor fails once.
        import resource

        most = resource.getrlimit(resource.RLIMIT_NOFILE)
        inside, made = os.path.join(work, "a", "b"), 0
        for limit in range(len(os.listdir("/proc/self/fd")), 60):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most[1]))
            try:
                template.clone(inside, mode="overlay").remove()
                made += 1
            except (OSError, cenv.CenvError, ImportError):
                assert not os.path.lexists(inside)
            resource.setrlimit(resource.RLIMIT_NOFILE, most)
            assert mounts() == before
            assert not os.path.lexists(inside)
        assert 10 < made < 50
        """
    )


def test_overlay__goes_when_what_it_tells_cannot_be_written(scenario: Any) -> None:
    """A venv has no records to tell the request: the mount that is there by then goes."""
    scenario(
        """
        source = os.path.join(work, "venv")
        os.mkdir(source)
        open(f"{source}/pyvenv.cfg", "w").close()
        cenv.enter_overlay_namespace()
        before = mounts()
        try:
            told = {"specs": ["x"]}
            cenv.clone(source, here, mode="overlay", store=store.path, provenance=told)
        except OSError as error:
            assert "conda-meta" in str(error), error
        else:
            raise AssertionError("a venv with records")
        assert mounts() == before
        assert not os.path.lexists(here)
        """
    )


def test_overlay__is_changed_only_where_it_is_mounted(scenario: Any) -> None:
    """Whatever it is a clone of: another process would mount it for everybody."""
    scenario(
        """
        source = os.path.join(work, "source")
        cenv.clone(make(), source, mode="copy", store=store.path)
        script = (
            "import cenv, sys; cenv.clone(*sys.argv[1:3], mode='overlay', store=sys.argv[3]);"
            "print(flush=True); sys.stdin.read()"
        )
        command = [sys.executable, "-c", script, source, here, store.path]
        maker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert maker.stdout.readline()
        before = mounts()
        for work in (cenv.reset, cenv.api.materialize):
            try:
                work(here, store=store.path)
            except cenv.LinkError as error:
                assert "not mounted here" in str(error), error
            else:
                raise AssertionError("done from elsewhere")
            assert mounts() == before
            assert not os.listdir(here)
        maker.communicate()
        """
    )


def test_thousand_overlays__leave_no_mount(scenario: Any) -> None:
    scenario(
        """
        template = make()
        os.mkdir(here)
        cenv.enter_overlay_namespace()
        before = mounts()
        descriptors = len(os.listdir("/proc/self/fd"))
        for _number in range(1000):
            with template.clone(here, mode="overlay"):
                pass
            assert not os.path.exists(here)
        assert mounts() == before
        assert len(os.listdir("/proc/self/fd")) == descriptors
        """
    )


def test_exit__takes_the_directory_along(scenario: Any) -> None:
    scenario(
        """
        make().clone(here, mode="overlay")
        child = os.fork()
        if child == 0:
            sys.exit(0 if os.path.exists(f"{here}/bin/tool") else 3)
        assert os.waitpid(child, 0)[1] == 0
        assert os.path.exists(f"{here}/bin/tool")
        """
    )
    assert not scenario.here.exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_process__leaves_an_empty_directory(scenario: Any, number: int) -> None:
    done = scenario.run(
        f"""
        make().clone(here, mode="overlay")
        assert os.path.exists(f"{{here}}/bin/tool")
        os.kill(os.getpid(), {int(number)})
        """
    )
    assert done.returncode == -number, done.stderr
    assert list(scenario.here.iterdir()) == []
    assert str(scenario.here) not in Path("/proc/self/mountinfo").read_text()
    scenario("assert store.sweep() == [here], os.listdir(work)")
    assert not scenario.here.exists()


def test_materialize__makes_a_clone_permanent(scenario: Any) -> None:
    scenario(
        """
        import pickle

        def change(clone):
            (clone / "lib/new").write_text("new")
            os.link(clone / "lib/new", clone / "lib/twin")
            (clone / "etc/tool.conf").unlink()
            for name, when in (("lib/new", 7), ("lib", 5), ("etc", 6)):
                os.utime(clone / name, ns=(when, when))

        template = make()
        with template.clone(here, mode="copy") as copy:
            change(copy)
            wanted = seen(copy)
        with template.clone(here, mode="overlay") as clone:
            change(clone)
            same(seen(clone), wanted)
            assert clone.materialize() is clone
            assert clone.mode == "copy"
            same(seen(clone), wanted)
            assert os.stat(clone / "lib/new").st_nlink == 2
        assert not [line for line in mounts() if here in line]
        with open(os.path.join(work, "wanted"), "wb") as out:
            pickle.dump(wanted, out)
        """
    )
    assert (scenario.here / "lib/new").read_text() == "new"
    scenario(
        """
        import pickle

        with open(os.path.join(work, "wanted"), "rb") as wanted:
            same(seen(here), pickle.load(wanted))
        assert store.sweep() == []
        cenv.reset(here, store=store.path)
        assert not os.path.exists(f"{here}/lib/new")
        assert os.path.exists(f"{here}/etc/tool.conf")
        """
    )


def test_materialize__makes_a_permanent_copy_at_another_path(
    scenario: Any,
) -> None:
    scenario(
        """
        there = os.path.join(work, "a-longer-path-than-the-one-of-the-clone")
        clone = make().clone(here, mode="overlay")
        (clone / "etc/mine").write_text(f"{here}/lib")
        kept = clone.materialize(there)
        assert (kept.path, kept.permanent) == (there, True)
        assert (kept / "etc/mine").read_text() == f"{there}/lib"
        ran = kept.run("tool", capture_output=True, text=True)
        assert ran.stdout.strip() == there
        assert (clone / "etc/mine").read_text() == f"{here}/lib"
        for path in ("etc/tool.conf", "lib/libtool.so", "bin/tool"):
            assert here.encode() not in (kept / path).read_bytes()
        """
    )
    assert (scenario.work / "a-longer-path-than-the-one-of-the-clone/etc/mine").exists()


@pytest.mark.usefixtures("_user_namespaces")
def test_doctor__agrees_with_the_mode(scenario: Any) -> None:
    examine = """
        from cenv import _native

        found = _native.call(_native.extension.doctor, work)["overlay"]
        template = make()
    """
    scenario(
        f"""{examine}
        assert found == {{"works": True, "reason": None}}, found
        assert template.clone(here, mode="overlay").mode == "overlay"
        """
    )
    # A user namespace that allows no further ones stands for machines that allow none.
    limit = "echo 0 > /proc/sys/user/max_mnt_namespaces"
    confined = ("unshare", "-Ur", "sh", "-c", f'{limit} && exec "$@"', "sh")
    inside = replace(scenario, command=(*confined, *scenario.command))
    inside(
        f"""{examine}
        assert not found["works"], found
        assert "max_mnt_namespaces" in found["reason"]
        try:
            template.clone(here, mode="overlay")
        except cenv.LinkError as error:
            assert "max_mnt_namespaces" in error.hint, error.hint
        else:
            raise AssertionError("a clone without a namespace")
        assert not os.path.exists(here)
        """
    )


def test_overlay_clone__needs_a_namespace_that_was_entered(tmp_path: Path) -> None:
    (tmp_path / "source/conda-meta").mkdir(parents=True)
    (tmp_path / "source/conda-meta/history").touch()
    source, target = str(tmp_path / "source"), str(tmp_path / "target")
    for options in ('{"mode": "overlay"}', '{"mode": "overlay", "namespace": "no"}'):
        task = _native.extension.Task()
        with pytest.raises(cenv.LinkError, match="namespace"):
            _native.extension.clone(task, None, source, target, options)
    assert not (tmp_path / "target").exists()


def test_command_line__says_why_it_makes_no_overlay() -> None:
    command = [sys.executable, "-m", "cenv", "clone", "a", "b", "--mode=overlay"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "ends with the process" in done.stderr
    assert "cenv run" in done.stderr


def test_overlay_clone__tells_its_own_request(scenario: Any) -> None:
    """History and records are those of this request, after a reset too."""
    scenario(
        """
        make()
        template = store.template(["tool", "data=2.0=*"], channels=[channel])
        clone = template.clone(here, mode="overlay")
        copy = template.clone(os.path.join(work, "copy"), mode="copy")
        history = clone / "conda-meta/history"
        want = (copy / "conda-meta/history").read_bytes()
        assert b"update specs: ['tool', 'data=2.0=*']" in want
        for _ in range(2):
            assert history.read_bytes() == want
            history.write_text("altered")
            clone.reset()
        assert history.read_bytes() == want
        clone.remove()
        """
    )


def test_overlay_clone__of_a_clone_is_of_its_template(scenario: Any) -> None:
    scenario(
        """
        template, there = make(), os.path.join(work, "there")
        with template.clone(there, mode="overlay") as direct:
            wanted = seen(direct)
        first = template.clone(here, mode="copy")
        report = cenv.clone(first, there, mode="overlay", store=store.path)
        assert report.source == template.path, report
        same(seen(there), wanted)
        cenv.remove(there, store=store.path)
        first.remove()
        """
    )


def test_overlay_clone__is_traced_to_its_template(scenario: Any) -> None:
    """As long as nothing is written to it; put back, it is traced again."""
    scenario(
        """
        template, there = make(), os.path.join(work, "there")
        with template.clone(there, mode="hardlink") as direct:
            wanted = seen(direct)
        template = store.template(["tool >=1", "data>=2,<3"], channels=[channel])
        overlay = template.clone(here, mode="overlay")

        def clone():
            report = cenv.clone(here, there, mode="copy", store=store.path)
            found = seen(there)
            cenv.remove(there, store=store.path)
            return report.source, found

        source, found = clone()
        assert source == template.path, source
        assert b"tool >=1" in found["conda-meta/history"][3]
        found.pop("conda-meta/history")
        wanted.pop("conda-meta/history")
        record = "conda-meta/tool-1.0-0.json"
        assert b"tool >=1" in found.pop(record)[3] and wanted.pop(record)
        same(found, wanted)

        plain = os.path.join(here, "lib/plain.txt")
        facts = os.stat(plain)

        def overwrite():
            open(plain, "w").write("PLAIN\\n")
            os.utime(plain, ns=(facts.st_mtime_ns, facts.st_mtime_ns))

        for change in (
            lambda: open(os.path.join(here, "new"), "w").close(),
            lambda: os.remove(plain),
            lambda: os.chmod(plain, 0o600),
            overwrite,
            lambda: open(os.path.join(here, record), "a").write(" "),
            lambda: os.mkdir(os.path.join(here, "lib", "more")),
        ):
            change()
            assert clone()[0] == here
            overlay.reset()
            assert clone()[0] == template.path
        overlay.remove()
        """
    )
