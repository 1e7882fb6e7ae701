# SPDX-License-Identifier: BSD-3-Clause
"""The usual store lies where platformdirs has caches, found without loading it."""

from __future__ import annotations

import pwd
from collections.abc import Mapping

import platformdirs
import pytest

from cenv.config.paths import store_path
from cenv.errors import UsageError

VARIABLES = [
    {"HOME": "/home/user"},
    {"HOME": "/home/user/"},
    {"HOME": "/"},
    {"HOME": ""},
    {"HOME": "relative"},
    {},
    {"HOME": "/home/user", "XDG_CACHE_HOME": "/caches"},
    {"HOME": "/home/user", "XDG_CACHE_HOME": "/caches/"},
    {"HOME": "/home/user", "XDG_CACHE_HOME": ""},
    {"HOME": "/home/user", "XDG_CACHE_HOME": "relative"},
    {"HOME": "/home/user", "XDG_CACHE_HOME": " "},
    {"XDG_CACHE_HOME": "/caches"},
]


@pytest.fixture(params=VARIABLES, ids=str)
def variables(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Mapping[str, str]:
    for name in ("CENV_STORE", "HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in request.param.items():
        monkeypatch.setenv(name, value)
    given: Mapping[str, str] = request.param
    return given


def test_store_path__is_below_the_cache_that_platformdirs_tells(
    variables: Mapping[str, str],
) -> None:
    assert store_path() == platformdirs.user_cache_dir("cenv", appauthor=False)


def test_store_path__needs_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_user: int) -> pwd.struct_passwd:
        raise KeyError

    for name in ("CENV_STORE", "HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    with pytest.raises(UsageError, match="no place for the store"):
        store_path()
