# SPDX-License-Identifier: BSD-3-Clause
"""Completion of command lines in bash, zsh and fish, made of the parsers.

Words are completed to commands, actions, options and the values that an option chooses
from; all else to names of files, as the shell does it by itself.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from cenv.cli import parser, tree

_BASH = """\
# Completion of cenv for bash: eval "$(cenv completion bash)"
_cenv() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} at=cenv words i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$at ${COMP_WORDS[i]}" in
            %(places)s) at="$at ${COMP_WORDS[i]}" ;;
        esac
    done
    case "$at $before" in
%(values)s
    esac
    case $at in
%(words)s
    esac
    COMPREPLY=()
    if [[ $word == -* || $at == cenv || $at == "cenv template" ]]; then
        COMPREPLY=($(compgen -W "$words" -- "$word"))
    fi
}
complete -o default -F _cenv cenv
"""
_ZSH = """\
# Completion of cenv for zsh: eval "$(cenv completion zsh)"
autoload -Uz compinit bashcompinit
(( $+functions[compdef] )) || compinit
bashcompinit
"""


def _tables() -> Iterator[
    tuple[tree.Words, Mapping[str, str], parser.CommandParser | None]
]:
    """Return each place of a command line, what may follow it, and its parser.

    A group has no parser of its own: its actions follow it.
    """
    yield (), tree.COMMANDS, parser.main_parser()
    for name in tree.COMMANDS:
        table = tree.actions(name)
        if table:
            yield (name,), table, None
    for words in tree.every():
        yield words, {}, parser.command_parser(words)


def bash() -> str:
    """Return the script for bash."""
    places, values, lines = [], [], []
    for words, below, found in _tables():
        place = " ".join(["cenv", *words])
        options: list[str] = []
        for action in found.actions() if found else ():
            options += action.option_strings
            if action.option_strings and action.choices:
                chosen = " ".join(map(str, action.choices))
                either = "|".join(f'"{place} {o}"' for o in action.option_strings)
                reply = f'COMPREPLY=($(compgen -W "{chosen}" -- "$word")); return'
                values.append(f"        {either}) {reply} ;;")
        places += [f'"{place}"'] if words else []
        text = " ".join([*below, *options])
        lines.append(f'        "{place}") words="{text}" ;;')
    parts = {"places": "|".join(places), "values": values, "words": lines}
    return _BASH % {
        k: v if isinstance(v, str) else "\n".join(v) for k, v in parts.items()
    }


def zsh() -> str:
    """Return the script for zsh: that of bash, which its bashcompinit runs."""
    return _ZSH + bash()


def fish() -> str:
    """Return the script for fish."""
    lines = ["# Completion of cenv for fish: cenv completion fish | source"]
    for words, below, found in _tables():
        here = f"complete -c cenv -n {shlex.quote(_fish_place(words, below))}"
        for name, does in below.items():
            lines.append(f"{here} -fa {name} -d {shlex.quote(does)}")
        for action in found.actions() if found else ():
            names = [_fish_name(option) for option in action.option_strings]
            if names:
                value = _fish_value(action.choices, action.nargs)
                told = f"-d {shlex.quote(action.help or '')}"
                lines.append(" ".join([here, *names, *value, told]))
    return "\n".join(lines) + "\n"


def _fish_place(words: tree.Words, below: Mapping[str, str]) -> str:
    tests = [f"__fish_seen_subcommand_from {word}" for word in words]
    if below:
        tests.append(f"not __fish_seen_subcommand_from {' '.join(below)}")
    return "; and ".join(tests)


def _fish_name(option: str) -> str:
    return f"-l {option[2:]}" if option.startswith("--") else f"-s {option[1:]}"


def _fish_value(choices: object, nargs: object) -> list[str]:
    if choices:
        return ["-xa", shlex.quote(" ".join(map(str, choices)))]  # type: ignore[call-overload]
    return ["-r"] if nargs is None else []


SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}
