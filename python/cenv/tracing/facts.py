# SPDX-License-Identifier: BSD-3-Clause
"""The facts of a trace: what was worked on, beside the spans that say when.

A trace's member "cenv" has these shapes. Seconds are floats, sizes bytes, names as channels
have them. Every member may be absent: a clone has no channels, an old trace no facts.
Nothing in them is a secret: URLs and specs are those that records and reports show.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypedDict, get_args, get_origin, get_type_hints

from cenv.config.shape import Node
from cenv.tracing import VERSION as VERSION
from cenv.tracing.clean import clean_text


class Request(TypedDict, total=False):
    """What was asked for."""

    specs: list[str]
    channels: list[str]
    platform: str
    prefix: str
    source: str  # of a clone
    mode: str  # of a clone, or how create links
    options: dict[str, str]  # other settings of the solve that are not their defaults


class FileSystem(TypedDict, total=False):
    """Where a directory lies."""

    path: str
    type: str  # "ext4", "xfs", "overlay"
    device: int  # st_dev: two of one number can share extents and links


class Fallback(TypedDict, total=False):
    """Files that were placed in another way than the one that was to be."""

    to: str  # "copy"
    files: int
    reason: str


class Link(TypedDict, total=False):
    """How files got into the prefix."""

    mode: str  # "snapshot", "reflink", "hardlink", "copy", "overlay"
    fallbacks: list[Fallback]
    passed_over: dict[str, str]  # modes that auto did not take, and why


class Machine(TypedDict, total=False):
    """Facts of the machine at the time."""

    cores: int  # that the process may use
    load: float  # of the last minute, when the work began
    cenv: str
    python: str
    system: str  # "Linux 6.1 x86_64"
    file_systems: dict[str, FileSystem]  # store, packages, destination
    link: Link


class Channel(TypedDict, total=False):
    """One subdir of a channel."""

    channel: str
    subdir: str
    bytes_transferred: int
    bytes_on_disk: int
    records: int
    version: str  # ETag, time or digest of its repodata: equal for equal content
    # "local": read in place; "hit": not asked for; "checked": the server said it is current;
    # "miss": downloaded; "open": it was in the memory of the process
    cache: str
    reason: str  # why it missed, else ""
    names_read: int  # names of the problem that this subdir has records of
    records_read: int  # candidates of the problem that it gave
    packages_taken: int  # packages of the solution from it
    seconds: float


class Name(TypedDict, total=False):
    """A name that the solve reached."""

    name: str
    candidates: int  # records of it that were considered
    reached_through: str  # the package, or the spec of the request, that named it first
    requirement: str  # by this dependency or spec


class Spec(TypedDict, total=False):
    """A requested spec and what the solve would not have considered without it."""

    spec: str
    only_names: int
    only_candidates: int


class Family(TypedDict, total=False):
    """The part of one package's records in the solver's work."""

    name: str
    variables: int
    clauses: int  # implied by its candidates and by requirements on it
    calls: int  # of the solver to decide on it


class Solver(TypedDict, total=False):
    """The work of the SAT solver."""

    variables: int
    clauses: int
    calls: int
    conflicts: int
    families: list[Family]


class Work(TypedDict, total=False):
    """One stage of one package."""

    seconds: float
    bytes: int
    files: int


class Package(TypedDict, total=False):
    """A package of the result."""

    name: str
    version: str
    build: str
    channel: str
    subdir: str
    file: str  # its file name
    size: int  # of the archive
    installed_size: int
    files: int
    depends: list[str]
    needed_by: list[
        str
    ]  # packages of the result that depend on it; none: a spec asks for it
    # "store": extracted before; "package cache"; "channel": downloaded; "file": of this machine
    origin: str
    cache: str  # the directory of the package cache
    reason: str  # why the store had it not
    # download, extract, verify, link, compile, relocate. One program compiles the sources of all
    # packages: a package's seconds are its share of them, by files.
    stages: dict[str, Work]


class StageSum(TypedDict, total=False):
    """One stage, summed over its spans."""

    name: str
    seconds: float
    items: int
    bytes: int
    hits: int
    misses: int


class Cache(TypedDict, total=False):
    """Whether a cache had what was looked for."""

    hit: bool
    reason: str  # why not, else ""


class Facts(TypedDict, total=False):
    """All facts of one run."""

    version: int
    command: str  # create, template build, solve, clone, pytest
    when: str  # UTC, ISO 8601
    seconds: float
    request: Request
    machine: Machine
    channels: list[Channel]
    names: list[Name]
    specs: list[Spec]
    solver: Solver
    packages: list[Package]
    stages: list[StageSum]
    caches: dict[
        str, Cache
    ]  # template, repodata, indices, packages, bytecode, manifest


def facts_of(node: Node) -> Facts:
    """Return the facts of a trace that was read; SpecError for a member of another shape.

    Members that this version does not know are left out.
    """
    found: Facts = _read(node, Facts)
    return found


def _read(node: Node, shape: Any) -> Any:
    """Return the value of `node` if it has the shape of a type made of those above."""
    if isinstance(shape, type) and shape in _PLAIN:
        return _PLAIN[shape](node)
    if get_origin(shape) is list:
        (inner,) = get_args(shape)
        return [_read(item, inner) for item in node.items()]
    if get_origin(shape) is dict:
        inner = get_args(shape)[1]
        return {key: _read(value, inner) for key, value in node.members().items()}
    members = node.members()
    hints = _hints(shape)
    return {key: _read(members[key], hints[key]) for key in hints if key in members}


@cache  # of a shape that thousands of names and packages have
def _hints(shape: Any) -> dict[str, Any]:
    return get_type_hints(shape)


_PLAIN: dict[type, Callable[[Node], Any]] = {
    str: lambda node: clean_text(node.written()),
    int: Node.integer,
    float: Node.number,
    bool: Node.boolean,
}
