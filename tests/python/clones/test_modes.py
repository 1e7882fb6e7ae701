# SPDX-License-Identifier: BSD-3-Clause
"""The names of modes are the core's, and are asked for only when somebody needs them."""

from __future__ import annotations

import subprocess
import sys

from cenv.clones import modes
from cenv.pytest_plugin import options


def test_modes__are_those_of_the_core() -> None:
    assert modes.names() == (
        *("auto", "snapshot", "reflink", "hardlink", "copy"),
        "overlay",
    )
    assert modes.linking() == ("auto", "reflink", "hardlink", "copy")


def test_modes__have_their_properties() -> None:
    assert [name for name in modes.names() if modes.is_mount(name)] == ["overlay"]
    assert [name for name in modes.names() if modes.is_linked(name)] == ["hardlink"]
    shared = [name for name in modes.names() if modes.may_share(name)]
    assert shared == ["auto", "snapshot", "reflink", "hardlink"]
    assert set(modes.names()) - set(modes.lasting()) == {"overlay"}


def test_modes__are_all_in_the_help_of_pytest() -> None:
    (option,) = [option for option in options.OPTIONS if option.name == "mode"]
    assert [name for name in modes.names() if name not in option.help] == []


def test_modes__load_no_extension_before_they_are_asked_for() -> None:
    code = (
        "import sys; sys.modules['cenv._cenv'] = None; from cenv.clones import modes;"
        "assert modes.is_mount('overlay');\n"
        "try: modes.names()\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("CenvError cenv's C core is not available"), done
