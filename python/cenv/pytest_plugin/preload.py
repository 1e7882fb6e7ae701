# SPDX-License-Identifier: BSD-3-Clause
"""What the engine needs, loaded before a test can put something else in its place.

Tests mock subprocess, os and files for the code under test. Environments are made of real
files by real processes, whichever test is the first to ask for one.
"""

from __future__ import annotations

import sys
from typing import Any

import platformdirs
import ruamel.yaml

from cenv import _native
from cenv.clones import background_removal, spares
from cenv.pytest_plugin import factories, session
from cenv.solving import index
from cenv.specs import spec_file

LOADED = (
    *(background_removal, factories, index, platformdirs, ruamel.yaml, session),
    *(spares, spec_file),
)
_FAKE_FILES = "pyfakefs.fake_filesystem_unittest"
_FROZEN_CLOCK = "freezegun"


def bind() -> None:
    """Load the extension, and tell plugins that fake a system to leave cenv to the real one."""
    _ = _native.extension.CLONE_MODES
    fake: Any = sys.modules.get(_FAKE_FILES)
    if fake is not None:
        fake.Patcher.SKIPNAMES.add("cenv")
    frozen: Any = sys.modules.get(_FROZEN_CLOCK)
    if frozen is not None:
        frozen.configure(extend_ignore_list=["cenv"])
