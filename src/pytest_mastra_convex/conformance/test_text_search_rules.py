"""Text search: what is refused, how many results there are, and how they are read.

convex-backend crates/search/src/lib.rs, crates/database/src/query/search_query.rs (convex-engine.md §9).
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_mastra_convex.conformance.texts import INDEX, TEXTS, found, names, put, store, words
from pytest_mastra_convex.conformance.things import pages
from pytest_mastra_convex.probe import Probe, SearchOptions, counter_text, eq, field, insert, literal, query


def refusal(probe: Probe, search: SearchOptions, *, table: str = TEXTS, **ends: Any) -> str:
    """The text with which a search is refused."""
    error = probe.query(query(table, search=search, **ends))[0].error
    assert error is not None
    return error


def many(probe: Probe, count: int) -> None:
    """Stores texts that all hold the same word."""
    step = insert(TEXTS, {"name": counter_text("text-"), "body": "fox"}, times=count)
    assert probe.mutation(step)[0].error is None


# Refusals


# The best first is the only order there is.
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_order_is_refused(probe: Probe, order: str) -> None:
    assert "Search queries must always be in relevance order" in refusal(probe, words("fox"), order=order)


# A misspelt index must not look like an empty history.
@pytest.mark.diverges("text-search-refusals")
def test_unknown_index_is_refused(probe: Probe) -> None:
    assert f"Index {TEXTS}.by_text not found." in refusal(probe, {"index": "by_text", "field": "body", "text": "fox"})


@pytest.mark.diverges("text-search-refusals")
@pytest.mark.parametrize("text", ["fox", ""], ids=["text", "empty"])
def test_unknown_table_is_refused(probe: Probe, text: str) -> None:
    search: SearchOptions = {"index": INDEX, "field": "body", "text": text}

    assert f"Index conformance_nowhere.{INDEX} not found." in refusal(probe, search, table="conformance_nowhere")


# An empty search box: nothing is looked at any more, not even the index.
@pytest.mark.parametrize(
    "search",
    [
        {"index": "by_text", "field": "body", "text": ""},
        {"index": INDEX, "field": "name", "text": ""},
        {"index": INDEX, "field": "body", "text": "", "eq": [eq("name", "a")]},
        {"index": "by_name", "field": "body", "text": ""},
    ],
    ids=["index", "field", "filter field", "kind of index"],
)
def test_empty_text_finds_nothing_whatever_else_is_wrong(probe: Probe, search: SearchOptions) -> None:
    store(probe, one="fox")

    assert probe.collect(TEXTS, search=search) == []


# Text without a word is no empty text: mistakes are told.
@pytest.mark.diverges("text-search-refusals")
def test_text_without_words_is_checked(probe: Probe) -> None:
    assert "not found" in refusal(probe, {"index": "by_text", "field": "body", "text": "!!"})


# The other kinds of indexes are none to search in.
@pytest.mark.diverges("text-search-refusals")
@pytest.mark.parametrize(
    ("table", "index"),
    [(TEXTS, "by_name"), (TEXTS, "by_id"), ("conformance_vectors", "by_embedding")],
    ids=["database", "built in", "vector"],
)
def test_other_index_is_refused(probe: Probe, table: str, index: str) -> None:
    search: SearchOptions = {"index": index, "field": "body", "text": "fox"}

    assert f"Index {table}.{index} is not a search index" in refusal(probe, search, table=table)


# And the other way round: a text index has no ranges.
def test_text_index_has_no_range(probe: Probe) -> None:
    error = probe.query(query(TEXTS, index=INDEX, range=[eq("body", "fox")]))[0].error

    assert error is not None
    assert INDEX in error


# A staged index is being built, and not there yet.
@pytest.mark.diverges("text-search-refusals")
def test_staged_index_is_refused(probe: Probe) -> None:
    search: SearchOptions = {"index": "by_staged", "field": "name", "text": "fox"}

    assert f"Index {TEXTS}.by_staged is currently staged" in refusal(probe, search)


# An index has one search field.
@pytest.mark.diverges("text-search-refusals")
def test_other_search_field_is_refused(probe: Probe) -> None:
    error = refusal(probe, {"index": INDEX, "field": "name", "text": "fox"})

    assert 'contains a search filter against "name", which doesn\'t match the indexed `searchField` "body".' in error


# A filter field that was forgotten in the schema would let another tenant's rows through.
@pytest.mark.diverges("text-search-refusals")
def test_filter_field_that_is_not_declared_is_refused(probe: Probe) -> None:
    error = refusal(probe, words("fox", eq("name", "a")))

    assert 'an equality filter on "name" but that field isn\'t indexed for filtering in `filterFields`.' in error


@pytest.mark.diverges("text-search-refusals")
def test_two_texts_are_refused(probe: Probe) -> None:
    error = refusal(probe, words(["fox", "dog"]))

    assert 'contains multiple search filters against "body". Only one is allowed.' in error


# Filters alone are no search.
@pytest.mark.diverges("text-search-refusals")
def test_search_without_a_text_is_refused(probe: Probe) -> None:
    error = refusal(probe, {"index": INDEX, "eq": [eq("group", "a")]})

    assert f"Search query against {TEXTS}.{INDEX} does not contain any search filters." in error


@pytest.mark.diverges("text-search-refusals")
def test_search_for_what_is_no_text_is_refused(probe: Probe) -> None:
    assert "invalid type: integer `5`, expected a string" in refusal(probe, words(5))


# Eight conditions are allowed ...
def test_eight_conditions_are_accepted(probe: Probe) -> None:
    probe.mutation(put("one", "fox", group=0))

    assert found(probe, "fox", *(eq("group", number) for number in range(8))) == []


# ... nine are not.
@pytest.mark.diverges("text-search-refusals")
def test_nine_conditions_are_refused(probe: Probe) -> None:
    error = refusal(probe, words("fox", *(eq("group", number) for number in range(9))))

    assert "has too many filter conditions. Max: 8 Actual: 9" in error


# Nothing is searched before a result is asked for.
def test_nothing_is_checked_when_nothing_is_read(probe: Probe) -> None:
    assert probe.take(TEXTS, 0, search={"index": "by_text", "field": "body", "text": "fox"}) == []


# Reading


# All the ways to end a query.
def test_take_reads_the_first_few(probe: Probe) -> None:
    many(probe, 5)

    assert len(probe.take(TEXTS, 3, search=words("fox"))) == 3


def test_first_reads_one_or_none(probe: Probe) -> None:
    store(probe, fox="fox")

    assert probe.first(TEXTS, search=words("fox"), select=["name"]) == {"name": "fox"}
    assert probe.first(TEXTS, search=words("dog")) is None


def test_unique_refuses_two_results(probe: Probe) -> None:
    store(probe, one="fox one", two="fox two")

    assert probe.unique(TEXTS, search=words("one"), select=["name"]) == {"name": "one"}
    assert "unique() query returned more than one result" in refusal(probe, words("fox"), unique=True)


def test_results_can_be_read_one_by_one(probe: Probe) -> None:
    many(probe, 5)

    assert len(probe.query(query(TEXTS, search=words("fox"), read=2))[0].value) == 2


# A result is the whole document.
def test_result_is_the_document(probe: Probe) -> None:
    [document_id] = store(probe, fox="fox").values()

    assert probe.collect(TEXTS, search=words("fox")) == [probe.get(document_id)]


# How many results


# A deployment loads 1,024 results; who takes no more than that never notices.
def test_1024_results_can_be_taken(probe: Probe) -> None:
    many(probe, 1100)

    assert len(probe.take(TEXTS, 1024, search=words("fox"))) == 1024


def test_1023_results_can_be_collected(probe: Probe) -> None:
    many(probe, 1023)

    assert probe.count(TEXTS, search=words("fox")) == 1023


# The search fails when it is asked what comes behind, also when nothing does.
@pytest.mark.diverges("text-search-number-of-results")
def test_1024_results_cannot_be_collected(probe: Probe) -> None:
    many(probe, 1024)

    error = refusal(probe, words("fox"), count=True)

    assert "Search query scanned too many documents (fetched 1024)." in error


# What a filter drops was fetched all the same.
@pytest.mark.diverges("text-search-number-of-results")
def test_results_that_a_filter_drops_count(probe: Probe) -> None:
    many(probe, 1024)

    error = refusal(probe, words("fox"), filter=eq(field("name"), literal("nobody")), first=True)

    assert "Search query scanned too many documents" in error


# The limit is one for all pages: behind the 1,024th result there is nothing.
@pytest.mark.diverges("text-search-number-of-results")
def test_pages_end_after_1024_results(probe: Probe) -> None:
    many(probe, 1100)

    sizes = [len(page) for page in pages(probe, 500, TEXTS, search=words("fox"), select=["name"])]

    assert sizes == [500, 500, 24]


# A page that asks for all of them is no partial page but an error.
@pytest.mark.diverges("text-search-number-of-results")
def test_page_of_more_than_1024_results_is_refused(probe: Probe) -> None:
    many(probe, 1100)

    error = refusal(probe, words("fox"), paginate={"numItems": 1025, "cursor": None})

    assert "Search query scanned too many documents" in error


# Pages


# Page by page the same results in the same order, and none twice.
def test_pages_together_are_the_whole_result(probe: Probe) -> None:
    store(probe, a="fox", b="fox fox", c="dog", d="a fox there", e="fox", f="the quick fox")

    read = [row["name"] for page in pages(probe, 2, TEXTS, search=words("fox"), select=["name"]) for row in page]

    assert read == found(probe, "fox")


# A search is never split: that would not make it cheaper.
def test_page_has_no_split_cursor(probe: Probe) -> None:
    many(probe, 10)

    page = probe.paginate(TEXTS, {"numItems": 8, "cursor": None}, search=words("fox"))

    assert (len(page["page"]), page["isDone"], page.get("splitCursor")) == (8, False, None)


# A cursor in a changed search box would skip results.
@pytest.mark.diverges("text-search-cursors")
@pytest.mark.parametrize("search", [words("foxes"), words("fox", eq("group", "a"))], ids=["text", "filter"])
def test_cursor_of_another_search_is_refused(probe: Probe, search: SearchOptions) -> None:
    many(probe, 3)
    cursor = probe.paginate(TEXTS, {"numItems": 1, "cursor": None}, search=words("fox"))["continueCursor"]

    assert "InvalidCursor" in refusal(probe, search, paginate={"numItems": 1, "cursor": cursor})


# How many rows a page may read is no matter for a search.
@pytest.mark.diverges("text-search-cursors")
def test_maximum_of_rows_is_not_looked_at(probe: Probe) -> None:
    many(probe, 5)

    page = probe.paginate(TEXTS, {"numItems": 4, "cursor": None, "maximumRowsRead": 2}, search=words("fox"))

    assert (len(page["page"]), page["pageStatus"]) == (4, None)


# Three quarters of the 1,024 results are what a page may well hold ...
def test_page_of_768_results_is_as_it_should_be(probe: Probe) -> None:
    many(probe, 800)

    page = probe.paginate(TEXTS, {"numItems": 768, "cursor": None}, search=words("fox"), select=[])

    assert page["pageStatus"] is None


# ... and a page of more should be smaller.
@pytest.mark.diverges("text-search-cursors")
def test_page_of_769_results_should_be_smaller(probe: Probe) -> None:
    many(probe, 800)

    page = probe.paginate(TEXTS, {"numItems": 769, "cursor": None}, search=words("fox"), select=[])

    assert page["pageStatus"] == "SplitRecommended"


# New rows between two pages: what ranks behind the cursor is read, what ranks before it is not.
@pytest.mark.diverges("text-search-ranking")
def test_page_goes_on_behind_its_last_result(probe: Probe) -> None:
    store(probe, none="dog", weak="fox " + "wood " * 20, strong="fox")
    cursor = probe.paginate(TEXTS, {"numItems": 1, "cursor": None}, search=words("fox"))

    rest = probe.paginate(TEXTS, {"numItems": 5, "cursor": cursor["continueCursor"]}, search=words("fox"))

    assert (names(cursor["page"]), names(rest["page"]), rest["isDone"]) == (["strong"], ["weak"], True)
