"""Rows that are written while somebody pages, and pages that are read again up to their end."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_mastra_convex.conformance.things import THINGS, keys_of, names_of, pages, store, store_keys
from pytest_mastra_convex.probe import Probe


def first_page(probe: Probe, size: int, **options: Any) -> dict[str, Any]:
    """The first page by key."""
    return probe.paginate(THINGS, {"numItems": size, "cursor": None}, index="by_key", **options)


def rest_of(probe: Probe, page: dict[str, Any], **options: Any) -> list[Any]:
    """The keys behind a page."""
    paginate = {"numItems": 100, "cursor": page["continueCursor"]}
    return keys_of(probe.paginate(THINGS, paginate, index="by_key", **options)["page"])


# A cursor is a place in the index, not a number of rows: what is written before it shifts nothing.
@pytest.mark.parametrize(
    ("key", "expected"),
    [(0, [3, 4]), (1.5, [3, 4]), (2.5, [2.5, 3, 4]), (9, [3, 4, 9]), (2, [2, 3, 4]), (1, [3, 4])],
    ids=["front", "before", "behind", "end", "same-key", "earlier-key"],
)
def test_a_new_row_is_seen_if_it_comes_behind_the_cursor(probe: Probe, key: float, expected: list[float]) -> None:
    store_keys(probe, 1, 2, 3, 4)
    page = first_page(probe, 2)

    probe.insert(THINGS, {"key": key})

    assert rest_of(probe, page) == expected


# Backwards, a newer row of the same key comes first, which is before the cursor.
@pytest.mark.parametrize(
    ("key", "expected"), [(3, [2, 1]), (2.5, [2.5, 2, 1]), (9, [2, 1])], ids=["same-key", "behind", "front"]
)
def test_a_new_row_in_a_walk_backwards(probe: Probe, key: float, expected: list[float]) -> None:
    store_keys(probe, 1, 2, 3, 4)
    page = first_page(probe, 2, order="desc")

    probe.insert(THINGS, {"key": key})

    assert rest_of(probe, page, order="desc") == expected


# The row a cursor stands on may go; the cursor stays where it was.
@pytest.mark.parametrize(
    ("gone", "expected"), [(0, [3, 4]), (1, [3, 4]), (2, [4]), (3, [3])], ids=["read", "at-cursor", "next", "last"]
)
def test_a_deleted_row_does_not_move_the_cursor(probe: Probe, gone: int, expected: list[float]) -> None:
    ids = store_keys(probe, 1, 2, 3, 4)
    page = first_page(probe, 2)

    probe.delete(ids[gone])

    assert rest_of(probe, page) == expected


# A clean-up that deletes each page as it goes reaches the end.
def test_a_walk_that_deletes_what_it_read_reaches_the_end(probe: Probe) -> None:
    store_keys(probe, *range(10))

    found = []
    for page in pages(probe, 3, index="by_key"):
        found += keys_of(page)
        for row in page:
            probe.delete(row["_id"])

    assert found == list(range(10))
    assert probe.collect(THINGS) == []


# A row that is written moves: from what comes to what was is lost to the walk, the other way it comes twice.
@pytest.mark.parametrize(
    ("row", "key", "expected"), [(3, 0, [3]), (0, 9, [3, 4, 9]), (1, 2.5, [2.5, 3, 4])], ids=["lost", "twice", "cursor"]
)
def test_a_row_that_moves_is_met_where_it_is(probe: Probe, row: int, key: float, expected: list[float]) -> None:
    ids = store_keys(probe, 1, 2, 3, 4)
    page = first_page(probe, 2)

    probe.patch(ids[row], {"key": key})

    assert rest_of(probe, page) == expected


# A row whose other fields change between pages comes once, in its new version.
def test_a_row_that_does_not_move_comes_once_in_its_new_version(probe: Probe) -> None:
    *_, last = store(probe, {"key": 1, "name": "a"}, {"key": 2, "name": "b"}, {"key": 3, "name": "c"})
    page = first_page(probe, 2)

    probe.patch(last, {"name": "C"})

    rest = probe.paginate(THINGS, {"numItems": 5, "cursor": page["continueCursor"]}, index="by_key")
    assert names_of(rest["page"]) == ["C"]


# The end is a place of its own, behind all rows to come: who polls with its cursor never sees a new row.
def test_new_rows_do_not_come_behind_the_end(probe: Probe) -> None:
    store_keys(probe, 1)
    page = first_page(probe, 5)

    probe.insert(THINGS, {"key": 2})

    assert page["isDone"] is True
    assert rest_of(probe, page) == []


# Pages with an end


# A live list asks for its first page again, up to the end it had: the new row is in it, and none of the next page.
@pytest.mark.parametrize(
    ("order", "key", "expected"), [("asc", 1.5, [1, 1.5, 2]), ("desc", 3.5, [4, 3.5, 3])], ids=["asc", "desc"]
)
def test_a_page_with_an_end_grows(probe: Probe, order: str, key: float, expected: list[float]) -> None:
    store_keys(probe, 1, 2, 3, 4)
    end = first_page(probe, 2, order=order)["continueCursor"]
    probe.insert(THINGS, {"key": key})

    again = probe.paginate(THINGS, {"numItems": 2, "cursor": None, "endCursor": end}, index="by_key", order=order)

    assert keys_of(again["page"]) == expected
    assert (again["isDone"], again["continueCursor"]) == (False, end)


# ... and shrinks, without taking rows of the next page in.
def test_a_page_with_an_end_shrinks(probe: Probe) -> None:
    first, *_ = store_keys(probe, 1, 2, 3, 4)
    end = first_page(probe, 2)["continueCursor"]
    probe.delete(first)

    again = probe.paginate(THINGS, {"numItems": 2, "cursor": None, "endCursor": end}, index="by_key")

    assert keys_of(again["page"]) == [2]


# The last page goes on to the end of all rows, of whatever number.
def test_a_page_up_to_the_very_end_is_done(probe: Probe) -> None:
    store_keys(probe, 1)
    end = first_page(probe, 2)["continueCursor"]
    store_keys(probe, 2, 3, 4)

    again = probe.paginate(THINGS, {"numItems": 2, "cursor": None, "endCursor": end}, index="by_key")

    assert (keys_of(again["page"]), again["isDone"]) == ([1, 2, 3, 4], True)


# The end is part of the page, and the page after begins behind it.
def test_pages_with_an_end_do_not_overlap(probe: Probe) -> None:
    store_keys(probe, *range(6))
    first = first_page(probe, 2)
    second = probe.paginate(THINGS, {"numItems": 2, "cursor": first["continueCursor"]}, index="by_key")

    between = {"numItems": 1, "cursor": first["continueCursor"], "endCursor": second["continueCursor"]}
    again = probe.paginate(THINGS, between, index="by_key")

    assert keys_of(again["page"]) == [2, 3]


# How a page that is too large is taken apart: up to the split, and from there to its end.
def test_the_two_halves_of_a_page_are_the_page(probe: Probe) -> None:
    store_keys(probe, *range(20))
    whole = probe.paginate(THINGS, {"numItems": 20, "cursor": None, "maximumRowsRead": 9}, index="by_key")
    split, end = whole["splitCursor"], whole["continueCursor"]

    lower = probe.paginate(THINGS, {"numItems": 20, "cursor": None, "endCursor": split}, index="by_key")
    upper = probe.paginate(THINGS, {"numItems": 20, "cursor": split, "endCursor": end}, index="by_key")

    assert keys_of(lower["page"]) + keys_of(upper["page"]) == keys_of(whole["page"]) == list(range(9))
    assert lower["page"]
    assert upper["page"]
