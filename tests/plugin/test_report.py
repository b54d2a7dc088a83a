"""The parity report's files: their names, what is in them, and that no text of a result becomes markup."""

import json
import re
from datetime import timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pytest_mastra_convex.report import write_parity_report
from pytest_mastra_convex.results import CaseResult
from tests.plugin.report_examples import PAGE_END, REGISTER, RESULTS, STARTED, VERSIONS, result

MARKUP = "<script>alert('x')</script>&amp;\"'"


def page_of(tmp_path: Path, *results: CaseResult, versions: dict[str, str] = VERSIONS) -> str:
    path = write_parity_report(tmp_path / "report", results, versions, STARTED, register=REGISTER)
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("report", {"report.html", "report.json"}),
        ("report.html", {"report.html", "report.json"}),
        ("convex-1.48", {"convex-1.48.html", "convex-1.48.json"}),
    ],
)
def test_both_files_are_named_after_the_path(tmp_path: Path, given: str, written: set[str]) -> None:
    page = write_parity_report(tmp_path / "new" / given, RESULTS, VERSIONS, STARTED, register=REGISTER)

    assert {path.name for path in (tmp_path / "new").iterdir()} == written
    assert page in (tmp_path / "new").iterdir()
    assert page.suffix == ".html"


def test_json_holds_all_that_is_known(tmp_path: Path) -> None:
    page_of(tmp_path, *RESULTS)

    document = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert [CaseResult.from_json(entry) for entry in document.pop("results")] == list(RESULTS)
    assert document == {
        "format": 1,
        "started": "2026-11-22T14:03:09+00:00",
        "versions": VERSIONS,
        "targets": ["emulator", "server", "oracle"],
        "counts": {
            "emulator": {"passed": 5},
            "server": {"failed": 1, "passed": 4},
            "oracle": {"diverges": 1, "not run": 1, "passed": 2, "skipped": 1},
        },
        "divergences": {"page-end": {name: getattr(PAGE_END, name) for name in PAGE_END.__dataclass_fields__}},
    }


def test_time_is_given_in_utc(tmp_path: Path) -> None:
    elsewhere = STARTED.astimezone(timezone(timedelta(hours=-9)))

    path = write_parity_report(tmp_path / "report", RESULTS, VERSIONS, elsewhere, register=REGISTER)

    assert '<time datetime="2026-11-22T14:03:09+00:00">2026-11-22 14:03 UTC</time>' in path.read_text(encoding="utf-8")


# The shipped register is used unless another one is given.
def test_shipped_register_explains_its_entries(tmp_path: Path) -> None:
    results = [result("a.py::b", "oracle", "diverges", divergence="cursors")]

    page = write_parity_report(tmp_path / "report", results, VERSIONS, STARTED).read_text(encoding="utf-8")

    assert "Cursors of convex-test are plain JSON" in page


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        ((), "No case ran."),
        ((result("a", "live"),), "1 case on live, and none failed."),
        (RESULTS[:6], "2 cases on 3 targets, and none failed."),
        (RESULTS[:9], "3 cases on 3 targets, and none failed; 1 differs as registered."),
        (RESULTS, "1 of 5 cases failed on at least one of 3 targets; 1 differs as registered."),
        ((result("a", "live", "failed"),), "1 of 1 case failed on live."),
    ],
)
def test_verdict_says_it_in_one_sentence(tmp_path: Path, results: tuple[CaseResult, ...], verdict: str) -> None:
    assert f">{verdict}</p>" in page_of(tmp_path, *results)


class Elements(HTMLParser):
    """Which elements a page has, and which of them were left open or closed out of order."""

    EMPTY = frozenset({"meta", "link", "col", "input", "wbr"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "data", "srcset")]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_every_element_is_closed_in_order(tmp_path: Path) -> None:
    assert Elements(page_of(tmp_path, *RESULTS)).open == []


def test_page_names_no_other_file(tmp_path: Path) -> None:
    page = page_of(tmp_path, *RESULTS)

    assert set(Elements(page).addresses) == {"data:,"}
    assert re.findall(r"url\(|@import|https?://", page) == []


# Names of tests, failures and answers are anything at all; a report that runs them is a hole.
def test_no_text_becomes_markup(tmp_path: Path) -> None:
    hostile = result(MARKUP, MARKUP, "failed", detail=MARKUP, comment=MARKUP, calls=(MARKUP,))
    plain = page_of(tmp_path, result("a::b", "t", "failed", detail="d", comment="c", calls=("e",)), versions={"v": "1"})

    page = page_of(tmp_path, hostile, versions={MARKUP: MARKUP})

    assert Elements(page).names == Elements(plain).names
    assert "<script>alert" not in page
    assert page.count("alert(&#x27;x&#x27;)") > 8


@pytest.mark.parametrize("text", ["$started", "${verdict}", "$$", "$"])
def test_dollars_of_results_stay_dollars(tmp_path: Path, text: str) -> None:
    assert f'<pre tabindex="0">{text}</pre>' in page_of(tmp_path, result("a::b", "live", "failed", detail=text))


# Cases about half characters and NUL print them when they fail.
def test_unprintable_text_can_be_written(tmp_path: Path) -> None:
    page = page_of(tmp_path, result("a::b", "live", "failed", detail="\ud800 \x00"))

    assert r'<pre tabindex="0">\ud800 \x00</pre>' in page
