# SPDX-License-Identifier: BSD-3-Clause
"""The template store: requests, set-ups, staging, gc."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import cenv
from cenv.clones import spares
from cenv.errors import CenvError, UsageError


@pytest.fixture
def store(tmp_path: Path) -> cenv.TemplateStore:
    return cenv.TemplateStore(tmp_path / "store")


def test_template__is_built_once(
    store: cenv.TemplateStore, small_channel: Path
) -> None:
    first = store.template(["tool"], [small_channel])
    again = store.template(["tool"], [small_channel])
    other_words = store.template(["tool >=0", "data"], [small_channel])
    assert first.built
    assert not again.built
    assert {first.id, again.id, other_words.id} == {first.id}
    assert [item["id"] for item in store.templates()] == [first.id]
    assert cenv.verify(first).ok


WRONG = (None, 5, "x", [], {}, [5], [None], [{}], [{"name": 5}])


@pytest.mark.parametrize("key", ["id", "size", "cost", "made", "specs", "records"])
def test_template__of_damaged_description_is_there_or_made_again(
    store: cenv.TemplateStore, small_channel: Path, key: str
) -> None:
    first = store.template(["tool"], [small_channel])
    description = Path(first.path).parent / "template.json"
    good = json.loads(description.read_text())
    for value in WRONG:
        description.write_text(json.dumps({**good, key: value}))
        assert store.template(["tool"], [small_channel]).id == first.id
        assert len(store.templates()) == 1
    assert cenv.verify(first).ok


def test_template__of_damaged_request_is_found_again(
    store: cenv.TemplateStore, small_channel: Path
) -> None:
    first = store.template(["tool"], [small_channel])
    (request,) = (Path(store.path) / "v1/requests").glob("*.json")
    for value in (*WRONG, {"id": 5}, {"id": None}, {"id": first.id, "urls": 5}):
        request.write_text(json.dumps(value))
        again = store.template(["tool"], [small_channel])
        assert (again.id, again.built) == (first.id, False)
    assert json.loads(request.read_text())["id"] == first.id


def test_setup__runs_once_and_stays(
    store: cenv.TemplateStore, small_channel: Path, tmp_path: Path
) -> None:
    calls = []

    def setup(draft: cenv.templates.environment.Draft) -> None:
        calls.append(draft.path)
        draft.run("tool", check=True)
        (draft / "added").write_text(f"at {draft}\n")

    def template(key: object) -> cenv.Template:
        return store.template(["tool"], [small_channel], setup=setup, key=key)

    plain = store.template(["tool"], [small_channel])
    first, again = template("one"), template("one")
    assert first.built
    assert not again.built
    assert first.path == again.path == calls[0]
    assert len(calls) == 1
    assert len({plain.id, first.id, template("two").id}) == 3
    with first.clone(tmp_path / "clone") as clone:
        assert (clone / "added").read_text() == f"at {clone}\n"


def test_setup__keys_are_contents(tmp_path: Path) -> None:
    from cenv.templates.setup import digest

    (tmp_path / "a").write_text("x")
    (tmp_path / "b").write_text("x")
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    assert digest(["x", "y"]) == digest(("x", "y"))
    assert len({digest(k) for k in ("x", b"x", tmp_path / "a", "xy", ["x", "y"])}) == 5
    with pytest.raises(UsageError, match="key= cannot be a int"):
        digest(3)


def test_setup__failure_leaves_nothing(
    store: cenv.TemplateStore, small_channel: Path
) -> None:
    def fails(draft: cenv.templates.environment.Draft) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        store.template(["tool"], [small_channel], setup=fails, key="k")
    assert store.templates() == []
    assert not os.listdir(Path(store.path) / "v1/templates")
    with pytest.raises(UsageError, match="there is no setup="):
        store.template(["tool"], [small_channel], key="k")


def test_setup__without_key_ends_with_its_process(
    store: cenv.TemplateStore, small_channel: Path
) -> None:
    code = (
        "import cenv, sys\n"
        "store = cenv.TemplateStore(sys.argv[1])\n"
        "t = store.template(['tool'], [sys.argv[2]], setup=lambda draft: None)\n"
        "store.sweep()\n"
        "print(t.id, store.find(t.id) is not None)\n"
    )
    argv = [sys.executable, "-c", code, store.path, small_channel]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    found, there = done.stdout.split()
    assert there == "True", "its own sweep leaves it"
    assert store.find(found) is not None
    store.sweep()
    assert store.find(found) is None


def test_stage__gives_a_template_where_the_clones_are(
    store: cenv.TemplateStore, small_channel: Path, tmp_path: Path
) -> None:
    template = store.template(["tool"], [small_channel])
    assert store.mirror(template, tmp_path) is template
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        return
    place = Path(
        subprocess.check_output(["mktemp", "-d", "-p", other], text=True).strip()
    )
    try:
        staged = store.mirror(template, place)
        assert staged.id == template.id
        assert Path(staged.path).is_relative_to(place)
        assert place.joinpath(f"cenv-{os.getuid()}").stat().st_mode & 0o77 == 0
        clone = staged.clone(place / "clone", mode="hardlink")
        plain = clone / "lib/plain.txt"
        assert (
            plain.stat().st_ino == (Path(staged.path) / "lib/plain.txt").stat().st_ino
        )
        assert str(clone) in (clone / "etc/tool.conf").read_text()
        assert cenv.verify(clone).ok
    finally:
        cenv.api.remove_tree(place)


def test_gc__respects_leases(store: cenv.TemplateStore, small_channel: Path) -> None:
    template = store.template(["tool"], [small_channel])
    lease = store.lease()
    with pytest.raises(CenvError, match="in use"):
        store.gc()
    with pytest.raises(CenvError, match="in use"):
        store.remove(template.id)
    lease.release()
    assert store.gc()["removed"] >= 1
    assert store.templates() == []


def meta_of(prefix: Path) -> dict[str, bytes]:
    """Return history and records, without times, digests and the packages' cache."""
    found = {}
    for path in sorted(Path(prefix, "conda-meta").iterdir()):
        if path.name == "created_at":
            continue
        text = re.sub(rb"==> .* <==", b"==> <==", path.read_bytes())
        text = re.sub(rb'(_dir|source|_in_prefix)": "[^"]*"', rb'\1": ""', text)
        found[path.name] = text.replace(os.fsencode(prefix), b"PREFIX")
    return found


@pytest.mark.parametrize("mode", ["hardlink", "copy"])
@pytest.mark.parametrize(
    "specs", [["tool >=0", "data"], ["data=3.0=*"], ["TOOL", "tool=1.0", "data>1"]]
)
def test_clone__tells_its_own_request(
    store: cenv.TemplateStore,
    small_channel: Path,
    tmp_path: Path,
    mode: str,
    specs: list[str],
) -> None:
    """One template serves many requests; each clone is as a fresh install of its own."""
    first = store.template(["tool", "data"], [small_channel])
    locked = [record.to_json() for record in first.records]
    for again in (False, True):  # the second time the request is known
        template = store.template(specs, [small_channel], locked=locked)
        assert template.id == first.id
        where = tmp_path / f"clone{again:d}"
        with template.clone(where, mode=mode) as clone:
            name = f"fresh{again:d}"
            fresh = tmp_path / name
            other = cenv.TemplateStore(tmp_path / f"other{again:d}")
            other.template(specs, [small_channel], locked=locked).clone(fresh)
            assert meta_of(where) == meta_of(fresh)
            history = where / "conda-meta/history"
            assert f"# update specs: {specs!r}\n" in history.read_text()
            was = history.stat().st_mtime_ns
            history.write_text("altered")
            assert clone.reset().restored
            assert meta_of(where) == meta_of(fresh)
            assert history.stat().st_mtime_ns == was


def test_stage__of_another_run_tells_this_request(
    small_channel: Path, tmp_path: Path
) -> None:
    """The copy beside the clones outlives the store that it was made from."""
    elsewhere = Path("/dev/shm")
    if not os.access(elsewhere, os.W_OK) or same_file_system(elsewhere, tmp_path):
        elsewhere = tmp_path  # nothing to stage, the same to see
    with tempfile.TemporaryDirectory(dir=elsewhere) as place:
        for number, specs in enumerate((["tool"], ["tool=1", "data"])):
            store = cenv.TemplateStore(tmp_path / f"store{number}")
            template = store.template(specs, [small_channel])
            staged = store.mirror(template, place)
            with staged.clone(Path(place, "clone")) as clone:
                history = (clone / "conda-meta/history").read_text()
                assert f"# update specs: {specs!r}\n" in history
                assert "# cmd: " in history  # or conda passes over the specs


def same_file_system(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev


def test_clone__tells_where_its_packages_came_from(
    store: cenv.TemplateStore, small_channel: Path, tmp_path: Path
) -> None:
    mirror = tmp_path / "mirror"
    shutil.copytree(small_channel, mirror)
    first = store.template(["tool"], [small_channel])
    for _again in range(2):
        template = store.template(["tool"], [mirror])
        assert template.id == first.id
        assert {r.url.rsplit("/", 2)[0] for r in template.records} == {mirror.as_uri()}
        with template.clone(tmp_path / "clone") as clone:
            texts = b"".join(meta_of(clone / "").values())
            assert os.fsencode(mirror.as_uri()) in texts
            assert os.fsencode(small_channel.as_uri()) not in texts
        template.spares(1, new_path=lambda: str(tmp_path / "spare"))
        kept = spares.kept_for(template)
        assert kept is not None
        kept.drain()
        with template.clone() as spare:
            assert os.fsencode(mirror.as_uri()) in meta_of(spare / "")["history"]
        template.spares(0)


def gc_elsewhere(store: cenv.TemplateStore) -> None:
    """Let another process remove all that nobody holds."""
    code = "import cenv, sys; cenv.TemplateStore(sys.argv[1]).gc()"
    subprocess.run([sys.executable, "-c", code, store.path], check=True)


@pytest.mark.parametrize("kind", ["made", "found", "derived", "set up"])
def test_clone__of_a_template_that_gc_removed_builds_it_again(
    kind: str, small_channel: Path, tmp_path: Path
) -> None:
    store = cenv.TemplateStore(tmp_path / "store")
    template = store.template(["data=2"], [small_channel])
    if kind == "found":
        template = store.find(template.id) or template
    if kind == "derived":
        template = store.template(["tool"], [small_channel], base=template)
    if kind == "set up":

        def setup(draft: cenv.templates.environment.Draft) -> None:
            (draft / "made").write_text("here")

        template = store.template(["data"], [small_channel], setup=setup, key="k")
    gc_elsewhere(store)
    assert template.is_gone()
    with template.clone(tmp_path / "clone") as clone:
        assert cenv.verify(clone).ok
        assert (clone / "made").exists() == (kind == "set up")
    assert not template.is_gone()


def test_clone__of_what_nobody_can_build_says_that_it_is_gone(
    small_channel: Path, tmp_path: Path
) -> None:
    store = cenv.TemplateStore(tmp_path / "store")
    made = store.template(["data"], [small_channel], setup=lambda _: None, key="k")
    found = store.find(made.id)
    assert found is not None
    gc_elsewhere(store)
    with pytest.raises(cenv.PrefixError, match=f"{made.id[:12]} is gone"):
        found.clone(tmp_path / "clone")


def test_template__of_one_content_is_one_with_several_labels(
    small_channel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from cenv.cli import main

    common = ["--store", str(tmp_path / "store"), "--override-channels", "-c"]
    common.append(str(small_channel))
    assert main(["-q", "solve", "tool", *common, "--explicit"]) == 0
    listed = tmp_path / "env.lock"
    listed.write_text(capsys.readouterr().out)
    for asked in (["tool"], ["tool", "data"], ["--file", str(listed)]):
        assert main(["-q", "template", "build", *asked, *common]) == 0
    capsys.readouterr()
    assert main(["template", "list", "--store", str(tmp_path / "store")]) == 0
    _head, line = capsys.readouterr().out.splitlines()
    assert line.split("  ")[-1].split("; ")[0] == "tool"
    assert {"env.lock", "tool data"} <= set(line.split("  ")[-1].split("; "))


def test_gc__of_a_dry_run_only_counts(small_channel: Path, tmp_path: Path) -> None:
    store = cenv.TemplateStore(tmp_path / "store")
    store.template(["tool"], [small_channel])
    told = store.gc(dry_run=True)
    assert len(store.templates()) == 1
    assert store.gc() == told
    assert store.templates() == []


def test_gc__keeps_what_is_in_use(small_channel: Path, tmp_path: Path) -> None:
    store = cenv.TemplateStore(tmp_path / "store")
    store.template(["tool"], [small_channel])
    for name in ("kept", "gone"):
        cenv.create(tmp_path / name, ["tool"], [small_channel], store=store.path)
        cenv.clone(tmp_path / name, tmp_path / f"{name}-clone", store=store.path)
    shutil.rmtree(tmp_path / "gone")
    parts = {name: Path(store.path, "v1", name) for name in ("requests", "manifests")}
    assert len(list(parts["manifests"].iterdir())) == 2
    store.gc()
    assert [len(list(part.iterdir())) for part in parts.values()] == [0, 1]


def test_template__that_cannot_be_looked_at_is_not_gone(tmp_path: Path) -> None:
    described = tmp_path / "template.json"
    described.symlink_to(described)
    path = str(tmp_path / "prefix")
    template = cenv.Template(path, id="a" * 64)
    with pytest.raises(OSError, match=r"template\.json"):
        template.is_gone()
