# SPDX-License-Identifier: BSD-3-Clause
"""Channel relations (CEP 42): which channels come with others, and the order of all.

A channel names in its repodata a `base`, which comes before it, and a channel that it
`overrides`, which comes behind it. Both lie on its own host. What the user gave keeps its
order, whatever channels say of one another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from cenv.config import policy
from cenv.config.channels import Channel, related
from cenv.config.config import Config
from cenv.errors import ChannelError
from cenv.tracing import recorder as trace

MAX_RELATED = 64  # channels that are read because others name them

# What each subdir of some channels says: base, overrides.
Declared = Iterable[tuple[Channel, Mapping[str, str] | None]]


@dataclass(frozen=True)
class _Edge:
    """One channel comes before another, by their URLs; `why` is for messages."""

    before: str
    behind: str
    why: str


@dataclass
class _Graph:
    """The channels by URL, each once, in the order in which they were found."""

    config: Config
    given: list[str]  # by the user, in order
    nodes: dict[str, list[Channel]] = field(default_factory=dict)
    edges: dict[tuple[str, str], _Edge] = field(default_factory=dict)
    overridden: dict[str, list[str]] = field(default_factory=dict)

    def name(self, url: str) -> str:
        return self.nodes[url][0].name

    def add(self, channels: Iterable[Channel]) -> None:
        for channel in channels:
            self.nodes.setdefault(channel.safe_url, []).append(channel)

    def relate(self, declared: Declared) -> dict[str, tuple[Channel, str]]:
        """Take what channels say; return those that are new, and who names them."""
        found: dict[str, tuple[Channel, str]] = {}
        for channel, said in declared:
            targets = dict(_targets(channel, said or {}, self.config))
            if len({target.safe_url for target in targets.values()}) < len(targets):
                raise _fault(
                    f"{channel.name} names one channel as base and as overrides"
                )
            for key, target in targets.items():
                why = f"{channel.name} {_WORDS[key]} {target.name}"
                self._put(key, channel.safe_url, target.safe_url, why)
                if target.safe_url not in self.nodes:
                    found.setdefault(target.safe_url, (target, why))
        return found

    def _put(self, key: str, url: str, target: str, why: str) -> None:
        before, behind = (target, url) if key == "base" else (url, target)
        if self._contradicts(before, behind):
            trace.active().notes.append(
                f"{why}, which the order of the channels given contradicts"
            )
            return
        self.edges.setdefault((before, behind), _Edge(before, behind, why))
        if key == "overrides" and target not in self.overridden.setdefault(url, []):
            self.overridden[url].append(target)

    def _contradicts(self, before: str, behind: str) -> bool:
        given = self.given
        if before not in given or behind not in given:
            return False
        return given.index(behind) < given.index(before)

    def sorted(self) -> tuple[Channel, ...]:
        """Return the channels, each behind all that come before it."""
        behind: dict[str, list[str]] = {url: [] for url in self.nodes}
        for before, after in pairwise(self.given):
            behind[after].append(before)
        for edge in self.edges.values():
            behind[edge.behind].append(edge.before)
        self._check_circles(behind)
        order = _Sorting(behind, self.overridden).run()
        return tuple(channel for url in order for channel in self.nodes[url])

    def _check_circles(self, behind: Mapping[str, Sequence[str]]) -> None:
        try:
            TopologicalSorter(behind).prepare()
        except CycleError as error:
            ring = error.args[1]
            pairs = pairwise(ring)
            whys = [self.edges[pair].why for pair in pairs if pair in self.edges]
            message = f"channels go in a circle: {'; '.join(whys)}"
            hint = (
                f"give the order: {_flags(map(self.name, dict.fromkeys(ring)))}; {_OFF}"
            )
            raise ChannelError(message, hint=hint) from None


_WORDS = {"base": "builds on", "overrides": "overrides"}
_OFF = "or set channel_relations_max_depth: 0 in .condarc"


def _flags(names: Iterable[str]) -> str:
    return " ".join(f"-c {name}" for name in names)


def _fault(message: str) -> ChannelError:
    return ChannelError(
        f"channel_relations: {message}", hint=f"tell the channel's owner, {_OFF}"
    )


def _targets(
    channel: Channel, said: Mapping[str, str], config: Config
) -> Iterator[tuple[str, Channel]]:
    for key, reference in said.items():
        try:
            target = related(channel, reference, config)
        except ChannelError as error:
            raise _fault(f"{key} of {channel.name}: {error}") from None
        if target.safe_url == channel.safe_url:
            raise _fault(f"{channel.name} names itself as its {key}")
        yield key, target


class _Sorting:
    """A depth-first topological sort that keeps related channels side by side.

    A channel comes right behind those that must come before it; what it overrides comes
    right behind it, unless that has to wait for a channel whose turn it is not.
    """

    def __init__(
        self,
        behind: Mapping[str, Sequence[str]],
        overridden: Mapping[str, Sequence[str]],
    ) -> None:
        self._behind = behind
        self._overridden = overridden
        self._done: dict[str, None] = {}
        self._waiting: set[str] = set()

    def run(self) -> list[str]:
        for url in self._behind:
            self._place(url)
        return list(self._done)

    def _place(self, url: str) -> None:
        if url in self._done:
            return
        self._waiting.add(url)
        for before in self._behind[url]:
            self._place(before)
        self._waiting.discard(url)
        self._done[url] = None
        for target in self._overridden.get(url, ()):
            if not self._waits(target):
                self._place(target)

    def _waits(self, url: str) -> bool:
        """Say whether a channel that must come before this one is being placed."""
        seen, left = {url}, [url]
        while left:
            at = left.pop()
            if at in self._waiting:
                return True
            more = [
                b for b in self._behind[at] if b not in seen and b not in self._done
            ]
            seen.update(more)
            left += more
        return False


def follow(
    heads: Sequence[Channel],
    named: Sequence[Channel],
    declared: Callable[[Sequence[Channel]], Declared],
    config: Config,
) -> tuple[Channel, ...]:
    """Return all channels in order: those given, and all that they are related to.

    `heads` are the user's, in order; those that specs `named` have no place of their own
    and come last. `declared` opens channels and returns what each says. Raises
    ChannelError for a reference that is none, for circles, too many and too far ones.
    """
    graph = _Graph(config, list(dict.fromkeys(head.safe_url for head in heads)))
    graph.add([*heads, *named])
    said = declared([*heads, *named])
    for depth in range(config.channel_relations_max_depth + 1):
        found = graph.relate(said)
        if not found:
            break
        if depth == config.channel_relations_max_depth:
            raise _too_far(found, config)
        if len(graph.nodes) + len(found) > MAX_RELATED + len(heads) + len(named):
            raise _fault(f"more than {MAX_RELATED} channels are named by others")
        said = list(_opened(found, declared, config))
        graph.add(channel for channel, _why in found.values())
    return graph.sorted()


def _opened(
    found: Mapping[str, tuple[Channel, str]],
    declared: Callable[[Sequence[Channel]], Declared],
    config: Config,
) -> Iterator[tuple[Channel, Mapping[str, str] | None]]:
    """Open the channels, one after the other, so that a failure tells who names it."""
    for channel, why in found.values():
        try:
            policy.check_channels([channel], config)
            yield from declared([channel])
        except ChannelError as error:
            hint = f"{error.hint}; {_OFF}" if error.hint else _OFF.removeprefix("or ")
            raise ChannelError(f"{error}: {why}", hint=hint) from None
        trace.active().notes.append(f"{why}, which is searched, too")


def _too_far(found: Mapping[str, tuple[Channel, str]], config: Config) -> ChannelError:
    _channel, why = next(iter(found.values()))
    deepest = config.channel_relations_max_depth
    key = policy.said(config, "channel_relations_max_depth")
    return ChannelError(
        f"channel_relations go further than {deepest} channels: {why}",
        hint=f"raise {key}, or set it to 0 to leave related channels out",
    )
