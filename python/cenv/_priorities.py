# SPDX-License-Identifier: BSD-3-Clause
"""The channel priorities, for what starts fast: _choices, which has their type, loads typing."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cenv._choices import ChannelPriority

PRIORITIES: tuple[ChannelPriority, ...] = ("strict", "flexible", "disabled")
