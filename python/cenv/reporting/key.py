# SPDX-License-Identifier: BSD-3-Clause
"""What causes of a difference are known by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Key:
    """The kind of a cause and what it is about.

    | kind | subject | what differs |
    |---|---|---|
    | spec | the spec | only one run asks for it |
    | respec | a name | the spec of that name reads otherwise |
    | needs | a package of both runs | it needs others in one run alone |
    | came | a package | it is in one run alone, and the traces do not tell why |
    | release | a package | it has another version, build or channel |
    | channel | a channel | it is another: grown, added, not here any more |
    | server | a channel | how fast it gave its bytes |
    | cache | a cache | what it had in one run alone |
    | volume | a stage | how much it had to do |
    | link, disk, cores, load | | the machine |

    `gone`: what it is about is in the earlier run alone.
    """

    kind: str
    subject: str = ""
    gone: bool = False
