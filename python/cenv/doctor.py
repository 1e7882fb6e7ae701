# SPDX-License-Identifier: BSD-3-Clause
"""What this machine can do for cenv, and what lies in the store."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import Any

from cenv import __version__, _native
from cenv.clones import modes
from cenv.config.paths import store_path


def examine(
    directory: str | os.PathLike[str] | None = None,
    store: str | os.PathLike[str] | None = None,
) -> dict[str, dict[str, Any]]:
    """Return findings by section: cenv, machine, clones (where they would lie), store."""
    where = os.path.abspath(directory or tempfile.gettempdir())
    here = _of(where)
    place = store_path(store)
    shares = _of_file_system(where) == _of_file_system(place)
    return {
        "cenv": {"version": __version__, "python": sys.version.split()[0]},
        "machine": {key: here[key] for key in _MACHINE if key in here},
        "clones": {
            "directory": where,
            **_file_system(here),
            "shares_the_store's_file_system": shares,
            **_automatic(here, shares=shares, links=_is_same_device(where, place)),
        },
        "store": {"path": place, **_store(place)},
    }


REMEDY = "cenv template sweep"
MIRROR_REMEDY = "cenv template gc"
_MACHINE = ("subdir", "kernel", "glibc", "microarch", "cuda", "cuda_arch", "cpus")


def _of(directory: str) -> dict[str, Any]:
    found: dict[str, Any] = _native.call(_native.extension.doctor, directory)
    return found


def _file_system(facts: dict[str, Any]) -> dict[str, Any]:
    overlay = facts.get("overlay") or {}
    why = overlay.get("reason")
    return {
        "file_system": facts.get("filesystem"),
        "free_bytes": facts.get("free"),
        "reflink": facts.get("reflink"),
        "hardlink": facts.get("hardlink"),
        "snapshot": _snapshot(facts.get("snapshot") or {}),
        "overlay": "yes" if overlay.get("works") else f"no: {why}",
    }


def _snapshot(found: dict[str, Any]) -> str:
    if not found.get("works"):
        return f"no: {found.get('reason')}"
    removed = found.get("removed_at_once")
    slowly = "file by file (mount option user_subvol_rm_allowed: at once)"
    return f"yes, removed {'at once' if removed else slowly}"


def _of_file_system(place: str) -> str:
    """Return what tells the file system of a place from others."""
    found: dict[str, Any] = _native.call(
        _native.extension.file_system, _existing(place)
    )
    return str(found["filesystem_id"])


def _existing(place: str) -> str:
    """Return the place, or where it would be made."""
    while not os.path.exists(place):
        place = os.path.dirname(place)
    return place


def _is_same_device(where: str, place: str) -> bool:
    """Hard links lead out of no subvolume, which shares extents with the others all the same."""
    return os.stat(where).st_dev == os.stat(_existing(place)).st_dev


def _automatic(facts: dict[str, Any], *, shares: bool, links: bool) -> dict[str, str]:
    """Which mode auto takes; of other sources those on the clones' file system."""
    reflink, hardlink = bool(facts.get("reflink")), bool(facts.get("hardlink"))
    snapshot = bool((facts.get("snapshot") or {}).get("works"))

    def for_templates(*, are_small: bool) -> str:
        return modes.automatic(
            snapshot=snapshot and shares and not are_small,
            reflink=reflink and shares,
            hardlink=hardlink and links,
            is_template=True,
        )

    return {
        "auto_for_templates": for_templates(are_small=False),
        "auto_for_small_templates": for_templates(are_small=True),
        "auto_for_other_sources": modes.automatic(
            reflink=reflink, hardlink=hardlink, is_template=False
        ),
    }


def _store(place: str) -> dict[str, Any]:
    if not os.path.isdir(place):
        return {"exists": False}
    from cenv.templates.store import TemplateStore

    store = TemplateStore(place)
    templates = store.templates()
    return {
        "exists": True,
        **_file_system(_of(place)),
        "templates": len(templates),
        "template_bytes": sum(item["size"] for item in templates),
        "remembered_bytes": sum(item["memory"] for item in templates),
        "twin_bytes": sum(item["twin"] for item in templates),
        "mirrors": [
            {**mirror, "remove_by": MIRROR_REMEDY} for mirror in store.mirrors()
        ],
        "orphans": [{**orphan, "remove_by": REMEDY} for orphan in store.orphans()],
    }
