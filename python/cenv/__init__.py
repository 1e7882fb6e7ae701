# SPDX-License-Identifier: BSD-3-Clause
"""Fresh conda environments in milliseconds: solve once, then clone.

Importing this package loads nothing else: each name is fetched from its module when it
is first used, so that a plugin or a command pays only for what it touches.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as typing has it, without the milliseconds of loading typing
if TYPE_CHECKING:
    from cenv._choices import ChannelPriority, CloneMode, LinkMode
    from cenv.api import clone, create, remove, reset, solve, verify
    from cenv.clones.overlay import enter_overlay_namespace
    from cenv.errors import (
        CenvError,
        ChannelError,
        IntegrityError,
        LinkError,
        PrefixError,
        RemoteError,
        SpecError,
        UnsatisfiableError,
        UsageError,
    )
    from cenv.model import (
        Alteration,
        CheckReport,
        CloneReport,
        PackageRecord,
        PrefixReport,
        ResetReport,
        Solution,
        VerifyReport,
    )
    from cenv.packages import extract
    from cenv.solving.index import Index
    from cenv.solving.index_dir import index
    from cenv.specs.specs import MatchSpec, Version
    from cenv.templates.executing import exec  # noqa: A004
    from cenv.templates.layered import LayeredEnvironment
    from cenv.templates.store import TemplateStore
    from cenv.templates.template import Clone, Template

__version__ = "0.1.0"

_HOMES = {
    "_choices": "ChannelPriority CloneMode LinkMode",
    "api": "clone create remove reset solve verify",
    "errors": "CenvError ChannelError IntegrityError LinkError PrefixError RemoteError "
    "SpecError UnsatisfiableError UsageError",
    "solving.index_dir": "index",
    "packages": "extract",
    "model": "Alteration CheckReport CloneReport PackageRecord PrefixReport ResetReport "
    "Solution VerifyReport",
    "clones.overlay": "enter_overlay_namespace",
    "solving.index": "Index",
    "specs.specs": "MatchSpec Version",
    "templates.executing": "exec",
    "templates.layered": "LayeredEnvironment",
    "templates.store": "TemplateStore",
    "templates.template": "Clone Template",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [
    "Alteration",
    "CenvError",
    "ChannelError",
    "ChannelPriority",
    "CheckReport",
    "Clone",
    "CloneMode",
    "CloneReport",
    "Index",
    "IntegrityError",
    "LayeredEnvironment",
    "LinkError",
    "LinkMode",
    "MatchSpec",
    "PackageRecord",
    "PrefixError",
    "PrefixReport",
    "RemoteError",
    "ResetReport",
    "Solution",
    "SpecError",
    "Template",
    "TemplateStore",
    "UnsatisfiableError",
    "UsageError",
    "VerifyReport",
    "Version",
    "__version__",
    "clone",
    "create",
    "enter_overlay_namespace",
    "exec",
    "extract",
    "index",
    "remove",
    "reset",
    "solve",
    "verify",
]


def __getattr__(name: str) -> object:
    """Fetch a public name from its module and keep it."""
    import importlib

    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"cenv.{_HOME_OF[name]}")
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
