# SPDX-License-Identifier: BSD-3-Clause
"""Malformed files of every kind are one clear error: never a traceback, whatever is in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cenv.config.config import load
from cenv.config.policy import check_frozen, pins_of, records_of_prefix
from cenv.config.shape import of_json
from cenv.errors import CenvError
from cenv.specs import spec_file
from cenv.specs.extras import write_variables
from cenv.tracing import trace_file

QUICK = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)

ENVIRONMENT: Any = {
    "name": "x",
    "channels": ["c"],
    "dependencies": ["python", {"pip": ["six"]}],
    "variables": {"A": "1"},
    "platforms": ["linux-64"],
}
PACKAGE: Any = {
    "name": "a",
    "version": "1",
    "manager": "conda",
    "platform": "linux-64",
    "dependencies": {"b": ">=1"},
    "url": "https://h/c/noarch/a-1-0.conda",
    "hash": {"md5": "0" * 32, "sha256": "1" * 64},
    "category": "main",
    "optional": False,
}
CONDA_LOCK: Any = {"version": 1, "metadata": {}, "package": [PACKAGE]}
PIXI_LOCK: Any = {
    "version": 6,
    "environments": {
        "default": {"packages": {"linux-64": [{"conda": PACKAGE["url"]}]}}
    },
    "packages": [{"conda": PACKAGE["url"], "sha256": "1" * 64, "depends": ["b"]}],
}
CONDARC: Any = {
    "channels": ["a"],
    "custom_multichannels": {"a": ["b"]},
    "channel_settings": [{"channel": "a", "exclude_newer": "7d"}],
    "exclude_newer_package": {"a": "2020-01-01"},
    "local_repodata_ttl": 1,
    "ssl_verify": True,
    "remote_max_retries": 3,
}
TRACE: Any = {
    "traceEvents": [
        {
            "name": "x",
            "cat": "solve",
            "ph": "X",
            "ts": 1.5,
            "dur": 2,
            "pid": 1,
            "tid": 0,
            "args": {
                "stage": "solve",
                "what": "",
                "items": 1,
                "bytes": 0,
                "hits": 0,
                "misses": 0,
                "reason": "",
            },
        }
    ]
}
RECORD: Any = {"name": "a", "version": "1", "build": "0", "depends": []}


def _paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs: Any = ()
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    return [at, *(path for key, item in pairs for path in _paths(item, (*at, key)))]


def _with(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return a document with another value at `path`."""
    if not path:
        return new
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = _with(copied[path[0]], path[1:], new)
    return copied


def broken(document: Any) -> st.SearchStrategy[Any]:
    """Return documents that have something else at one place."""
    return st.builds(
        lambda path, new: _with(document, path, new),
        st.sampled_from(_paths(document)),
        VALUES,
    )


def failure(read: Any) -> str | None:
    """Return what the error says in which reading ends, if it does."""
    try:
        read()
    except CenvError as error:
        return str(error)
    return None


def told(path: Path, read: Any) -> None:
    """Check that reading the file goes well, or ends in an error that names it."""
    said = failure(read)
    assert said is None or path.name in said


def read_specs(path: Path) -> Any:
    return spec_file.read([path], platform="linux-64")


@pytest.mark.parametrize(
    "document", [ENVIRONMENT, CONDA_LOCK, PIXI_LOCK], ids=["env", "conda", "pixi"]
)
@QUICK
@given(st.data())
def test_specs__with_another_value_anywhere(
    tmp_path: Path, document: Any, data: st.DataObject
) -> None:
    path = tmp_path / "specs.yml"
    path.write_text(json.dumps(data.draw(broken(document))))
    told(path, lambda: read_specs(path))


@QUICK
@given(broken(CONDARC))
def test_condarc__with_another_value_anywhere(tmp_path: Path, document: Any) -> None:
    path = tmp_path / "condarc.yml"
    path.write_text(json.dumps(document))
    told(path, lambda: load({}, [str(path)]))


@QUICK
@given(broken(TRACE))
def test_trace__with_another_value_anywhere(tmp_path: Path, document: Any) -> None:
    path = tmp_path / "trace.json"
    path.write_text(json.dumps(document))
    told(path, lambda: trace_file.read(path).stages())


@QUICK
@given(broken(RECORD))
def test_record__with_another_value_anywhere(tmp_path: Path, document: Any) -> None:
    path = tmp_path / "conda-meta" / "a-1-0.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document))
    told(path, lambda: records_of_prefix(tmp_path))


@QUICK
@given(broken({"env_vars": {"A": "1"}}))
def test_state__with_another_value_anywhere(tmp_path: Path, document: Any) -> None:
    path = tmp_path / "conda-meta" / "state"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document))
    told(path, lambda: write_variables(tmp_path, {"B": "2"}))


TEXTS = {
    "environment": json.dumps(ENVIRONMENT),
    "lock": "version: 1\npackage:\n- name: a\n  platform: linux-64\n  url: /x/a-1-0.conda\n",
    "explicit": "@EXPLICIT\nhttps://h/c/noarch/a-1-0.conda#" + "0" * 32 + "\n",
    "specs": "numpy >=1.20 # x\nscipy[version='>=1']\n",
    "anchors": "a: &a {b: [*x]}\n<<: *a\n? - b\n: !!set {c}\n- |\n  d\n--- %\n",
    "dates": "channels: [2020-99-99, 0x_, 1_0.5e3, .inf, 12:30:45, =, ~]\n",
}


@pytest.mark.parametrize("kind", TEXTS)
@QUICK
@given(st.data())
def test_text__with_other_bytes_anywhere(
    tmp_path: Path, kind: str, data: st.DataObject
) -> None:
    text = TEXTS[kind].encode()
    at = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(at, min(len(text), at + 20)))
    new = data.draw(
        st.binary(max_size=6) | st.sampled_from([b"\t", b"*a", b"&a ", b"- "])
    )
    path = tmp_path / "a.yml"
    path.write_bytes(text[:at] + new + text[end:])
    (tmp_path / "conda-meta").mkdir(exist_ok=True)
    for name in ("frozen", "pinned"):
        (tmp_path / "conda-meta" / name).write_bytes(path.read_bytes())
    lists = tmp_path / "a.txt"
    lists.write_bytes(path.read_bytes())
    told(path, lambda: read_specs(path))
    told(lists, lambda: read_specs(lists))
    told(path, lambda: load({}, [str(path)]))
    told(path, lambda: of_json(path.read_bytes(), str(path)))
    told(tmp_path, lambda: check_frozen(tmp_path))
    told(tmp_path / "pinned", lambda: pins_of(tmp_path))


@QUICK
@given(
    st.dictionaries(st.sampled_from(sorted(CONDARC)), st.text("ab,&=>1 !", max_size=9))
)
def test_variables__of_any_text(variables: dict[str, str]) -> None:
    environ = {f"CONDA_{key.upper()}": value for key, value in variables.items()}
    said = failure(lambda: load(environ, []))
    assert said is None or "$CONDA_" in said
