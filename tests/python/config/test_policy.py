# SPDX-License-Identifier: BSD-3-Clause
"""What the configuration forbids is obeyed or refused, never passed over."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cenv
from cenv.config import keys
from cenv.config.config import Config, load
from cenv.config.policy import check_frozen, pins_of
from cenv.demo.package import Package
from cenv.errors import CenvError, ChannelError, PrefixError, SpecError, UsageError
from cenv.solving.index import Index

OLD, NEW = 1_577_836_800_000, 1_640_995_200_000  # 2020-01-01, 2022-01-01


def record(fn: str, **more: Any) -> dict[str, Any]:
    """Return a record of noarch for a package that nobody fetches."""
    name, version, build = fn.removesuffix(".conda").removesuffix(".tar.bz2").split("-")
    plain = {"name": name, "version": version, "build": build, "build_number": 0}
    return {**plain, "depends": [], "subdir": "noarch", "timestamp": OLD, **more}


def write_channel(place: Path, *files: str, **times: int) -> Path:
    """Write repodata of noarch; `times` by name and version ("foo_2")."""
    sections: dict[str, dict[str, Any]] = {"packages": {}, "packages.conda": {}}
    for fn in files:
        section = "packages.conda" if fn.endswith(".conda") else "packages"
        name, version, _build = fn.split("-")
        when = times.get(f"{name}_{version}", OLD)
        sections[section][fn] = record(fn, timestamp=when)
    (place / "noarch").mkdir(parents=True)
    (place / "noarch/repodata.json").write_text(json.dumps(sections))
    return place


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    files = ("foo-1-0.tar.bz2", "foo-1-0.conda", "foo-2-0.conda", "bar-1-0.conda")
    return write_channel(tmp_path / "channel", *files, foo_2=NEW)


@pytest.fixture
def condarc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that writes the configuration."""
    path = tmp_path / "condarc.yml"
    monkeypatch.setenv("CONDARC", str(path))
    monkeypatch.setenv("CENV_STORE", str(tmp_path / "store"))

    def write(text: str) -> None:
        path.write_text(text)

    return write


def solved(channel: Path, *specs: str, **options: Any) -> list[str]:
    """Return the file names of the solution."""
    return sorted(r.fn for r in cenv.solve(specs or ["foo"], [channel], **options))


# ---- what is chosen ----


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("", "foo-2-0.conda"),
        ("pinned_packages: [foo=1]", "foo-1-0.conda"),
        ("pinned_packages: [foo=1]\nignore_pinned: true", "foo-2-0.conda"),
        ("pinned_packages: [other=1]", "foo-2-0.conda"),
        ("use_only_tar_bz2: true", "foo-1-0.tar.bz2"),
        ("exclude_newer: 2021-01-01", "foo-1-0.conda"),
        ("exclude_newer: 2022-01-01", "foo-2-0.conda"),
        ("exclude_newer: 2021-12-31", "foo-1-0.conda"),
        ("cooldown: 2021-01-01T00:00:00Z", "foo-1-0.conda"),
        ("exclude_newer: 1d", "foo-2-0.conda"),
        ('exclude_newer: ""', "foo-2-0.conda"),
        (
            "exclude_newer: 2021-01-01\nexclude_newer_package: {foo: false}",
            "foo-2-0.conda",
        ),
        (
            "exclude_newer: 2021-01-01\nexclude_newer_package: {bar: false}",
            "foo-1-0.conda",
        ),
        ("exclude_newer_package: {FOO: 2021-01-01}", "foo-1-0.conda"),
        (
            "channel_settings: [{channel: CHANNEL, exclude_newer: 2021-01-01}]",
            "foo-1-0.conda",
        ),
        (
            "channel_settings: [{channel: 'file:///*nel', exclude_newer: 2021-01-01}]",
            "foo-1-0.conda",
        ),
        (
            "channel_settings: [{channel: other, exclude_newer: 2021-01-01}]",
            "foo-2-0.conda",
        ),
        (
            "exclude_newer: 2021-01-01\n"
            "channel_settings: [{channel: CHANNEL, exclude_newer: false}]",
            "foo-2-0.conda",
        ),
        ("channel_settings: [{channel: CHANNEL, auth: x}]", "foo-2-0.conda"),
    ],
)
def test_solve__obeys(
    condarc: Callable[[str], None], channel: Path, text: str, chosen: str
) -> None:
    condarc(text.replace("CHANNEL", str(channel)))
    assert solved(channel) == [chosen]


@pytest.mark.parametrize(
    ("variable", "value", "chosen"),
    [
        ("PINNED_PACKAGES", "bar>=1,<2&foo=1", "foo-1-0.conda"),
        ("EXCLUDE_NEWER", "2021-01-01", "foo-1-0.conda"),
        ("COOLDOWN", "2021-01-01", "foo-1-0.conda"),
        ("USE_ONLY_TAR_BZ2", "yes", "foo-1-0.tar.bz2"),
    ],
)
def test_solve__obeys_variables(
    monkeypatch: pytest.MonkeyPatch,
    channel: Path,
    variable: str,
    value: str,
    chosen: str,
) -> None:
    monkeypatch.setenv(f"CONDA_{variable}", value)
    assert solved(channel) == [chosen]


def test_solve__takes_the_cutoff_it_is_given(
    condarc: Callable[[str], None], channel: Path
) -> None:
    condarc("exclude_newer: 2021-01-01")
    assert solved(channel, exclude_newer="2023-01-01") == ["foo-2-0.conda"]


def test_solve__says_what_leaves_packages_out(
    condarc: Callable[[str], None], channel: Path
) -> None:
    condarc("use_only_tar_bz2: true")
    with pytest.raises(CenvError) as caught:
        solved(channel, "bar")
    assert "use_only_tar_bz2" in str(caught.value.hint)
    condarc("exclude_newer_package: {foo: 2021-01-01}")
    with pytest.raises(CenvError, match="foo 2 is newer than exclude_newer=2021-01-01"):
        solved(channel, "foo=2")


@pytest.mark.parametrize("text", ["disallowed_packages: [foo]", "disallow: ['foo>=2']"])
def test_solve__refuses_disallowed_packages(
    condarc: Callable[[str], None], channel: Path, text: str
) -> None:
    condarc(text)
    with pytest.raises(
        UsageError, match=r"foo 2 0 is disallowed.*condarc\.yml, line 1"
    ):
        solved(channel)
    assert solved(channel, "bar") == ["bar-1-0.conda"]


def test_disallowed__holds_however_packages_are_named(
    condarc: Callable[[str], None], make_channel: Callable[..., Path], tmp_path: Path
) -> None:
    place = make_channel(Package("foo", "1"))
    package = next(place.glob("linux-64/foo*"))
    wanted = [{"name": "foo", "version": "1", "build": "0", "url": f"file://{package}"}]
    store = cenv.TemplateStore()
    template = store.template(["foo"], [place])
    condarc("disallowed_packages: [foo]")
    for refused in (
        lambda: cenv.create(tmp_path / "a", ["foo"], [place]),
        lambda: cenv.create(tmp_path / "b", records=wanted),
        lambda: store.template(["foo"], [place]),
        lambda: store.template(records=wanted),
        lambda: cenv.clone(template.path, tmp_path / "c"),
    ):
        with pytest.raises(UsageError, match="disallowed"):
            refused()
    assert not list(tmp_path.glob("[abc]"))


@pytest.mark.parametrize("key", ["pinned_packages", "disallowed_packages"])
def test_specs__of_the_configuration_name_their_place(
    condarc: Callable[[str], None], channel: Path, key: str
) -> None:
    condarc(f"\n{key}: ['foo >=']")
    with pytest.raises(SpecError, match=rf"{key} \(.*condarc\.yml, line 2\): "):
        solved(channel)


def test_derived__obeys_the_pins_of_its_base(
    make_channel: Callable[..., Path], tmp_path: Path
) -> None:
    place = make_channel(*(Package("lib", v) for v in ("1", "2")), Package("app", "1"))

    def pin(draft: Any) -> None:
        (draft / "conda-meta/pinned").write_text("# kept\n\nlib =1\n")

    store = cenv.TemplateStore(tmp_path / "store")
    base = store.template(["app"], [place], setup=pin, key="pin")
    found = store.template(["lib"], [place], base=base)
    assert [r.version for r in found.records if r.name == "lib"] == ["1"]
    assert pins_of(base) == ["lib =1"]


# ---- channels ----


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("denylist_channels: [CHANNEL]", "denied by denylist_channels"),
        ("denylist_channels: [CHANNEL]\nallowlist_channels: [CHANNEL]", "denied"),
        ("allowlist_channels: [conda-forge]", "not in allowlist_channels"),
        ("whitelist_channels: [conda-forge]", "not in allowlist_channels"),
    ],
)
def test_channels__that_are_not_allowed_are_not_asked(
    condarc: Callable[[str], None], channel: Path, tmp_path: Path, text: str, says: str
) -> None:
    condarc(text.replace("CHANNEL", str(channel)))
    with pytest.raises(ChannelError, match=says):
        solved(channel)
    url = f"file://{channel}/noarch/foo-1-0.conda"
    named = [{"name": "foo", "version": "1", "build": "0", "url": url}]
    with pytest.raises(ChannelError, match=says):
        cenv.create(tmp_path / "p", records=named)


def test_channels__that_are_allowed_are_taken(
    condarc: Callable[[str], None], channel: Path
) -> None:
    condarc(f"allowlist_channels: [{channel}/]\ndenylist_channels: [{channel}/label/x]")
    assert solved(channel) == ["foo-2-0.conda"]


def test_nodefaults__alone_leaves_no_channel(channel: Path) -> None:
    with pytest.raises(ChannelError, match="no channel"):
        Index(["nodefaults"])
    assert [c.safe_url for c in Index([channel, "nodefaults"]).channels] == [
        f"file://{channel}"
    ]


# ---- what is asked of servers ----


def test_repodata__is_asked_for_as_the_configuration_says(
    condarc: Callable[[str], None], channel: Path, serve: Callable[..., Any]
) -> None:
    server = serve(channel)

    def asked(text: str) -> set[str]:
        condarc(text)
        cenv.solve(["foo"], [server.url])
        return {path.rpartition("/")[2] for path in server.paths()}

    assert "repodata.json.zst" not in asked("repodata_use_zst: false")
    assert asked("local_repodata_ttl: 1000") == set()
    assert asked("use_index_cache: true\nlocal_repodata_ttl: 0") == set()
    assert asked("local_repodata_ttl: 0") != set()
    assert asked("local_repodata_ttl: no") != set()


# ---- operations ----


def test_operations__are_for_administrators_where_that_is_said(
    condarc: Callable[[str], None],
    channel: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    condarc("non_admin_enabled: false")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for refused in (
        lambda: cenv.create(tmp_path / "a", ["foo"], [channel]),
        lambda: cenv.TemplateStore().template(["foo"], [channel]),
        lambda: cenv.clone(tmp_path, tmp_path / "c"),
    ):
        with pytest.raises(UsageError, match="non_admin_enabled"):
            refused()
    assert solved(channel) == ["foo-2-0.conda"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is marked as frozen$"),
        (
            '{"message": "It runs a service."}',
            "is marked as frozen: It runs a service.",
        ),
        ("{broken", "is marked as frozen$"),
        ('["a"]', "is marked as frozen$"),
        ('{"message": 3}', "is marked as frozen$"),
    ],
)
def test_frozen__environments_stay(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta/frozen").write_text(content)
    for refused in (check_frozen, cenv.reset, cenv.remove):
        with pytest.raises(PrefixError, match=reason):
            refused(tmp_path)
    assert (tmp_path / "conda-meta/frozen").exists()
    cenv.remove(tmp_path, override_frozen=True)
    assert not tmp_path.exists()


def test_frozen__is_not_looked_at_where_the_configuration_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "e/conda-meta").mkdir(parents=True)
    (tmp_path / "e/conda-meta/frozen").touch()
    monkeypatch.setenv("CONDA_PROTECT_FROZEN_ENVS", "false")
    cenv.remove(tmp_path / "e")
    assert not (tmp_path / "e").exists()


def test_clone__of_a_frozen_template_can_be_removed(
    make_channel: Callable[..., Path], tmp_path: Path
) -> None:
    def freeze(draft: Any) -> None:
        (draft / "conda-meta/frozen").touch()

    store = cenv.TemplateStore(tmp_path / "store")
    place = make_channel(Package("app", "1"))
    template = store.template(["app"], [place], setup=freeze, key="freeze")
    with template.clone(tmp_path / "clone") as clone:
        with pytest.raises(PrefixError, match="frozen"):
            clone.reset()
        clone.reset(override_frozen=True)
    assert not (tmp_path / "clone").exists()


def test_create__copies_where_that_is_said(
    condarc: Callable[[str], None], small_channel: Path, tmp_path: Path
) -> None:
    condarc("always_copy: true")
    report = cenv.create(tmp_path / "p", ["data"], [small_channel])
    assert report.linked["copy"]
    assert (report.linked["reflink"], report.linked["hardlink"]) == (0, 0)
    assert cenv.clone(tmp_path / "p", tmp_path / "c").mode == "copy"


# ---- platforms and virtual packages ----


@pytest.mark.parametrize("platform", ["linux64", "noarch", "linux_64", ""])
def test_platform__nobody_has_is_refused(
    condarc: Callable[[str], None], channel: Path, platform: str
) -> None:
    if platform:
        with pytest.raises(UsageError, match=f"'{platform}' is no platform"):
            Index([channel], platform)
        condarc(f"subdir: {platform}")
        with pytest.raises(UsageError, match=r"subdir \(.*line 1\): "):
            Index([channel])
    else:
        condarc("subdir: ''")
        assert Index([channel]).platform == Index([channel], "").platform


def test_platform__is_that_of_the_configuration(
    condarc: Callable[[str], None], channel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    condarc("subdir: osx-arm64")
    assert Index([channel]).platform == "osx-arm64"
    monkeypatch.setenv("CONDA_SUBDIR", "win-64")
    assert Index([channel]).platform == "win-64"


def test_virtual_packages__of_the_configuration_give_way_to_variables(
    condarc: Callable[[str], None], channel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    condarc("override_virtual_packages: {__glibc: '2.17', cuda: '12.1'}")
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "11.0")
    found = {name: v for name, v, _b in Index([channel], "linux-64").virtual_packages}
    assert (found["__glibc"], found["__cuda"]) == ("2.17", "11.0")


# ---- the keys ----


def test_keys__are_of_one_kind_each() -> None:
    kinds = [set(keys.OBEYED), set(keys.REFUSED), set(keys.HARMLESS)]
    aliases = {name for also in keys.ALIASES.values() for name in also}
    assert sum(map(len, kinds)) == len(set().union(*kinds))
    assert not aliases & set().union(*kinds)
    assert set(keys.ALIASES) <= set(keys.OBEYED)
    assert set(keys.OBEYED) == set(Config.__dataclass_fields__) - {"where"}


REFUSED = {
    "allow_cycles": "false",
    "allow_other_channels": "false",
    "deps_modifier": "no_deps",
    "download_only": "true",
    "dry_run": "yes",
    "force_32bit": "true",
    "mirrored_channels": "{conda-forge: [https://mirror]}",
    "path_conflict": "prevent",
    "platform": "win-64",
    "repodata_fns": "[patched.json]",
    "signing_metadata_url_base": "https://keys",
    "subdirs": "[linux-64]",
    "track_features": "[mkl]",
    "trusted_channels": "[mine]",
    "use_local": "true",
    "verify_artifacts": "true",
}


@pytest.mark.parametrize("key", sorted(keys.REFUSED))
def test_refused__key_names_its_place_and_why(tmp_path: Path, key: str) -> None:
    path = tmp_path / "a.yml"
    path.write_text(f"\n{key}: {REFUSED[key]}\n")
    with pytest.raises(
        UsageError, match=rf"a\.yml, line 2: {key}: cenv does not support this: \w"
    ) as caught:
        load({}, [str(path)])
    assert caught.value.hint


@pytest.mark.parametrize("key", sorted(keys.REFUSED))
def test_refused__key_without_effect_is_fine(tmp_path: Path, key: str) -> None:
    without = {
        "deps_modifier": "not_set",
        "path_conflict": "WARN",
        "allow_cycles": "on",
    }
    values = {"{": "{}", "[": "[]", "t": "false", "y": "false", "f": "true"}
    value = values.get(REFUSED[key][0], "''")
    value = "[repodata.json]" if key == "repodata_fns" else without.get(key, value)
    path = tmp_path / "a.yml"
    path.write_text(f"{key}: {value}\n")
    assert load({}, [str(path)]) == Config()


def test_refused__variable_counts_where_conda_has_the_key() -> None:
    with pytest.raises(UsageError, match=r"\$CONDA_DRY_RUN: dry_run: cenv"):
        load({"CONDA_DRY_RUN": "1"}, [])
    assert load({"CONDA_PLATFORM": "x", "CONDA_DRY_RUN": "0"}, []) == Config()


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("disalowed_packages", "disallowed_packages"),
        ("exclude-newer", "exclude_newer"),
        ("pinned_package", "pinned_packages"),
        ("denylist_channel", "denylist_channels"),
        ("path_conflicts", "path_conflict"),
    ],
)
def test_slip__of_a_key_that_has_effect_is_refused(
    tmp_path: Path, key: str, meant: str
) -> None:
    path = tmp_path / "a.yml"
    path.write_text(f"x: 1\n{key}: [a]\n")
    with pytest.raises(
        UsageError, match=rf"a\.yml, line 2: there is no key {key}"
    ) as e:
        load({}, [str(path)])
    assert e.value.hint == f"did you mean {meant}?"


def test_keys__are_all_on_the_page() -> None:
    page = Path(__file__).parents[3] / "docs/configuration.md"
    text = page.read_text(encoding="utf-8")
    every = [*keys.OBEYED, *keys.REFUSED, *sum(keys.ALIASES.values(), ())]
    assert [key for key in every if f"`{key}`" not in text] == []


def test_frozen__that_cannot_be_looked_at_is_told(tmp_path: Path) -> None:
    marker = tmp_path / "conda-meta/frozen"
    marker.parent.mkdir()
    marker.symlink_to(marker)
    with pytest.raises(OSError, match="conda-meta/frozen"):
        check_frozen(tmp_path)
