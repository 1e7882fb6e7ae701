# SPDX-License-Identifier: BSD-3-Clause
"""What reads and writes JSON in little time does it as Python's own module."""

from __future__ import annotations

import json
import runpy
import sys

import pytest

from cenv import _quick_json

VALUES = [
    None,
    "x",
    '\u00fc\n"\\\u2028\ud800',
    [1, -2.5, True, [], {}],
    {"a": {"b": ("c", 10**30)}, "": None},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_text__is_that_of_json(value):
    text = _quick_json.dumps(value)
    assert text == json.dumps(value)
    assert _quick_json.loads(text) == json.loads(text)
    assert _quick_json.loads(f"{text} \n") == json.loads(text)


@pytest.mark.parametrize("text", ["", "{", "[1,]", "{} x", "no", "NaN", '"\n"'])
def test_text__that_is_none_is_refused(text):
    with pytest.raises((ValueError, TypeError)):
        _quick_json.loads(text)


def test_value__that_has_no_text_is_refused():
    circle: list[object] = []
    circle.append(circle)
    for value in (object(), circle, float("nan")):
        with pytest.raises((ValueError, TypeError)):
            _quick_json.dumps(value)


def test_module__does_without_parts_in_c(monkeypatch):
    monkeypatch.setitem(sys.modules, "_json", None)
    names = runpy.run_path(_quick_json.__file__)
    assert (names["dumps"], names["loads"]) == (json.dumps, json.loads)


def test_module__trusts_no_python_it_does_not_know(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 99, 0))
    names = runpy.run_path(_quick_json.__file__)
    assert (names["dumps"], names["loads"]) == (json.dumps, json.loads)
