# SPDX-License-Identifier: BSD-3-Clause
"""Every limit that docs/limits.md states is the one of the code."""

from __future__ import annotations

import re
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
UNITS = {"KiB": 10, "MiB": 20, "GiB": 30}
# Where the numbers of a row are, in their order: a source, and a pattern whose groups are their
# values. Rows that state none have none.
GROWTH = r"{}_growth = \{{(.+?), (\d+), (\d+),\s*(.+?)\}}"
CODE: dict[str, list[tuple[str, str]]] = {
    "bytes it expands to": [("csrc/codec/limits.c", GROWTH.format("bytes"))],
    "members, and directories": [("csrc/codec/limits.c", GROWTH.format("entries"))],
    "bytes of their names": [("csrc/codec/limits.c", GROWTH.format("names"))],
    "a file of `info/` itself": [("csrc/codec/limits.c", GROWTH.format("text"))],
    "length of a path": [
        ("csrc/os/path.h", r"CENV_PATH_PACKAGE_MAX = (\d+)"),
        ("csrc/os/path.h", r"CENV_PATH_NAME_MAX = (\d+)"),
        ("csrc/os/path.h", r"CENV_PATH_DEPTH_MAX = (\d+)"),
    ],
    "target of a link": [("csrc/codec/tar.c", r"TARGET_MAX = (\d+)")],
    "extended header": [("csrc/codec/tar.c", r"EXTENDED_MAX = ([^,]+),")],
    "members of a `.conda`": [
        ("csrc/codec/zip.h", r"CENV_ZIP_MAX = (\d+)"),
        ("csrc/package/reader.c", r"METADATA_MAX = ([^,]+),"),
    ],
    "content of a frame of a delta": [
        ("csrc/archive/delta.h", r"CENV_DELTA_FRAME = ([^,]+),")
    ],
    "a description on a remote": [
        ("csrc/archive/parcel.h", r"CENV_PARCEL_MAX = ([^,]+),"),
        ("csrc/archive/parcel.h", r"CENV_PARCEL_BLOB_MAX \((.+)\)"),
    ],
    "table of contents that a push compares": [
        ("csrc/archive/pushed.c", r"TABLE_MAX = ([^}]+?) \}")
    ],
    "requests that are pushed": [("csrc/archive/push.c", r"REQUESTS_MAX = (\d+)")],
    "window of zstd": [("csrc/codec/zstd.c", r"WINDOW_LOG_MAX = (\d+)")],
    "entry points": [("csrc/package/paths_json.c", r"ENTRY_POINTS_MAX = (\d+)")],
    "placeholder, and prefix": [
        ("csrc/model/path_entry.h", r"CENV_PREFIX_MAX = (\d+)")
    ],
    "places in one file": [("csrc/relocate/sites.h", r"return (\d+) \+ size / (\d+);")],
    "what is looked at": [("csrc/manifest/scan_file.c", r"UNPACKED_MAX = ([^}]+?) \}")],
    "plain repodata": [
        ("csrc/codec/limits.h", r"CENV_LIMITS_REPODATA_MAX \((.+)\)"),
    ],
    "compressed repodata": [
        ("csrc/fetch/fetch_repodata.c", r"(CENV_LIMITS_REPODATA_MAX / 4)"),
    ],
    "bytes that compressed repodata": [
        ("csrc/codec/limits.c", r"repodata_growth = \{(.+?), (\d+), (\d+),"),
        ("csrc/codec/limits.h", r"CENV_LIMITS_REPODATA_MAX \((.+)\)"),
        ("csrc/repodata/shard_index.c", r"SHARD_UNPACKED = (.+);"),
    ],
    "index of shards": [
        ("csrc/repodata/shard_index.h", r"CENV_SHARD_INDEX_MAX = ([^,]+),"),
        ("csrc/repodata/shard_index.h", r"CENV_SHARD_MAX = ([^}]+?) \}"),
    ],
    "name, version, build": [
        ("csrc/model/record.h", r"CENV_RECORD_PART_MAX = (\d+)"),
        ("csrc/model/record.h", r"CENV_RECORD_FN_MAX = (\d+)"),
    ],
    "`channel_relations`": [
        ("csrc/repodata/relations.c", r"TEXT_MAX = ([^}]+?) \}"),
        ("python/cenv/solving/relations.py", r"MAX_RELATED = (\d+)"),
        ("python/cenv/config/config.py", r"channel_relations_max_depth: int = (\d+)"),
    ],
    "names that a spec": [
        ("csrc/solve/nameless.c", r"MAX_NAMES = (\d+)"),
        ("csrc/solve/nameless.c", r"MAX_SHARDS = (\d+)"),
    ],
    "depth of JSON": [
        ("csrc/codec/json_scan.c", r"DEPTH_MAX = (\d+)"),
        ("csrc/codec/msgpack.h", r"CENV_MSGPACK_MAX_DEPTH = (\d+)"),
    ],
    "a JSON document": [
        ("csrc/codec/json.h", r"CENV_JSON_MAX_SIZE = ([^,]+),"),
        ("csrc/codec/json.h", r"CENV_JSON_FREE_VALUES = (\d+)"),
        ("csrc/codec/json.c", r"CENV_JSON_FREE_VALUES \+ scan->text.len / (\d+)"),
    ],
    "a `.condarc`": [("python/cenv/config/yaml_file.py", r"FILE_MAX = (\d+ << \d+)")],
    "a file that activation reads": [
        ("csrc/prefix/activation.c", r"FILE_MAX = ([^,]+),"),
    ],
    "what is read of `~/.conda": [
        ("python/cenv/config/environments.py", r"_LISTED_MAX = (\d+ << \d+)"),
        ("python/cenv/clones/checkouts.py", r"_NOTE_MAX = (\d+ << \d+)"),
    ],
    "a file that a clone moves": [
        ("python/cenv/clones/editables.py", r"_SIZE_MAX = (\d+ << \d+)"),
    ],
    "packages shown as layers": [
        ("csrc/store/layered_entry.h", r"CENV_LAYERED_MAX = (\d+)"),
        ("csrc/store/layered_entry.h", r"CENV_LAYERED_FEW = (\d+)"),
    ],
    "directories in each other": [
        ("csrc/os/fs_dir.h", r"CENV_WALK_DEPTH_MAX = (\d+)"),
        ("csrc/os/path.h", r"CENV_PATH_PACKAGE_MAX = (\d+)"),
        ("csrc/os/path.h", r"CENV_PATH_NAME_MAX = (\d+)"),
    ],
    "processes whose clones lie at paths that come back": [
        ("python/cenv/pytest_plugin/clone_pool.py", r"_MOST = (\d+)"),
    ],
    "clones of a template that wait": [
        ("python/cenv/pytest_plugin/recycling.py", r"MOST = (\d+)"),
        ("csrc/clone/recycle.c", r"GROWN = (\d+)"),
    ],
    "fewest files of a template": [
        ("csrc/clone/snapshot_clone.c", r"FEW_FILES = (\d+)"),
    ],
    "what is remembered": [
        ("python/cenv/config/sizes.py", r"_MEMORY = (\d+ << \d+)"),
        ("csrc/store/path_memory.c", r"SLOTS = (\d+)"),
    ],
    "what `run()` captures": [("csrc/binding/bind.h", r"BIND_REPLY_MAX \((.+)\)")],
    "time that activation scripts": [
        ("python/cenv/clones/activation_scripts.py", r"_SECONDS = (\d+)"),
    ],
    "a file of variables": [
        ("csrc/prefix/env_vars.h", r"CENV_ENV_VARS_FILE_MAX = ([^,]+),"),
        ("csrc/prefix/env_vars.h", r"CENV_ENV_VARS_MAX = (\d+)"),
    ],
    "traces that the store keeps": [
        ("python/cenv/tracing/kept.py", r"KEPT = (\d+)"),
        ("python/cenv/tracing/kept.py", r"MAX_TRACE = (\d+ << \d+)"),
        ("python/cenv/tracing/kept.py", r"MAX_BYTES = (\d+ << \d+)"),
    ],
    "facts of one call": [
        ("csrc/base/fact.h", r"CENV_FACT_ROWS_MAX = ([^,]+),"),
        ("csrc/base/fact.h", r"CENV_FACT_TEXT_MAX = (\d+)"),
    ],
    "version": [("csrc/model/version.h", r"CENV_VERSION_TEXT_MAX = (\d+)")],
    "MatchSpec": [
        ("csrc/model/spec.h", r"CENV_MATCHSPEC_MAX = (\d+)"),
        ("csrc/codec/regex.h", r"CENV_REGEX_MAX = (\d+)"),
        ("csrc/codec/regex.c", r"STEPS_MAX = (\d+)"),
    ],
    "brackets in a version": [
        ("csrc/model/versionspec.c", r"DEPTH_MAX = (\d+)"),
        ("csrc/model/condition.h", r"CENV_CONDITION_MAX_NESTING = (\d+)"),
    ],
    "message; hint": [
        ("csrc/base/error.h", r"CENV_MESSAGE_MAX = (\d+)"),
        ("csrc/base/error.h", r"CENV_HINT_MAX = (\d+)"),
    ],
    "a package's body": [],
    "redirects": [("csrc/net/http_request.c", r"REDIRECTS = (\d+)")],
    "tries of a request": [("csrc/net/http.c", r"TRIES = (\d+)")],
    "`Retry-After`": [("csrc/net/http.c", r"RETRY_AFTER_MAX = (\d+)")],
    "headers of a reply": [("csrc/net/http.c", r"HEADERS_MAX = ([^,]+),")],
    "body of a reply": [("csrc/net/http.c", r"DROPPED_MAX = ([^,]+),")],
    "slowest transfer": [("csrc/net/http_request.c", r"SLOW_BYTES = (\d+)")],
    "time without a byte": [("csrc/remote/web.c", r"TIMEOUT_MS = (\d+)000")],
    "slowest transfer of a remote": [("csrc/remote/web.c", r"SLOW_BYTES = (\d+)")],
    "transfers of a remote": [("csrc/remote/blob.h", r"CENV_REMOTE_PARALLEL = (\d+)")],
    "a blob": [],
    "manifest of a registry": [
        ("csrc/remote/oci_manifest.h", r"CENV_OCI_MANIFEST_MAX = ([^}]+?) \}")
    ],
    "what a token service": [
        ("csrc/remote/oci_token.c", r"TOKEN_MAX = ([^,]+),"),
        ("csrc/remote/docker_config.c", r"REPLY_MAX = ([^,]+),"),
    ],
    "`config.json` of docker": [
        ("csrc/remote/docker_config.c", r"CONFIG_MAX = ([^,]+),"),
        ("csrc/remote/aws.c", r"FILE_MAX = ([^,]+),"),
    ],
}


def rows() -> list[tuple[str, str]]:
    """Return each row's quantity, and what stands behind it."""
    found = []
    for line in (TOP / "docs/limits.md").read_text().splitlines():
        if line.startswith("|") and not line.startswith(("|---", "| quantity")):
            quantity, _, limit = line.strip("| ").partition(" | ")
            found.append((quantity, limit))
    return found


def numbers(text: str) -> list[int]:
    """Return the numbers of a text: 4,095 or 64 MiB or 2^27."""
    pattern = r"(\d[\d,]*\d|\d)(?:\^(\d+))?(?: (KiB|MiB|GiB))?"
    return [
        int(digits.replace(",", "")) ** int(power or 1) << UNITS.get(unit, 0)
        for digits, power, unit in re.findall(pattern, text)
    ]


def value(text: str) -> int:
    """Return what a constant of the code is."""
    text = re.sub(r"\(size_t\)|ULL|\bL\b", "", text)
    text = text.replace("CENV_LIMITS_REPODATA_MAX / 4", "1 << 28")
    left, _, right = text.partition("<<")
    return int(left) << int(right or 0)


def coded(places: list[tuple[str, str]]) -> list[int]:
    found = []
    for path, pattern in places:
        match = re.search(pattern, (TOP / path).read_text())
        assert match, f"{path} has no {pattern}"
        found += [value(group) for group in match.groups()]
    return [2**number if number == 27 else number for number in found if number != 1]


def test_limits__of_the_page_are_those_of_the_code() -> None:
    for quantity, limit in rows():
        (key,) = [key for key in CODE if quantity.startswith(key)][-1:] or [None]
        assert key is not None, f"nothing checks the limit of {quantity!r}"
        assert numbers(limit) == coded(CODE[key]), f"{quantity}: {limit}"


def test_limits__that_are_checked_are_on_the_page() -> None:
    stated = [quantity for quantity, _limit in rows()]
    assert [key for key in CODE if not any(s.startswith(key) for s in stated)] == []
