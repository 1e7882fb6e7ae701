# SPDX-License-Identifier: BSD-3-Clause
"""Dependencies as lock files have them: bare names with a constraint each (CEP 37)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cenv.errors import SpecError
from cenv.specs.specs import MatchSpec

_PLAIN = re.compile(r"([A-Za-z0-9_.-]+)(?: +([^\[]*))?")
_REST = re.compile(r"[^=!<>~]+(?:(==?)([^=]+)(?:=(.+))?|(.+))?")
_MEMBER = re.compile(r"(\w+)=('[^']*'|\"[^\"]*\"|[^,\]'\"]*)")


def by_name(depends: Iterable[str]) -> dict[str, str]:
    """Return names and what is asked of each, all constraints on one name as one.

    Raises SpecError for two constraints that no text can say at once.
    """
    found: dict[str, list[str]] = {}
    for spec in depends:
        plain = _PLAIN.fullmatch(spec.strip())
        name = plain[1].lower() if plain else MatchSpec(spec).name
        found.setdefault(name, []).append(spec)
    return {name: _constraint(specs) for name, specs in found.items()}


def spec_of(name: str, constraint: str) -> str:
    """Return the MatchSpec of a name and its constraint."""
    constraint = constraint.strip()
    if constraint in {"", "*"}:
        return name
    return f"{name}{constraint}" if constraint[0] == "[" else f"{name} {constraint}"


def _constraint(specs: list[str]) -> str:
    plain = _PLAIN.fullmatch(specs[0].strip())
    if len(set(specs)) == 1 and plain:
        return (plain[2] or "").strip() or "*"
    members: dict[str, list[str]] = {}
    for spec in specs:
        for key, value in _members(spec).items():
            if value not in members.setdefault(key, []):
                members[key].append(value)
    return _text(members, specs)


def _members(spec: str) -> dict[str, str]:
    """Return the keys of a spec's canonical form (CEP 29) and their values."""
    canonical = str(MatchSpec(spec))
    head, _, inside = canonical.partition("[")
    channel, _, rest = head.rpartition("::")
    found = {"channel": channel} if channel else {}
    parts = _REST.fullmatch(rest)
    if parts is None:
        raise SpecError(f"no lock file can say {spec}")
    operator, version, build, other = parts.groups()
    if operator or other:
        exact = f"{version}.*" if operator == "=" else f"=={version}"
        found["version"] = other or exact
    found |= {"build": build} if build else {}
    pairs = _MEMBER.findall(inside)
    return found | {key: value.strip("'\"") for key, value in pairs}


def _text(members: dict[str, list[str]], specs: list[str]) -> str:
    versions = members.pop("version", [])
    if len(versions) > 1:
        versions = [f"({v})" if "|" in v else v for v in versions]
    version = ",".join(versions)
    if not members:
        return version or "*"
    if any(len(values) > 1 for values in members.values()):
        raise SpecError(f"no lock file can say {' and '.join(specs)} at once")
    pairs = {"version": version} if version else {}
    pairs |= {key: values[0] for key, values in members.items()}
    return "[" + ",".join(f"{key}='{value}'" for key, value in pairs.items()) + "]"
