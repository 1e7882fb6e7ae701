# SPDX-License-Identifier: BSD-3-Clause
"""Files of specs and locks: what is read of them, and what is said of wrong ones."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cenv
from cenv.cli import main
from cenv.clones.activation import environment_for
from cenv.config import yaml_file
from cenv.demo.package import Package
from cenv.errors import CenvError, LinkError, PrefixError, SpecError, UsageError
from cenv.specs import conda_lock, constraints, explicit, spec_file
from cenv.specs.extras import Extras, PipSection, write_variables

MD5, SHA256 = "0" * 32, "1" * 64
URL = "https://h/c/noarch/{0}-1-0.conda"


def conda_locked(name: str, /, **more: Any) -> dict[str, Any]:
    """Return an entry of a conda-lock file."""
    entry = {
        "name": name,
        "version": "1",
        "manager": "conda",
        "platform": "linux-64",
        "url": URL.format(name),
        "hash": {"md5": MD5, "sha256": SHA256},
        "optional": False,
    }
    return {key: value for key, value in (entry | more).items() if value is not ...}


def written(path: Path, document: Any) -> Path:
    """Write a document as JSON, which is YAML."""
    path.write_text(json.dumps(document, indent=1))
    return path


def conda_lock_of(tmp_path: Path, *entries: dict[str, Any], **top: Any) -> Path:
    return written(tmp_path / "conda-lock.yml", {"package": list(entries), **top})


def names(path: Path, *categories: str) -> list[str]:
    """Return the names that a lock has for linux-64."""
    found = spec_file.read([path], platform="linux-64", categories=categories)
    return [record["name"] for record in found.records]


def refusal(path: Path, **more: Any) -> str:
    """Return what is said of a file that is refused."""
    with pytest.raises((SpecError, UsageError)) as caught:
        spec_file.read([path], platform="linux-64", **more)
    return str(caught.value)


# ---- environment.yml ----


def environment(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "environment.yml"
    path.write_text(text)
    return path


def test_environment__asks_for_all_it_says(tmp_path: Path) -> None:
    text = """\
name: x
channels: [conda-forge, nodefaults]
category: main
variables: {MODE: fast, LEVEL: 1.10, ON: true}
dependencies:
  - python =3.12
  - defaults::pip
  - pip:
      - requests
      - -r more.txt
"""
    found = spec_file.read([environment(tmp_path, text)])
    assert found.specs == ["python =3.12", "defaults::pip"]
    assert found.channels == ["conda-forge", "nodefaults"]
    assert found.extras.variables == {"MODE": "fast", "LEVEL": "1.10", "ON": "true"}
    lines = ("requests", "-r more.txt")
    assert found.extras.pip == [PipSection(str(tmp_path), lines)]
    assert found.notices == []
    assert not found.is_list


def test_environment__names_unknown_keys_and_adds_pip(tmp_path: Path) -> None:
    text = "dependencies: [python, pip: [six]]\nplatformz: [a]\n"
    found = spec_file.read([environment(tmp_path, text)])
    assert found.specs == ["python", "pip"]
    assert ["line 2: the key platformz" in n for n in found.notices] == [True, False]
    assert "pip is added" in found.notices[1]


def test_environment__says_that_it_is_for_another_platform(tmp_path: Path) -> None:
    path = environment(tmp_path, "dependencies: [a]\nplatforms: [osx-64, win-64]\n")
    assert spec_file.read([path], platform="osx-64").notices == []
    told = spec_file.read([path], platform="linux-64").notices
    assert told == [f"{path}: it is for osx-64, win-64, not for linux-64"]


def test_environment__takes_anchors_and_merged_maps(tmp_path: Path) -> None:
    text = """\
base: &base {A: one, B: two}
variables: {<<: *base, B: three}
channels: &list [c]
dependencies: *list
"""
    found = spec_file.read([environment(tmp_path, text)])
    assert found.extras.variables == {"A": "one", "B": "three"}
    assert found.specs == ["c"]


WRONG_ENVIRONMENTS = {
    "channels: conda-forge\ndependencies: [a]\n": (
        'line 1: channels: expected a list of channels, not the text "conda-forge"'
    ),
    "dependencies: foo\n": 'line 1: dependencies: expected a list of specs, not the text "',
    "dependencies: {foo: 9}\n": "line 1: dependencies: expected a list of specs, not a map",
    "dependencies:\n": "line 1: dependencies: expected a list of specs, not nothing",
    "channels:\n  -\n  - a\ndependencies: [a]\n": (
        "line 2: channels[0]: expected a text, not nothing"
    ),
    "channels: &a [&a x, *a]\ndependencies: [3]\n": "line 2: dependencies[0]: expected a spec",
    "dependencies:\n  - a\n  -\n": "line 3: dependencies[1]: expected a spec as a text, not",
    "dependencies:\n  - a\n  - 3.10\n": "dependencies[1]: expected a spec as a text, not the num",
    "dependencies: [a, ['b']]\n": "dependencies[1]: expected a spec as a text, not a list",
    "dependencies: ['']\n": "dependencies[0]: expected a spec as a text, not the text",
    "dependencies: [{npm: [x]}]\n": "line 1: cenv cannot install npm:",
    "dependencies: [{pip: x}]\n": "pip: expected a list of requirements",
    "dependencies: [a]\nvariables: [A]\n": "line 2: variables: expected a map",
    "dependencies: [a]\nvariables: {A: [1]}\n": "line 2: variables.A: expected a text",
    "dependencies: [a]\nvariables: {'A B': x}\n": "variables.A B: expected the name of",
    "dependencies: [a]\nvariables: {PATH: x}\n": "variables.PATH: expected the name of",
    "dependencies: [a]\nplatforms: [linux64]\n": "line 2: platforms[0]: expected a platform",
    "dependencies: [a]\nname: [x]\n": "line 2: name: expected a text",
    "dependencies: [a]\ndependencies: [b]\n": "line 2: dependencies is there twice",
    "channels: [a]\n": "line 1: there are neither dependencies nor locked packages",
    "- a\n": "line 1: expected an environment.yml or a lock, not a list",
    "": "line 1: expected an environment.yml or a lock, not nothing",
    "dependencies: [a\nb: c\n": "line 2",
    "dependencies: &x [*x]\n": "line 1: dependencies[0]: it contains itself",
    "? [a]\n: b\ndependencies: []\n": "line 1: expected a text as key, not a list",
    "a: \0": "special characters are not allowed",
    "a: " + "[" * 5000: "nested too deeply",
}


@pytest.mark.parametrize("text", WRONG_ENVIRONMENTS)
def test_environment__wrong_names_line_and_key(tmp_path: Path, text: str) -> None:
    said = refusal(environment(tmp_path, text))
    assert said.startswith(str(tmp_path / "environment.yml"))
    assert WRONG_ENVIRONMENTS[text] in said


def test_file__is_bounded_and_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(b"a\nb \xff\n")
    assert f"{path}, line 2: not UTF-8 text" in refusal(path)
    monkeypatch.setattr(yaml_file, "FILE_MAX", 3)
    path.write_text("abc\n")
    assert "larger than" in refusal(path)


# ---- what environment.yml asks for beside packages ----


def test_variables__are_kept_where_activation_looks(
    small_channel: Path, tmp_path: Path
) -> None:
    file = environment(
        tmp_path,
        f"channels: [{small_channel}]\ndependencies: [data]\nvariables: {{A: é}}\n",
    )
    store = ["--store", str(tmp_path / "store")]
    prefix = tmp_path / "p"
    assert main(["create", "-p", str(prefix), "--file", str(file), *store]) == 0
    state = prefix / "conda-meta/state"
    assert json.loads(state.read_text()) == {"env_vars": {"A": "é"}}
    write_variables(prefix, {"B": "2"})
    assert json.loads(state.read_text()) == {"env_vars": {"A": "é", "B": "2"}}
    state.write_text('{"env_vars": {"A": "1", "B": "***unset***"}, "version": 1}')
    assert environment_for(str(prefix), {"B": "old"})["A"] == "1"
    assert environment_for(str(prefix), {"B": "old"})["B"] == "old"
    write_variables(prefix, {"C": "3"})
    kept = {"env_vars": {"A": "1", "B": "***unset***", "C": "3"}, "version": 1}
    assert json.loads(state.read_text()) == kept
    state.write_text('{"env_vars": []}')
    with pytest.raises(SpecError, match="state: env_vars: expected a map"):
        environment_for(str(prefix))
    with pytest.raises(SpecError, match="state: env_vars: expected a map"):
        write_variables(prefix, {"B": "2"})


@pytest.fixture
def pip_channel(make_channel: Callable[..., Path]) -> Path:
    """Return a channel of a python whose pip writes down how it is called."""
    from cenv.demo.package import Member

    script = b"""#!/bin/sh
here=${0%/*}
[ ! -e "$FAIL_PIP" ] || { echo "no such package: $FAIL_PIP"; exit 7; }
while [ "$1" != -r ]; do shift; done
cat "$2" > "$here/../asked"
echo "$PWD|$PYTHONPATH|$PIP_NO_INDEX|$PYTHONNOUSERSITE|$CONDA_PREFIX" > "$here/../how"
"""
    python = Package("python", "3.12", members=[Member("bin/python", script, 0o755)])
    return make_channel(python, Package("pip", "1"), Package("other", "1"))


def pip_file(tmp_path: Path, channel: Path, *lines: str) -> Path:
    (tmp_path / "more.txt").write_text("six\n")
    pip = "".join(f"    - {line}\n" for line in lines)
    text = f"channels: [{channel}]\ndependencies:\n  - python\n  - pip:\n{pip}"
    return environment(tmp_path, text)


def test_pip__of_the_new_environment_installs(
    pip_channel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    file = pip_file(tmp_path, pip_channel, "requests >=2", "-r more.txt", "-e ./here")
    prefix, store = tmp_path / "p", tmp_path / "store"
    argv = ["create", "-p", str(prefix), "--file", str(file), "--store", str(store)]
    assert main([*argv, "--offline"]) == 0
    asked = (prefix / "asked").read_text().splitlines()
    assert asked == ["requests >=2", f"-r {tmp_path}/more.txt", "-e ./here"]
    assert (prefix / "how").read_text() == f"{tmp_path}||1|1|{prefix}\n"
    assert (prefix / "conda-meta/pip-1-0.json").exists()


@pytest.mark.parametrize("there", [False, True])
def test_pip__that_fails_leaves_nothing(
    pip_channel: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    there: bool,
) -> None:
    file = pip_file(tmp_path, pip_channel, "six")
    monkeypatch.setenv("FAIL_PIP", str(file))
    prefix = tmp_path / "p"
    if there:
        prefix.mkdir()
    store = ["--store", str(tmp_path / "store")]
    argv = ["--json", "create", "-p", str(prefix), "--file", str(file), *store]
    assert main(argv) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["type"] == "LinkError"
    assert "exit status 7:\nno such package" in error["message"]
    assert prefix.exists() == there
    assert not (there and list(prefix.iterdir()))


def test_template__with_extras_is_keyed_by_them(
    pip_channel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = ["--store", str(tmp_path / "store")]

    def built(*lines: str) -> tuple[str, bool]:
        file = pip_file(tmp_path, pip_channel, *lines)
        assert main(["--json", "template", "build", "--file", str(file), *store]) == 0
        reply = json.loads(capsys.readouterr().out)
        assert (Path(reply["prefix"]) / "asked").exists()
        return reply["id"], reply["built"]

    first = built("six")
    assert first[1]
    assert built("six") == (first[0], False)
    other = built("seven")
    assert other[1]
    assert other[0] != first[0]
    extras = Extras(pip=[PipSection(str(tmp_path), ("-rmore.txt",))])
    before = extras.key
    assert Path(tmp_path / "more.txt") in before


def test_pip__needs_python(tmp_path: Path) -> None:
    extras = Extras(pip=[PipSection(str(tmp_path), ("six",))])
    with pytest.raises(PrefixError, match="no python"):
        extras.apply(tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to("/bin/false")
    with pytest.raises(LinkError, match="exit status 1"):
        extras.apply(tmp_path)


# ---- conda-lock ----


def test_conda_lock__leaves_out_what_is_optional(tmp_path: Path) -> None:
    path = conda_lock_of(
        tmp_path,
        conda_locked("a"),
        conda_locked("b", category="dev", optional=True),
        conda_locked("c", category="docs", optional=True),
        conda_locked("d", category="docs", optional=False),
        conda_locked("a", category="docs", optional=True),
        conda_locked("e", platform="osx-64"),
    )
    assert names(path) == ["a", "d"]
    assert names(path, "docs") == ["a", "c", "d"]
    assert names(path, "docs", "dev") == ["a", "b", "c", "d"]
    said = refusal(path, categories=["tests"])
    assert "there is no category tests" in said


def test_conda_lock__takes_a_hash_that_looks_like_a_number(tmp_path: Path) -> None:
    path = conda_lock_of(tmp_path, conda_locked("a"))
    digits = "1" * 30 + "e5"
    path.write_text(path.read_text().replace(f'"{MD5}"', digits))
    record = spec_file.read([path], platform="linux-64").records[0]
    assert record["md5"] == digits


def test_conda_lock__is_read_by_content(tmp_path: Path) -> None:
    path = conda_lock_of(tmp_path, conda_locked("a"), version=1)
    text = "version: 1\npackage:\n" + "".join(
        f"{'- ' if i == 0 else '  '}{line}\n"
        for i, line in enumerate(
            [
                "name: a",
                "platform: linux-64",
                "url: https://h/c/noarch/a-1-0.conda",
                "dependencies: {b: '>=1', c: '', d: \"[version='>=1',build='x*']\"}",
            ]
        )
    )
    other = tmp_path / "deps.txt"
    other.write_text(text)
    assert names(path) == names(other) == ["a"]
    record = spec_file.read([other], platform="linux-64").records[0]
    assert record["depends"] == ["b >=1", "c", "d[version='>=1',build='x*']"]


WRONG_LOCKS: list[tuple[Any, str]] = [
    ([1], "package[0]: expected a map"),
    (["x"], 'package[0]: expected a map of keys to values, not the text "x"'),
    ({"a": "b"}, "package: expected a list of packages, not a map"),
    (
        [conda_locked("a", dependencies=["b"])],
        "package[0].dependencies: expected a map",
    ),
    ([conda_locked("a", dependencies={"b": None})], "dependencies.b: expected a text"),
    ([conda_locked("a", hash="abc")], "package[0].hash: expected a map"),
    (
        [conda_locked("a", hash={"md5": "abc"})],
        "hash.md5: expected 32 hexadecimal digits",
    ),
    (
        [conda_locked("a", hash={"md5": 3})],
        "hash.md5: expected 32 hexadecimal digits",
    ),
    ([conda_locked("a", optional="no")], "package[0].optional: expected true or false"),
    ([conda_locked("a", platform=...)], "package[0]: there is no platform"),
    ([conda_locked("a", name=...)], "package[0]: there is no name"),
    ([conda_locked("a", url=...)], "package[0]: there is no url"),
    ([conda_locked("a", url="x")], "is not the URL of a package"),
    ([conda_locked("a", url="http://[/a-1-0.conda")], "is not a URL"),
    ([conda_locked("a", url=7)], "package[0].url: expected a text, not the number 7"),
    ([conda_locked("a", manager="pip")], "package[0]: a is a pip package"),
    ([conda_locked("a", category=[])], "package[0].category: expected a text"),
    ([conda_locked("a", platform="osx-64")], "it locks nothing for linux-64"),
    (
        [conda_locked("a"), conda_locked("a", url=URL.format("a") + "?x")],
        "package[1]: a is locked as https://h/c/noarch/a-1-0.conda, too",
    ),
]


@pytest.mark.parametrize(("package", "says"), WRONG_LOCKS)
def test_conda_lock__wrong_names_line_and_key(
    tmp_path: Path, package: Any, says: str
) -> None:
    path = written(tmp_path / "conda-lock.yml", {"package": package})
    said = refusal(path)
    assert said.startswith(f"{path}, line ")
    assert says in said


def test_conda_lock__of_another_version_is_refused(tmp_path: Path) -> None:
    for version in (2, "1", [1], 1.0):
        path = conda_lock_of(tmp_path, conda_locked("a"), version=version)
        assert "version: expected " in refusal(path)


def test_conda_lock__written_keeps_every_constraint(tmp_path: Path) -> None:
    depends = {
        ("foo >=1", "foo <2"): {"foo": ">=1,<2"},
        ("foo",): {"foo": "*"},
        ("foo 1.* py_0",): {"foo": "1.* py_0"},
        ('foo[version=">=1"]',): {"foo": ">=1"},
        ("foo >=1 py*", "foo <2"): {"foo": "[version='>=1,<2',build='py*']"},
        ("foo 1|2", "foo <2"): {"foo": "(1|2),<2"},
        ("foo =1.2", "foo !=1.2.3"): {"foo": "1.2.*,!=1.2.3"},
        ("foo ==1 0", "foo >=1"): {"foo": "[version='==1,>=1',build='0']"},
        (f"foo[md5={MD5}]",): {"foo": f"[md5='{MD5}']"},
        ("Foo", "bar >1"): {"foo": "*", "bar": ">1"},
        ("__glibc >=2.17,<3.0.a0",): {"__glibc": ">=2.17,<3.0.a0"},
    }
    for specs, wanted in depends.items():
        found = constraints.by_name(specs)
        assert found == wanted
        for name, constraint in found.items():
            assert cenv.MatchSpec(constraints.spec_of(name, constraint)).name == name
    with pytest.raises(SpecError, match="at once"):
        constraints.by_name(["foo 1 a*", "foo 1 *b"])


def test_conda_lock__written_is_read_again(
    make_channel: Callable[..., Path], tmp_path: Path
) -> None:
    made = make_channel(Package("a", "1", depends=["b >=1", "b <3"]), Package("b", "2"))
    # A directory t is what comes before a token: its URLs are of the kind that has secrets.
    place = shutil.copytree(made, tmp_path / "t/x/channel")
    solution = cenv.solve(["a"], [place])
    lock = tmp_path / "any.name"
    conda_lock.write(lock, solution, "linux-64")
    assert names(lock) == ["b", "a"]
    report = cenv.create(tmp_path / "p", records=spec_file.read([lock]).records)
    assert report.names() == ("b", "a")


# ---- pixi.lock ----


def pixi_of(tmp_path: Path, **more: Any) -> Path:
    package = {
        "conda": URL.format("a"),
        "sha256": SHA256,
        "depends": ["b >=1"],
        "size": 3,
    }
    listed = {"packages": {"linux-64": [{"conda": URL.format("a")}]}}
    other = {"packages": {"linux-64": [{"conda": URL.format("b")}], "osx-64": []}}
    document = {
        "version": 6,
        "environments": {"default": listed, "tests": other},
        "packages": [package, {"conda": URL.format("b")}, {"pypi": "https://x"}],
    }
    return written(tmp_path / "pixi.lock", document | more)


def test_pixi_lock__gives_one_environment(tmp_path: Path) -> None:
    path = pixi_of(tmp_path)
    assert names(path) == ["a"]
    assert names(path, "tests") == ["b"]
    record = spec_file.read([path], platform="linux-64").records[0]
    assert (record["sha256"], record["depends"]) == (SHA256, ["b >=1"])
    assert (record["channel"], record["subdir"]) == ("https://h/c", "noarch")


@pytest.mark.parametrize(
    ("more", "categories", "says"),
    [
        (
            {"version": 5},
            (),
            "version: expected version 6 of pixi.lock, not the number 5",
        ),
        ({"version": "6"}, (), "version: expected a whole number"),
        ({}, ("docs",), "no environment docs"),
        ({}, ("a", "b"), "one environment"),
        ({"environments": []}, (), "environments: expected a map"),
        (
            {"environments": {"default": {}}},
            (),
            "environments.default: there is no packages",
        ),
        (
            {"environments": {"default": {"packages": {"osx-64": []}}}},
            (),
            "it locks nothing for linux-64",
        ),
        (
            {"environments": {"default": {"packages": {"linux-64": [{"pypi": "x"}]}}}},
            (),
            "packages.linux-64[0]: pypi is no conda package",
        ),
        (
            {"environments": {"default": {"packages": {"linux-64": ["x"]}}}},
            (),
            "packages.linux-64[0]: expected a map",
        ),
        ({"packages": []}, (), "linux-64[0].conda: packages: does not have it"),
        ({"packages": {}}, (), "packages: expected a list of packages"),
        (
            {"packages": [{"conda": URL.format("a"), "depends": "b"}]},
            (),
            "depends: expected a li",
        ),
        (
            {"packages": [{"conda": URL.format("a"), "md5": "x"}]},
            (),
            "md5: expected 32 hex",
        ),
    ],
)
def test_pixi_lock__wrong_names_line_and_key(
    tmp_path: Path, more: dict[str, Any], categories: tuple[str, ...], says: str
) -> None:
    assert says in refusal(pixi_of(tmp_path, **more), categories=categories)


def test_pylock__is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "pylock.toml"
    path.write_text('lock-version = "1.0"\n')
    assert "pylock.toml is TOML" in refusal(path)


# ---- lists ----


def test_list__of_specs_knows_comments(tmp_path: Path) -> None:
    path = tmp_path / "specs.txt"
    path.write_bytes(b"\xef\xbb\xbf# one\r\nnumpy >=1 # why\r\n\r\n  \r\nscipy\r\n")
    assert spec_file.read([path]).specs == ["numpy >=1", "scipy"]
    with pytest.raises(UsageError, match="only lock files have categories"):
        spec_file.read([path], categories=["x"])


def test_explicit__takes_paths_from_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("PLACE", "/srv/c")
    lines = {
        "noarch/a-1-0.conda": f"file://{tmp_path}/noarch/a-1-0.conda",
        "../a-1-0.tar.bz2": f"file://{tmp_path.parent}/a-1-0.tar.bz2",
        "a-1-0.conda": f"file://{tmp_path}/a-1-0.conda",
        "~/noarch/a-1-0.conda": "file:///home/me/noarch/a-1-0.conda",
        "$PLACE/noarch/a-1-0.conda": "file:///srv/c/noarch/a-1-0.conda",
        "file://${PLACE}/noarch/a-1-0.conda": "file:///srv/c/noarch/a-1-0.conda",
        "https://h/c/noarch/a-1-0.conda": "https://h/c/noarch/a-1-0.conda",
        "/with space/50%/a-1-0.conda": "file:///with%20space/50%25/a-1-0.conda",
        "/odd?/é/a-1-0.conda": "file:///odd%3F/%C3%A9/a-1-0.conda",
    }
    for line, url in lines.items():
        for mark in ("", f"#{MD5}", f"#md5:{MD5}", f"#sha256:{SHA256}", f"#{SHA256}"):
            record = explicit.parse(["@EXPLICIT", f" {line}{mark} "], "x")[0]
            assert record["url"] == url
            assert (record["name"], record["version"], record["build"]) == (
                "a",
                "1",
                "0",
            )
            assert ("md5" in record, "sha256" in record) == (
                MD5 in mark,
                SHA256 in mark,
            )


def test_explicit__with_a_byte_order_mark_is_one(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(f"\ufeff@EXPLICIT\r\n{URL.format('a')}\r\n".encode())
    assert names(path) == ["a"]


@pytest.mark.parametrize(
    "line",
    [
        "a.conda",
        "/x/a-1.conda",
        "--.conda",
        "https://h/x",
        "/x/a-1-0.conda#abc",
        "a-1-0.zip",
    ],
)
def test_explicit__wrong_names_the_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(f"@EXPLICIT\n{line}\n")
    assert f"{path}, line 2: " in refusal(path)


def test_explicit__package_of_a_flat_directory_tells_its_subdir(
    make_channel: Callable[..., Path], tmp_path: Path
) -> None:
    place = make_channel(Package("a", "1", subdir="noarch", noarch="generic"))
    package = next(place.glob("noarch/a-*"))
    flat = tmp_path / "downloads" / package.name
    flat.parent.mkdir()
    os.link(package, flat)
    digest = hashlib.md5(flat.read_bytes()).hexdigest()
    (tmp_path / "list.txt").write_text(f"@EXPLICIT\n{flat}#{digest}\n")
    records = spec_file.read([tmp_path / "list.txt"]).records
    report = cenv.create(tmp_path / "p", records=records, store=tmp_path / "store")
    assert [record.subdir for record in report.records] == ["noarch"]
    meta = json.loads((tmp_path / "p/conda-meta/a-1-0.json").read_text())
    assert meta["subdir"] == "noarch"


def test_files__of_packages_and_of_specs_do_not_mix(tmp_path: Path) -> None:
    (tmp_path / "specs.txt").write_text("numpy\n")
    lock = conda_lock_of(tmp_path, conda_locked("a"))
    with pytest.raises(UsageError, match="cannot be combined"):
        spec_file.read([tmp_path / "specs.txt", lock], platform="linux-64")


# ---- the command line ----


def test_explicit__with_two_packages_of_a_name_is_refused(
    make_channel: Callable[..., Path], tmp_path: Path
) -> None:
    channel = make_channel(Package("a", "1"), Package("a", "2"))
    listed = [path for path in channel.rglob("a-*") if path.is_file()]
    assert len(listed) == 2
    (tmp_path / "list.txt").write_text("\n".join(["@EXPLICIT", *map(str, listed)]))
    argv = ["create", "-p", str(tmp_path / "env"), "--file", str(tmp_path / "list.txt")]
    assert main(argv) == 1
    assert not (tmp_path / "env").exists()


def test_lists__are_not_solved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = conda_lock_of(tmp_path, conda_locked("a"))
    for argv in (
        ["solve", "--file", str(lock)],
        ["create", "-p", "x", "--file", str(lock), "numpy"],
        ["create", "-p", "x", "--lock", str(lock), "numpy"],
        [
            "create",
            "-p",
            "x",
            "--lock",
            str(environment(tmp_path, "dependencies: [a]")),
        ],
    ):
        assert main(["--json", *argv, *(["--platform", "linux-64"])]) == 2
        assert json.loads(capsys.readouterr().out)["error"]["type"] == "UsageError"


@pytest.mark.parametrize("argument", ["specs", "channels", "records", "pinned"])
def test_text__is_one_item_of_a_list(
    make_channel: Callable[..., Path], tmp_path: Path, argument: str
) -> None:
    place = make_channel(Package("foo", "1"), Package("foo", "2"))
    given: dict[str, Any] = {"specs": "foo", "channels": str(place), "store": tmp_path}
    if argument == "pinned":
        given["pinned"] = "foo=1"
    wanted = "1" if argument == "pinned" else "2"
    assert [r.version for r in cenv.solve(**given)] == [wanted]
    for wrong in (3, b"foo", [None], [["a"], None]):
        call = cenv.create if argument == "records" else cenv.solve
        where = (tmp_path / "p",) if argument == "records" else ()
        with pytest.raises(CenvError, match=f"{argument}="):
            call(*where, **{**given, argument: wrong})  # type: ignore[operator]
