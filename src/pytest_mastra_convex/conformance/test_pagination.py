"""Pages: walking a query from its first document to its last, over several calls."""

from __future__ import annotations

from typing import Any

import pytest
from convex import ConvexInt64

from pytest_mastra_convex.conformance.things import THINGS, keys_of, names_of, pages, store, store_keys
from pytest_mastra_convex.probe import (
    Probe,
    and_,
    counter,
    eq,
    field,
    gt,
    gte,
    insert,
    lt,
    mod,
    outer,
    query,
    run_query,
)


def page_of(size: int, cursor: str | None = None, **more: Any) -> dict[str, Any]:
    """The options of one page."""
    return {"numItems": size, "cursor": cursor, **more}


# Sizes below, at and above the number of rows, dividing it and not.
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 9, 10, 11, 1000])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_the_pages_together_are_the_whole(probe: Probe, order: str, size: int) -> None:
    store_keys(probe, *range(10))

    found = list(pages(probe, size, order=order))

    expected = list(range(10)) if order == "asc" else list(range(10))[::-1]
    assert [key for page in found for key in keys_of(page)] == expected
    assert all(len(page) <= size for page in found)
    assert all(len(page) == size for page in found[: 10 // size])


# The usual hook of a client shows "load more" as long as this says so.
def test_a_page_that_is_not_full_is_the_last(probe: Probe) -> None:
    store_keys(probe, 1, 2, 3)

    first = probe.paginate(THINGS, page_of(2))
    second = probe.paginate(THINGS, page_of(2, first["continueCursor"]))

    assert (keys_of(first["page"]), first["isDone"]) == ([1, 2], False)
    assert (keys_of(second["page"]), second["isDone"]) == ([3], True)


# convex-engine.md §5.3: a deployment does not look behind a full page, so an empty one follows.
@pytest.mark.diverges("full-last-page-probe")
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_page_that_the_last_document_fills_is_not_the_last(probe: Probe, order: str) -> None:
    store_keys(probe, 1, 2)

    first = probe.paginate(THINGS, page_of(2), order=order)
    second = probe.paginate(THINGS, page_of(2, first["continueCursor"]), order=order)

    assert (len(first["page"]), first["isDone"]) == (2, False)
    assert (second["page"], second["isDone"]) == ([], True)


# Nothing there yet: one page, empty and the last.
@pytest.mark.parametrize("table", [THINGS, "conformance_nothing"], ids=["empty", "missing"])
def test_a_table_without_documents_has_one_empty_page(probe: Probe, table: str) -> None:
    page = probe.paginate(table, page_of(5))

    assert (page["page"], page["isDone"]) == ([], True)


# A client that asks once more after the end gets nothing, and again the end.
def test_behind_the_end_is_the_end(probe: Probe) -> None:
    store_keys(probe, 1)
    end = probe.paginate(THINGS, page_of(5))["continueCursor"]

    again = probe.paginate(THINGS, page_of(5, end))

    assert (again["page"], again["isDone"], again["continueCursor"]) == ([], True, end)


# usePaginatedQuery reads all five; two of them are null as long as nothing is to be split.
def test_a_page_has_five_parts(probe: Probe) -> None:
    store_keys(probe, 1)

    page = probe.paginate(THINGS, page_of(5))

    assert sorted(page) == ["continueCursor", "isDone", "page", "pageStatus", "splitCursor"]
    assert (page["pageStatus"], page["splitCursor"]) == (None, None)


# A read that is repeated after a lost answer gives the same page and the same place to go on from.
def test_a_page_can_be_read_again(probe: Probe) -> None:
    store_keys(probe, 1, 2, 3, 4)
    first = probe.paginate(THINGS, page_of(2))

    second = probe.paginate(THINGS, page_of(1, first["continueCursor"]))
    again = probe.paginate(THINGS, page_of(1, first["continueCursor"]))

    assert second == again
    assert probe.paginate(THINGS, page_of(2)) == first


# The size is no part of what a cursor is bound to: a list may grow faster after its first page.
def test_the_size_may_change_between_pages(probe: Probe) -> None:
    store_keys(probe, *range(10))
    first = probe.paginate(THINGS, page_of(1))

    second = probe.paginate(THINGS, page_of(6, first["continueCursor"]))
    third = probe.paginate(THINGS, page_of(100, second["continueCursor"]))

    assert keys_of(second["page"]) == [1, 2, 3, 4, 5, 6]
    assert keys_of(third["page"]) == [7, 8, 9]


# Pages over an index


# All messages of a thread have one key: a cursor that knew the key alone would lose or repeat rows.
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_end_between_rows_of_one_key(probe: Probe, order: str) -> None:
    store(probe, *({"key": "same", "name": f"{number}"} for number in range(7)))

    found = [name for page in pages(probe, 2, index="by_key", order=order) for name in names_of(page)]

    assert found == sorted(found, reverse=order == "desc")
    assert len(found) == 7


# A cursor stands after a key of any type, also after a row that lacks it.
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_over_keys_of_all_types(probe: Probe, order: str) -> None:
    values: list[Any] = [
        None,
        ConvexInt64(-1),
        -0.0,
        0.0,
        float("inf"),
        True,
        "",
        "a\ufffdb",
        b"\x00",
        [[]],
        {"a": None},
    ]
    store(probe, {"name": "missing"}, {"name": "missing, too"}, *({"name": str(key), "key": key} for key in values))

    found = [name for page in pages(probe, 1, index="by_key", order=order) for name in names_of(page)]

    expected = ["missing", "missing, too", *map(str, values)]
    assert found == (expected if order == "asc" else expected[::-1])


# One thread of several, from its newest message back: more than three pages within the range.
def test_pages_of_a_range_stay_in_it(probe: Probe) -> None:
    store(probe, *({"a": number % 3, "b": number} for number in range(30)))

    found = list(pages(probe, 3, index="by_a_b", range=[eq("a", 1), gte("b", 4), lt("b", 28)], order="desc"))

    assert [row["b"] for page in found for row in page] == [25, 22, 19, 16, 13, 10, 7, 4]


# Ids are in no order of creation: an export by id still has every row once.
def test_pages_by_id(probe: Probe) -> None:
    ids = store_keys(probe, *range(5))

    found = [row["_id"] for page in pages(probe, 2, index="by_id") for row in page]

    assert found == sorted(ids)


# Filters


# The size counts what passes: a page is full although most rows were dropped.
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_page_counts_what_passes_the_filter(probe: Probe, order: str) -> None:
    store_keys(probe, *range(20))

    found = [keys_of(page) for page in pages(probe, 2, order=order, filter=eq(mod(field("key"), 5), 0))]

    expected = [[0, 5], [10, 15]] if order == "asc" else [[15, 10], [5, 0]]
    assert [page for page in found if page] == expected


# The one row that passes is the last of many, so the page has read them all.
def test_a_page_reads_on_until_a_document_passes(probe: Probe) -> None:
    probe.mutation(insert(THINGS, {"key": counter()}, times=500))

    page = probe.paginate(THINGS, page_of(2), filter=eq(field("key"), 499))

    assert (keys_of(page["page"]), page["isDone"]) == ([499], True)


# Range, filters and direction in one.
def test_pages_with_everything(probe: Probe) -> None:
    store(probe, *({"key": number, "even": number % 2 == 0} for number in (9, 2, 7, 4, 6, 5, 8, 1, 3)))
    wanted = and_(eq(field("even"), True), gt(field("key"), 2))

    found = list(pages(probe, 1, index="by_key", range=[lt("key", 8)], order="desc", filter=[wanted]))

    assert [keys_of(page) for page in found if page] == [[6], [4]]


# More than a batch


# NOFireAI/ravel#1857: a walk that stays inside one page, or one batch of rows, proves nothing.
@pytest.mark.parametrize(("size", "calls"), [(100, 26), (999, 3)], ids=["100", "999"])
def test_thousands_of_rows(probe: Probe, size: int, calls: int) -> None:
    probe.mutation(insert(THINGS, {"key": counter()}, times=2_550))

    found = list(pages(probe, size, index="by_key", select=["key"]))

    assert [key for page in found for key in keys_of(page)] == list(range(2_550))
    assert len(found) == calls


# Where a page is read


# A migration pages through a table in a mutation, which sees what it has just written.
def test_a_mutation_pages_over_its_own_writes(probe: Probe) -> None:
    store_keys(probe, 1, 3)

    _, page = probe.mutation(
        insert(THINGS, {"key": 2}), query(THINGS, index="by_key", paginate={"numItems": 2, "cursor": None})
    )

    assert keys_of(page.value["page"]) == [1, 2]


# An action has no database: it walks by calling a query for each page.
def test_an_action_walks_by_calling_queries(probe: Probe) -> None:
    store_keys(probe, 1, 2, 3)
    first = query(THINGS, paginate={"numItems": 2, "cursor": None})

    found, rest = probe.action(
        run_query(first),
        run_query(query(THINGS, paginate={"numItems": 2, "cursor": outer(0, 0, "value", "continueCursor")})),
    )

    assert keys_of(found.value[0].value["page"]) == [1, 2]
    assert keys_of(rest.value[0].value["page"]) == [3]
