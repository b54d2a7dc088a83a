"""How much one page reads: the limits of its caller, and what it says when it grows too large."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_mastra_convex.conformance.things import THINGS, keys_of, store_keys
from pytest_mastra_convex.probe import Probe, counter, eq, field, insert, literal, repeat, undefined


def page_of(probe: Probe, paginate: dict[str, Any], **options: Any) -> tuple[list[Any], Any, Any]:
    """The keys, whether the end was reached, and the status of a page."""
    page = probe.paginate(THINGS, {"cursor": None, **paginate}, **options)
    return keys_of(page["page"]), page["isDone"], page["pageStatus"]


# A rare match in a large table: the page comes back short, or empty, and not at the end.
def test_a_page_stops_at_the_rows_it_may_read(probe: Probe) -> None:
    store_keys(probe, *range(10))
    even = {"filter": eq(field("key"), 2)}

    assert page_of(probe, {"numItems": 5, "maximumRowsRead": 4}, **even) == ([2], False, "SplitRequired")
    assert page_of(probe, {"numItems": 5, "maximumRowsRead": 2}, **even) == ([], False, "SplitRequired")


# Without a filter the rows are those of the page.
def test_a_page_is_cut_short_by_the_rows_it_may_read(probe: Probe) -> None:
    store_keys(probe, *range(10))

    assert page_of(probe, {"numItems": 10, "maximumRowsRead": 4}) == ([0, 1, 2, 3], False, "SplitRequired")


# What a page may read it need not: one that ends before is as any other.
def test_a_page_that_ends_before_its_limit_is_no_split(probe: Probe) -> None:
    store_keys(probe, 1, 2, 3)

    assert page_of(probe, {"numItems": 10, "maximumRowsRead": 100}) == ([1, 2, 3], True, None)


# convex-js: `options.maximumRowsRead ?? null`, so that options may be handed on as they came.
@pytest.mark.parametrize("value", [None, undefined], ids=["null", "undefined"])
@pytest.mark.parametrize("limit", ["maximumRowsRead", "maximumBytesRead"])
def test_a_limit_that_is_left_out_is_none(probe: Probe, limit: str, value: Any) -> None:
    store_keys(probe, 1, 2, 3)

    assert page_of(probe, {"numItems": 10, limit: value}) == ([1, 2, 3], True, None)


# A client that goes on from a page without rows finds the one row at the end.
def test_short_pages_lead_to_the_end(probe: Probe) -> None:
    store_keys(probe, *range(30))
    found: list[Any] = []
    cursor, is_done, calls = None, False, 0

    while not is_done:
        paginate = {"numItems": 2, "cursor": cursor, "maximumRowsRead": 4}
        page = probe.paginate(THINGS, paginate, filter=eq(field("key"), 29))
        found += keys_of(page["page"])
        cursor, is_done, calls = page["continueCursor"], page["isDone"], calls + 1

    assert (found, calls) == ([29], 8)


# Bytes are counted in whole documents: the one that crosses the limit is in the page.
@pytest.mark.parametrize(
    ("limit", "expected"), [(1, 1), (1_000, 1), (1_300, 2), (2_600, 3)], ids=["1", "1000", "1300", "2600"]
)
def test_a_page_stops_at_the_bytes_it_may_read(probe: Probe, limit: int, expected: int) -> None:
    # Each has 1,000 bytes of text and about 80 of names, id and creation time.
    probe.mutation(insert(THINGS, {"key": counter(), "text": repeat("x", 1_000)}, times=10))

    keys, is_done, status = page_of(probe, {"numItems": 10, "maximumBytesRead": limit})

    assert (keys, is_done, status) == (list(range(expected)), False, "SplitRequired")


# Three quarters of what a page may read: from there on it is recommended to split it.
@pytest.mark.diverges("page-status")
@pytest.mark.parametrize("size", [7, 8], ids=["seven", "eight"])
def test_a_page_near_its_limit_is_better_split(probe: Probe, size: int) -> None:
    store_keys(probe, *range(20))

    assert page_of(probe, {"numItems": size, "maximumRowsRead": 8}) == (list(range(size)), False, "SplitRecommended")


# ... and the last size at which nothing is recommended.
def test_a_page_of_three_quarters_of_its_limit_needs_no_split(probe: Probe) -> None:
    store_keys(probe, *range(20))

    assert page_of(probe, {"numItems": 6, "maximumRowsRead": 8}) == (list(range(6)), False, None)


# Rows that a filter drops are no reason to split, as long as the limits are far.
@pytest.mark.diverges("page-status")
def test_a_page_of_many_dropped_rows_needs_no_split(probe: Probe) -> None:
    store_keys(probe, *range(50))

    assert page_of(probe, {"numItems": 2}, filter=literal(False)) == ([], True, None)


# The middle of the rows that were read, in any page of more than two.
@pytest.mark.diverges("page-status")
@pytest.mark.parametrize(("size", "middle"), [(3, 1), (4, 2), (9, 4)], ids=["three", "four", "nine"])
def test_a_page_of_more_than_two_rows_has_a_middle(probe: Probe, size: int, middle: int) -> None:
    store_keys(probe, *range(10))
    page = probe.paginate(THINGS, {"numItems": size, "cursor": None})

    half = probe.paginate(THINGS, {"numItems": size, "cursor": None, "endCursor": page["splitCursor"]})

    assert keys_of(half["page"]) == list(range(middle + 1))


# Of one or two rows there is nothing to halve.
def test_a_page_of_two_rows_has_no_middle(probe: Probe) -> None:
    store_keys(probe, 1, 2, 3)

    assert probe.paginate(THINGS, {"numItems": 2, "cursor": None})["splitCursor"] is None


# SOFT_MAX_PAGE_LEN in async_syscall.rs: 6,144 documents are a page, of more it is recommended to split it.
def test_6144_documents_are_a_page(probe: Probe) -> None:
    probe.mutation(insert(THINGS, {"key": counter()}, times=6_145))

    page = probe.paginate(THINGS, {"numItems": 6_144, "cursor": None}, select=["key"])

    assert (len(page["page"]), page["isDone"], page["pageStatus"]) == (6_144, False, None)


# ... and the first at which it is.
@pytest.mark.diverges("page-status")
def test_6145_documents_are_better_split(probe: Probe) -> None:
    probe.mutation(insert(THINGS, {"key": counter()}, times=6_146))

    page = probe.paginate(THINGS, {"numItems": 6_145, "cursor": None}, select=["key"])

    assert (len(page["page"]), page["isDone"], page["pageStatus"]) == (6_145, False, "SplitRecommended")
