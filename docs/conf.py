# SPDX-License-Identifier: BSD-3-Clause
"""The pages as a site, `make docs`: README.md is its first page, docs/README.md its table.

The source directory is the top of the repository, so that links between pages are the
same here and on a forge.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent

project = "cenv"
author = "the cenv developers"
extensions = ["myst_parser"]
root_doc = "README"
include_patterns = ["*.md", "docs/**"]
exclude_patterns = [".*", "build", "csrc", "python", "tests", "benchmarks"]
html_theme = "furo"
html_title = "cenv"
html_copy_source = False
# Headings are what links lead to, as on a forge.
myst_heading_anchors = 4
nitpicky = True


def contents() -> str:
    """Return the site's table of contents: one toctree a section of docs/README.md."""
    trees = []
    for section in (TOP / "docs/README.md").read_text().split("\n## ")[1:]:
        pages = re.findall(r"\[[^\]]*\]\(([\w./-]*)\.md\)", section)
        names = [f"docs/{page}".replace("docs/../", "") for page in pages]
        caption = section.partition("\n")[0]
        trees.append(["```{toctree}", ":hidden:", f":caption: {caption}", "", *names])
    return "".join("\n".join(["", *tree, "```", ""]) for tree in trees)


def add_contents(app: Any, name: str, source: list[str]) -> None:
    """Append the table to the first page, where a forge shows none; it is its own page."""
    if name == root_doc:
        source[0] += contents()
    elif name == "docs/README":
        source[0] = "---\norphan: true\n---\n" + source[0]


def setup(app: Any) -> dict[str, bool]:
    """Sphinx's entry."""
    app.connect("source-read", add_contents)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
