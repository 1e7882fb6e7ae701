# SPDX-License-Identifier: BSD-3-Clause
"""That what pages, comments and jobs name is there: documents, sections, files, targets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

# A document, and the number of a section: "docs/design/solve.md 4.2".
CITATION = re.compile(r"(?<![\w/.-])([\w./-]+\.md)(?!\w)(?: (\d+(?:\.\d+)*)(?![\w%]))?")
LINK = re.compile(r"\]\(([^)\s]+)\)")
NAMED = re.compile(
    r"`((?:csrc|python|tests|benchmarks|docs|\.ci|\.github|cenv)/[\w./*-]*)`"
)
BLOCK = re.compile(r"^```.*?^```", re.M | re.S)
CASE = re.compile(r"\b([PRSV]\d+)\b")
TARGET = re.compile(r"^ *make ([a-z]+)\b", re.M)
# What may be named though it is a user's, another project's, or made by a test.
ELSEWHERE = {"README.md", "CHANGELOG.md", "LICENCE.md", "steps.md"}


@pytest.fixture(scope="module")
def pages(tracked: list[Path]) -> list[Path]:
    """Return the documents of the tree."""
    found = [path for path in tracked if path.suffix == ".md"]
    assert len(found) > 15
    return found


def prose(path: Path) -> str:
    """Return the text of a page without its code blocks."""
    return BLOCK.sub("", path.read_text())


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


def anchors(path: Path) -> set[str]:
    return {anchor(h) for h in re.findall(r"^#+ (.*)$", prose(path), re.M)}


def sections(path: Path) -> set[str]:
    return set(re.findall(r"^#+ (\d+(?:\.\d+)*)\b", path.read_text(), re.M))


def test_links__lead_to_documents_and_sections(pages, top):
    wrong = []
    for page in pages:
        for link in LINK.findall(prose(page)):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, fragment = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            if not target.exists() or (fragment and fragment not in anchors(target)):
                wrong.append(f"{page.relative_to(top)}: {link}")
    assert wrong == []


def test_readme__has_no_links_into_the_tree(top):
    links = LINK.findall((top / "README.md").read_text())
    assert [link for link in links if not re.match(r"https?:", link)] == []


def cited(path: Path) -> list[tuple[str, str]]:
    """Return document and section of each citation; a comment may break before the section."""
    text = re.sub(r"\n\s*(?:\*|//|#)? ?", " ", path.read_text(errors="replace"))
    return CITATION.findall(text)


def test_citations__name_documents_in_the_tree(tracked, top):
    wrong = []
    for path in tracked:
        if path.suffix not in (".c", ".cc", ".h", ".py", ".txt", ""):
            continue
        for name, section in cited(path):
            document = top / name
            if name in ELSEWHERE:
                continue
            if not document.exists() or (section and section not in sections(document)):
                wrong.append(f"{path.relative_to(top)}: {name} {section}".rstrip())
    assert wrong == []


def test_citations__have_no_signs_of_sections(tracked, top):
    sign = chr(0xA7)
    wrong = [
        str(path.relative_to(top))
        for path in tracked
        if path.suffix in (".c", ".h", ".py", ".md") and sign in path.read_text()
    ]
    assert wrong == []


def test_cases__are_told_in_the_design(tracked, top):
    told = set(
        re.findall(
            r"^\| ([PRSV]\d+) \|", (top / "docs/design/solve.md").read_text(), re.M
        )
    )
    wrong = []
    for path in tracked:
        inside = path.relative_to(top)
        if inside.parts[:2] == ("tests", "solver"):
            text = path.read_text()
            found = CASE.findall(text if path.suffix == ".md" else text.split("\n")[0])
            wrong += [f"{inside}: {case}" for case in found if case not in told]
    assert {"P1", "P30", "V13", "S20", "R20"} <= told
    assert wrong == []


def test_pages__name_files_that_exist(pages, top):
    wrong = []
    for page in pages:
        for name in NAMED.findall(prose(page)):
            base = top / "python" if name.startswith("cenv/") else top
            if not list(base.glob(name.rstrip("/"))):
                wrong.append(f"{page.relative_to(top)}: {name}")
    assert wrong == []


@pytest.fixture(scope="module")
def targets(top: Path) -> set[str]:
    """Return the targets that somebody may ask make for."""
    text = (top / "Makefile").read_text() + (top / "csrc/Makefile").read_text()
    named = re.findall(r"^\.PHONY: (.*)$", text, re.M)
    return {word for line in named for word in line.split() if word.isalpha()}


def test_pages__name_targets_that_exist(pages, targets, top):
    wrong = [
        f"{page.relative_to(top)}: make {found}"
        for page in pages
        for found in re.findall(r"`make ([a-z]+)", page.read_text())
        if found not in targets
    ]
    assert wrong == []


def test_testing__tells_every_target(top, targets):
    text = (top / "docs/testing.md").read_text()
    told = set(re.findall(r"`make ([a-z]+)", text))
    assert targets - told - {"help", "libfuzzer"} == set()


def test_rooms__are_told_in_the_architecture(top, rooms):
    text = (top / "docs/architecture.md").read_text()
    table = text.split("## 1. Rooms")[1].split("## 2.")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.M) == list(rooms)


def test_stages__are_told_in_the_architecture(top):
    table = (top / "csrc/base/stage.h").read_text()
    text = (top / "docs/architecture.md").read_text()
    told = text.split("## 7. Trace")[1].split("## 8.")[0]
    stages = re.findall(r'XX\([A-Z_]+, "([^"]+)", "[a-z]*"\)', table)
    assert len(stages) > 10
    assert [stage for stage in stages if f"`{stage}`" not in told] == []


def scripts(top: Path) -> list[str]:
    """Return what the jobs of the repository's workflows run."""
    found = []
    for path in sorted((top / ".github/workflows").glob("*.yml")):
        jobs = YAML(typ="safe").load(path.read_text())["jobs"]
        steps = [step for job in jobs.values() for step in job["steps"]]
        found += [step["run"] for step in steps if "run" in step]
    return found


def test_workflows__run_targets_that_exist(top, targets):
    asked = {target for script in scripts(top) for target in TARGET.findall(script)}
    assert {"test", "lint", "ctest", "tsan", "fuzz"} <= asked
    assert asked <= targets


def test_workflows__run_all_that_a_change_must_pass(top):
    wanted = TARGET.findall((top / ".ci/run").read_text())
    asked = [target for script in scripts(top) for target in TARGET.findall(script)]
    assert wanted
    assert set(wanted) <= set(asked)
