# SPDX-License-Identifier: BSD-3-Clause
"""The memory of relocated files: what a clone has from an earlier one at its path.

Clones that have it are compared with clones that had none, in every mode that lasts; overlays
have theirs in test_overlay.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

import cenv
from cenv.demo.package import PLACEHOLDER, Member, Package

WHEN = 1_600_000_000_123_456_789
MODES = ["hardlink", "copy", "auto"]
LINKED = ["lib/libtool.so", "lib/site.py", "lib/tool.pc"]
ALTERATIONS: dict[str, Callable[[Path], object]] = {
    "other bytes": lambda path: path.write_bytes(path.read_bytes() + b"#"),
    "another time": lambda path: os.utime(path, ns=(1, 1)),
    "another mode": lambda path: path.chmod(0o600),
    "gone": lambda path: path.unlink(),
    "replaced": lambda path: shutil.copy2(path, path.with_name("x")).replace(path),
}


@pytest.fixture(scope="module")
def channel(make_channel: Callable[..., Path]) -> Path:
    """Return a channel of a package with relocated files of every kind."""

    def member(name: str, text: str, mode: int = 0o644) -> Member:
        data = text.replace("@", PLACEHOLDER).encode()
        return Member(name, data, mode, WHEN, placeholder=PLACEHOLDER)

    return make_channel(
        Package(
            "tool",
            "1.0",
            members=[
                member("bin/tool", "#!@/bin/sh\n", 0o755),
                member("etc/tool.conf", "here=@\n"),
                member("lib/libtool.so", "\x7f\0start @/share\0end", 0o555),
                member("lib/site.py", "where = '@'\n"),
                member("lib/tool.pc", "prefix=@\n" * 500),
                Member("lib/plain.txt", b"plain\n", 0o640, WHEN),
                Member("lib/link.txt", link="tool.pc"),
            ],
        )
    )


@pytest.fixture
def template(channel: Path, tmp_path: Path) -> cenv.Template:
    return cenv.TemplateStore(tmp_path / "store").template(["tool"], [channel])


def tree(root: Path) -> dict[str, object]:
    """Return everything below `root` that a clone is to have."""
    found: dict[str, object] = {}
    for path in [root, *root.rglob("*")]:
        st = path.lstat()
        data: object = None
        if path.is_symlink():
            data = path.readlink()
        elif path.is_file():
            data = path.read_bytes()
        found[str(path.relative_to(root))] = (st.st_mode, st.st_mtime_ns, data)
    return found


def plain(
    template: cenv.Template, place: Path, mode: str
) -> tuple[dict[str, object], int]:
    """Return what a clone at the place is that has nothing from a memory, and bytes copied."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CENV_MEMORY", "0")
        with template.clone(place, mode=mode) as clone:
            assert clone.report.remembered == 0
            return tree(place), clone.report.bytes_copied


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "env"


@pytest.fixture
def wanted(template: cenv.Template, place: Path) -> dict[str, object]:
    """Return what a clone with hard links at the place is to be."""
    return plain(template, place, "hardlink")[0]


def remember(
    template: cenv.Template, place: Path | str, mode: str = "hardlink"
) -> None:
    """Have a clone at the place remembered, which is gone again."""
    template.clone(place, mode=mode, remember=True).remove()


def memories(template: cenv.Template) -> list[Path]:
    home = Path(template.path).parent / "memory"
    return [path for path in sorted(home.glob("*")) if path.is_dir()]


@pytest.mark.parametrize("mode", MODES)
def test_memory__gives_what_a_clone_would_write(
    template: cenv.Template, place: Path, mode: str
) -> None:
    wanted, copied = plain(template, place, mode)
    assert not memories(template)
    counts = []
    for _ in range(3):
        with template.clone(place, mode=mode, remember=True) as clone:
            assert tree(place) == wanted
            assert cenv.verify(place).ok
            counts.append(clone.report)
    assert len(memories(template)) == 1
    assert [report.relocated for report in counts] == [5, 5, 5]
    assert counts[0].remembered == counts[2].remembered >= len(LINKED)
    assert counts[1].bytes_copied == counts[2].bytes_copied
    if counts[0].mode == "hardlink":
        linked = sum(len(wanted[name][2]) for name in LINKED)  # type: ignore[index]
        assert counts[2].bytes_copied == counts[0].bytes_copied - linked
        assert counts[2].bytes_copied == copied - linked
    assert template.check(content=True).ok


def test_memory__is_of_the_second_clone_on_where_nobody_asks(
    template: cenv.Template, tmp_path: Path
) -> None:
    had = []
    for place in (tmp_path / "env", tmp_path / "env", tmp_path / "env", tmp_path / "x"):
        with template.clone(place, mode="hardlink") as clone:
            had.append((clone.report.remembered, len(memories(template))))
    assert had == [(0, 0), (3, 1), (3, 1), (0, 1)]


def test_memory__shares_inodes_of_no_file_that_is_written_in_place(
    template: cenv.Template, tmp_path: Path, place: Path
) -> None:
    with template.clone(place, mode="hardlink", remember=True):
        (memory,) = memories(template)
        layer = memory / "layer"
        files = sorted(str(p.relative_to(layer)) for p in layer.rglob("*.*"))
        assert files == LINKED
        for name in files:
            assert (layer / name).samefile(place / name)
        assert (place / "etc/tool.conf").stat().st_nlink == 1
    with template.clone(tmp_path / "other", mode="copy", remember=True) as clone:
        assert all(p.stat().st_nlink == 1 for p in Path(clone.path).glob("lib/*"))


@pytest.mark.parametrize("alter", ALTERATIONS.values(), ids=list(ALTERATIONS))
@pytest.mark.parametrize("mode", ["hardlink", "copy"])
def test_memory__that_was_altered_is_made_again(
    template: cenv.Template,
    place: Path,
    mode: str,
    alter: Callable[[Path], object],
) -> None:
    wanted, _ = plain(template, place, mode)
    remember(template, place, mode)
    (memory,) = memories(template)
    alter(memory / "layer/lib/tool.pc")
    with template.clone(place, mode=mode):
        assert tree(place) == wanted
    assert not memories(template)
    with template.clone(place, mode=mode, remember=True) as clone:
        assert tree(place) == wanted
        assert clone.report.remembered >= 3


def test_memory__written_to_through_a_clone_harms_no_other(
    template: cenv.Template, place: Path, wanted: dict[str, object]
) -> None:
    with template.clone(place, mode="hardlink", remember=True):
        with (place / "lib/tool.pc").open("ab") as file:
            file.write(b"more")
        found = template.check()
        assert (found.ok, found.forgotten) == (True, 1)
        assert not memories(template)
    remember(template, place)
    with template.clone(place, mode="hardlink"):
        assert tree(place) == wanted


def test_memory__written_to_unseen_shows_by_content_and_in_a_reset(
    template: cenv.Template, place: Path, wanted: dict[str, object]
) -> None:
    """Of the same size, and with its old time."""
    for reset in (False, True):
        with template.clone(place, mode="hardlink", remember=True) as clone:
            path = place / "lib/site.py"
            path.write_bytes(path.read_bytes()[::-1])
            when = wanted["lib/site.py"][1]  # type: ignore[index]
            os.utime(path, ns=(when, when))
            assert tree(place) != wanted
            if reset:
                assert clone.reset().restored
                assert tree(place) == wanted
            else:
                assert template.check(content=True).ok
        assert not memories(template)


def test_reset__takes_links_of_a_memory_for_the_clone_s_own(
    template: cenv.Template,
    tmp_path: Path,
    place: Path,
    wanted: dict[str, object],
) -> None:
    """The clone before, at the same path, is removed in the background: the ctime changes."""
    template.clone(place, mode="hardlink", remember=True)
    place.rename(tmp_path / "trash")
    with template.clone(place, mode="hardlink", remember=True) as clone:
        shutil.rmtree(tmp_path / "trash")
        report = clone.reset()
        assert (report.restored, report.removed) == (0, 0)
        (place / "lib/libtool.so").unlink()
        (place / "lib/site.py").write_text("x")
        (place / "new").touch()
        assert clone.reset().restored == 2
        assert tree(place) == wanted
        assert not memories(template)  # it was written to through the clone


def test_memory__goes_with_its_template(
    template: cenv.Template, channel: Path, tmp_path: Path, place: Path
) -> None:
    remember(template, place)
    store = cenv.TemplateStore(tmp_path / "store")
    assert store.templates()[0]["memory"] > 12_000
    library = Path(template.path) / "lib/plain.txt"
    library.chmod(0o600)
    assert template.repair()
    assert not memories(template)
    remember(template, place)
    store.remove(template.id)
    again = store.template(["tool"], [channel])
    assert not memories(again)
    wanted, _ = plain(again, place, "hardlink")
    with again.clone(place, mode="hardlink", remember=True):
        assert tree(place) == wanted


def test_memory__damaged_or_of_another_boot_is_none(
    template: cenv.Template,
    tmp_path: Path,
    place: Path,
    wanted: dict[str, object],
) -> None:
    for size in (0, 40, 10_000):
        remember(template, place)
        (memory,) = memories(template)
        facts = memory / "facts"
        os.truncate(facts, size)
        with template.clone(place, mode="hardlink"):
            assert tree(place) == wanted
    remember(template, place)
    (memory,) = memories(template)
    data = bytearray((memory / "facts").read_bytes())
    boot = Path("/proc/sys/kernel/random/boot_id").read_bytes().strip()
    at = data.index(boot)
    data[at] ^= 1
    (memory / "facts").write_bytes(data)
    with template.clone(place, mode="hardlink") as clone:
        assert tree(place) == wanted
        assert (
            clone.report.remembered >= 3
        )  # it was made again, since the path came back
    shutil.rmtree(memory)
    memory.symlink_to(tmp_path)
    with template.clone(place, mode="hardlink"):
        assert tree(place) == wanted


def test_memory__is_bounded_and_the_longest_unused_goes_first(
    template: cenv.Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember(template, tmp_path / "0")
    one = cenv.TemplateStore(tmp_path / "store").templates()[0]["memory"]
    monkeypatch.setenv("CENV_MEMORY", str(3 * one))
    for number in (1, 2, 0, 3, 0, 4):
        remember(template, tmp_path / str(number))
    assert len(memories(template)) == 3
    had = {}
    for number in (0, 3, 4, 1):
        with template.clone(tmp_path / str(number), mode="copy") as clone:
            had[number] = clone.report.remembered
    assert had == dict.fromkeys((0, 3, 4, 1), 0)  # of another mode
    monkeypatch.setenv("CENV_MEMORY", str(one - 1))
    with template.clone(tmp_path / "5", mode="hardlink", remember=True) as clone:
        assert clone.report.remembered == 0
    monkeypatch.setenv("CENV_MEMORY", "plenty")
    with pytest.raises(cenv.UsageError, match="CENV_MEMORY: 'plenty' is not a size"):
        template.clone(tmp_path / "6")


def test_gc__takes_memories_before_their_template(
    template: cenv.Template, tmp_path: Path
) -> None:
    remember(template, tmp_path / "env")
    store = cenv.TemplateStore(tmp_path / "store")
    for record in (tmp_path / "store/v1/pkgs").rglob("record.json"):
        os.utime(record, (2**31, 2**31))
    size = store.gc(2**60, dry_run=True)["left"]
    looked = store.gc(size - 1, dry_run=True)
    assert len(memories(template)) == 1
    found = store.gc(size - 1)
    assert found["removed"] == looked["removed"] == 1
    assert not memories(template)
    assert store.templates()[0]["memory"] == 0
    assert template.clone(tmp_path / "env").report.files


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts file systems")
def test_memory__that_the_disk_has_no_room_for_is_done_without(
    channel: Path, tmp_path: Path
) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", "size=16m", "cenv", place]
    if subprocess.run(argv, check=False).returncode:
        pytest.skip("cannot mount a tmpfs")
    try:
        store = cenv.TemplateStore(place / "store")
        template = store.template(["tool"], [channel])
        wanted, _ = plain(template, place / "env", "copy")
        left = os.statvfs(place)
        (place / "full").write_bytes(bytes(left.f_bavail * left.f_bsize - 500_000))
        with template.clone(place / "env", mode="copy", remember=True) as clone:
            assert tree(place / "env") == wanted
            assert clone.report.remembered == 0
        assert not list((place / "store/v1/tmp").glob("work*"))
    finally:
        subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_memory__and_inodes_of_10000_clones_are_bounded(
    channel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half go to a few paths that come back, half to ever new ones, which crowd out others."""
    shm = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        dir=shm if os.access(shm, os.W_OK) else tmp_path
    ) as top:
        store = cenv.TemplateStore(f"{top}/store")
        template = store.template(["tool"], [channel])
        remember(template, f"{top}/0")
        one = store.templates()[0]["memory"]
        monkeypatch.setenv("CENV_MEMORY", str(20 * one))
        sizes, taken = [], []
        for number in range(10_000):
            again = number % 2 == 1
            place = f"{top}/{number % 20 if again else number}"
            template.clone(place, mode="hardlink", remember=not again).remove()
            if number % 1000 == 999:
                sizes.append(sum(1 for _ in Path(top).rglob("*")))
                taken.append(int(Path("/proc/self/statm").read_text().split()[1]))
        assert 15 <= len(memories(template)) <= 20
        assert store.templates()[0]["memory"] <= 20 * one
        assert max(sizes) - min(sizes) < 40
        assert taken[-1] - taken[2] < 4 * 2**20 // os.sysconf("SC_PAGE_SIZE")
