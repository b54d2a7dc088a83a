"""What the demonstration shows, on a terminal of fixed width."""

import re
from io import StringIO

import pytest
from rich.console import Console

from convex_mastra_emulator.demo.run import run_demo

ROW = re.compile(r"^[│|]\s*(-?\d\.\d{3})\s*[│|]\s*(\S+)", re.MULTILINE)


@pytest.fixture(scope="module")
def shown() -> str:
    file = StringIO()
    run_demo(Console(file=file, width=160))
    return file.getvalue()


def search_results(shown: str, title: str) -> list[tuple[float, str]]:
    """Score and source of each row of the search with this title, which may be wrapped."""
    words = r"\s+".join(map(re.escape, title.split()))
    found = re.search(rf"Nearest\s+to\s+[^,]+,\s+{words}(.*?)└", shown, re.DOTALL)
    assert found is not None, shown
    return [(float(score), source) for score, source in ROW.findall(found[1])]


def test_the_thread_is_read_back_in_order(shown: str) -> None:
    assert "Thread support-2026-11-21, read back from mastra_messages" in shown
    first = shown.index("Hello, my parcel 4711 was to come on Monday.")
    last = shown.index("It is in my working memory, and this conversation stays in its thread.")
    assert first < last


def test_the_working_memory_is_kept(shown: str) -> None:
    assert "Working memory of customer-ada:\n# Ada\n- order 4711, parcel lost on the way" in shown


def test_the_documents_are_stored_as_vectors(shown: str) -> None:
    stored = re.search(r"Stored (\d+) chunks of (\d+) documents as vectors of 64 dimensions\.", shown)

    assert stored is not None
    assert int(stored[1]) >= int(stored[2]) > 50


def test_a_search_shows_the_nearest_first(shown: str) -> None:
    results = search_results(shown, "no filter")

    scores = [score for score, _ in results]
    assert len(results) == 3
    assert scores == sorted(scores, reverse=True)


# The question is about cursors: the module that makes them has to be among the answers.
def test_a_search_finds_the_module_in_question(shown: str) -> None:
    sources = [source for _, source in search_results(shown, "no filter")]

    assert "database.pagination" in sources


def test_a_filter_leaves_only_what_matches(shown: str) -> None:
    results = search_results(shown, "filter kind = readme")

    assert {source for _, source in results} == {"README.md"}


def test_a_record_too_large_is_refused_and_not_kept(shown: str) -> None:
    assert "Value is too large (1.00 MiB > maximum size 1 MiB)" in shown
    assert "and nothing of it was kept: load gives None" in shown


def test_the_end_tells_what_it_took(shown: str) -> None:
    totals = shown.split("What this took", 1)[1]

    for column in ("calls", "documents read", "bytes read", "documents written", "bytes written", "time"):
        assert column in totals
    assert re.search(r"Tables: .*\bmastra_messages 8\b", totals)
    assert re.search(r"\d+ ms", totals)
