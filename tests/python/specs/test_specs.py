# SPDX-License-Identifier: BSD-3-Clause
"""Version and MatchSpec as Python values; the tables of the grammar are C tests."""

from __future__ import annotations

import pytest

import cenv


def test_version__orders_hashes_and_prints() -> None:
    versions = [
        cenv.Version(text) for text in ("1.10", "1.9rc1", "1!0.1", "1.9", "1.9post1")
    ]
    assert [str(v) for v in sorted(versions)] == [
        "1.9rc1",
        "1.9",
        "1.9post1",
        "1.10",
        "1!0.1",
    ]
    assert cenv.Version("1.1.0") == cenv.Version("1.1")
    assert len({cenv.Version("1.1.0"), cenv.Version("1.1")}) == 1
    assert repr(cenv.Version("2.0")) == "Version('2.0')"
    assert cenv.Version("1.9").matches(">=1.8,<2|0.*")
    assert cenv.Version("1.9") != "1.9"
    with pytest.raises(TypeError):
        assert cenv.Version("1") < "2"


@pytest.mark.parametrize("text", ["", "1..2", "a!1", "3.5&1"])
def test_version__refuses_what_is_none(text: str) -> None:
    with pytest.raises(cenv.SpecError):
        cenv.Version(text)


def test_matchspec__matches_and_prints() -> None:
    spec = cenv.MatchSpec("NumPy >=1.20,<2")
    assert spec.name == "numpy"
    record = {
        "name": "numpy",
        "version": "1.26.4",
        "build": "py312_0",
        "build_number": 0,
    }
    assert spec.matches(record)
    assert spec.matches(cenv.PackageRecord.from_json(record))
    assert not spec.matches({**record, "version": "2.0"})
    assert cenv.MatchSpec("pkg 1.8.*") == cenv.MatchSpec("pkg=1.8")
    assert str(cenv.MatchSpec("numpy 1.7")) == "numpy==1.7"
    assert cenv.MatchSpec(str(spec)) == spec


def test_matchspec__refuses_what_is_none() -> None:
    with pytest.raises(cenv.SpecError, match="column"):
        cenv.MatchSpec("numpy >>1")
    with pytest.raises(ValueError, match="blas"):
        cenv.MatchSpec("blas[invalid=1]")
