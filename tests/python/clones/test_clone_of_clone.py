# SPDX-License-Identifier: BSD-3-Clause
"""A clone of a clone that nobody changed is one of its template, and as good as one."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

import cenv


@pytest.fixture
def template(tmp_path: Path, small_channel: Path) -> cenv.Template:
    store = cenv.TemplateStore(tmp_path / "store")
    return store.template(["tool", "data>=2,<3"], channels=[small_channel])


def seen(top: Path) -> dict[str, tuple[object, ...]]:
    """Return facts and content of everything below `top`, and of itself."""
    found: dict[str, tuple[object, ...]] = {}
    for path in [top, *top.rglob("*")]:
        facts = path.lstat()
        text: object = path.read_bytes() if stat.S_ISREG(facts.st_mode) else None
        if path.is_symlink():
            text = path.readlink()
        found[str(path.relative_to(top))] = (facts.st_mode, facts.st_mtime_ns, text)
    return found


@pytest.mark.parametrize("mode", ["hardlink", "copy"])
@pytest.mark.parametrize("first", ["hardlink", "copy"])
def test_clone_of_clone__is_what_a_clone_of_the_template_is(
    template: cenv.Template,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    first: str,
    mode: str,
) -> None:
    monkeypatch.setenv(
        "CENV_MEMORY", "0"
    )  # the path comes back, which nothing is to gain
    there = tmp_path / "there"
    with template.clone(there, mode=mode) as direct:
        wanted, shared = seen(there), direct.report.bytes_shared
    template.clone(tmp_path / "a", mode=first)
    report = cenv.clone(tmp_path / "a", there, mode=mode, store=template.store)
    assert seen(there) == wanted
    assert (report.source, report.mode) == (template.path, mode)
    assert report.bytes_shared == shared
    assert cenv.verify(there).ok


def test_clone_of_clone__is_fast_without_being_asked(
    template: cenv.Template, tmp_path: Path
) -> None:
    best = template.clone(tmp_path / "a").mode
    report = cenv.clone(tmp_path / "a", tmp_path / "b", store=template.store)
    assert (report.source, report.mode) == (template.path, best)
    again = cenv.clone(tmp_path / "b", tmp_path / "c", store=template.store)
    assert (again.source, again.mode) == (template.path, best)


def test_clone_of_clone__is_put_back_to_the_template(
    template: cenv.Template, tmp_path: Path
) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    template.clone(a, mode="copy")
    cenv.clone(a, b, mode="copy", store=template.store)
    wanted = seen(b)
    shutil.rmtree(a)
    (b / "etc" / "tool.conf").write_text("other")
    (b / "new").write_text("")
    cenv.reset(b, store=template.store)
    assert seen(b) == wanted


@pytest.mark.parametrize("what", ["added", "altered", "removed", "linked"])
def test_clone_of_clone__has_what_was_changed(
    template: cenv.Template, tmp_path: Path, what: str
) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    template.clone(a, mode="copy")
    if what == "added":
        (a / "share" / "mine").write_text(f"in {a}\n")
    elif what == "altered":
        (a / "lib" / "plain.txt").write_text("other")
    elif what == "removed":
        (a / "lib" / "plain.txt").unlink()
    else:
        (a / "lib" / "link.txt").unlink()
        (a / "lib" / "link.txt").symlink_to(a / "share")
    report = cenv.clone(a, b, store=template.store)
    assert report.source == str(a)
    for path, (mode, _time, text) in seen(a).items():
        if isinstance(text, bytes) and "conda-meta" not in path:
            text = text.replace(os.fsencode(a), os.fsencode(b))
        if what == "linked" and path == "lib/link.txt":
            text = b / "share"
        if "conda-meta" not in path:
            assert seen(b)[path][::2] == (mode, text), path
    assert seen(b).keys() == seen(a).keys()


def test_clone_of_clone__made_permanent_has_what_was_changed_before(
    template: cenv.Template, tmp_path: Path
) -> None:
    """Of a clone that was made permanent every later change counts, also one before that."""
    a, b = tmp_path / "a", tmp_path / "b"
    clone = template.clone(a, mode="copy")
    plain = a / "lib" / "plain.txt"
    facts = plain.stat()
    plain.write_text("PLAIN\n")
    os.utime(plain, ns=(facts.st_mtime_ns, facts.st_mtime_ns))
    clone.materialize()
    report = cenv.clone(a, b, store=template.store)
    assert report.source == str(a)
    assert (b / "lib" / "plain.txt").read_text() == "PLAIN\n"
    assert clone.reset().restored == 1
    assert plain.read_text() == "plain\n"


def test_clone_of_clone__with_a_request_of_its_own_is_of_the_clone(
    template: cenv.Template, tmp_path: Path
) -> None:
    template.clone(tmp_path / "a", mode="copy")
    told = {"specs": ["tool >=1"], "was": ["tool", "data>=2,<3"]}
    report = cenv.clone(
        tmp_path / "a", tmp_path / "b", store=template.store, provenance=told
    )
    assert report.source == str(tmp_path / "a")
    assert "tool >=1" in (tmp_path / "b" / "conda-meta" / "history").read_text()


def test_clone_of_clone__of_an_environment_knows_its_template(
    template: cenv.Template, tmp_path: Path
) -> None:
    """What watches the templates of clones has to watch the one that is shared with."""
    template.clone(tmp_path / "a", mode="copy")
    existing = cenv.Template(path=str(tmp_path / "a"), id="", store=template.store)
    clone = existing.clone(tmp_path / "b", mode="hardlink")
    assert clone.template is not None
    assert (clone.template.path, clone.template.id) == (template.path, template.id)
    assert clone.template.specs == ("tool", "data>=2,<3")
    (tmp_path / "a" / "mine").write_text("")
    other = existing.clone(tmp_path / "c", mode="hardlink")
    assert other.template is existing
