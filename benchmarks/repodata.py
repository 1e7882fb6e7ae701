# SPDX-License-Identifier: BSD-3-Clause
"""Time and peak memory of opening a full-size repodata.json, against its peers.

"warm" opens the binary index that an earlier opening left in a cache directory; "solve"
adds `python=3.12 numpy pandas scipy` to that, for a file made with --merge of real
records. Peers: Python's json (a document tree), and py-rattler's sparse reader where it is
installed (pip install py-rattler). Each run is a process of its own; the file is in the
page cache. ".zst cold" opens the same file compressed, with an empty cache, and "zstd -d"
is what decompressing it alone takes (as a process). "floor" reads every byte of the mapped
file and does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

FRAME = """
import json, os, resource, sys, time
path = sys.argv[1]
{setup}
start = time.perf_counter()
{run}
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps([seconds, peak, found]))
"""

WARM = """
from cenv import _native
extension = _native.extension
source = ("c", "https://h/c", None, "linux-64", "", os.fsencode(path), None)
cache = os.fsencode(sys.argv[2])
virtual = [["__glibc", "2.36", "0"], ["__linux", "6.1", "0"], ["__unix", "0", "0"]]
specs = ["python=3.12", "numpy", "pandas", "scipy"]
request = json.dumps({"specs": specs, "virtual_packages": virtual})
"""

# Name: what is imported first, and what is timed; `found` is a count for the table.
RUNS = {
    "floor": (
        "import mmap",
        "file = open(path, 'rb')\n"
        "found = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ).find(b'\\0')",
    ),
    "cenv": (
        "from cenv import _native\nextension = _native.extension",
        "source = ('c', 'https://h/c', None, 'linux-64', '', os.fsencode(path), None, False)\n"
        "index = _native.call(extension.Index, [source], None)\n"
        "found = os.stat(path).st_size",
    ),
    "cenv warm": (
        WARM,
        "index = extension.Index(extension.Task(None), [source], cache)\n"
        "found = os.stat(path).st_size",
    ),
    "cenv warm + solve": (
        WARM,
        "index = extension.Index(extension.Task(None), [source], cache)\n"
        "try:\n"
        "    found = len(index.solve(extension.Task(None), request))\n"
        "except Exception as error:\n"
        "    found = str(error)",
    ),
    "zstd -d": (
        "import subprocess",
        "subprocess.run(['zstd', '-dqc', path], stdout=subprocess.DEVNULL, check=True)\n"
        "found = os.stat(path).st_size",
    ),
    "cenv .zst cold": (
        "import tempfile\nfrom cenv import _native\nextension = _native.extension\n"
        "empty = tempfile.TemporaryDirectory()",
        "source = ('c', 'https://h/c', None, 'linux-64', '', os.fsencode(path), None, False)\n"
        "_native.call(extension.Index, [source], os.fsencode(empty.name))\n"
        "found = os.stat(path).st_size",
    ),
    "py-rattler sparse": (
        "from rattler import Channel, SparseRepoData",
        "data = SparseRepoData(Channel('c'), 'linux-64', path)\n"
        "found = os.stat(path).st_size",
    ),
    "python json": ("", "found = len(json.load(open(path, 'rb')))"),
}


def measure(
    name: str, path: Path, cache: str, rounds: int
) -> tuple[float, float] | None:
    """Return median seconds and median peak bytes; None where the peer is missing."""
    setup, run = RUNS[name]
    code = FRAME.format(setup=setup, run=run)
    results = []
    for _ in range(rounds + 1):  # the first fills caches
        command = [sys.executable, "-c", code, os.fspath(path), cache]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{name}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
            return None
        results.append(json.loads(done.stdout))
    seconds, peaks, _ = zip(*results[1:], strict=True)
    return statistics.median(seconds), statistics.median(peaks)


PACKED = ("zstd -d", "cenv .zst cold")  # read the file compressed


def report(path: Path, packed: Path | None, rounds: int) -> None:
    """Print the table for one file, and for the same one compressed."""
    size = path.stat().st_size
    print(f"{path}: {size / 1e6:.0f} MB, medians of {rounds}")
    print(f"{'':20} {'ms':>8} {'MB/s':>8} {'peak MB':>8} {'x file':>7}")
    for name in RUNS:
        with tempfile.TemporaryDirectory() as cache:
            file = packed if name in PACKED else path
            found = measure(name, file, cache, rounds) if file else None
        if found is None:
            continue
        seconds, peak = found
        row = f"{seconds * 1e3:8.1f} {size / seconds / 1e6:8.0f} {peak / 1e6:8.0f}"
        print(f"{name:20} {row} {peak / size:7.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, nargs="?", help="default: generate one")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--records", type=int, default=700_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        path = args.file or Path(scratch) / "repodata.json"
        generator = Path(__file__).with_name("synthetic_repodata.py")
        command = [sys.executable, generator, path, "--records", str(args.records)]
        if not args.file:
            subprocess.run(command, check=True)
        packed = Path(scratch) / "repodata.json.zst"
        command = ["zstd", "-q", "-T0", os.fspath(path), "-o", os.fspath(packed)]
        if shutil.which("zstd"):
            subprocess.run(command, check=True)
        report(path, packed if packed.exists() else None, args.rounds)


if __name__ == "__main__":
    main()
