# SPDX-License-Identifier: BSD-3-Clause
"""What of a solution is installed: all of it, or what --no-deps and --only-deps leave."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from cenv.model import PackageRecord
from cenv.specs.specs import MatchSpec

Deps = Literal["all", "none", "only"]


def kept(
    records: Iterable[PackageRecord], asked: Sequence[str], deps: Deps
) -> list[PackageRecord]:
    """Return the records of a solution that are installed, in their order.

    "none": those that were asked for, without what they need. "only": without those that
    were asked for, unless another one needs them (conda: core/solve.py, _post_sat_handling).
    """
    solved = list(records)
    if deps == "all":
        return solved
    specs = [MatchSpec(text) for text in asked]
    named = [r for r in solved if any(spec.matches(r) for spec in specs)]
    if deps == "none":
        return named
    needed = {MatchSpec(need).name for record in solved for need in record.depends}
    return [r for r in solved if r not in named or r.name in needed]
