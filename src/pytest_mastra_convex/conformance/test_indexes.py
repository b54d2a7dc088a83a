"""Indexes: the order of their rows, what ties are broken by, and rows that move when they are written."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_mastra_convex.conformance.things import THINGS, keys_of, names_of, store, store_keys
from pytest_mastra_convex.probe import Probe, StepFailed, delete, insert, patch, query, replace, undefined


# Messages of a thread are read from either end: a direction that is taken for granted shows the oldest as the newest.
@pytest.mark.parametrize(
    ("order", "expected"), [("asc", ["a", "b", "c"]), ("desc", ["c", "b", "a"])], ids=["asc", "desc"]
)
@pytest.mark.parametrize("index", [None, "by_creation_time"], ids=["scan", "by_creation_time"])
def test_documents_come_in_the_order_of_their_creation(
    probe: Probe, index: str | None, order: str, expected: list[str]
) -> None:
    for key in ("a", "b", "c"):
        probe.insert(THINGS, {"key": key})

    found = probe.collect(THINGS, order=order) if index is None else probe.collect(THINGS, index=index, order=order)

    assert keys_of(found) == expected


# Documents of one mutation share their millisecond, yet have an order: a batch of messages must not be shuffled.
def test_documents_of_one_mutation_come_in_the_order_of_their_inserts(probe: Probe) -> None:
    store_keys(probe, *range(20))

    assert keys_of(probe.collect(THINGS)) == list(range(20))


# The order of ids is that of their texts, whatever was stored first.
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_by_id_is_in_the_order_of_the_ids(probe: Probe, order: str) -> None:
    ids = store_keys(probe, 1, 2, 3, 4, 5)

    found = probe.collect(THINGS, index="by_id", order=order)

    assert [row["_id"] for row in found] == sorted(ids, reverse=order == "desc")


# Rows of one thread all have one key: only the creation time tells which message was first.
@pytest.mark.parametrize(
    ("order", "expected"),
    [("asc", ["x1", "x2", "x3", "y"]), ("desc", ["y", "x3", "x2", "x1"])],
    ids=["asc", "desc"],
)
def test_ties_are_broken_by_creation_time_in_the_same_direction(probe: Probe, order: str, expected: list[str]) -> None:
    for key, name in (("x", "x1"), ("y", "y"), ("x", "x2"), ("x", "x3")):
        probe.insert(THINGS, {"key": key, "name": name})

    found = probe.collect(THINGS, index="by_key", order=order)

    assert names_of(found) == expected


# The whole key is reversed, not its first field alone.
@pytest.mark.parametrize(
    ("order", "expected"),
    [("asc", ["1x", "1y", "2x", "2y"]), ("desc", ["2y", "2x", "1y", "1x"])],
    ids=["asc", "desc"],
)
def test_two_fields_are_ordered_one_after_the_other(probe: Probe, order: str, expected: list[str]) -> None:
    names = {"2y": (2, "y"), "1y": (1, "y"), "2x": (2, "x"), "1x": (1, "x")}
    store(probe, *({"name": name, "a": a, "b": b} for name, (a, b) in names.items()))

    found = probe.collect(THINGS, index="by_a_b", order=order)

    assert names_of(found) == expected


# Metadata lives one level down.
def test_nested_fields_are_ordered(probe: Probe) -> None:
    store(probe, *({"name": str(value), "nested": {"value": value}} for value in (3, 1, 2)))

    assert names_of(probe.collect(THINGS, index="by_nested")) == ["1", "2", "3"]


# Rows that move


# A thread that is written to goes to the end of the list of threads by time.
@pytest.mark.parametrize("write", [patch, replace], ids=["patch", "replace"])
def test_a_write_moves_the_row(probe: Probe, write: Any) -> None:
    first, *_ = store_keys(probe, 1, 2, 3)

    [moved] = probe.mutation(write(first, {"key": 2.5}))

    assert moved.error is None
    assert keys_of(probe.collect(THINGS, index="by_key")) == [2, 2.5, 3]


# Between equal keys a row keeps the place of its creation, whenever it got the key.
def test_a_row_that_moves_among_equals_takes_its_place_by_creation(probe: Probe) -> None:
    _, middle, _ = store(probe, {"key": 1, "name": "a"}, {"key": 2, "name": "b"}, {"key": 1, "name": "c"})

    probe.patch(middle, {"key": 1})

    assert names_of(probe.collect(THINGS, index="by_key")) == ["a", "b", "c"]


# A title that changes must not make an old thread the newest.
@pytest.mark.parametrize("index", ["by_key", "by_creation_time"])
def test_a_write_to_another_field_moves_nothing(probe: Probe, index: str) -> None:
    first, *_ = store(probe, {"key": 1, "name": "a"}, {"key": 1, "name": "b"})

    probe.patch(first, {"name": "A"})

    assert names_of(probe.collect(THINGS, index=index)) == ["A", "b"]


def _removal(id: Any) -> Any:
    return patch(id, {"key": undefined})


def _replacement(id: Any) -> Any:
    return replace(id, {"name": "c"})


# A field that goes takes the row to those that never had it.
@pytest.mark.parametrize("write", [_removal, _replacement], ids=["patch", "replace"])
def test_a_row_that_loses_its_field_moves_to_the_front(probe: Probe, write: Any) -> None:
    *_, last = store(probe, {"key": None, "name": "a"}, {"key": 2, "name": "b"}, {"key": 3, "name": "c"})

    [moved] = probe.mutation(write(last))

    assert moved.error is None
    assert names_of(probe.collect(THINGS, index="by_key")) == ["c", "a", "b"]


# A row that was deleted must not be found through an index that still knows it.
@pytest.mark.parametrize("index", ["by_key", "by_a_b", "by_nested", "by_creation_time", "by_id"])
def test_a_deleted_row_is_in_no_index(probe: Probe, index: str) -> None:
    first, _ = store(probe, {"name": "gone"}, {"name": "kept"})

    probe.delete(first)

    assert names_of(probe.collect(THINGS, index=index)) == ["kept"]


# A function reads what it wrote, at the new place and not at the old one.
def test_a_mutation_finds_its_own_writes_where_they_moved(probe: Probe) -> None:
    first, second = store_keys(probe, 1, 2)

    *_, found = probe.mutation(
        insert(THINGS, {"key": 1.5}), patch(first, {"key": 9}), delete(second), query(THINGS, index="by_key")
    )

    assert keys_of(found.value) == [1.5, 9]


# Indexes that are not there


# convex-engine.md §4.5: an index of the code that was never pushed.
@pytest.mark.parametrize("name", ["by_nothing", "key", "BY_KEY"], ids=["unknown", "a-field", "other-case"])
def test_an_unknown_index_is_refused(probe: Probe, name: str) -> None:
    with pytest.raises(StepFailed, match=name):
        probe.collect(THINGS, index=name)


# Applications tell a schema that was not pushed by this text.
@pytest.mark.diverges("missing-index-text-probe")
def test_the_text_for_an_unknown_index(probe: Probe) -> None:
    with pytest.raises(StepFailed, match=r"^Index conformance_things\.by_nothing not found\.$"):
        probe.collect(THINGS, index="by_nothing")


# The deployment takes the name apart before it looks for the index.
def test_a_name_that_no_index_can_have_is_refused(probe: Probe) -> None:
    with pytest.raises(StepFailed, match="no-index"):
        probe.collect(THINGS, index="no-index")


# An index that is staged is filled, and not yet there for queries.
def test_a_staged_index_is_refused(probe: Probe) -> None:
    with pytest.raises(StepFailed, match="by_staged"):
        probe.collect(THINGS, index="by_staged")


# A staged index is told apart from a missing one, or nobody would think of enabling it.
@pytest.mark.diverges("missing-index-text-probe")
def test_the_text_for_a_staged_index(probe: Probe) -> None:
    with pytest.raises(StepFailed, match="is currently staged and not available to query until it is enabled"):
        probe.collect(THINGS, index="by_staged")


# A vector index has no order to read in.
def test_a_vector_index_is_refused(probe: Probe) -> None:
    with pytest.raises(StepFailed, match="by_embedding"):
        probe.collect("conformance_vectors", index="by_embedding")


# A refusal does not wait for a document: a test on an empty table must find the wrong name, too.
def test_an_unknown_index_of_an_empty_table_is_refused_even_for_no_documents(probe: Probe) -> None:
    with pytest.raises(StepFailed, match="by_nothing"):
        probe.take(THINGS, 0, index="by_nothing")


# A table comes into being with its first document; to scan it before is no mistake.
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_table_that_does_not_exist_is_scanned_as_empty(probe: Probe, order: str) -> None:
    assert probe.collect("conformance_nothing", order=order) == []


# convex-engine.md §4.5: no table, no index, not even those that every table has.
@pytest.mark.diverges("indexes-of-missing-tables")
@pytest.mark.parametrize("index", ["by_creation_time", "by_id"])
def test_a_table_that_does_not_exist_has_no_indexes(probe: Probe, index: str) -> None:
    with pytest.raises(StepFailed, match=rf"Index conformance_nothing\.{index} not found"):
        probe.collect("conformance_nothing", index=index)


# A misspelt direction is no direction.
@pytest.mark.diverges("query-arguments")
def test_an_unknown_direction_is_refused(probe: Probe) -> None:
    with pytest.raises(StepFailed, match="asc"):
        probe.collect(THINGS, order="descending")
