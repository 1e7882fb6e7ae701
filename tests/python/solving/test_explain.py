# SPDX-License-Identifier: BSD-3-Clause
"""What a failing solve tells Python and the command line, and why a version was chosen."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

import cenv
from cenv.cli import main

NOARCH = {
    "python-3.12.1-0.conda": {"depends": ["__glibc >=2.17"]},
    "python-3.13.1-0.conda": {"depends": ["__glibc >=2.17"]},
    "scipy-1.10.0-0.conda": {"depends": ["python 3.12.*"]},
    "scipy-1.18.0-0.conda": {"depends": ["python 3.13.*"]},
    "old-1.0.0-0.conda": {"timestamp": 1500000000000},
    "old-2.0.0-0.conda": {"timestamp": 1700000000000},
}
WINDOWS = {"vs-14.0-0.conda": {"depends": []}}


def write(directory: Path, records: dict[str, dict[str, object]]) -> None:
    directory.mkdir(parents=True)
    filled = {}
    for fn, record in records.items():
        name, version, build = fn.removesuffix(".conda").split("-")
        plain = {"name": name, "version": version, "build": build, "build_number": 0}
        filled[fn] = {**plain, "subdir": directory.name, "depends": [], **record}
    text = json.dumps({"packages.conda": filled})
    (directory / "repodata.json").write_text(text)


@pytest.fixture
def channel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    write(tmp_path / "main" / "noarch", NOARCH)
    write(tmp_path / "main" / "win-64", WINDOWS)
    monkeypatch.setenv("CONDA_OVERRIDE_GLIBC", "2.36")
    monkeypatch.setenv("CENV_STORE", str(tmp_path / "store"))
    return str(tmp_path / "main")


def refuse(channel: str, *specs: str, **options: object) -> cenv.UnsatisfiableError:
    with pytest.raises(cenv.UnsatisfiableError) as caught:
        cenv.solve(specs, [channel], platform="linux-64", **options)
    return caught.value


TREE = """\
python=3.13 and scipy=1.10 cannot be installed together:
├─ python=3.13 is asked for
└─ scipy=1.10 is asked for
   └─ scipy 1.10.0 needs python 3.12.*, but python=3.13 is asked for"""
HINT = "try python 3.12.1 instead of python=3.13, or scipy 1.18.0 instead of scipy=1.10"


def test_refusal__tells_conflict_reason_and_what_helps(channel: str) -> None:
    error = refuse(channel, "python=3.13", "old", "scipy=1.10")
    assert str(error) == TREE
    assert error.conflict == ("python=3.13", "scipy=1.10")
    assert error.hint == HINT
    assert [way["works"] for way in error.relax] == ["python 3.12.1", "scipy 1.18.0"]
    for way in error.relax:
        name, version = way["works"].split()
        kept = {"python=3.13", "scipy=1.10", "old"} - set(way["items"])
        cenv.solve([*kept, f"{name}=={version}"], [channel], platform="linux-64")


def test_refusal__survives_pickling(channel: str) -> None:
    error = refuse(channel, "python=3.13", "scipy=1.10", "old")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is cenv.UnsatisfiableError
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_refusal__is_whole_however_long(channel: str) -> None:
    specs = [f"nothing{number:04}" for number in range(200)]
    error = refuse(channel, *specs)
    assert error.missing == tuple(specs)
    assert str(error).count("\n") == len(specs) - 1


def test_refusal__names_the_cutoff_as_the_user_knows_it(channel: str) -> None:
    error = refuse(channel, "old=2", exclude_newer="2020-01-01")
    assert error.conflict == ("old=2", "exclude_newer=2020-01-01")
    assert "old 2.0.0 is newer than exclude_newer=2020-01-01" in str(error)


def test_refusal__names_other_platforms(channel: str) -> None:
    error = refuse(channel, "vs")
    assert error.missing == ("vs",)
    assert error.hint == "vs is there for win-64, not for linux-64"
    assert refuse(channel, "nowhere").hint == (
        "check the spelling, or add the channel that has it"
    )
    both = refuse(channel, "vs", "scipi").hint or ""
    assert both.startswith("vs is there for win-64")
    assert both.endswith("did you mean scipy?")


def test_refusal__tells_what_the_machine_has(
    channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDA_OVERRIDE_GLIBC", "2.12")
    error = refuse(channel, "python=3.13")
    assert "but this machine has __glibc 2.12" in str(error)
    assert "on a machine with __glibc 2.17" in (error.hint or "")
    assert [way.get("machine") for way in error.relax] == [None, "__glibc=2.17"]


def test_refusal__answers_about_one_package(channel: str) -> None:
    text = str(refuse(channel, "python=3.13", "scipy=1.10", explain="python"))
    assert text.startswith(TREE)
    assert "  python 3.13.1 0: could be installed but for the conflict" in text
    assert "  python 3.12.1 0: python=3.13 is asked for" in text


@pytest.mark.parametrize(
    ("explain", "line"),
    [
        ("scipy", "  not scipy 1.18.0 0: cannot go with python=3.12"),
        ("scipy=1.18", "  not scipy 1.18.0 0: cannot go with python=3.12"),
        ("python=3.13", "  not python 3.13.1 0: python=3.12 is asked for"),
        ("old", "old is not installed: nothing asked for can need it"),
        ("nowhere", "nowhere is not installed: no channel has it"),
    ],
)
def test_explanation__tells_why(channel: str, explain: str, line: str) -> None:
    specs = ["python=3.12", "scipy"]
    solution = cenv.solve(specs, [channel], platform="linux-64", explain=explain)
    assert line in (solution.explanation or "").splitlines()


def test_explanation__of_nonsense_is_a_spec_error(channel: str) -> None:
    with pytest.raises(cenv.SpecError, match="a >="):
        cenv.solve(["python"], [channel], platform="linux-64", explain="a >=")


def test_command_line__prints_the_same(
    channel: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["solve", "python=3.13", "scipy=1.10", "-c", channel]
    words += ["--override-channels", "--platform", "linux-64"]
    assert main(words) == 1
    assert capsys.readouterr().err == f"cenv: error: {TREE}\ncenv: hint: {HINT}\n"
    assert main([*words, "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["type"] == "UnsatisfiableError"
    assert error["conflict"] == ["python=3.13", "scipy=1.10"]
    assert error["hint"] == HINT
    assert error["message"] == TREE
    assert [way["items"] for way in error["relax"]] == [["python=3.13"], ["scipy=1.10"]]
