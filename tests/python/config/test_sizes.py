# SPDX-License-Identifier: BSD-3-Clause
"""Sizes as people write them."""

from __future__ import annotations

import pytest

from cenv.config.sizes import memory_bytes, parse_size
from cenv.errors import UsageError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("8b", 8),
        ("1k", 1000),
        ("500 MB", 500_000_000),
        ("1KiB", 1024),
        ("1.5Gi", 3 << 29),
        ("512MiB", memory_bytes()),
    ],
)
def test_size__is_read_as_written(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["9007199254740993", "9" * 400, "9999T"])
def test_size__beyond_any_disk_is_one_all_the_same(text: str) -> None:
    assert 2**52 < parse_size(text) < 2**53


@pytest.mark.parametrize("text", ["", "-1", "1e9", "i", "1 i", "0x10", "\uff11"])
def test_size__that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="is not a size"):
        parse_size(text)
