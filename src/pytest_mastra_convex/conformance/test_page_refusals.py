"""Pages that are refused: bad sizes, bad cursors, cursors of another query, and a second page in one function."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_mastra_convex.conformance.things import THINGS, keys_of, store, store_keys
from pytest_mastra_convex.probe import Probe, StepFailed, eq, field, gt, insert, lt, query, ref, run_query, undefined

# Sizes


# convex-js query_impl.ts: a size that was read from a request and is none.
@pytest.mark.parametrize(
    "size", [-1, -0.5, "10", None, True, undefined], ids=["minus", "minus-half", "text", "null", "boolean", "missing"]
)
def test_a_size_that_is_no_positive_number_is_refused(probe: Probe, size: Any) -> None:
    store_keys(probe, 1)

    with pytest.raises(StepFailed, match=r"`options\.numItems` must be a positive number"):
        probe.paginate(THINGS, {"numItems": size, "cursor": None})


# `perPage: 0` (mastra#16602 is about its meaning): a deployment refuses a page of none.
@pytest.mark.diverges("page-sizes-probe")
def test_a_page_of_none_is_refused(probe: Probe) -> None:
    with pytest.raises(StepFailed, match="Must request at least 1 document while paginating"):
        probe.paginate(THINGS, {"numItems": 0, "cursor": None})


# Half a document cannot be asked for, and no number of them neither.
@pytest.mark.diverges("page-sizes-probe")
@pytest.mark.parametrize("size", [0.5, 2.5, float("nan"), float("inf")], ids=["half", "fraction", "nan", "infinity"])
def test_a_size_that_is_no_whole_number_is_refused(probe: Probe, size: float) -> None:
    store_keys(probe, 1, 2, 3)

    with pytest.raises(StepFailed, match=r"^Invalid arguments for `queryPage`: "):
        probe.paginate(THINGS, {"numItems": size, "cursor": None})


# "All of them" is written as a large number: 32,000 is the largest a deployment takes, however few rows there are.
def test_the_largest_page_is_accepted(probe: Probe) -> None:
    store_keys(probe, 1, 2)

    page = probe.paginate(THINGS, {"numItems": 32_000, "cursor": None})

    assert (keys_of(page["page"]), page["isDone"]) == ([1, 2], True)


# One more, and whatever somebody takes for "no limit".
@pytest.mark.diverges("page-sizes-probe")
@pytest.mark.parametrize("size", [32_001, 1_000_000_000])
def test_a_larger_page_is_refused(probe: Probe, size: int) -> None:
    store_keys(probe, 1)

    with pytest.raises(StepFailed, match=f"^Requested too many items: {size}$"):
        probe.paginate(THINGS, {"numItems": size, "cursor": None})


# No row and no byte may be read: such a page could never go on.
@pytest.mark.diverges("page-sizes-probe")
@pytest.mark.parametrize("limit", ["maximumRowsRead", "maximumBytesRead"])
def test_a_limit_of_nothing_is_refused(probe: Probe, limit: str) -> None:
    with pytest.raises(StepFailed, match="maximumRowsRead and maximumBytesRead must be greater than 0"):
        probe.paginate(THINGS, {"numItems": 1, "cursor": None, limit: 0})


# Cursors


# A first page is asked for with null; a client that leaves the cursor out means the same.
def test_a_cursor_that_is_left_out_is_the_beginning(probe: Probe) -> None:
    store_keys(probe, 1, 2)

    assert keys_of(probe.paginate(THINGS, {"numItems": 1})["page"]) == [1]


# What a client kept from another deployment, or cut off.
@pytest.mark.parametrize("cursor", ["nonsense", "zz", "01", "{}"], ids=["word", "two", "hex", "object"])
@pytest.mark.parametrize("name", ["cursor", "endCursor"])
def test_text_that_is_no_cursor_is_refused(probe: Probe, name: str, cursor: str) -> None:
    store_keys(probe, 1)

    [page] = probe.query(query(THINGS, paginate={"numItems": 1, "cursor": None, name: cursor}))

    assert page.error is not None


# A deployment has one text for whatever it did not write itself, also for a cursor that lost its end.
@pytest.mark.diverges("cursors-probe")
@pytest.mark.parametrize("kind", ["word", "empty", "changed", "cut"])
def test_the_text_for_what_is_no_cursor(probe: Probe, kind: str) -> None:
    store_keys(probe, 1, 2)
    good = probe.paginate(THINGS, {"numItems": 1, "cursor": None})["continueCursor"]
    changed = good[:-1] + ("0" if good[-1] != "0" else "1")
    cursor = {"word": "nonsense", "empty": "", "changed": changed, "cut": good[:-2]}[kind]

    with pytest.raises(StepFailed, match=r"^Failed to parse cursor"):
        probe.paginate(THINGS, {"numItems": 1, "cursor": cursor})


# A page number where a cursor belongs: parsed as an argument, before anything is decoded.
@pytest.mark.diverges("cursors-probe")
@pytest.mark.parametrize("cursor", [2, True, ["a"], {}], ids=["number", "boolean", "list", "object"])
@pytest.mark.parametrize("name", ["cursor", "endCursor"])
def test_a_cursor_that_is_no_text_is_refused(probe: Probe, name: str, cursor: Any) -> None:
    store_keys(probe, 1, 2)

    with pytest.raises(StepFailed, match=r"^Invalid arguments for `queryPage`: invalid type: .*, expected a string"):
        probe.paginate(THINGS, {"numItems": 1, "cursor": None, name: cursor})


_SAME: dict[str, Any] = {"index": "by_key", "range": [gt("key", 0)], "filter": gt(field("key"), 0)}


# convex-engine.md §5.3: a cursor belongs to its query.  usePaginatedQuery starts over when it sees this very data.
@pytest.mark.diverges("cursors-probe")
@pytest.mark.parametrize(
    "other",
    [
        {"order": "desc"},
        {"range": [gt("key", 1)]},
        {"range": [lt("key", 100)]},
        {"range": []},
        {"filter": gt(field("key"), 1)},
        {"filter": []},
        {"filter": [_SAME["filter"], _SAME["filter"]]},
        {"index": "by_creation_time", "range": []},
        {"table": "conformance_typed", "index": "by_creation_time", "range": []},
    ],
    ids=["order", "bound", "range", "no-range", "filter", "no-filter", "filters", "index", "table"],
)
@pytest.mark.parametrize("place", ["middle", "end"])
def test_a_cursor_of_another_query_is_refused(probe: Probe, place: str, other: dict[str, Any]) -> None:
    store_keys(probe, 1, 2)
    size = 1 if place == "middle" else 10
    first = probe.paginate(THINGS, {"numItems": size, "cursor": None}, **_SAME)
    paginate = {"numItems": 1, "cursor": first["continueCursor"]}

    [page] = probe.query(query(**{"table": THINGS, **_SAME, **other, "paginate": paginate}))

    assert page.error is not None
    assert page.data == {"isConvexSystemError": True, "paginationError": "InvalidCursor"}


# What a query says anyway is no other query.
def test_the_default_order_may_be_spelled_out(probe: Probe) -> None:
    store_keys(probe, 1, 2)
    first = probe.paginate(THINGS, {"numItems": 1, "cursor": None})

    second = probe.paginate(THINGS, {"numItems": 1, "cursor": first["continueCursor"]}, order="asc")

    assert keys_of(second["page"]) == [2]


# A cursor is good for queries and mutations alike.
def test_a_mutation_goes_on_from_the_cursor_of_a_query(probe: Probe) -> None:
    store_keys(probe, 1, 2)
    first = probe.paginate(THINGS, {"numItems": 1, "cursor": None})

    [second] = probe.mutation(query(THINGS, paginate={"numItems": 1, "cursor": first["continueCursor"]}))

    assert keys_of(second.value["page"]) == [2]


# The query itself is looked at for a page as for anything else.
@pytest.mark.parametrize(
    "options",
    [{"index": "by_nothing"}, {"index": "by_a_b", "range": [eq("b", 1)]}],
    ids=["index", "range"],
)
def test_a_query_that_cannot_run_has_no_pages(probe: Probe, options: Any) -> None:
    with pytest.raises(StepFailed, match=r"(?i)index"):
        probe.paginate(THINGS, {"numItems": 1, "cursor": None}, **options)


# A second page in one function


_PAGE = query(THINGS, paginate={"numItems": 1, "cursor": None})


# get-convex/convex-test#116: a helper that paginated twice passed its tests and failed in production for months.
@pytest.mark.parametrize("kind", ["query", "mutation"])
def test_a_second_page_in_one_function_is_refused(probe: Probe, kind: str) -> None:
    store_keys(probe, 1)

    first, second = (probe.query if kind == "query" else probe.mutation)(_PAGE, _PAGE)

    assert keys_of(first.value["page"]) == [1]
    assert "single paginated query" in str(second.error)


# Not even of another table, nor the next page of the same query.
@pytest.mark.parametrize("table", [THINGS, "conformance_typed"], ids=["same", "other"])
def test_a_second_page_of_any_query_is_refused(probe: Probe, table: str) -> None:
    store_keys(probe, 1, 2)
    cursor = ref(0, "continueCursor") if table == THINGS else None

    _, second = probe.query(_PAGE, query(table, paginate={"numItems": 1, "cursor": cursor}))

    assert "single paginated query" in str(second.error)


# Only pages are counted: any other query may come before and after.
def test_other_queries_beside_a_page_are_no_second_page(probe: Probe) -> None:
    store_keys(probe, 1, 2)

    before, page, after = probe.query(query(THINGS), _PAGE, query(THINGS, take=1))

    assert keys_of(before.value) == [1, 2]
    assert keys_of(page.value["page"]) == [1]
    assert keys_of(after.value) == [1]


# The refusal can be caught, and the mutation keeps what it wrote.
def test_a_mutation_goes_on_after_its_second_page(probe: Probe) -> None:
    *_, stored = probe.mutation(_PAGE, _PAGE, insert(THINGS, {"key": 1}))

    assert stored.error is None
    assert keys_of(probe.collect(THINGS)) == [1]


# A size that npm convex refuses never was a page.
def test_a_refused_size_is_no_first_page(probe: Probe) -> None:
    store_keys(probe, 1)

    refused, page = probe.query(query(THINGS, paginate={"numItems": -1, "cursor": None}), _PAGE)

    assert refused.error is not None
    assert keys_of(page.value["page"]) == [1]


# Each function has a page of its own: a query that is called by another may paginate, too.
@pytest.mark.parametrize("kind", ["query", "mutation", "action"])
def test_called_functions_have_pages_of_their_own(probe: Probe, kind: str) -> None:
    store(probe, {"key": 1})
    call = {"query": probe.query, "mutation": probe.mutation, "action": probe.action}[kind]

    answers = call(run_query(_PAGE), run_query(_PAGE), *([] if kind == "action" else [_PAGE]))

    called = [answer.value[0].value for answer in answers[:2]]
    pages = [*called, *(answer.value for answer in answers[2:])]
    assert [keys_of(page["page"]) for page in pages] == [[1]] * len(answers)
