# SPDX-License-Identifier: BSD-3-Clause
"""Write a repodata.json of the size and shape of conda-forge's linux-64.

The real file (700,000 records, some 369 MB) cannot be shipped, so its
distribution is: about 527 bytes a record on average, log-normally spread by the
number of dependencies; some 31,000 names of which few have thousands of records
and most have a dozen; keys sorted; .tar.bz2 before .conda with few twins. With
--merge real records (of a smaller repodata.json) are added, so that real specs
can be solved in a file of full size. The same seed gives the same bytes.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path

Sections = dict[str, dict[str, str]]  # section -> file name -> JSON of the record

SUBDIR = "linux-64"
NAMES_PER_RECORD = 31 / 700
WORDS = (
    "py lib r core data net http json yaml geo bio sci plot graph image audio video "
    "math stat learn torch tensor cloud aws azure google kube docker git test doc "
    "build tool util async web api db sql mongo redis rust go node perl gcc llvm"
).split()


def compact(record: dict[str, object]) -> str:
    return json.dumps(record, separators=(",", ":"), sort_keys=True)


def make_names(rng: random.Random, count: int) -> list[str]:
    """Distinct package names of one to three words, sorted."""
    names: set[str] = set()
    while len(names) < count:
        parts = rng.choices(WORDS, k=rng.randint(1, 3))
        names.add("-".join(parts) + str(rng.randint(0, 10 * count)))
    return sorted(names)


def shares(rng: random.Random, names: list[str], total: int) -> list[int]:
    """How many records each name has: a heavy tail, as builds x versions give."""
    weights = [rng.paretovariate(0.9) for _ in names]
    scale = total / sum(min(w, 400.0) for w in weights)
    counts = [max(1, round(min(w, 400.0) * scale)) for w in weights]
    counts[0] = max(1, counts[0] + total - sum(counts))
    return counts


def spec(rng: random.Random, names: list[str]) -> str:
    """One dependency, in the frequencies of real data (docs/design/solve.md 2.2)."""
    name = names[int(rng.random() ** 3 * len(names))]
    low, high = rng.randint(0, 30), rng.randint(31, 60)
    forms = [
        f"{name} >={low}.{high},<{high}.0a0",
        f"{name} >={low}.{high}",
        name,
        f"python_abi 3.{low}.* *_cp3{low}",
        f"{name} {low}.*",
    ]
    return rng.choices(forms, weights=[45, 33, 10, 8, 4])[0]


def records(
    rng: random.Random, names: list[str], name: str, count: int
) -> Iterator[tuple[str, dict[str, object]]]:
    """The records of one name as (file name, record)."""
    for i in range(count):
        version = f"{i // 12}.{rng.randint(0, 20)}.{rng.randint(0, 9)}"
        number = i % 3
        build = f"py3{8 + i % 6}h{rng.getrandbits(28):07x}_{number}"
        depends = [spec(rng, names) for _ in range(int(rng.lognormvariate(1.52, 0.7)))]
        record: dict[str, object] = {
            "build": build,
            "build_number": number,
            "depends": depends,
            "license": rng.choice(["MIT", "BSD-3-Clause", "Apache-2.0", "GPL-3.0"]),
            "license_family": "OTHER",
            "md5": f"{rng.getrandbits(128):032x}",
            "name": name,
            "sha256": f"{rng.getrandbits(256):064x}",
            "size": int(rng.lognormvariate(12, 2)),
            "subdir": SUBDIR,
            "timestamp": 1_500_000_000_000 + rng.randint(0, 300_000_000_000),
            "version": version,
        }
        if rng.random() < 0.12:
            record["constrains"] = [spec(rng, names)]
        extension = ".tar.bz2" if rng.random() < 0.3 else ".conda"
        yield f"{name}-{version}-{build}{extension}", record


def generate(total: int, seed: int) -> Sections:
    """The two sections of a file with `total` records."""
    rng = random.Random(seed)
    sections: Sections = {"packages": {}, "packages.conda": {}}
    names = make_names(rng, max(1, int(total * NAMES_PER_RECORD)))
    for name, count in zip(names, shares(rng, names, total), strict=True):
        for fn, record in records(rng, names, name, count):
            section = "packages.conda" if fn.endswith(".conda") else "packages"
            sections[section][fn] = compact(record)
    return sections


def merge(sections: Sections, source: Path) -> None:
    """Add the records of another repodata.json."""
    other = json.loads(source.read_bytes())
    for section, entries in sections.items():
        for fn, record in other.get(section, {}).items():
            entries[fn] = compact(record)


def write(sections: Sections, target: Path) -> None:
    """As conda-index writes: compact, keys sorted, one line."""
    with target.open("w") as file:
        file.write('{"info":{"subdir":"' + SUBDIR + '"}')
        for section, entries in sections.items():
            file.write(f',"{section}":{{')
            for i, (fn, record) in enumerate(sorted(entries.items())):
                file.write(f'{"," if i else ""}"{fn}":{record}')
            file.write("}")
        file.write(',"removed":[],"repodata_version":1}')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path)
    parser.add_argument("--records", type=int, default=700_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--merge", type=Path, action="append", default=[])
    args = parser.parse_args()
    sections = generate(args.records, args.seed)
    for source in args.merge:
        merge(sections, source)
    write(sections, args.target)
    size = args.target.stat().st_size
    number = sum(len(entries) for entries in sections.values())
    print(f"{args.target}: {number} records, {size} bytes, {size / number:.0f} each")


if __name__ == "__main__":
    main()
