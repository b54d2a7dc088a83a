"""The ends of a query: collect, take, first, unique and iteration, with what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_mastra_convex.conformance.things import THINGS, keys_of, names_of, store, store_keys
from pytest_mastra_convex.probe import (
    Probe,
    StepFailed,
    counter,
    delete,
    eq,
    insert,
    patch,
    query,
    run_query,
)


# A new application reads before it has written.
@pytest.mark.parametrize(
    ("end", "expected"),
    [({}, []), ({"take": 5}, []), ({"first": True}, None), ({"unique": True}, None), ({"read": 5}, [])],
    ids=["collect", "take", "first", "unique", "iterate"],
)
def test_an_empty_table_answers_nothing(probe: Probe, end: Any, expected: Any) -> None:
    [found] = probe.query(query(THINGS, **end))

    assert found.value == expected


# None of the rows, some, all, and more than there are.
@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, []), (1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (4, [1, 2, 3]), (1_000_000, [1, 2, 3])],
    ids=["none", "one", "some", "all", "one-more", "many-more"],
)
def test_take(probe: Probe, number: int, expected: list[int]) -> None:
    store_keys(probe, 1, 2, 3)

    assert keys_of(probe.take(THINGS, number)) == expected


# convex-js validate.ts: a size that was computed may be a fraction or below zero.
@pytest.mark.parametrize(
    "number",
    [-1, 0.5, 2.5, float("nan"), float("inf"), "2", True],
    ids=["minus", "half", "fraction", "nan", "infinity", "text", "boolean"],
)
def test_take_refuses_what_is_no_whole_number(probe: Probe, number: Any) -> None:
    store_keys(probe, 1, 2, 3)

    with pytest.raises(StepFailed, match="must be a non-negative integer"):
        probe.take(THINGS, number)


# The first of an index, from either side; the first message of a thread is its title.
@pytest.mark.parametrize(("order", "expected"), [("asc", 1), ("desc", 3)], ids=["asc", "desc"])
def test_first(probe: Probe, order: str, expected: int) -> None:
    store_keys(probe, 2, 3, 1)

    found = probe.first(THINGS, index="by_key", order=order)

    assert found is not None
    assert found["key"] == expected


# The one row of an id: `unique` is what Mastra's handlers look records up with.
def test_unique_finds_the_only_document(probe: Probe) -> None:
    store_keys(probe, 1, 2)

    found = probe.unique(THINGS, index="by_key", range=[eq("key", 2)])

    assert found is not None
    assert found["key"] == 2
    assert probe.unique(THINGS, index="by_key", range=[eq("key", 3)]) is None


# Two rows of one id: without the refusal one of them would be picked by chance.
def test_unique_refuses_two_documents_and_names_them(probe: Probe) -> None:
    first, second = store_keys(probe, 1, 1)

    with pytest.raises(StepFailed) as failure:
        probe.unique(THINGS, index="by_key", range=[eq("key", 1)])

    assert failure.value.text.startswith(f"unique() query returned more than one result from table {THINGS}:")
    assert failure.value.text.endswith(f"[{first}, {second}, ...]")


# However many there are, two are read and two are named, in the order of the query.
def test_unique_names_the_first_two_of_many(probe: Probe) -> None:
    *_, second_last, last = store_keys(probe, 1, 2, 3, 4)

    with pytest.raises(StepFailed) as failure:
        probe.unique(THINGS, order="desc")

    assert failure.value.text.endswith(f"[{last}, {second_last}, ...]")


# A loop over a query that stops early has read so many documents and no more; the next query is not disturbed.
@pytest.mark.parametrize("number", [1, 2, 3, 4], ids=["one", "two", "all", "more"])
def test_iteration_stops_where_the_caller_stops(probe: Probe, number: int) -> None:
    store_keys(probe, 1, 2, 3)

    part, whole = probe.query(query(THINGS, read=number), query(THINGS, order="desc", read=10))

    assert keys_of(part.value) == [1, 2, 3][:number]
    assert keys_of(whole.value) == [3, 2, 1]


# Rows are fetched in batches of 100, and of 1,024 at most: no row is lost or doubled at their edges.
@pytest.mark.parametrize("number", [99, 100, 101, 200, 1023, 1024, 1025, 2049])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_many_documents_come_whole_and_in_order(probe: Probe, order: str, number: int) -> None:
    probe.mutation(insert(THINGS, {"key": counter()}, times=number))

    collected, taken, read = probe.query(
        query(THINGS, index="by_key", order=order, select=["key"]),
        query(THINGS, index="by_key", order=order, select=["key"], take=number - 1),
        query(THINGS, index="by_key", order=order, select=["key"], read=number - 1),
    )

    expected = list(range(number)) if order == "asc" else list(range(number))[::-1]
    assert keys_of(collected.value) == expected
    assert keys_of(taken.value) == expected[:-1]
    assert keys_of(read.value) == expected[:-1]


# What a function reads


# A mutation sees its own writes, whatever it asks with.
@pytest.mark.parametrize(
    ("end", "expected"),
    [({}, ["B", "c"]), ({"take": 1}, ["B"]), ({"read": 2}, ["B", "c"])],
    ids=["collect", "take", "iterate"],
)
def test_a_mutation_reads_its_own_writes(probe: Probe, end: Any, expected: list[str]) -> None:
    first, second = store(probe, {"name": "a"}, {"name": "b"})

    *_, found = probe.mutation(
        delete(first), patch(second, {"name": "B"}), insert(THINGS, {"name": "c"}), query(THINGS, **end)
    )

    assert names_of(found.value) == expected


# So does a query that the mutation calls: it runs in the same transaction.
def test_a_called_query_reads_what_the_mutation_has_written(probe: Probe) -> None:
    _, called = probe.mutation(insert(THINGS, {"name": "new"}), run_query(query(THINGS)))

    [found] = called.value
    assert names_of(found.value) == ["new"]


# A query that ran before the write has its answer.
def test_an_answer_does_not_change_with_later_writes(probe: Probe) -> None:
    [first] = store(probe, {"name": "a"})

    before, *_ = probe.mutation(query(THINGS), patch(first, {"name": "b"}), insert(THINGS, {"name": "c"}))

    assert names_of(before.value) == ["a"]


# Tables that cannot be read


# Their names begin with an underscore, and they are read by `db.system`.
@pytest.mark.parametrize("table", ["_storage", "_scheduled_functions"])
def test_system_tables_are_not_read_as_others(probe: Probe, table: str) -> None:
    with pytest.raises(StepFailed, match="System tables can only be accessed"):
        probe.collect(table)


# A name that no table can have is no empty table, but a mistake.
@pytest.mark.diverges("query-arguments")
@pytest.mark.parametrize("table", ["no-table", "", "1table", "ä"], ids=["hyphen", "empty", "digit", "letter"])
def test_a_name_that_no_table_can_have_is_refused(probe: Probe, table: str) -> None:
    with pytest.raises(StepFailed, match=r"^Invalid argument `query` for `queryStream`"):
        probe.collect(table)


# The refusal of one query is caught in the function, and the next one runs.
def test_a_function_goes_on_after_a_refused_query(probe: Probe) -> None:
    store_keys(probe, 1)

    refused, found = probe.query(query(THINGS, take=-1), query(THINGS))

    assert refused.error is not None
    assert keys_of(found.value) == [1]
