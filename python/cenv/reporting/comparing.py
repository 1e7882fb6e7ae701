# SPDX-License-Identifier: BSD-3-Clause
"""What made two runs differ: finds the causes and gives each its seconds.

What was worked on comes first: channels, names, packages, caches. A stage that did more
takes longer by what its work grew; that the same work took longer is the machine's
(cenv.reporting.machine) where its facts differ, and else nobody's.
"""

from __future__ import annotations

from collections.abc import Iterable

from cenv.reporting.key import Key
from cenv.reporting.ledger import Ledger
from cenv.reporting.origins import Origins
from cenv.reporting.run import INDEX, PACKAGES, SOLVER, Channel, Package, Run, Work

GREW = 1.05  # a channel of less than this many times the records is as it was
_SLOWER = 2.0  # a server that gives bytes this many times slower is told
_FULL = (
    0.25  # candidates that grew by this share account for all of the solve's seconds
)


def matters(ledger: Ledger, seconds: float) -> bool:
    """Say whether seconds are more than two runs of the same differ by."""
    longer = max(ledger.before.seconds, ledger.after.seconds)
    return abs(seconds) >= max(0.05, 0.05 * longer)


def account(ledger: Ledger, origins: Origins) -> None:
    """Account for all that the facts of the two runs explain but the machine's."""
    if is_of_template(ledger):
        _template(ledger)
        return  # one run did nothing that could be compared
    if ledger.before.tells_work and ledger.after.tells_work:
        _channels(ledger)
        _names(ledger, origins)
        _packages(ledger, origins)
    _caches(ledger)
    _volumes(ledger)


def share_of(predicted: float, seconds: float) -> float:
    """Return a predicted part of some seconds: none of another sign, at most all."""
    if predicted * seconds <= 0:
        return 0.0
    return predicted if abs(predicted) < abs(seconds) else seconds


# ---- caches that hold the whole work ----


def is_of_template(ledger: Ledger) -> bool:
    """Say whether one run built what the other found built."""
    before, after = (_found_template(run) for run in (ledger.before, ledger.after))
    return None not in (before, after) and before != after


def _found_template(run: Run) -> bool | None:
    """Say whether a run found its template built; None where it wanted none.

    Those of pytest tell of the templates that they built, and of nothing else.
    """
    if run.facts.get("command") == "pytest" and not run.tells_work:
        return True if run.spans else None
    return run.cache("template").get("hit")


def _template(ledger: Ledger) -> None:
    """A template that is there takes away what building it takes."""
    alone = [
        stage
        for stage in ledger.stages()
        if (stage in ledger.before.wall) != (stage in ledger.after.wall)
    ]
    key = Key("cache", "template")
    changed = [
        name
        for name in dict.fromkeys([*ledger.before.packages, *ledger.after.packages])
        if is_other(ledger.before.packages.get(name), ledger.after.packages.get(name))
    ]
    ledger.group(key).packages += changed
    ledger.take_all(key, [*alone, *SOLVER])


def is_other(was: Package | None, now: Package | None) -> bool:
    """Say whether a package is in one run alone, or not the same in both."""
    return was is None or now is None or is_another(was, now)


# ---- channels ----


def subdirs(run: Run, channel: str) -> list[Channel]:
    """Return what a run read of one channel."""
    return [subdir for subdir in run.channels if subdir.channel == channel]


def _channels(ledger: Ledger) -> None:
    both = (*ledger.before.channels, *ledger.after.channels)
    for name in dict.fromkeys(subdir.channel for subdir in both):
        old, new = (subdirs(run, name) for run in (ledger.before, ledger.after))
        if has_changed(old, new):
            key = Key("channel", name, gone=not new)
            ledger.group(key)
            slower = _slower(ledger, old, new)
            if slower:
                ledger.take(Key("server", name), "download indices", slower)
            for stage in INDEX:
                part = _seconds(ledger.after, new, stage) - _seconds(
                    ledger.before, old, stage
                )
                part -= slower if stage == "download indices" else 0.0
                ledger.take(key, stage, part if part * _way(old, new) >= 0 else 0.0)
        elif slower := _slower(ledger, old, new):
            ledger.take(Key("server", name), "download indices", slower)


def has_changed(old: list[Channel], new: list[Channel]) -> bool:
    """Say whether a channel was added, left out, grew or shrank, or was here before."""
    if not old or not new:
        return True
    return growth(old, new) != 1 or was_missed(old) != was_missed(new)


def _way(old: list[Channel], new: list[Channel]) -> int:
    """Return 1 where a channel cannot take less time now, -1 where not more; else 0."""
    grew, missed = records(new) - records(old), was_missed(new) - was_missed(old)
    ways = {(grew > 0) - (grew < 0), missed} - {0}
    return ways.pop() if len(ways) == 1 else 0


def growth(old: list[Channel], new: list[Channel]) -> float:
    """Return how many times the records a channel has now; 1 where it is as it was.

    A run that had its answer from a cache read none, and tells nothing of it.
    """
    was, now = records(old), records(new)
    ratio = now / was if was and now else 1.0
    return 1.0 if 1 / GREW < ratio < GREW else ratio


def records(channel: list[Channel]) -> int:
    """Return how many records a channel has."""
    return sum(subdir.records for subdir in channel)


def was_missed(channel: list[Channel]) -> bool:
    """Say whether repodata of a channel had to be fetched whole."""
    return any(subdir.cache == "miss" for subdir in channel)


def _seconds(run: Run, channel: list[Channel], stage: str) -> float:
    whole = run.wall_of(INDEX)
    took = sum(subdir.seconds for subdir in channel)
    return run.wall.get(stage, 0.0) * took / whole if whole else 0.0


def _slower(ledger: Ledger, old: list[Channel], new: list[Channel]) -> float:
    """Return the seconds that the later run waited longer for the same bytes."""
    stage = "download indices"
    was, now = _seconds(ledger.before, old, stage), _seconds(ledger.after, new, stage)
    return slower_by(ledger, transferred(old), was, transferred(new), now)


def transferred(channel: Iterable[Channel]) -> int:
    """Return the bytes that came over the network."""
    return sum(subdir.bytes_transferred for subdir in channel)


def slower_by(
    ledger: Ledger, old_bytes: int, was: float, new_bytes: int, now: float
) -> float:
    """Return by how many seconds bytes came slower or faster, where that is much."""
    if not (old_bytes and new_bytes and was > 0 and now > 0):
        return 0.0
    expected = new_bytes * was / old_bytes
    ratio = now / expected
    is_much = ratio >= _SLOWER or ratio <= 1 / _SLOWER
    return now - expected if is_much and matters(ledger, now - expected) else 0.0


# ---- the solve ----


def _names(ledger: Ledger, origins: Origins) -> None:
    """Give the solve's difference to what brought more candidates, or fewer."""
    before, after = ledger.before, ledger.after
    if not before.names or not after.names:
        return  # nothing was solved, or nothing recorded of it
    grown: dict[Key, int] = {}
    for name in dict.fromkeys([*before.names, *after.names]):
        was, now = candidates(before, name), candidates(after, name)
        key = _key_of_name(ledger, origins, name) if was != now else None
        if key is not None:
            grown[key] = grown.get(key, 0) + now - was
            ledger.group(key).names.append(name)
    _divide_solve(ledger, origins, grown)


def candidates(run: Run, name: str) -> int:
    """Return how many records of a name a run considered."""
    return run.names[name].candidates if name in run.names else 0


def _key_of_name(ledger: Ledger, origins: Origins, name: str) -> Key | None:
    if name not in ledger.before.names or name not in ledger.after.names:
        return origins.of_name(name)
    if name in origins.respecified:
        return Key("respec", name)
    grown = [key for key in ledger.groups if key.kind == "channel"]
    if grown:
        return grown[0]
    return next((Key("respec", other) for other in origins.respecified), None)


def _divide_solve(ledger: Ledger, origins: Origins, grown: dict[Key, int]) -> None:
    was = sum(name.candidates for name in ledger.before.names.values())
    left = ledger.left(SOLVER)
    parts = {key: count for key, count in grown.items() if count * left > 0}
    total = abs(sum(parts.values()))
    told = min(1.0, total / (was or 1) / _FULL)
    if not total:  # the same records, searched for something else
        parts = {Key("respec", name): 1 for name in origins.respecified}
        total, told = len(parts), 1.0
    for stage in SOLVER if total else ():
        seconds = ledger.left([stage])
        for key, count in parts.items():
            ledger.take(key, stage, seconds * told * abs(count) / total)


# ---- packages ----


def _packages(ledger: Ledger, origins: Origins) -> None:
    before, after = ledger.before.packages, ledger.after.packages
    if not before and not after:
        return
    for name in dict.fromkeys([*before, *after]):
        if name in before and name in after:
            _both(ledger, origins, before[name], after[name])
        else:
            key = origins.of_package(name)
            ledger.group(key).packages.append(name)
            sign, package = (1, after[name]) if name in after else (-1, before[name])
            for stage, work in package.stages.items():
                ledger.take(key, stage, sign * work.of_run)


def is_another(old: Package, new: Package) -> bool:
    """Say whether two packages of one name are not the same."""
    return (old.version, old.build, old.channel) != (
        new.version,
        new.build,
        new.channel,
    )


def _both(ledger: Ledger, origins: Origins, old: Package, new: Package) -> None:
    another = is_another(old, new)
    release = Key("respec" if new.name in origins.respecified else "release", new.name)
    if another:
        ledger.group(release).packages.append(new.name)
    cached = False
    for stage in dict.fromkeys([*old.stages, *new.stages]):
        was, now = old.stages.get(stage), new.stages.get(stage)
        if was is None or now is None:
            seconds = (now or Work()).of_run - (was or Work()).of_run
            ledger.take(release if another else _PACKAGES_KEPT, stage, seconds)
            cached |= not another
        elif another:
            ledger.take(release, stage, _by_volume(was, now))
    if cached:
        ledger.group(_PACKAGES_KEPT).packages.append(new.name)


_PACKAGES_KEPT = Key("cache", "packages")


def _by_volume(was: Work, now: Work) -> float:
    """Return what more or fewer bytes, else files, cost at the earlier pace."""
    old, new = (was.bytes, now.bytes) if was.bytes else (was.files, now.files)
    if not old:
        return 0.0
    return share_of(was.of_run * (new / old - 1), now.of_run - was.of_run)


# ---- caches of a stage ----


def _caches(ledger: Ledger) -> None:
    """A stage that found less in its cache takes longer by that."""
    if _PACKAGES_KEPT in ledger.groups:
        alone = (
            s for s in PACKAGES if (s in ledger.before.wall) != (s in ledger.after.wall)
        )
        ledger.take_all(_PACKAGES_KEPT, alone)
    for stage in list(ledger.stages()):
        if stage == "download indices":
            continue  # told of the channels
        was, now = misses(ledger.before, stage), misses(ledger.after, stage)
        if (was > 0) != (now > 0) and ledger.left([stage]) * (now - was) > 0:
            ledger.take_all(_cache_of(ledger, stage), [stage])


def misses(run: Run, stage: str) -> int:
    """Return how often a stage found nothing in its cache."""
    return sum(each.misses for each in run.stages if each.name == stage)


def _cache_of(ledger: Ledger, stage: str) -> Key:
    """Return the cause of what a stage did not find.

    A store that had not the packages, has not their bytecode: that is one cause.
    """
    kept = ledger.groups.get(_PACKAGES_KEPT)
    is_one = stage == "compile" and kept and kept.total * ledger.left([stage]) > 0
    if is_one:
        return _PACKAGES_KEPT
    changed = _changed_channel(ledger) if stage == "process indices" else None
    return changed or Key("cache", stage)


def _changed_channel(ledger: Ledger) -> Key | None:
    """Return the largest channel that came, went or changed, if no other was indexed.

    A channel that one run alone reads had no index to lose.
    """
    sides = (ledger.before, ledger.after)
    read = {
        key: max((subdirs(run, key.subject) for run in sides), key=records)
        for key in ledger.groups
        if key.kind == "channel"
    }
    missed = max(misses(run, "process indices") for run in sides)
    if missed > sum(map(len, read.values())):
        return None
    return max(read, key=lambda key: records(read[key]), default=None)


# ---- work that is told of no package ----


def items(run: Run, stage: str) -> int:
    """Return how many things a stage had to do."""
    return sum(each.items for each in run.stages if each.name == stage)


def _volumes(ledger: Ledger) -> None:
    """A stage that had more to do takes longer by that: a clone of more files."""
    told = {
        stage
        for run in (ledger.before, ledger.after)
        for package in run.packages.values()
        for stage in package.stages
    }
    for stage in [s for s in ledger.stages() if s not in (*INDEX, *SOLVER, *told)]:
        was, now = items(ledger.before, stage), items(ledger.after, stage)
        if was and now and not 1 / GREW < now / was < GREW:
            predicted = ledger.before.wall[stage] * (now / was - 1)
            part = share_of(predicted, ledger.left([stage]))
            if part:
                ledger.take(Key("volume", stage), stage, part)
