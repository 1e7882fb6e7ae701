# SPDX-License-Identifier: BSD-3-Clause
"""What the engine needs, loaded before a test can put something else in its place.

Tests mock subprocess, os and files for the code under test. Environments are made of real
files by real processes, whichever test is the first to ask for one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import platformdirs
import ruamel.yaml

import cenv
from cenv import _native
from cenv.clones import background_removal, popen, spares
from cenv.pytest_plugin import factories, session
from cenv.solving import index
from cenv.specs import spec_file

LOADED = (
    *(background_removal, factories, index, platformdirs, ruamel.yaml, session),
    *(popen, spares, spec_file),
)
_FAKE_FILES = "pyfakefs.fake_filesystem_unittest"
_FROZEN_CLOCK = "freezegun"


def bind() -> None:
    """Load the extension, and tell plugins that fake a system to leave cenv to the real one."""
    _ = _native.extension.CLONE_MODES
    fake: Any = sys.modules.get(_FAKE_FILES)
    if fake is not None:
        fake.Patcher.SKIPNAMES.update(_module_names())
    frozen: Any = sys.modules.get(_FROZEN_CLOCK)
    if frozen is not None:
        frozen.configure(extend_ignore_list=["cenv"])


def _module_names() -> Iterator[str]:
    """Yield the names of all modules of cenv, as they are and as their files are called."""
    top = Path(cenv.__file__).parent
    for path in top.rglob("*.py"):
        parts = path.relative_to(top.parent).with_suffix("").parts
        yield ".".join(parts)
        yield ".".join(part for part in parts if part != "__init__")
