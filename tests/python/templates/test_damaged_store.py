# SPDX-License-Identifier: BSD-3-Clause
"""Files of a store that hold something else: they count as absent, and are made again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cenv


def others(value: object) -> Iterator[Any]:
    """Give values of other types than this one's."""
    given = (None, 5, "x", [], {}, True)
    yield from (other for other in given if type(other) is not type(value))


def damaged(doc: Any) -> Iterator[Any]:
    """Give the document with each of its values in turn absent, or of another type.

    Of a list the first item stands for all.
    """
    yield from others(doc)
    if isinstance(doc, dict):
        for key, value in doc.items():
            yield {other: doc[other] for other in doc if other != key}
            yield from ({**doc, key: changed} for changed in damaged(value))
    elif isinstance(doc, list) and doc:
        yield from ([changed, *doc[1:]] for changed in damaged(doc[0]))


def use(top: Path, channel: Path) -> None:
    """Use all that the store remembers."""
    store = cenv.TemplateStore(top / "store")
    assert {"id", "prefix"} <= {key for item in store.templates() for key in item}
    store.orphans()
    template = store.template(["tool"], [channel])
    with template.clone(top / "clone") as clone:
        assert cenv.verify(clone).ok
        clone.reset()
    assert store.find(template.id) is not None
    store.recall("known")
    store.sweep()
    store.gc(1 << 40)


@pytest.mark.parametrize("part", ["clones", "pkgs", "requests", "templates"])
def test_store__makes_again_what_is_damaged(
    part: str, small_channel: Path, tmp_path: Path
) -> None:
    store = cenv.TemplateStore(tmp_path / "store")
    store.template(["tool"], [small_channel]).clone(tmp_path / "kept")
    store.template(["data"], [small_channel], setup=lambda _: None, key="k")
    store.remember("known", {"a": 1})
    shutil.copytree(tmp_path / "store", tmp_path / "right", symlinks=True)
    top = tmp_path / "right/v1" / part
    files = [
        file
        for file in top.rglob("*.json")
        if not {"prefix", "content"} & set(file.relative_to(top).parts)
    ]
    assert files
    for file in files:
        right = file.read_bytes()
        there = tmp_path / "store" / file.relative_to(tmp_path / "right")
        texts = [json.dumps(doc).encode() for doc in damaged(json.loads(right))]
        for text in (b"", b"\xff", right[: len(right) // 2], *texts):
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_bytes(text)
            use(tmp_path, small_channel)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(right)


@pytest.mark.parametrize(
    "text", ["null", "[]", '{"id": 5}', '{"id": "x", "urls": [1]}']
)
def test_request__of_another_shape_is_solved_again(
    text: str, small_channel: Path, tmp_path: Path
) -> None:
    store = cenv.TemplateStore(tmp_path / "store")
    template = store.template(["tool"], [small_channel])
    (request,) = (tmp_path / "store/v1/requests").iterdir()
    right = request.read_bytes()
    request.write_text(text)
    again = store.template(["tool"], [small_channel])
    assert (again.id, again.built) == (template.id, False)
    assert "solve" in {stage.name for stage in again.stages}
    assert request.read_bytes() == right
