# SPDX-License-Identifier: BSD-3-Clause
"""The chain on real packages: create from the warm store, and one solve of it.

Beside py-rattler's warm install, where it is installed (pip install py-rattler).
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from measure import command, compare, python, shared, table, workspace

SPECS = "python pip setuptools"

RATTLER = """
import asyncio
from pathlib import Path
from rattler import Channel, Gateway, VirtualPackage, install, solve
"""
RATTLER_WORK = """
async def main():
    gateway = Gateway(cache_dir=Path({cache!r}))
    channel = Channel(Path({channel!r}).as_uri())
    records = await solve([channel], {specs!r}.split(), gateway, ["linux-64", "noarch"],
                          virtual_packages=VirtualPackage.detect())
    await install(records, target, cache_dir={cache!r}, show_progress=False)
asyncio.run(main())
"""


def main(rounds: int = 5) -> list[str]:
    place = shared()
    if place is None:
        return ["the shared folder of real packages is not here: nothing measured"]
    with workspace() as work:
        return run(place / "channel", work, rounds)


def run(channel: Path, work: Path, rounds: int) -> list[str]:
    store = work / "store"
    cenv = [sys.executable, "-m", "cenv", "-q"]
    options = ["--store", store, "-c", channel, "--override-channels"]
    made = {
        "cenv create, the whole command": command(
            *cenv, "create", "-p", "{}", *SPECS.split(), *options
        ),
        "cenv.create, without start-up": python(
            "import cenv\ncenv.create",  # its modules are loaded, as the peer's are
            f"cenv.create(target, {SPECS.split()!r}, [{str(channel)!r}], store={str(store)!r})",
        ),
    }
    if importlib.util.find_spec("rattler"):
        cache = str(work / "rattler-cache")
        text = RATTLER_WORK.format(channel=str(channel), specs=SPECS, cache=cache)
        made["py-rattler solve and install"] = python(RATTLER, text)
        whole = f"target = '{{}}'\n{RATTLER}\n{text}"
        made["the same, the whole command"] = command(sys.executable, "-c", whole)
    solved = {
        "cenv solve, the whole command": command(
            *cenv, "solve", "python", "pip", *options
        ),
        "Index.solve": python(
            f"import cenv\nindex = cenv.Index([{str(channel)!r}], store={str(store)!r})",
            "index.solve(['python', 'pip'])",
        ),
        "cenv.solve, index opened anew": python(
            "import cenv",
            f"cenv.solve(['python', 'pip'], [{str(channel)!r}], store={str(store)!r})",
        ),
    }
    return [
        *table(
            f"create {SPECS} from the warm store",
            compare(made, work, rounds),
            "cenv.create, without start-up",
        ),
        *table("solve python pip", compare(solved, work, rounds), "Index.solve"),
    ]


if __name__ == "__main__":
    print("\n".join(main()))
