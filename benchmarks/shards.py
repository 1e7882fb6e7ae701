# SPDX-License-Identifier: BSD-3-Clause
"""Sharded repodata against whole repodata over a network: seconds, requests, bytes.

`python=3.12 numpy pandas scipy` is solved on a channel of 200,000 records (real ones of
shared/repodata, where it is there, among synthetic ones), served on the loopback by a
process that answers each request after --latency milliseconds and sends all it sends at
--mbit megabits a second. "cold" knows nothing; "again" has everything in its cache and
asks only whether that is still so; "changed" finds one package new. The peer is
py-rattler's Gateway, with and without shards, where it is installed.
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
import urllib.request
from pathlib import Path
from typing import Any

from cenv import _native
from cenv.solving.index_dir import write_shards

HERE = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("CENV_SHARED", HERE.parent.parent / "shared"))
REAL = SHARED / "repodata/conda-forge"
SPECS = ["python=3.12", "numpy", "pandas", "scipy"]

SERVER = r"""
import asyncio, os, sys
top, latency, rate = sys.argv[1], float(sys.argv[2]) / 1e3, float(sys.argv[3]) * 125e3
count = [0, 0]
line = asyncio.Lock()

async def answer(path, head):
    if path == "/stats":
        body, count[:] = ("%d %d" % tuple(count)).encode(), [0, 0]
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    await asyncio.sleep(latency)
    try:
        with open(top + path, "rb") as file:
            body = file.read()
        tag = '"%x-%x"' % (os.stat(top + path).st_mtime_ns, len(body))
        status = b"304 Not Modified" if tag in head else b"200 OK"
    except OSError:
        body, tag, status = b"", "", b"404 Not Found"
    body = b"" if status[:3] == b"304" else body
    etag = b"ETag: %s\r\n" % tag.encode() if tag else b""
    length = b"" if status[:3] == b"304" else b"Content-Length: %d\r\n" % len(body)
    count[0] += 1
    count[1] += len(body)
    return b"HTTP/1.1 " + status + b"\r\n" + etag + length + b"\r\n" + body

async def serve(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            data = await answer(head.split(" ")[1], head)
            async with line:
                for at in range(0, len(data), 65536):
                    if writer.is_closing():
                        raise ConnectionError
                    writer.write(data[at : at + 65536])
                    await asyncio.sleep(len(data[at : at + 65536]) / rate)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""

FRAME = """
import json, os, sys, time
url, cache = sys.argv[1:3]
specs = json.loads(sys.argv[3])
{setup}
start = time.perf_counter()
{run}
print(json.dumps([time.perf_counter() - start, found]), flush=True)
os._exit(0)  # what a peer does at its end is not its solve
"""

CENV = (
    "from cenv.config.config import Config\nfrom cenv.solving.index import Index\n"
    "config = Config(repodata_use_shards={shards})",
    "index = Index([url], 'linux-64', store=cache, config=config)\n"
    "found = len(index.solve(specs).records)",
)
RATTLER = (
    "import asyncio, rattler\n"
    "from rattler.repo_data.gateway import Gateway, SourceConfig\n"
    "config = SourceConfig(sharded_enabled={shards})\n"
    "gateway = Gateway(cache_dir=cache, default_config=config)\n"
    "virtual = rattler.VirtualPackage.detect()",
    "found = len(asyncio.run(rattler.solve([rattler.Channel(url)], specs, gateway, "
    "['linux-64', 'noarch'], virtual_packages=virtual)))",
)
CONTENDERS = {
    "cenv, shards": (CENV, True),
    "cenv, whole": (CENV, False),
    "py-rattler, shards": (RATTLER, True),
    "py-rattler, whole": (RATTLER, False),
}


def make_channel(top: Path, records: int) -> None:
    """Write a channel in both forms."""
    for subdir in ("linux-64", "noarch"):
        (top / subdir).mkdir(parents=True)
        file = REAL / subdir / "repodata.json.zst"
        real = subprocess.run(["zstd", "-dc", file], capture_output=True, check=False)
        path = top / subdir / "repodata.json"
        path.write_bytes(real.stdout or b'{"packages": {}, "packages.conda": {}}')
        if subdir == "linux-64":
            merged = path.rename(top / "real.json")
            generator = [sys.executable, HERE / "synthetic_repodata.py", path]
            options = ["--records", str(records), "--merge", merged]
            subprocess.run([*generator, *options], check=True, capture_output=True)
            merged.unlink()
        _native.call(_native.extension.zstd_write, f"{path}.zst", path.read_bytes(), 6)
        write_shards(path.parent, json.loads(path.read_bytes()), 6)
        path.unlink()


def change_channel(top: Path) -> None:
    """Make both forms new; in shards, of numpy alone."""
    subdir = top / "linux-64"
    done = subprocess.run(
        ["zstd", "-dc", subdir / "repodata.json.zst"], capture_output=True, check=True
    )
    document: dict[str, Any] = json.loads(done.stdout)
    for record in document["packages.conda"].values():
        if record["name"] == "numpy":
            record["size"] = record.get("size", 0) + 1
    data = json.dumps(document).encode()
    _native.call(_native.extension.zstd_write, subdir / "repodata.json.zst", data, 6)
    write_shards(subdir, document, 6)


def run(name: str, url: str, cache: Path) -> tuple[float, int] | None:
    """Return seconds and the number of records solved; None: it cannot run."""
    (setup, work), shards = CONTENDERS[name]
    code = FRAME.format(setup=setup.format(shards=shards), run=work)
    command = [sys.executable, "-c", code, url, cache, json.dumps(SPECS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        why = (done.stderr.strip() or f"status {done.returncode}").splitlines()[-1]
        print(f"{name}: {why}", file=sys.stderr)
        return None
    seconds, found = json.loads(done.stdout)
    return seconds, found


def stats(url: str) -> tuple[int, int]:
    with urllib.request.urlopen(f"{url}/stats") as reply:
        requests, count = reply.read().split()
    return int(requests), int(count)


def measure(name: str, url: str, caches: list[Path]) -> None:
    """Print a row: one run for each cache, the median of them."""
    rows = []
    for cache in caches:
        stats(url)
        done = run(name, url, cache)
        if done is None:
            return
        rows.append((*done, *stats(url)))
    seconds = statistics.median(row[0] for row in rows)
    _, found, requests, count = rows[-1]
    row = f"{seconds * 1e3:9.0f} {requests:9d} {count / 1e6:9.2f} {found:9d}"
    print(f"  {name:20} {row}", flush=True)


def report(url: str, top: Path, rounds: int, scratch: Path) -> None:
    """Print all tables."""
    caches = {
        name: [scratch / f"{name}-{i}" for i in range(rounds)] for name in CONTENDERS
    }
    for title in ("cold", "again", "changed"):
        if title == "changed":
            change_channel(top)
        print(f"{title:22} {'ms':>9} {'requests':>9} {'MB':>9} {'packages':>9}")
        for name in CONTENDERS:
            measure(name, url, caches[name])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency", type=float, default=20, help="milliseconds")
    parser.add_argument("--mbit", type=float, default=200)
    args = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="cenv-bench-"))
    top = scratch / "channel"
    make_channel(top, args.records)
    command = [sys.executable, "-c", SERVER, top, str(args.latency), str(args.mbit)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        print(
            f"{args.latency:g} ms a request, {args.mbit:g} Mbit/s, {args.rounds} rounds"
        )
        report(url, top, args.rounds, scratch)
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
