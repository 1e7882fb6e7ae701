# SPDX-License-Identifier: BSD-3-Clause
"""Pages of reports: whole without pictures, network and scripts, and safe from names."""

from __future__ import annotations

import itertools
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cenv.cli import main
from cenv.reporting import advice, causes, difference
from cenv.reporting.page import explained, one, treemap, two
from cenv.reporting.page.markup import element
from cenv.reporting.run import Run

TRIALS = advice.Trials((advice.Advice("pin", "a=1", "a=1 in place of a", 2.0),))
VOID = {"meta", "br"}


class Page(HTMLParser):
    """The elements and the text of a page; every element that opens closes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of all elements of a name."""
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(params=["one", "two"])
def page(request: pytest.FixtureRequest, pair: tuple[Run, Run]) -> Page:
    """Return the page of a run, and that of a difference."""
    before, after = pair
    if request.param == "one":
        return Page(one.page(after, causes.of_run(after), TRIALS))
    return Page(two.page(difference.between(before, after), ["without pytorch: less"]))


def test_page__needs_no_network_and_no_script(page: Page) -> None:
    assert page.all("script") == []
    for _, attributes in page.elements:
        assert not {"src", "href", "srcset", "onclick", "action"} & set(attributes)
    (policy,) = (m for m in page.all("meta") if "http-equiv" in m)
    assert "default-src 'none'" in (policy["content"] or "")
    assert "http" not in page.text.replace("http_", "")


def test_page__shows_names_as_text(page: Page) -> None:
    assert "<script>alert(1)</script>\\u202e" in page.text


def test_page__is_readable_without_its_pictures(page: Page) -> None:
    levels = [int(t[1]) for t, _ in page.elements if re.fullmatch("h[1-6]", t)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    pictures = [a for _, a in page.elements if a.get("role") == "img"]
    assert len(pictures) >= 2
    assert all("table" in (picture["aria-label"] or "") for picture in pictures)
    assert len(page.all("caption")) == len(page.all("table")) >= 5
    assert all("scope" in cell for cell in page.all("th"))
    assert page.all("html")[0]["lang"] == "en"
    for name in ("pytorch", "python 3.12", "zlib", "460 MB"):
        assert name in page.text


def test_page_of_one__tells_causes_and_advice(pair: tuple[Run, Run]) -> None:
    shown = Page(one.page(pair[1], causes.of_run(pair[1]), TRIALS)).text
    assert "pytorch 1.0: 460 MB" in shown
    assert "saves 2.00 s: a=1 in place of a" in shown


def test_page_of_two__sets_runs_side_by_side(pair: tuple[Run, Run]) -> None:
    found = Page(two.page(difference.between(*pair), ["without pytorch: less"]))
    assert found.text.count("Before") >= 4
    assert "the spec pytorch is asked for, and was not before" in found.text
    assert "without pytorch: less" in found.text
    assert len([a for _, a in found.elements if a.get("role") == "img"]) == 4


def test_element__escapes_what_is_no_html() -> None:
    made = element("p", "<b>&\x1b[31m", title='"><i>')
    assert made == ('<p title="&quot;&gt;&lt;i&gt;">&lt;b&gt;&amp;\\u001b[31m</p>')


@pytest.mark.parametrize(
    "weights", [[1.0], [6, 6, 4, 3, 2, 2, 1], [1000, 1, 1], [5] * 40]
)
def test_tree_map__fills_its_box_without_overlaps(weights: list[float]) -> None:
    boxes = treemap.squarified(weights, treemap.Box(0, 0, 100, 50))
    areas = [box.width * box.height for box in boxes]
    assert areas == pytest.approx([w * 5000 / sum(weights) for w in weights])
    for at, a in enumerate(boxes):
        assert a.left >= -1e-9
        assert a.left + a.width <= 100 + 1e-6
        assert a.top + a.height <= 50 + 1e-6
        for b in boxes[at + 1 :]:
            wide = min(a.left + a.width, b.left + b.width) - max(a.left, b.left)
            high = min(a.top + a.height, b.top + b.height) - max(a.top, b.top)
            assert wide < 1e-6 or high < 1e-6


TREE = """\
a and b cannot be installed together:
├─ a is asked for
└─ b is asked for
   ├─ b 1 needs c
   │  └─ no channel has c
   └─ b 2 needs d
nothing: no channel has it"""


def test_explanation__becomes_lists_in_each_other() -> None:
    top, nothing = explained.branches(TREE.splitlines())
    assert nothing.line == "nothing: no channel has it"
    assert [b.line for b in top.below] == ["a is asked for", "b is asked for"]
    one_needs, two_needs = top.below[1].below
    assert [b.line for b in one_needs.below] == ["no channel has c"]
    assert two_needs.line == "b 2 needs d"
    indented = explained.branches(
        ["a 1 was chosen", "  not a 2: too new", "  not a 3: x"]
    )
    assert [b.line for b in indented[0].below] == ["not a 2: too new", "not a 3: x"]


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """Return the words of a solve on a channel of two versions, written as a page."""
    records = {
        f"a-{v}-0.conda": {"name": "a", "version": v, "build": "0", "build_number": 0}
        for v in ("1", "2")
    }
    (tmp_path / "noarch").mkdir()
    document = json.dumps({"packages.conda": records})
    (tmp_path / "noarch/repodata.json").write_text(document)
    common = [
        "-c",
        str(tmp_path),
        "--override-channels",
        "--store",
        str(tmp_path / "s"),
    ]
    return ["-q", "solve", *common, "--html", str(tmp_path / "page.html")]


def test_command__writes_explanations_as_a_page(words, tmp_path, capsys) -> None:
    assert main([*words, "a<2", "--explain", "a=2"]) == 0
    shown = Page((tmp_path / "page.html").read_text()).text
    assert "Why the solve chose what it did of a=2" in shown
    for line in capsys.readouterr().out.splitlines():
        assert line.strip() in shown
    assert main([*words, "a=3"]) == 1
    shown = Page((tmp_path / "page.html").read_text()).text
    assert "Why the solve found no solution" in shown
    assert "a=3" in shown
    assert main([*words, "a"]) == 0
    assert "What was chosen" in Page((tmp_path / "page.html").read_text()).text
