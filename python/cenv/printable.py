# SPDX-License-Identifier: BSD-3-Clause
"""Text for terminals and logs: what came from outside cannot steer them.

Packages, servers, file names and variables of the environment are shown as they are, but
for what a terminal obeys (control characters, also those of eight bits) or shows in
another order than it stands (bidirectional controls), and for the commands that a CI
service reads in a job's log. Whatever prints goes through here.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Callable

# Compiled where they are needed: to load `re` and compile them takes as long as to start Python.
_UNSAFE = (
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
    "\ud800-\udfff]"
)
_MARKUP = r"[\\`*_{}\[\]<>#!|~&@]|(?<=\w):(?=//)"
_COMMANDS = ("::", "##[", "##vso[", "##teamcity[")


def line(text: str) -> str:
    """Return `text` as one line, which no terminal and no CI service takes for more."""
    shown = text if text.isprintable() else _substitute(_UNSAFE, _escape, text)
    words = shown.lstrip()
    if not words.startswith(_COMMANDS):
        return shown
    return f"{shown[: -len(words)]}\\x{ord(words[0]):02x}{words[1:]}"


def lines(text: str) -> str:
    """Return `text`, whose line breaks are its own, each line as `line` does."""
    return "\n".join(map(line, text.split("\n")))


def markdown(text: str) -> str:
    """Return `text` as one line of Markdown that shows it as it is: no link, image or tag."""
    return _substitute(_MARKUP, r"\\\g<0>", line(text))


def _substitute(
    pattern: str, replacement: str | Callable[[re.Match[str]], str], text: str
) -> str:
    import re

    return re.sub(pattern, replacement, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a name that is no UTF-8
        code -= 0xDC00
    width = "x{:02x}" if code < 0x100 else "u{:04x}" if code < 0x10000 else "U{:08x}"
    return "\\" + width.format(code)
