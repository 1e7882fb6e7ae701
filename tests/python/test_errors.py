# SPDX-License-Identifier: BSD-3-Clause
"""The exceptions: one family, with a hint, that cross process borders."""

from __future__ import annotations

import pickle

import pytest

import cenv
from cenv import errors

NAMES = [name for name in cenv.__all__ if name.endswith("Error")]


@pytest.mark.parametrize("name", NAMES)
def test_error__keeps_message_and_hint_when_pickled(name):
    error = getattr(cenv, name)("what went wrong", hint="what to do")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is getattr(errors, name)
    assert isinstance(again, errors.CenvError)
    assert (str(again), again.hint) == ("what went wrong", "what to do")


def test_error__hint_is_optional():
    assert errors.LinkError("x").hint is None


def test_error__conflict_is_a_tuple_and_pickles():
    error = errors.UnsatisfiableError("no", conflict=["a >1", "b"])
    assert error.conflict == ("a >1", "b")
    assert pickle.loads(pickle.dumps(error)).conflict == ("a >1", "b")


def test_error__bad_spec_is_a_value_error():
    with pytest.raises(ValueError, match="position 3"):
        raise errors.SpecError("position 3")
