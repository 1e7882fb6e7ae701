# SPDX-License-Identifier: BSD-3-Clause
"""Fresh conda environments in milliseconds: solve once, then clone.

Importing this package loads nothing else: each name is fetched from its module when it
is first used, so that a plugin or a command pays only for what it touches.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cenv.api import (
        Clone,
        CloneReport,
        Index,
        MatchSpec,
        PackageRecord,
        PrefixReport,
        Solution,
        Template,
        TemplateStore,
        Version,
        clone,
        create,
        extract,
        index,
        reset,
        solve,
        verify,
    )
    from cenv.errors import (
        CenvError,
        ChannelError,
        IntegrityError,
        LinkError,
        PrefixError,
        SpecError,
        UnsatisfiableError,
        UsageError,
    )

__version__ = "0.1.0"

__all__ = [
    "CenvError",
    "ChannelError",
    "Clone",
    "CloneReport",
    "Index",
    "IntegrityError",
    "LinkError",
    "MatchSpec",
    "PackageRecord",
    "PrefixError",
    "PrefixReport",
    "Solution",
    "SpecError",
    "Template",
    "TemplateStore",
    "UnsatisfiableError",
    "UsageError",
    "Version",
    "__version__",
    "clone",
    "create",
    "extract",
    "index",
    "reset",
    "solve",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Fetch a public name from its module and keep it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "cenv.errors" if name.endswith("Error") else "cenv.api"
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
