# SPDX-License-Identifier: BSD-3-Clause
"""Text for terminals and logs: what came from outside cannot steer them.

Packages, servers, file names and variables of the environment are shown as they are, but
for what a terminal obeys (control characters, also those of eight bits) or shows in
another order than it stands (bidirectional controls), and for the commands that a CI
service reads in a job's log. Whatever prints goes through here.
"""

from __future__ import annotations

import re

_UNSAFE = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
    "\ud800-\udfff]"
)
_MARKUP = re.compile(r"[\\`*_{}\[\]<>#!|~&@]|(?<=\w):(?=//)")
_COMMAND = re.compile(r"^(\s*)(::|##\[|##vso\[|##teamcity\[)")


def line(text: str) -> str:
    """Return `text` as one line, which no terminal and no CI service takes for more."""
    return _COMMAND.sub(_plain_command, _UNSAFE.sub(_escape, text))


def lines(text: str) -> str:
    """Return `text`, whose line breaks are its own, each line as `line` does."""
    return "\n".join(map(line, text.split("\n")))


def markdown(text: str) -> str:
    """Return `text` as one line of Markdown that shows it as it is: no link, image or tag."""
    return _MARKUP.sub(r"\\\g<0>", line(text))


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a name that is no UTF-8
        code -= 0xDC00
    width = "x{:02x}" if code < 0x100 else "u{:04x}" if code < 0x10000 else "U{:08x}"
    return "\\" + width.format(code)


def _plain_command(found: re.Match[str]) -> str:
    return f"{found[1]}\\x{ord(found[2][0]):02x}{found[2][1:]}"
