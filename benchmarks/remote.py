# SPDX-License-Identifier: BSD-3-Clause
"""Empty machines that get a template: from the channel, from a remote, from a tar.zst.

Channel and remote are served on loopback, through a proxy that adds latency and holds a
rate, and counts the bytes; `CENV_STORES` says how many empty stores follow each other. A
large template has, besides, copies of what the channel's binary packages hold.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from measure import shared, workspace

SMALL = "python pip setuptools"
COPIES = 4
STORES = int(os.environ.get("CENV_STORES", "20"))
AT_ONCE = 4
BLOCK = 1 << 16

_GET = """
import json, time, warnings
import cenv
warnings.simplefilter("error")
start = time.perf_counter()
store = cenv.TemplateStore({store!r}, remote={remote!r}, push={push})
template = store.template({specs!r}, [{channel!r}])
clone = template.clone({clone!r})
print(json.dumps([time.perf_counter() - start, template.size, template.id,
                  {{stage.name: stage.seconds for stage in template.stages}}]))
"""
_TAR = "curl -fs {url} | zstd -dc | tar -x -C {target}"


class Handler(SimpleHTTPRequestHandler):
    """Files of a directory: GET, HEAD, and PUT by a rename."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        path = Path(self.translate_path(self.path))
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f"{path.name}.{threading.get_ident()}")
        scratch.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        scratch.replace(path)
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@dataclass
class Line:
    """A line to a port: seconds one way, bytes a second (0: any), and what it carried."""

    to: int
    latency: float = 0.0
    rate: float = 0.0
    carried: int = 0
    free_at: float = 0.0  # when the next byte may leave
    lock: threading.Lock = field(default_factory=threading.Lock)
    listener: socket.socket = field(
        default_factory=lambda: socket.create_server(("127.0.0.1", 0))
    )

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def serve(self) -> None:
        """Take connections until the listener is closed."""
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.to))
            for one, other in ((near, far), (far, near)):
                threading.Thread(
                    target=self.carry, args=(one, other), daemon=True
                ).start()

    def carry(self, one: socket.socket, other: socket.socket) -> None:
        """Carry bytes one way, each as late as the line makes it."""
        waiting: queue.Queue[tuple[float, bytes]] = queue.Queue(64)
        threading.Thread(target=deliver, args=(waiting, other), daemon=True).start()
        while True:
            try:
                data = one.recv(BLOCK)
            except OSError:
                data = b""
            waiting.put((self.due(len(data)), data))
            if not data:
                return

    def due(self, size: int) -> float:
        """Return when bytes that leave now have arrived: all share the line's rate."""
        now = time.monotonic()
        with self.lock:
            self.carried += size
            if self.rate:
                self.free_at = max(self.free_at, now) + size / self.rate
                now = self.free_at
        return now + self.latency


def deliver(waiting: queue.Queue[tuple[float, bytes]], other: socket.socket) -> None:
    while True:
        when, data = waiting.get()
        time.sleep(max(0.0, when - time.monotonic()))
        try:
            if not data:
                other.shutdown(socket.SHUT_WR)
                return
            other.sendall(data)
        except OSError:
            return


@contextmanager
def served(top: Path) -> Iterator[int]:
    """Serve a directory; give the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=top))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


@contextmanager
def line(to: int, latency: float, rate: float) -> Iterator[Line]:
    made = Line(to, latency, rate)
    threading.Thread(target=made.serve, daemon=True).start()
    try:
        yield made
    finally:
        made.listener.close()


@dataclass
class Machines:
    """Machines with nothing on them, one after another, each a store and a clone."""

    work: Path
    served: int  # the port of what they reach
    specs: str = SMALL
    channel: str = "channel"
    number: int = 0

    def get(
        self, port: int, *, remote: bool, push: bool = False, warm: Path | None = None
    ) -> list:
        """Return seconds to the clone, bytes of the template, its id, seconds by stage."""
        self.number += 1
        here = self.work / f"machine-{self.number}"
        here.mkdir()
        store = here / "store"
        if warm is not None:
            shutil.copytree(warm, store, symlinks=True)
        url = f"http://127.0.0.1:{port}"
        text = _GET.format(
            store=str(store),
            remote=f"{url}/remote" if remote else "",
            push=push,
            specs=self.specs.split(),
            channel=f"http://127.0.0.1:{self.served}/{self.channel}",
            clone=str(here / "clone"),
        )
        proxy = {"http_proxy": "", "CENV_STORE": str(store)}
        done = subprocess.run(
            [sys.executable, "-c", text.replace(f":{self.served}/", f":{port}/")],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **proxy},
        )
        found = json.loads(done.stdout)
        return [*found, store]

    def seconds(self, port: int, *, remote: bool, warm: Path | None = None) -> float:
        """The same for a machine that goes then: twenty large ones fill a memory."""
        seconds, *_, store = self.get(port, remote=remote, warm=warm)
        shutil.rmtree(store.parent)
        return seconds

    def untar(self, port: int) -> float:
        self.number += 1
        target = self.work / f"machine-{self.number}"
        target.mkdir()
        url = f"http://127.0.0.1:{port}/prefix.tar.zst"
        start = time.perf_counter()
        subprocess.run(_TAR.format(url=url, target=target), shell=True, check=True)
        seconds = time.perf_counter() - start
        shutil.rmtree(target)
        return seconds


def measured(name: str, carried: Line, rounds: int, once: Callable[[], float]) -> str:
    before = carried.carried
    seconds = [once() for _ in range(rounds)]
    each = (carried.carried - before) / rounds
    low, high = min(seconds), max(seconds)
    return (
        f"  {name:<46} {statistics.median(seconds):7.2f} s  ({low:.2f} .. {high:.2f})"
        f"  {each / 1e6:8.2f} MB on the wire"
    )


def at_once(get: Callable[[], float]) -> float:
    """Return the seconds until each of several machines has its clone."""
    start = time.perf_counter()
    threads = [threading.Thread(target=get) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def report(machines: Machines, carried: Line, packages: Path) -> Iterator[str]:
    """Yield the lines of one kind of network."""

    def get(**how: object) -> Callable[[], float]:
        return lambda: machines.seconds(carried.port, **how)  # type: ignore[arg-type]

    few = max(3, STORES // 4)
    yield measured("built from the channel", carried, few, get(remote=False))
    yield measured(
        "pulled, packages from the channel", carried, STORES, get(remote=True)
    )
    yield measured(
        "built, packages on the machine", carried, few, get(remote=False, warm=packages)
    )
    yield measured(
        "pulled, packages on the machine", carried, few, get(remote=True, warm=packages)
    )
    yield measured(
        "tar.zst of the prefix", carried, few, lambda: machines.untar(carried.port)
    )
    for name, remote in (("built", False), ("pulled", True)):
        yield measured(
            f"{name} by {AT_ONCE} machines at once",
            carried,
            1,
            lambda remote=remote: at_once(get(remote=remote)),
        )


def packages_of(store: Path, template: str) -> None:
    """Leave a store its packages alone, without the bytecode that was compiled of them."""
    import cenv

    cenv.TemplateStore(store, remote="").remove(template)
    for path in (store / "v1/requests").iterdir():
        path.unlink()
    for record in (store / "v1/pkgs").glob("*/*/record.json"):
        if "bytecode" in json.loads(record.read_text()):
            shutil.rmtree(record.parent)


def make_large(real: Path, channel: Path) -> str:
    """Make a channel of the real packages and of copies of them; return what is wanted."""
    import cenv
    from cenv.demo.package import Member, Package, write
    from cenv.solving.index_dir import index

    shutil.copytree(real, channel)
    names = []
    for number, archive in enumerate(sorted((real / "linux-64").glob("*-*"))):
        held = channel.with_name(f"{channel.name}-{number}")
        cenv.extract(archive, held)
        shutil.rmtree(held / "info")
        files = [
            path for path in held.rglob("*") if path.is_file() and not path.is_symlink()
        ]
        for copy in range(COPIES):
            name = f"copy-{copy}-{number}"
            below = [(f"opt/{name}/{path.relative_to(held)}", path) for path in files]
            members = [Member(at, path.read_bytes()) for at, path in below]
            write(Package(name, "1", members=members), channel)
            names.append(name)
        shutil.rmtree(held)
    index(channel)
    return " ".join([*SMALL.split(), *names])


def main() -> Iterator[str]:
    place = shared()
    if place is None:
        yield "the shared folder of real packages is not here: nothing measured"
        return
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with workspace(memory) as work:
        top = work / "top"
        top.mkdir()
        shutil.copytree(place / "channel", top / "channel")
        with served(top) as port:
            yield from run(Machines(work, port), top)
            specs = make_large(place / "channel", top / "large")
            yield from run_large(Machines(work / "more", port, specs, "large"), top)


def sizes(top: Path, template: str, size: int, what: str) -> str:
    description = json.loads((top / "remote/ac" / template).read_text())
    delta = description["delta"]["size"]
    packages = sum(record["size"] for record in description["template"]["records"])
    return (
        f"{what}: {size / 1e6:.1f} MB; packages {packages / 1e6:.1f} MB, "
        f"delta {delta / 1e6:.2f} MB ({100 * delta / size:.1f} %)"
    )


def run_large(machines: Machines, top: Path) -> Iterator[str]:
    machines.work.mkdir()
    _, size, template, _, store = machines.get(machines.served, remote=True, push=True)
    yield sizes(
        top, template, size, f"and copies of its binary packages, {COPIES} of each"
    )
    packages_of(store, template)
    with line(machines.served, 0.0, 0.0) as carried:
        for name, remote in (("built", False), ("pulled", True)):
            yield measured(
                f"{name}, packages on the machine",
                carried,
                1,
                lambda remote=remote: machines.seconds(
                    carried.port, remote=remote, warm=store
                ),
            )


def run(machines: Machines, top: Path) -> Iterator[str]:
    _, size, template, _, store = machines.get(machines.served, remote=True, push=True)
    prefix = store / "v1/templates" / template / "prefix"
    subprocess.run(
        f"tar -C {prefix} -c . | zstd -q -3 -T0 -o {top}/prefix.tar.zst",
        shell=True,
        check=True,
    )
    packed = (top / "prefix.tar.zst").stat().st_size
    yield f"{sizes(top, template, size, SMALL)}, tar.zst {packed / 1e6:.1f} MB"
    packages_of(store, template)
    for what, latency, rate in (
        ("loopback", 0.0, 0.0),
        ("20 ms there and back, 100 Mbit/s", 0.01, 100e6 / 8),
    ):
        yield what
        with line(machines.served, latency, rate) as carried:
            shutil.rmtree(top / "remote")
            machines.get(carried.port, remote=True, push=True)
            yield from report(machines, carried, store)


if __name__ == "__main__":
    for said in main():
        print(said, flush=True)
