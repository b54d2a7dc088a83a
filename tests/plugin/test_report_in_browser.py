"""The parity report as a person sees it, in a headless Chromium."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_mastra_convex.report import write_parity_report
from tests.plugin.chromium import HOW_TO_GET_IT, Page, chromium, new_page, program
from tests.plugin.report_examples import REGISTER, RESULTS, STARTED, VERSIONS

# One worker starts one browser for all of them.
pytestmark = pytest.mark.xdist_group("chromium")

EQUAL = ["test_numbers", "test_strings_by_utf8[é]", "test_speed"]
DIFFERENT = ["test_last_page", "test_ties"]
NAMES = ".case button"


@pytest.fixture(scope="module")
def installed() -> None:
    """A browser cannot come from PyPI: where there is none, a user's run does without; CI insists on one."""
    if program() is None and not os.environ.get("CI_HAS_BROWSER"):
        pytest.skip(HOW_TO_GET_IT)


@pytest.fixture(scope="module")
def browser(installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with chromium(tmp_path_factory.mktemp("chromium")) as address:
        yield address


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "report"
    return write_parity_report(path, RESULTS, VERSIONS, STARTED, register=REGISTER).as_uri()


@pytest.fixture
def page(browser: str, address: str) -> Iterator[Page]:
    with new_page(browser) as page:
        page.open(address)
        yield page
        # Whatever a test did: the console stays quiet, and nothing but the file itself was asked for.
        assert page.complaints == []
        assert {request.partition("#")[0] for request in page.requests} <= {address, "data:,"}


def button_of(name: str) -> str:
    """The selector of a case's button, by the row's place in the page."""
    order = ["test_numbers", "test_strings_by_utf8[é]", "test_last_page", "test_speed", "test_ties"]
    return f'button[aria-controls="case-{order.index(name) + 1}"]'


def test_cases_are_listed_below_their_modules(page: Page) -> None:
    assert page.texts(".module-head th, .case button") == [
        "test_order.py 2 cases",
        "test_numbers",
        "test_strings_by_utf8[é]",
        "test_pages.py 1 case, 1 difference",
        "test_last_page",
        "test_vectors.py 2 cases, 1 difference",
        "test_speed",
        "test_ties",
    ]


# Words and signs, so that nobody has to tell colours apart.
def test_outcomes_can_be_read_without_colours(page: Page) -> None:
    assert page.texts(".case:has([aria-controls='case-3']) td") == ["✓ passed", "✓ passed", "≠ differs"]
    assert page.texts(".case:has([aria-controls='case-4']) td") == ["✓ passed", "✓ passed", "○ skipped"]
    assert page.texts(".case:has([aria-controls='case-5']) td") == ["✓ passed", "✗ failed", "· not run"]


def test_summary_counts_each_target(page: Page) -> None:
    assert page.texts(".summary tr") == [
        "Target ✓ passed ✗ failed ≠ differs ○ skipped · not run time",
        "emulator 5 0 0 0 0 100 ms",
        "server 4 1 0 0 0 1.7 s",
        "oracle 2 0 1 1 1 1.2 min",
    ]


def test_versions_and_time_of_the_run_are_shown(page: Page) -> None:
    (header,) = page.texts("header")

    assert "run on 2026-11-22 14:03 UTC" in header
    assert "npm @mastra/convex 1.5.2" in header


# Looking for differences


def test_toggle_hides_what_is_equal(page: Page) -> None:
    before = page.texts(NAMES)

    page.click("#differences")

    assert sorted(before) == sorted(EQUAL + DIFFERENT)
    assert page.texts(NAMES) == DIFFERENT
    assert page.texts(".module-head th") == [
        "test_pages.py 1 case, 1 difference",
        "test_vectors.py 2 cases, 1 difference",
    ]
    assert page.texts("#shown") == ["2 of 5 cases"]


def test_toggle_brings_the_rows_back(page: Page) -> None:
    page.click("#differences")
    page.click("#differences")

    assert len(page.texts(NAMES)) == 5
    assert page.texts("#shown") == ["5 cases"]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("UTF8", ["test_strings_by_utf8[é]"]),
        ("vectors ties", ["test_ties"]),
        ("page-end", ["test_last_page"]),
        ("[2, 1]", ["test_ties"]),
        ("skipped", ["test_speed"]),
        ("nowhere", []),
    ],
)
def test_filter_looks_at_names_outcomes_and_details(page: Page, words: str, names: list[str]) -> None:
    page.click("#filter")
    page.type(words)

    assert page.texts(NAMES) == names
    assert page.texts("#nothing") == ([] if names else ["No case is like that."])


# A link to what one sees can be sent to somebody.
def test_choice_stands_in_the_address(page: Page, address: str) -> None:
    page.click("#differences")
    page.click("#filter")
    page.type("ties & x")

    assert page.evaluate("location.href") == f"{address}#differences&filter=ties+%26+x"


def test_address_makes_the_choice(page: Page, address: str) -> None:
    page.open("about:blank")
    page.open(f"{address}#differences&filter=pages")

    assert page.texts(NAMES) == ["test_last_page"]
    assert page.evaluate("document.querySelector('#filter').value") == "pages"


# Details


def test_details_are_closed_at_first(page: Page) -> None:
    assert page.texts(".detail") == []


def test_click_shows_the_failure(page: Page) -> None:
    page.click(button_of("test_ties"))

    assert page.texts(".detail h3") == ["✗ failed on server"]
    assert page.texts(".detail pre") == ["assert [1, 2] == [2, 1]"]


def test_click_shows_why_it_differs(page: Page) -> None:
    page.click(button_of("test_last_page"))

    assert page.texts(".detail .comment") == ["A full page may be the last one."]
    assert page.texts(".detail h3, .detail .reason, .detail .facts div") == [
        "≠ differs on oracle",
        "A page that the last document fills is the last one in convex-test.",
        "registered as page-end",
        "kind upstream",
        "since 2026-11-21",
        "source convex-test 0.0.60 `paginate`",
    ]


def test_calls_stand_side_by_side(page: Page) -> None:
    page.click(button_of("test_last_page"))

    tops = page.evaluate("[...document.querySelectorAll('figure')].map((one) => one.getBoundingClientRect().top)")
    assert page.texts("figcaption") == ["Calls on emulator", "Calls on oracle"]
    assert page.texts("mark") == ["→ isDone: false", "→ isDone: true"]
    assert tops[0] == tops[1]


def test_second_click_closes_again(page: Page) -> None:
    page.click(button_of("test_ties"))
    page.click(button_of("test_ties"))

    assert page.texts(".detail") == []


# An open row that is filtered away takes its details along and brings them back, also where its module stays.
def test_details_go_with_their_row(page: Page) -> None:
    page.click(button_of("test_speed"))
    page.click("#differences")
    hidden = page.texts(".detail")
    page.click("#differences")

    assert hidden == []
    assert len(page.texts(".detail")) == 1


def test_all_shown_rows_open_and_close_together(page: Page) -> None:
    page.click("#differences")
    page.click("#toggle")
    opened = len(page.texts(".detail"))
    name = page.texts("#toggle")
    page.click("#toggle")

    assert (opened, name) == (2, ["Close all"])
    assert page.texts(".detail") == []


def test_keyboard_is_enough(page: Page) -> None:
    page.evaluate("document.querySelector('#toggle').focus()")
    page.press("Tab")
    page.press("Enter", text="\r")

    assert page.evaluate("document.activeElement.textContent") == "test_numbers"
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
    assert len(page.texts(".detail")) == 1


# Where it is read


def test_head_of_the_table_stays_in_view(page: Page) -> None:
    page.resize(1280, 300)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")

    assert page.evaluate("scrollY") > 100
    assert page.evaluate("document.querySelector('.parity thead th').getBoundingClientRect().top") == 0


@pytest.mark.parametrize("width", [1280, 400])
def test_page_is_not_wider_than_its_window(page: Page, width: int) -> None:
    page.resize(width, 800)
    page.click("#toggle")

    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("document.querySelector('.summary').getBoundingClientRect().right") <= width


def test_preferred_colours_are_used(page: Page) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    page.use_colours("light")
    light = page.evaluate(colour)

    page.use_colours("dark")

    assert light == "rgb(252, 252, 251)"
    assert page.evaluate(colour) == "rgb(19, 21, 23)"


# A browser that stays behind eats the machine, run by run; Debian's starts as the child of a script.
@pytest.mark.usefixtures("installed")
def test_browser_is_gone_afterwards(tmp_path: Path) -> None:
    with chromium(tmp_path) as address, new_page(address):
        pass

    with pytest.raises(ConnectionRefusedError), new_page(address):
        pass


# Where a browser must be there, its absence is red, and says what to do.
def test_missing_chromium_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with (
        pytest.raises(FileNotFoundError, match="apt-get install --no-install-recommends chromium-headless-shell"),
        chromium(tmp_path),
    ):
        pass
