"""How much one function may read: 32,000 documents and 16 MiB, counted where they are read.

Most cases count bytes: sixteen documents of 1 MiB are sooner read than 32,000 small ones, and both numbers follow the
same rules (convex-engine.md §5.6).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_mastra_convex.conformance.things import THINGS, keys_of
from pytest_mastra_convex.probe import (
    Probe,
    Step,
    counter,
    delete,
    eq,
    field,
    get,
    insert,
    literal,
    patch,
    query,
    repeat,
    replace,
    run_mutation,
    run_query,
)

TOO_MANY_BYTES = "Too many bytes read in a single function execution (limit: 16777216 bytes)"
TOO_MANY_DOCUMENTS = "Too many documents read in a single function execution (limit: 32000)"
SMALL = "conformance_typed"

# With its key, id and creation time (63 + 13 + 7 bytes) the document is exactly the 1 MiB that one may be.
_MEBIBYTE = {"key": counter(), "text": repeat("x", 1_048_576 - 83)}
_READ_ALL = query(THINGS, count=True, times=16)
"""Reads 16 MiB, where there is one document of 1 MiB: the last byte that fits."""


def store_mebibytes(probe: Probe, number: int) -> str:
    """Stores documents of 1 MiB, eight in a mutation; returns the id of the last."""
    last = ""
    for begin in range(0, number, 8):
        [stored] = probe.mutation(insert(THINGS, _MEBIBYTE, times=min(8, number - begin)))
        last = stored.value
    return last


def store_small(probe: Probe) -> str:
    """Stores a document of a few bytes in another table; returns its id."""
    return probe.insert(SMALL, {"name": "small"})


# Bytes


# The last byte that fits, read over and over: a document counts each time.
def test_16_mib_can_be_read(probe: Probe) -> None:
    store_mebibytes(probe, 1)

    [last] = probe.query(_READ_ALL)

    assert last.value == 1


# ... and the first document that does not fit, however small.
@pytest.mark.diverges("read-limits")
def test_more_than_16_mib_cannot_be_read(probe: Probe) -> None:
    store_mebibytes(probe, 1)
    store_small(probe)

    read, more = probe.query(_READ_ALL, query(SMALL))

    assert read.error is None
    assert str(more.error).startswith(TOO_MANY_BYTES)


# mastra-ai/mastra#13533, #12792: one scan of a table that has grown, which worked until the day it did not.
def test_a_scan_of_16_mib_is_answered(probe: Probe) -> None:
    store_mebibytes(probe, 16)

    assert probe.count(THINGS) == 16


# One document more, and all of them are out of reach.
@pytest.mark.diverges("read-limits")
def test_a_scan_of_17_mib_is_refused(probe: Probe) -> None:
    store_mebibytes(probe, 17)

    [scan] = probe.query(query(THINGS, count=True))

    assert str(scan.error).startswith(TOO_MANY_BYTES)


# ... and the way out: an index range reads what it finds, whatever else is in the table (mastra-ai/mastra#13630).
def test_an_index_range_reads_only_what_it_finds(probe: Probe) -> None:
    store_mebibytes(probe, 17)
    probe.insert(THINGS, {"key": "wanted"})

    found = probe.collect(THINGS, index="by_key", range=[eq("key", "wanted")])

    assert keys_of(found) == ["wanted"]


# A filter saves no reading: what it drops was read.
def test_16_mib_may_be_dropped_by_a_filter(probe: Probe) -> None:
    store_mebibytes(probe, 16)

    assert probe.collect(THINGS, filter=literal(False)) == []


# ... so the one row behind them is never found, whatever the query ends in.
@pytest.mark.diverges("read-limits")
@pytest.mark.parametrize(
    "end", [{}, {"take": 1}, {"first": True}, {"unique": True}], ids=["collect", "take", "first", "unique"]
)
def test_documents_that_a_filter_drops_count(probe: Probe, end: Any) -> None:
    store_mebibytes(probe, 16)
    probe.insert(THINGS, {"key": "wanted"})

    [found] = probe.query(query(THINGS, filter=eq(field("key"), "wanted"), **end))

    assert str(found.error).startswith(TOO_MANY_BYTES)


# What is fetched ahead and not taken is not read: the batch behind a take is of no account.
@pytest.mark.parametrize(
    "end",
    [{"take": 16}, {"first": True}, {"read": 16}, {"paginate": {"numItems": 16, "cursor": None}}],
    ids=["take", "first", "iterate", "page"],
)
def test_only_the_documents_that_are_taken_count(probe: Probe, end: Any) -> None:
    store_mebibytes(probe, 17)

    [found] = probe.query(query(THINGS, select=["key"], **end))

    assert found.error is None


# What reads, and what does not, when everything has been read that may be


def _getting(id: str) -> Step:
    return get(id)


def _patching(id: str) -> Step:
    return patch(id, {"name": "other"})


def _patching_nothing(id: str) -> Step:
    return patch(id, {})


def _replacing(id: str) -> Step:
    return replace(id, {"name": "other"})


def _taking_one(id: str) -> Step:
    return query(SMALL, take=1)


# A write to a document reads it first.
@pytest.mark.diverges("read-limits")
@pytest.mark.parametrize(
    "access",
    [_getting, _patching, _patching_nothing, _replacing, delete, _taking_one],
    ids=["get", "patch", "empty-patch", "replace", "delete", "take"],
)
def test_nothing_more_is_read_behind_the_limit(probe: Probe, access: Callable[[str], Step]) -> None:
    store_mebibytes(probe, 1)
    small = store_small(probe)

    read, more = probe.mutation(_READ_ALL, access(small))

    assert read.error is None
    assert str(more.error).startswith(TOO_MANY_BYTES)


def _inserting(id: str) -> Step:
    return insert(SMALL, {"name": "new"})


def _finding_nothing(id: str) -> Step:
    return query(SMALL, index="by_name", range=[eq("name", "nobody")])


def _taking_none(id: str) -> Step:
    return query(SMALL, take=0)


# An insert reads nothing, nor does who finds nothing.
@pytest.mark.parametrize(
    "access",
    [_inserting, _getting, _finding_nothing, _taking_none],
    ids=["insert", "get-missing", "no-match", "take-0"],
)
def test_what_reads_no_document_is_no_matter_of_the_limit(probe: Probe, access: Callable[[str], Step]) -> None:
    store_mebibytes(probe, 1)
    gone = store_small(probe)
    probe.delete(gone)

    read, more = probe.mutation(_READ_ALL, access(gone))

    assert (read.error, more.error) == (None, None)


# Having failed once, a function reads nothing any more; what it writes is kept all the same.
@pytest.mark.diverges("read-limits")
def test_a_function_that_read_too_much_can_only_write(probe: Probe) -> None:
    store_mebibytes(probe, 1)
    small = store_small(probe)

    _, failed, again, stored = probe.mutation(_READ_ALL, get(small), get(small), insert(SMALL, {"name": "new"}))

    assert failed.error is not None
    assert str(again.error).startswith(TOO_MANY_BYTES)
    assert probe.get(stored.value) is not None


# Whose limit it is


# The next call has an allowance of its own.
def test_every_call_may_read_16_mib(probe: Probe) -> None:
    store_mebibytes(probe, 1)

    assert [probe.query(_READ_ALL)[0].error for _ in range(2)] == [None, None]


# An action reads by calling, and each call is a transaction.
def test_every_call_of_an_action_may_read_16_mib(probe: Probe) -> None:
    store_mebibytes(probe, 1)

    answers = probe.action(run_query(_READ_ALL), run_mutation(_READ_ALL), run_query(_READ_ALL))

    assert [answer.value[0].error for answer in answers] == [None, None, None]


# A called query is part of the caller's transaction: its reading cannot be moved out of the way.
@pytest.mark.diverges("read-limits")
@pytest.mark.parametrize("kind", ["query", "mutation"])
def test_called_functions_share_the_allowance(probe: Probe, kind: str) -> None:
    store_mebibytes(probe, 1)
    small = store_small(probe)
    half = query(THINGS, count=True, times=8)

    called, read, more = (probe.query if kind == "query" else probe.mutation)(run_query(half), half, get(small))

    assert (called.value[0].error, read.error) == (None, None)
    assert str(more.error).startswith(TOO_MANY_BYTES)


# Pages


# A page that meets the limit is no error: it ends there, and the next call goes on.
@pytest.mark.diverges("read-limits")
def test_a_page_ends_where_no_more_can_be_read(probe: Probe) -> None:
    store_mebibytes(probe, 17)

    first = probe.paginate(THINGS, {"numItems": 20, "cursor": None}, select=["_id"])
    second = probe.paginate(THINGS, {"numItems": 20, "cursor": first["continueCursor"]}, select=["_id"])

    assert (len(first["page"]), first["isDone"], first["pageStatus"]) == (16, False, "SplitRequired")
    assert (len(second["page"]), second["isDone"]) == (1, True)


# The same with a filter that drops it all: an empty page from which one can go on.
@pytest.mark.diverges("read-limits")
def test_a_page_of_dropped_documents_ends_where_no_more_can_be_read(probe: Probe) -> None:
    store_mebibytes(probe, 17)

    page = probe.paginate(THINGS, {"numItems": 20, "cursor": None}, filter=literal(False))

    assert (page["page"], page["isDone"], page["pageStatus"]) == ([], False, "SplitRequired")


# Three quarters of 16 MiB are a page; of more it is recommended to split it.
def test_a_page_of_12_mib_needs_no_split(probe: Probe) -> None:
    store_mebibytes(probe, 13)

    page = probe.paginate(THINGS, {"numItems": 12, "cursor": None}, select=["_id"])

    assert page["pageStatus"] is None


# The first size above.
@pytest.mark.diverges("page-status")
def test_a_page_of_13_mib_is_better_split(probe: Probe) -> None:
    store_mebibytes(probe, 13)

    page = probe.paginate(THINGS, {"numItems": 13, "cursor": None}, select=["_id"])

    assert page["pageStatus"] == "SplitRecommended"


# Documents


# 320 small documents a hundred times are the 32,000 that may be read; whether they pass a filter is all one.
@pytest.mark.parametrize("filter", [[], literal(False)], ids=["found", "dropped"])
def test_32000_documents_can_be_read(probe: Probe, filter: Any) -> None:
    probe.mutation(insert(THINGS, {"key": counter()}, times=320))

    [read] = probe.query(query(THINGS, filter=filter, count=True, times=100))

    assert read.error is None


# The next document is one too many, be it in another query of the same function.
@pytest.mark.diverges("read-limits")
@pytest.mark.parametrize("filter", [[], literal(False)], ids=["found", "dropped"])
def test_32001_documents_cannot_be_read(probe: Probe, filter: Any) -> None:
    probe.mutation(insert(THINGS, {"key": counter()}, times=320))

    read, more = probe.query(query(THINGS, filter=filter, count=True, times=100), query(THINGS, first=True))

    assert read.error is None
    assert str(more.error).startswith(TOO_MANY_DOCUMENTS)


# mastra-ai/mastra#17407: "just read the table" ends at the document behind the last one, and nothing is answered.
@pytest.mark.diverges("read-limits")
def test_a_scan_of_32001_documents_is_refused(probe: Probe) -> None:
    for number in (16_000, 16_000, 1):
        probe.mutation(insert(THINGS, {}, times=number))

    [all_but_one] = probe.query(query(THINGS, take=32_000, select=[]))
    [scan] = probe.query(query(THINGS, count=True))

    assert len(all_but_one.value) == 32_000
    assert str(scan.error).startswith(TOO_MANY_DOCUMENTS)


# Ranges


# Each lookup of another key is a range of its own, also if it finds nothing; the deployment's own ones count as well,
# so that the boundary is not met to the last one.
def test_4000_lookups_can_be_made(probe: Probe) -> None:
    [last] = probe.query(query(THINGS, index="by_key", range=[eq("key", counter())], times=4_000))

    assert last.value == []


# 4,096 is the number, so one more never fits.
@pytest.mark.diverges("read-limits")
def test_4097_lookups_cannot_be_made(probe: Probe) -> None:
    [last] = probe.query(query(THINGS, index="by_key", range=[eq("key", counter())], times=4_097))

    assert str(last.error).startswith("Too many reads in a single function execution (limit: 4096)")


# The same lookup again is no further range.
def test_ranges_that_were_read_are_not_counted_again(probe: Probe) -> None:
    [last] = probe.query(query(THINGS, index="by_key", range=[eq("key", 1)], times=5_000))

    assert last.value == []
