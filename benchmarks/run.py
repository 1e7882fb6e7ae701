# SPDX-License-Identifier: BSD-3-Clause
"""All the figures, one after another: `make bench`, or name some: run.py clone extract."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
HELPERS = ("run", "measure", "synthetic_repodata", "large_package", "judge")
HELPERS += ("test_codspeed",)


def main(names: list[str]) -> int:
    """Run each benchmark as a process of its own; say at the end which failed."""
    known = sorted(p.stem for p in HERE.glob("*.py") if p.stem not in HELPERS)
    unknown = set(names) - set(known)
    if unknown:
        print(
            f"no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(known)}"
        )
        return 2
    failed = []
    for name in names or known:
        print(f"== {name}", flush=True)
        if subprocess.run(
            [sys.executable, HERE / f"{name}.py"], check=False
        ).returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
