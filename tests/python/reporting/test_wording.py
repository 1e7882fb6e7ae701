# SPDX-License-Identifier: BSD-3-Clause
"""Figures as reports write them."""

from __future__ import annotations

import random

import pytest

from cenv.reporting import wording


@pytest.mark.parametrize(
    ("call", "value", "told"),
    [
        (wording.size, 0, "0 B"),
        (wording.size, 999, "999 B"),
        (wording.size, 999_600, "1.0 MB"),
        (wording.size, 3_200_000, "3.2 MB"),
        (wording.size, 460_000_000, "460 MB"),
        (wording.seconds, 0.0004, "0.4 ms"),
        (wording.seconds, 0.123, "123 ms"),
        (wording.seconds, 0.9999, "1.00 s"),
        (wording.seconds, 4.5, "4.50 s"),
        (wording.seconds, 185.2, "185 s"),
        (wording.seconds, 785.2, "13 min 5 s"),
        (wording.difference, 1.13, "+1.13 s"),
        (wording.difference, -0.2, "-200 ms"),
        (wording.difference, 0.0, "0.0 ms"),
        (wording.number, 28412, "28,412"),
    ],
)
def test_figures__have_the_digits_that_matter(call, value, told) -> None:
    assert call(value) == told


def test_share__of_something_is_never_nothing() -> None:
    assert wording.share(0.001, 10) == "under 1 %"
    assert wording.share(0, 10) == "0 %"
    assert wording.share(6.1, 10) == "61 %"


def test_listed__names_the_first_and_counts_the_rest() -> None:
    assert wording.listed([]) == ""
    assert wording.listed(["a", "b"]) == "a and b"
    assert wording.listed("abcd") == "a, b, c and d"
    assert wording.listed("abcde") == "a, b, c and 2 more"


def test_added_up__shows_numbers_that_add_up() -> None:
    rng = random.Random(3)
    for scale in (0.01, 1, 100):
        values = [rng.uniform(-scale, scale) for _ in range(9)]
        *parts, whole = wording.added_up(values, sum(values))
        numbers = [float(part.split()[0]) for part in parts]
        assert sum(numbers) == pytest.approx(float(whole.split()[0]))
        assert {part.split()[1] for part in parts} == {whole.split()[1]}
