# SPDX-License-Identifier: BSD-3-Clause
"""The sentence of each cause of a difference: what is now, and what was before."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cenv.reporting import comparing, machine
from cenv.reporting.causes import fallback_text
from cenv.reporting.key import Key
from cenv.reporting.ledger import Group, Ledger
from cenv.reporting.origins import Origins
from cenv.reporting.run import Channel, Package, Run
from cenv.reporting.wording import counted, joined, listed, number, rate, seconds, size
from cenv.tracing.recorder import unit

Told = Callable[[Key, Group, Ledger, Origins], str]


def of(key: Key, group: Group, ledger: Ledger, origins: Origins) -> str:
    """Return the sentence, without the seconds and without a full stop."""
    return _TOLD[key.kind](key, group, ledger, origins)


def weight(key: Key, group: Group, ledger: Ledger) -> int:
    """Return bytes or records of a cause, by which those that took no time are sorted."""
    if key.kind == "channel":
        return abs(
            comparing.records(comparing.subdirs(ledger.after, key.subject))
            - comparing.records(comparing.subdirs(ledger.before, key.subject))
        )
    run = _side(key, ledger)
    return sum(run.packages[n].size for n in group.packages if n in run.packages)


# ---- what came and went ----


def _side(key: Key, ledger: Ledger) -> Run:
    return ledger.before if key.gone else ledger.after


def brought(key: Key, group: Group, ledger: Ledger) -> str:
    """Say how many packages and candidates a cause brought, or took away."""
    run = _side(key, ledger)
    packages = [run.packages[n] for n in group.packages if n in run.packages]
    verb = "takes away" if key.gone else "brings"
    parts = [_packages_text(packages)] if packages else []
    new = [
        n
        for n in group.names
        if not (n in ledger.before.names and n in ledger.after.names)
    ]
    if new:
        count = sum(comparing.candidates(run, name) for name in new)
        known = f"{counted(len(new), 'name')} with {counted(count, 'candidate')}"
        parts.append(f"{known} to choose from")
    return f"{verb} {joined(parts, ' and ')}" if parts else ""


def _packages_text(packages: list[Package]) -> str:
    weight = sum(package.size or package.weight for package in packages)
    files = sum(package.files for package in packages)
    heaviest = sorted(packages, key=lambda p: (-p.seconds, -p.size, p.name))
    figures = joined(
        [size(weight) if weight else "", counted(files, "file") if files else ""]
    )
    names = listed(package.name for package in heaviest)
    told = joined([names, figures], "; " if len(packages) > 1 else ", ")
    return f"{counted(len(packages), 'package')} ({told})"


def _spec(key: Key, group: Group, ledger: Ledger, origins: Origins) -> str:
    what = "is asked for no more" if key.gone else "is asked for, and was not before"
    return joined(
        [f"the spec {key.subject} {what}", brought(key, group, ledger)], ": it "
    )


def _respec(key: Key, group: Group, ledger: Ledger, origins: Origins) -> str:
    was, now = origins.respecified[key.subject]
    parts = [f"the request has {now} in place of {was}"]
    old, new = (
        comparing.candidates(run, key.subject) for run in (ledger.before, ledger.after)
    )
    if old != new:
        told = f"{counted(new, 'candidate')} of {key.subject} instead of {number(old)}"
        parts.append(told)
    elif new:
        parts.append(f"{counted(new, 'candidate')} of {key.subject} to choose from")
    old_packages, new_packages = ledger.before.packages, ledger.after.packages
    for name in group.packages:
        if name in old_packages and name in new_packages:
            parts.append(_release_text(ledger, name))
    came = [new_packages[n] for n in group.packages if n not in old_packages]
    left = [old_packages[n] for n in group.packages if n not in new_packages]
    parts += [f"it brings {_packages_text(came)}"] if came else []
    parts += [f"it leaves out {_packages_text(left)}"] if left else []
    return joined([parts[0], joined(parts[1:])], ": ")


def _needs(key: Key, group: Group, ledger: Ledger, origins: Origins) -> str:
    direct = listed(_direct(key, group, _side(key, ledger)))
    was, now = (r.packages.get(key.subject) for r in (ledger.before, ledger.after))
    name = f"{now} {_same_or_not(now, was)}" if now and was else key.subject
    if direct and not group.packages:  # what was chosen may need none of them
        need = f"need {direct} no more" if key.gone else f"now need {direct}"
        text = f"records of {key.subject} that may be chosen {need}"
    elif not direct:
        text = f"{name} needs other packages"
    elif key.gone:
        text = f"{name} needs {direct} no more"
    else:
        text = f"{name} now needs {direct}"
    return joined([text, brought(key, group, ledger)], ": that ")


def _same_or_not(now: Package, was: Package) -> str:
    if not comparing.is_another(was, now):
        return "(the same build)"
    if was.version != now.version:
        return f"(before {was.version})"
    if was.build != now.build:
        return f"(build {now.build}, before {was.build})"
    return f"(from {now.channel}, before from {was.channel})"


def _direct(key: Key, group: Group, run: Run) -> list[str]:
    """Return which of the new ones the package itself names."""
    found = [
        name
        for name in group.packages
        if name in run.packages and key.subject in run.packages[name].needed_by
    ]
    return found or [
        name
        for name in group.names
        if name in run.names and run.names[name].reached_through == key.subject
    ]


def _came(key: Key, group: Group, ledger: Ledger, origins: Origins) -> str:
    package = _side(key, ledger).packages.get(key.subject)
    what = "is gone" if key.gone else "came in"
    figures = f": {size(package.size or package.weight)}" if package else ""
    return f"{package or key.subject} {what}{figures}"


def _release(key: Key, group: Group, ledger: Ledger, origins: Origins) -> str:
    if key.subject:
        return _release_text(ledger, key.subject)
    names = listed(group.packages)
    return f"{counted(len(group.packages), 'package')} are of other releases ({names})"


def _release_text(ledger: Ledger, name: str) -> str:
    was, now = ledger.before.packages[name], ledger.after.packages[name]
    told = f"{now}, before {was.version}"
    if was.version == now.version:
        told = f"{now} {now.build}, before build {was.build}"
        if was.build == now.build:
            told = f"{now} from {now.channel}, before from {was.channel}"
    sizes = [size(p.size) for p in (now, was) if p.size]
    if len(sizes) == 2 and now.size != was.size:
        told += f" ({sizes[0]}, before {sizes[1]})"
    return told


# ---- channels and servers ----


def _channel(key: Key, group: Group, ledger: Ledger, origins: Origins) -> str:
    old, new = (
        comparing.subdirs(r, key.subject) for r in (ledger.before, ledger.after)
    )
    name = f"channel {key.subject}"
    if not new:
        return f"{name} is searched no more: it had {counted(comparing.records(old), 'record')}"
    taken = sum(subdir.packages_taken for subdir in new)
    had = counted(comparing.records(new), "record")
    if not old:
        given = f"{counted(taken, 'package')} taken from it"
        nothing = "gives nothing: no package was taken from it"
        text = f"{name} is searched, and was not before: {had}"
        return f"{text}, {given}" if taken else f"{text}; it {nothing}"
    parts = [_missed(old, new), _grown(old, new), _grown_names(group, ledger)]
    return f"{name} {joined(parts)}"


def _missed(old: list[Channel], new: list[Channel]) -> str:
    was, now = comparing.was_missed(old), comparing.was_missed(new)
    if was == now:
        return ""
    if was:
        return "was here already, and had to be fetched before"
    reasons = dict.fromkeys(subdir.reason for subdir in new if subdir.reason)
    why = f" ({'; '.join(reasons)})" if reasons else ""
    moved = comparing.transferred(new)
    volume = f": {size(moved)} transferred" if moved else ""
    return f"had to be fetched, and was here before{why}{volume}"


def _grown(old: list[Channel], new: list[Channel]) -> str:
    was, now = comparing.records(old), comparing.records(new)
    if comparing.growth(old, new) == 1:
        return ""
    verb = "grew" if now > was else "shrank"
    text = f"{verb} from {number(was)} to {counted(now, 'record')}"
    sizes = [sum(subdir.bytes_on_disk for subdir in each) for each in (old, new)]
    return f"{text} ({size(sizes[0])} to {size(sizes[1])})" if all(sizes) else text


def _grown_names(group: Group, ledger: Ledger) -> str:
    counts = {
        name: (
            comparing.candidates(ledger.before, name),
            comparing.candidates(ledger.after, name),
        )
        for name in group.names
    }
    most = sorted(counts, key=lambda name: counts[name][0] - counts[name][1])
    told = [
        f"{n} has {number(counts[n][1])} candidates for {number(counts[n][0])}"
        for n in most
    ]
    return listed(told, 2)


def _server(key: Key, group: Group, ledger: Ledger, origins: Origins) -> str:
    rates = [_rate(run, key.subject) for run in (ledger.after, ledger.before)]
    slower = "slowly" if group.total > 0 else "fast"
    return f"channel {key.subject} was served {slower}: {rates[0]}, before {rates[1]}"


def _rate(run: Run, channel: str) -> str:
    moved, took = machine.loaded(machine.from_channel(run.packages.values(), channel))
    if not moved:
        read = comparing.subdirs(run, channel)
        moved = comparing.transferred(read)
        took = sum(subdir.seconds for subdir in read)
    return rate(moved, took)


# ---- caches ----


def _cache(key: Key, group: Group, ledger: Ledger, origins: Origins) -> str:
    lost = group.total >= 0
    run = ledger.after if lost else ledger.before
    if key.subject == "template":
        return _template(group, run, lost)
    if key.subject == "packages":
        return _packages_anew(group, run, lost)
    reasons = [s["reason"] for s in run.spans if s["stage"] == key.subject]
    return _because(_missed_text(key.subject, ledger, lost), *reasons)


def _template(group: Group, run: Run, lost: bool) -> str:
    if not lost:
        return "the template was there already, and had to be built before"
    text = "the template had to be built, and was there before"
    told = _because(text, run.cache("template").get("reason", ""))
    names = listed(group.packages)
    return f"{told}; other packages: {names}" if names else told


def _missed_text(stage: str, ledger: Ledger, lost: bool) -> str:
    """Say what a cache had, or had not, as a stage counts it."""
    run = ledger.after if lost else ledger.before
    missed = comparing.misses(run, stage)
    if stage == "compile":
        what = f"the bytecode of {counted(missed, 'file')}"
        verb = "had to be made, and was in the cache before"
        return f"{what} {verb if lost else 'was in the cache already'}"
    if stage == "process manifest":
        verb = "had to be made, and was there before" if lost else "was there already"
        return f"the list of what lies in the environment {verb}"
    if stage == "process indices":
        verb = "had to be indexed, and was before" if lost else "was indexed already"
        return f"repodata of {_changed(ledger, missed)} {verb}"
    verb = "were not in its cache" if lost else "were not in its cache before"
    return f"{stage}: {number(missed)} {verb}"


def _changed(ledger: Ledger, missed: int) -> str:
    """Name the subdirs of other repodata, if they are those that were indexed."""
    was, now = (
        {(c.channel, c.subdir): c.version for c in run.channels}
        for run in (ledger.before, ledger.after)
    )
    other = [f"{at[0]}/{at[1]}" for at in now if at in was and now[at] != was[at]]
    return listed(other) if len(other) == missed else counted(missed, "subdir")


def _because(text: str, *reasons: str) -> str:
    """Add the reasons that say more than that something was not there."""
    told = [r for r in dict.fromkeys(reasons) if r and r not in _NO_REASONS]
    return f"{text} ({listed(told)})" if told else text


_NO_REASONS = ("not there", "no copy")


def _packages_anew(group: Group, run: Run, lost: bool) -> str:
    done = {"download": "downloaded", "extract": "extracted", "compile": "compiled"}
    verbs = listed(done[stage] for stage in done if group.seconds.get(stage))
    packages = [run.packages[name] for name in group.packages]
    what = _packages_text(packages)
    if not lost:
        return f"{what} were in the store already"
    text = f"{what} had to be {verbs or 'made ready'}, which the store had before"
    return _because(text, *(package.reason for package in packages))


def _volume(key: Key, group: Group, ledger: Ledger, origins: Origins) -> str:
    was, now = (comparing.items(r, key.subject) for r in (ledger.before, ledger.after))
    noun = unit(key.subject).removesuffix("s")
    what = counted(now, noun) if noun not in ("", "byte") else f"{number(now)} items"
    return f"{key.subject} had to do with {what}, before {number(was)}"


# ---- the machine ----


def _link(key: Key, group: Group, ledger: Ledger, origins: Origins) -> str:
    was, now = (run.link.get("mode", "") for run in (ledger.before, ledger.after))
    parts = [fallback_text(ledger.after)]
    if was != now:
        passed = ledger.after.link.get("passed_over", {}).get(was, "")
        told = f"files were placed by {now}, before by {was}"
        parts = [_because(told, passed), *parts]
    elif not parts[0]:
        parts = ["no files had to be placed otherwise than asked, before some had"]
    disks = [_moved(ledger, place) for place in ("store", "destination")]
    return joined([*parts, *disks, _apart(ledger)], "; ")


def _moved(ledger: Ledger, place: str) -> str:
    was, now = (machine.lies_on(run, place) for run in (ledger.before, ledger.after))
    if not was or not now or was == now:
        return ""
    return f"the {place} lies on {now}, before on {was}"


def _apart(ledger: Ledger) -> str:
    was, now = (machine.is_beside(run) for run in (ledger.before, ledger.after))
    if was and now is False:
        return "the store lies on another file system than the destination"
    return ""


def _disk(key: Key, group: Group, ledger: Ledger, origins: Origins) -> str:
    return joined([_moved(ledger, key.subject), paces(ledger, group.seconds)], ": ")


def paces(ledger: Ledger, stages: Iterable[str]) -> str:
    """Say how long stages took for the work that they had in both runs."""
    told = [
        f"{stage} took {seconds(ledger.after.wall.get(stage, 0.0))}, "
        f"before {seconds(ledger.before.wall.get(stage, 0.0))}"
        for stage in stages
    ]
    return listed(told, 2)


def _cores(key: Key, group: Group, ledger: Ledger, origins: Origins) -> str:
    was, now = (run.machine.get("cores", 0) for run in (ledger.before, ledger.after))
    text = f"{counted(now, 'processor')} to work with, before {number(was)}"
    return joined([text, paces(ledger, group.seconds)], ": ")


def _load(key: Key, group: Group, ledger: Ledger, origins: Origins) -> str:
    was, now = (run.machine.get("load", 0.0) for run in (ledger.before, ledger.after))
    cores = ledger.after.machine.get("cores", 0)
    text = f"the machine was busy: a load of {now:.1f} on {counted(cores, 'processor')}"
    if group.total < 0:
        text = f"the machine was less busy: a load of {now:.1f}"
    return joined([f"{text}, before {was:.1f}", paces(ledger, group.seconds)], ": ")


_TOLD: dict[str, Told] = {
    "spec": _spec,
    "respec": _respec,
    "needs": _needs,
    "came": _came,
    "release": _release,
    "channel": _channel,
    "server": _server,
    "cache": _cache,
    "volume": _volume,
    "link": _link,
    "disk": _disk,
    "cores": _cores,
    "load": _load,
}
