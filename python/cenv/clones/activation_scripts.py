# SPDX-License-Identifier: BSD-3-Clause
"""What the scripts of etc/conda/activate.d do to variables: found out once, then known.

The scripts are run in the environment, with bash as conda runs them, and what they change
is kept in the store: as a difference of variables in which the prefix has no name, so
that it serves every clone. It is known by the texts of the scripts and by the values of
all variables that they name. Two runs in settings that have nothing else in common tell
whether there is more to it: another prefix, directory, home and process, and none of the
other variables. Scripts of which that is so, that write into the environment, or that
ask for the time, are run each time.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cenv import _native
from cenv._digest import sha256_hex
from cenv.clones import process
from cenv.clones.activation import Files, program_in
from cenv.clones.real import system
from cenv.config.urls import redact
from cenv.errors import CenvError, PrefixError

# Sourced as by conda, and not asked how they ended; what they print is not the program's.
_SCRIPT = """
exec {_cenv_out}>&1 1>&2
for _cenv_script; do . "$_cenv_script"; done
builtin compgen -e | while IFS= builtin read -r _cenv_name; do
    builtin printf '%s=%s\\0' "$_cenv_name" "${!_cenv_name}"
done >&$_cenv_out
builtin printf 'end\\0' >&$_cenv_out
"""
# Bash sets these by itself, or reads them before it reads a script.
_OF_BASH = {"_", "SHLVL", "PWD", "OLDPWD", "BASH_ENV", "ENV", "BASHOPTS", "SHELLOPTS"}
_WORD = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")
_COMMENT = re.compile(rb"^\s*#.*$", re.MULTILINE)
_TIME = {b"date", b"SECONDS", b"EPOCHSECONDS", b"EPOCHREALTIME", b"strftime"}
_SECRET = re.compile("TOKEN|SECRET|PASS|KEY|AUTH|CRED|COOKIE", re.IGNORECASE)
_PREFIX, _REAL = "<<cenv:prefix>>", "<<cenv:real-prefix>>"  # what stands for a prefix
_KEPT = 64  # differences that a process keeps in mind
_SECONDS = 300  # that scripts may take


@dataclass(frozen=True)
class Effect:
    """What scripts do: variables set and unset, with tokens for the prefix.

    `varies` says why that holds for the run alone that found it out; None: for all.
    """

    set: Mapping[str, str] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    varies: str | None = None

    def on(self, variables: Mapping[str, str], prefix: str) -> dict[str, str]:
        """Return the variables as the scripts leave them, for a prefix."""
        tokens = {_PREFIX: prefix, _REAL: system.realpath(prefix)}
        kept = {n: v for n, v in variables.items() if n not in self.unset}
        return kept | {n: _replaced(v, tokens) for n, v in self.set.items()}


@dataclass(frozen=True)
class Place:
    """An environment whose scripts are run, and how what they do is kept.

    `view`: what they see a throw-away view of, it or the entry of its layers; None: they run
    in it. `origin`: the id or path of its template,
    which stays as it is, so that what scripts did in one clone holds for all; None: of an
    environment that changes nothing is known. `store`: where it is kept for an id.
    """

    prefix: str
    view: str | None = None
    origin: str | None = None
    store: str | None = None

    @property
    def is_stored(self) -> bool:
        """Whether what scripts do is kept in the store, beside the template."""
        return self.origin is not None and "/" not in self.origin


_known: dict[str, Effect] = {}
varying: dict[str, str] = {}  # by origin: why its scripts are run each time


def activated(place: Place, files: Files, variables: dict[str, str]) -> dict[str, str]:
    """Return `variables` as the environment's scripts leave them.

    Raises PrefixError where there is no bash for them, or one of them ends it.
    """
    __tracebackhide__ = True
    if not files.scripts:
        return variables
    if place.origin is None:
        return _run(place, files, variables).on(variables, place.prefix)
    effect = _effect_of(place, files, variables)
    if effect.varies is None:
        return effect.on(variables, place.prefix)
    varying[place.origin] = effect.varies
    return _run(place, files, variables).on(variables, place.prefix)


def _effect_of(place: Place, files: Files, variables: dict[str, str]) -> Effect:
    key = _key(place, files, variables)
    effect = _known.get(key) or _stored(place, key)
    if effect is None:
        effect = _find_out(place, files, variables)
        _store(place, key, effect, files, variables)
    while len(_known) >= _KEPT and key not in _known:
        _known.pop(next(iter(_known)), None)
    _known[key] = effect
    return effect


# ---- what it is known by ----


def _words(files: Files) -> set[str]:
    """Return the names of all variables that the scripts may read, and other words."""
    found = (_WORD.findall(text) for _name, text in files.scripts)
    return {word.decode() for words in found for word in words}


def _key(place: Place, files: Files, variables: Mapping[str, str]) -> str:
    """Return the key of what scripts do: their texts, and what they name, prefixes aside."""
    tokens = _tokens(place.prefix)
    texts = [
        [name, _replaced(os.fsdecode(text), tokens)] for name, text in files.scripts
    ]
    names = sorted(_words(files) & variables.keys())
    named = [[name, _replaced(variables[name], tokens)] for name in names]
    whole = json.dumps([1, place.view is not None, place.origin, texts, named])
    return sha256_hex(whole.encode())


def _tokens(prefix: str, link: str | None = None) -> dict[str, str]:
    """Return what stands for prefixes, longer paths first: one may end as another does."""
    tokens = {system.realpath(prefix): _REAL, prefix: _PREFIX, link or prefix: _PREFIX}
    return dict(sorted(tokens.items(), key=lambda item: -len(item[0])))


def _replaced(text: str, tokens: Mapping[str, str]) -> str:
    for old, new in tokens.items():
        text = text.replace(old, new)
    return text


# ---- finding out ----


def _find_out(place: Place, files: Files, variables: dict[str, str]) -> Effect:
    """Run the scripts in two settings, and tell whether they do the same in both."""
    began = 0 if place.view else _new_time(place.prefix)
    found = _run(place, files, variables)
    asked = _asks_for_time(files)
    if asked:
        return Effect(varies=f"they ask for the time ({asked})")
    written = None if place.view else _written_since(place.prefix, began)
    if written:
        return Effect(varies=f"they write {written}")
    other = _run_elsewhere(place, files, variables)
    return found if other == found else Effect(varies=_difference(found, other))


def _asks_for_time(files: Files) -> str | None:
    """Return the word that asks for it: two runs may well fall into one second."""
    for _name, text in files.scripts:
        found = _TIME & set(_WORD.findall(_COMMENT.sub(b"", text)))
        if found:
            return min(found).decode()
    return None


def _difference(one: Effect, other: Effect) -> str:
    names = {name for name, _value in {*one.set.items()} ^ {*other.set.items()}}
    shown = ", ".join(sorted(names | {*one.unset} ^ {*other.unset})[:3])
    return f"{shown} depends on more than their texts and the variables that they name"


def _new_time(prefix: str) -> int:
    """Return the file system's time of a change, in ns, once that is later than all before."""
    before = _time_in(prefix)
    for _try in range(50):
        now = _time_in(prefix)
        if now > before:
            return now
        system.sleep(0.001)
    return before


def _time_in(prefix: str) -> int:
    path = f"{prefix}/.cenv-{os.urandom(8).hex()}"
    with contextlib.suppress(OSError):  # where nobody may write, nothing changes
        system.mkdir(path)
        system.rmdir(path)
    return system.lstat(prefix).st_ctime_ns


def _written_since(prefix: str, began: int) -> str | None:
    """Return the first path below the prefix that was changed since, if there is one."""
    for path, changed in _changes(prefix):
        if changed >= began:
            return os.path.relpath(path, prefix)
    return None


def _changes(top: str) -> Iterator[tuple[str, int]]:
    """Yield the times of all below `top`, in ns.

    Of a file with several names it is that of its content: whoever makes or removes
    another clone changes the other time.
    """
    with system.scandir(top) as entries:
        for entry in entries:
            told = entry.stat(follow_symlinks=False)
            linked = told.st_nlink > 1 and entry.is_file(follow_symlinks=False)
            yield entry.path, told.st_mtime_ns if linked else told.st_ctime_ns
            if entry.is_dir(follow_symlinks=False):
                yield from _changes(entry.path)


def _run_elsewhere(place: Place, files: Files, variables: dict[str, str]) -> Effect:
    """Run the scripts as of another prefix, with the variables alone that they name."""
    parent = f"{variables.get('TMPDIR') or '/tmp'}/cenv-{os.urandom(8).hex()}"
    link = f"{parent}/another-prefix"
    system.mkdir(parent, 0o700)
    try:
        system.symlink(place.prefix, link)
        named = _words(files) | {"PATH"}
        moved = {n: v for n, v in variables.items() if n in named or "CONDA" in n}
        moved = {n: v.replace(place.prefix, link) for n, v in moved.items()}
        moved.setdefault("HOME", parent)
        found = _run(place, files, moved, prefix=link, cwd=parent)
    finally:
        system.unlink(link)
        system.rmdir(parent)
    return found


def _run(
    place: Place,
    files: Files,
    variables: dict[str, str],
    *,
    prefix: str | None = None,
    cwd: str | None = None,
) -> Effect:
    """Run the scripts once; return the difference, with tokens for the prefix."""
    where = prefix or place.prefix
    given = {n: v for n, v in variables.items() if n not in _OF_BASH}
    given["PYTHONDONTWRITEBYTECODE"] = "1"  # which would look like a script's file
    paths = [f"{where}/{name}" for name, _text in files.scripts]
    try:
        done = process.run(
            [_bash(variables, place.prefix), "--norc", "-c", _SCRIPT, "bash", *paths],
            given,
            view=place.view,
            cwd=cwd,
            stdin=process.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            until_exit=True,  # a script may start a daemon
        )
    except process.CommandTimeout:
        raise _failed(paths, f"took longer than {_SECONDS} s", b"") from None
    *lines, end = done.stdout.split(b"\0")[:-1] or [b""]
    if end != b"end":
        how = f"ended the shell, with status {done.returncode}"
        raise _failed(paths, how, done.stderr)
    return _effect(given, lines, _tokens(place.prefix, where))


def _failed(paths: list[str], how: str, stderr: bytes) -> PrefixError:
    said = redact(stderr.decode(errors="replace"))[-2000:].strip()
    hint = f"mend {', '.join(paths)}, or run with activate=False"
    message = f"an activation script {how}"
    return PrefixError(f"{message}: {said}" if said else message, hint=hint)


def _effect(
    given: Mapping[str, str], lines: list[bytes], tokens: Mapping[str, str]
) -> Effect:
    left = dict(os.fsdecode(line).split("=", 1) for line in lines)
    changed = {
        name: _replaced(value, tokens)
        for name, value in left.items()
        if name not in _OF_BASH and given.get(name) != value
    }
    # Bash passes on what is no name of a variable, and does not tell of it.
    gone = (n for n in given if n not in left and n.isidentifier() and n.isascii())
    return Effect(changed, tuple(sorted(gone)))


def _bash(variables: Mapping[str, str], prefix: str) -> str:
    """Find bash: on PATH behind the environment's own, which may be there to be tested."""
    parts = variables.get("PATH", "").split(os.pathsep)
    own = f"{prefix}/bin"
    paths = [*(part for part in parts if part != own), "/bin", "/usr/bin", own]
    try:
        return program_in({"PATH": os.pathsep.join(paths)}, "bash")
    except FileNotFoundError:
        hint = "install bash, or leave the scripts out with activate=False"
        message = f"{prefix} has activation scripts, and there is no bash to run them"
        raise PrefixError(message, hint=hint) from None


# ---- the store ----


def _stored(place: Place, key: str) -> Effect | None:
    """Return what the store has; whatever is wrong with it, the scripts can be run."""
    if not place.is_stored:
        return None
    try:
        text = _native.open_store(place.store).request_find(f"activation {key}")
    except (CenvError, OSError):
        return None
    found = json.loads(text) if text else {}
    return _of_json(found) if "activation" in found else None


def _of_json(found: Mapping[str, object]) -> Effect | None:
    """Return the effect that a file of the store tells; None where it is none of ours."""
    told = found["activation"]
    if not isinstance(told, dict):
        return None
    changed, gone, varies = (told.get(name) for name in ("set", "unset", "varies"))
    if not isinstance(changed, dict) or not isinstance(gone, list):
        return None
    texts = [*changed.values(), *gone, *([] if varies is None else [varies])]
    if not all(isinstance(text, str) for text in texts):
        return None
    return Effect(changed, tuple(gone), varies)


def _store(
    place: Place,
    key: str,
    effect: Effect,
    files: Files,
    variables: Mapping[str, str],
) -> None:
    """Keep the effect in the store, where that may be known to others."""
    if not place.is_stored:
        return
    told = {"set": dict(effect.set), "unset": effect.unset, "varies": effect.varies}
    reply = json.dumps({"id": place.origin, "activation": told}, ensure_ascii=False)
    if not _may_be_told(reply, files, variables):
        return
    with contextlib.suppress(CenvError, OSError):  # a full store: found out again
        _native.open_store(place.store).request_put(f"activation {key}", reply)


def _may_be_told(reply: str, files: Files, variables: Mapping[str, str]) -> bool:
    """Say whether no secret is in it: of a URL, or of a variable that sounds like one."""
    try:
        reply.encode()
    except UnicodeEncodeError:
        return False
    secret = (variables.get(n, "") for n in _words(files) if _SECRET.search(n))
    return redact(reply) == reply and not any(v and v in reply for v in secret)
