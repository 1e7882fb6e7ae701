# SPDX-License-Identifier: BSD-3-Clause
"""The words that options choose from: for type checkers, and as the core has them."""

from __future__ import annotations

from typing import Literal

CloneMode = Literal["auto", "snapshot", "reflink", "hardlink", "copy", "overlay"]
LinkMode = Literal["auto", "reflink", "hardlink", "copy"]
ChannelPriority = Literal["strict", "flexible", "disabled"]
