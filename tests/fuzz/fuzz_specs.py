# SPDX-License-Identifier: BSD-3-Clause
"""Searches for files of specs and locks that end in anything but records or one clear error.

    python tests/fuzz/fuzz_specs.py [--seconds N] [--inputs N] [--seed N]

Files of tests/corpus/specs are changed byte by byte, line by line and word by word, and read as
`cenv create --file` reads them: conda-lock files, pixi.lock, @EXPLICIT lists, environment.yml and
lists of specs. What fails is kept in build/fuzz, and belongs into the corpus, with the fix.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
CORPUS = TESTS / "corpus" / "specs"
KEPT = TESTS.parent / "build" / "fuzz"
SECONDS_EACH = 10
PLATFORM = "linux-64"
WORDS = (
    *(b"null", b"true", b"~", b"0", b"-1", b"1e999", b".nan", b"0x1F", b"1_000"),
    *(
        b"[]",
        b"{}",
        b"- ",
        b": ",
        b"? ",
        b"&a ",
        b"*a",
        b"<<: *a",
        b"!!binary ",
        b"!x ",
    ),
    *(
        b"|\n",
        b">-\n",
        b"%YAML 1.1\n",
        b"---\n",
        b"...\n",
        b"#",
        b"\t",
        b"\r",
        b"\xef\xbb\xbf",
    ),
    *(
        b"@EXPLICIT\n",
        b"https://h/c/noarch/a-1-0.conda",
        b"file:///etc/passwd",
        b"#sha256:",
    ),
    *(
        b"https://u:p@h/t/tk-x/c/",
        b"\\x1b[31m",
        b"\x1b]0;x\x07",
        b"\xe2\x80\xae",
        b"../../x",
    ),
    *(b"linux-64", b"noarch", b"pip", b"conda", b"dependencies:\n", b"package:\n"),
    *(
        b"9" * 40,
        b"a" * 300,
        b"\x00",
        b"\xff",
        b"$HOME",
        b"if __unix",
        b"[when=",
        b"::",
    ),
)


def mutate(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """Change a file at some places, most often at one or two."""
    for _ in range(chance.choice((1, 1, 1, 2, 2, 4, 8))):
        data = chance.choice((_bytes, _word, _line, _line, _cut, _splice))(
            data, others, chance
        )
    return data[: 1 << 16]


def _bytes(data: bytes, _others: list[bytes], chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    new = bytes(chance.randrange(256) for _ in range(chance.randrange(3)))
    return data[:at] + new + data[at + chance.randrange(3) :]


def _word(data: bytes, _others: list[bytes], chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice(WORDS) + data[at + chance.choice((0, 0, 1, 8)) :]


def _line(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """Leave a line out, repeat it elsewhere, move it in or out, or change its value."""
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    line = lines[at]
    kind = chance.randrange(5)
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(chance.randrange(len(lines) + 1), line)
    elif kind == 2:
        lines[at] = b"  " + line if chance.randrange(2) else line[2:]
    elif kind == 3:
        lines[at] = line.partition(b":")[0] + b": " + chance.choice(WORDS)
    else:
        lines.insert(at, chance.choice(chance.choice(others).split(b"\n")))
    return b"\n".join(lines)


def _cut(data: bytes, _others: list[bytes], chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] if chance.randrange(2) else data[at:]


def _splice(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    other = chance.choice(others)
    end = data[chance.randrange(len(data) + 1) :]
    return other[: chance.randrange(len(other) + 1)] + end


def complaint(place: Path, data: bytes) -> str | None:
    """Read a file of these bytes; say what is wrong with what comes of it."""
    from cenv.errors import CenvError
    from cenv.specs import spec_file
    from cenv.specs.link_order import link_order
    from cenv.specs.specs import MatchSpec

    place.write_bytes(data)
    signal.alarm(SECONDS_EACH)
    try:
        found = spec_file.read([place], platform=PLATFORM)
        json.dumps([found.channels, link_order(found.records), found.notices])
        for spec in found.specs:
            MatchSpec(spec)
        text = ""  # what prints notices escapes them
    except CenvError as failure:
        text = f"{failure} {failure.hint or ''}"
        if not str(failure).strip():
            return "an error without a message"
    except BaseException:
        return traceback.format_exc(limit=-6)
    finally:
        signal.alarm(0)
    steers = [
        c for c in text if (c < " " and c not in "\t\n") or "\u202a" <= c <= "\u202e"
    ]
    return f"it says {text!r}" if steers else None


def _too_long(_signal: int, _frame: object) -> None:
    raise TimeoutError(f"it takes more than {SECONDS_EACH} s")


def search(options: argparse.Namespace, place: Path) -> int:
    """Try inputs until time is up, or so many; return how many, or -1 after a failure."""
    seeds = sorted(CORPUS.iterdir())
    corpus = [path.read_bytes() for path in seeds]
    chance = random.Random(options.seed)
    until = time.monotonic() + options.seconds
    tried = 0
    while tried < (options.inputs or 1 << 60) and time.monotonic() < until:
        at = tried if tried < len(seeds) else chance.randrange(len(seeds))
        data = corpus[at] if tried < len(seeds) else mutate(corpus[at], corpus, chance)
        tried += 1
        wrong = complaint(place.with_suffix(seeds[at].suffix), data)
        if wrong:
            KEPT.mkdir(parents=True, exist_ok=True)
            kept = KEPT / f"specs-{options.seed}-{tried}{seeds[at].suffix}"
            kept.write_bytes(data)
            print(f"{wrong}\nthe file is kept as {kept}")
            return -1
    return tried


def main() -> int:
    """Search; tell how far it came."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument(
        "--inputs", type=int, help="so many (default: all there is time for)"
    )
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, _too_long)
    with tempfile.TemporaryDirectory(prefix="cenv-fuzz-") as top:
        os.environ |= {"HOME": top, "CENV_STORE": top + "/store"}
        tried = search(options, Path(top) / "file")
    if tried >= 0:
        print(f"specs: {tried} files, seed {options.seed}")
    return tried < 0


if __name__ == "__main__":
    sys.exit(main())
