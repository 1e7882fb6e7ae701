# SPDX-License-Identifier: BSD-3-Clause
"""Pages of reports in headless Chromium: what is seen, heard, and asked of the network."""

from __future__ import annotations

import base64
import json
import os
import shutil
import struct
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cenv.reporting import advice, causes, difference
from cenv.reporting.page import one, two
from cenv.reporting.run import Run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip(
        "Chromium is not installed (apt install chromium)", allow_module_level=True
    )
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
FLAGS += ["--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe"]
WAIT = 'exec "$0" "$@" 3<&{} 4>&{}'


class Browser:
    """Chromium, told what to do over a pipe (the DevTools protocol)."""

    def __init__(self, profile: Path) -> None:
        theirs, self._to = os.pipe()
        self._from, back = os.pipe()
        command = ["bash", "-c", WAIT.format(theirs, back), CHROMIUM or "", *FLAGS]
        command.append(f"--user-data-dir={profile}")
        with open(profile.with_suffix(".log"), "wb") as log:
            self.process = subprocess.Popen(
                command, pass_fds=(theirs, back), stdout=log, stderr=log
            )
        os.close(theirs)
        os.close(back)
        self._count, self._read, self._session = 0, b"", None
        self.asked: list[str] = []  # of the network
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Network", "Page", "Accessibility"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> Any:
        """Call a method and return its result; what comes between is looked through."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (reply := self._next()).get("id") != self._count:
            pass
        assert "error" not in reply, reply
        return reply["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._read:
            more = os.read(self._from, 1 << 20)
            assert more, "Chromium went away"
            self._read += more
        text, _, self._read = self._read.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if message.get("method") == "Network.requestWillBeSent":
            self.asked.append(message["params"]["request"]["url"])
        self.loaded = message.get("method") == "Page.loadEventFired"
        return message

    def show(self, page: Path, width: int = 1200, colours: str = "light") -> None:
        """Load a page in a window of a width, for a reader who likes light or dark."""
        self.asked.clear()
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        features = [{"name": "prefers-color-scheme", "value": colours}]
        self.call("Emulation.setEmulatedMedia", features=features)
        self.call("Page.navigate", url=page.as_uri())
        while not self.loaded:
            self._next()

    def value(self, expression: str) -> Any:
        """Return the value of an expression in the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return found["result"]["value"]

    def names(self, role: str) -> list[str]:
        """Return the names that a screen reader tells of all things of a role."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [
            node.get("name", {}).get("value", "")
            for node in nodes
            if node.get("role", {}).get("value") == role and not node.get("ignored")
        ]

    def colours(self, selector: str) -> set[tuple[int, int, int]]:
        """Return the colours that a picture of the first such element has."""
        box = self.value(
            f"(b => ({{x: b.x, y: b.y, width: b.width, height: b.height, scale: 1}}))"
            f"(document.querySelector({selector!r}).getBoundingClientRect())"
        )
        shot = self.call("Page.captureScreenshot", clip=box, captureBeyondViewport=True)
        return colours_of(base64.b64decode(shot["data"]))

    def close(self) -> None:
        """End the browser."""
        self._session = None
        self.call("Browser.close")
        self.process.wait(30)
        os.close(self._to)
        os.close(self._from)


def colours_of(png: bytes) -> set[tuple[int, int, int]]:
    """Return the colours of a PNG of eight bits a channel, not interlaced."""
    width, height, depth, kind, *_, interlaced = struct.unpack(">IIBBBBB", png[16:29])
    assert (depth, interlaced) == (8, 0)
    step = {2: 3, 6: 4}[kind]
    data, at = b"", 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += length + 12
    rows, above = zlib.decompress(data), bytearray(width * step)
    found: set[tuple[int, int, int]] = set()
    for y in range(height):
        start = y * (width * step + 1)
        row = bytearray(rows[start + 1 : start + 1 + width * step])
        unfilter(rows[start], row, above, step)
        found.update(zip(row[0::step], row[1::step], row[2::step]))
        above = row
    return found


def unfilter(kind: int, row: bytearray, above: bytearray, step: int) -> None:
    """Undo the filter of a row of a PNG."""
    for x in range(len(row)) if kind else ():
        left = row[x - step] if x >= step else 0
        corner = above[x - step] if x >= step else 0
        guess = (0, left, above[x], (left + above[x]) // 2, None)[kind]
        if guess is None:
            each = {
                d: abs(left + above[x] - corner - d) for d in (left, above[x], corner)
            }
            guess = min((left, above[x], corner), key=each.__getitem__)
        row[x] = (row[x] + guess) & 255


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return a browser that all tests share."""
    found = Browser(tmp_path_factory.mktemp("chromium") / "profile")
    yield found
    found.close()


@pytest.fixture(scope="module")
def pages(
    tmp_path_factory: pytest.TempPathFactory, pair: tuple[Run, Run]
) -> list[Path]:
    """Return the page of a run and that of a difference."""
    place = tmp_path_factory.mktemp("pages")
    trials = advice.Trials((advice.Advice("pin", "a=1", "a=1 in place of a", 2.0),))
    (place / "one.html").write_text(one.page(pair[1], causes.of_run(pair[1]), trials))
    (place / "two.html").write_text(two.page(difference.between(*pair), ["tried"]))
    return [place / "one.html", place / "two.html"]


EXTRACT, LINK = (0xFB, 0xC4, 0x8A), (0xA9, 0xDC, 0x9B)  # of the style sheet
LIGHT = {
    "paper": (255, 255, 255),
    "ink": (0x1B, 0x1D, 0x21),
    "cell": (0xDB, 0xE8, 0xFA),
}
DARK = {
    "paper": (0x15, 0x17, 0x1A),
    "ink": (0xE7, 0xE9, 0xEC),
    "cell": (0x22, 0x35, 0x4F),
}


@pytest.mark.parametrize(("name", "colours"), [("light", LIGHT), ("dark", DARK)])
def test_page__is_drawn_in_light_and_dark(browser, pages, name, colours) -> None:
    browser.show(pages[0], 360, name)
    assert {colours["paper"], colours["ink"]} <= browser.colours("h1")
    assert {EXTRACT, LINK} <= browser.colours(".waterfall")
    assert {colours["cell"], colours["ink"]} <= browser.colours(".treemap")


def test_page__asks_nothing_of_the_network(browser, pages) -> None:
    for page in pages:
        browser.show(page)
        assert browser.asked == [page.as_uri()]


@pytest.mark.parametrize("width", [320, 1200])
def test_page__fits_the_window_at_any_zoom(browser, pages, width: int) -> None:
    """A window of 1280 pixels at 400 % is 320 pixels of a page wide."""
    for page in pages:
        browser.show(page, width)
        assert browser.value("document.documentElement.scrollWidth") == width
        boxes = browser.value(
            "[...document.querySelectorAll('.treemap, .waterfall, .track')]"
            ".map(e => [e.getBoundingClientRect().width, e.getBoundingClientRect().height])"
        )
        assert len(boxes) >= 4
        assert all(wide > 200 and high > 10 for wide, high in boxes)
        text = "parseFloat(getComputedStyle(document.querySelector('.bar')).fontSize)"
        assert browser.value(text) >= 12


def test_page__shows_a_sentence_whole_whatever_it_names(browser, pages) -> None:
    browser.show(pages[1], 320)
    table = "document.querySelector('.scroll')"
    long = f"{table}.querySelector('td').textContent = 'file:///' + 'x'.repeat(90)"
    assert browser.value(long).endswith("x")
    assert browser.value(f"{table}.scrollWidth <= {table}.clientWidth")


def test_page__is_told_by_a_screen_reader(browser, pages) -> None:
    browser.show(pages[1])
    headings = browser.names("heading")
    assert headings[0].startswith("Why create python, scipy and pytorch took ")
    for name in ("What made the difference", "Waterfalls", "Packages"):
        assert name in headings
    pictures = browser.names("image")
    assert len(pictures) == 4
    assert all("table" in picture for picture in pictures)
    assert "Causes, whose seconds add up to the difference" in browser.names("table")
    assert "pytorch" in browser.names("rowheader")
