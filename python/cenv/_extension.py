# SPDX-License-Identifier: BSD-3-Clause
"""The extension module `cenv._cenv`, loaded at the first use: the package imports anywhere."""

from __future__ import annotations

import importlib
import sys

from cenv.errors import CenvError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cenv import _cenv

    extension = _cenv
else:

    class _Extension:
        """Stands for the extension until it is loaded, and hands its names on."""

        def __getattr__(self, name: str) -> object:
            value = getattr(_load(), name)
            setattr(self, name, value)
            return value

    extension = _Extension()


def _load() -> object:
    """Return the extension module, or raise the one clear error where it cannot run."""
    try:
        return importlib.import_module("cenv._cenv")
    except ImportError as error:
        message = f"cenv's C core is not available on {sys.platform}: {error}"
        raise CenvError(message, hint=_advice(str(error))) from None


def _advice(reason: str) -> str:
    """Say what to do: the system, a library that is gone, or the extension itself."""
    if sys.platform not in ("linux", "darwin"):
        return "cenv runs on Linux and macOS"
    import re

    library = re.match(r"(\S+\.so[.\d]*): cannot open shared object file", reason)
    if library:
        return (
            f"install the package of your system that has {library[1]}, or a wheel "
            "of cenv, which needs none: python -m pip install --force-reinstall cenv"
        )
    return "build or install it anew: python -m pip install --force-reinstall cenv"
