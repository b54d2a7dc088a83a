"""Documents that are written again: twice in one mutation that fails, and below their top level."""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra_emulator import FunctionError
from pytest_mastra_convex.conformance.things import THINGS, keys_of, names_of, store, store_keys
from pytest_mastra_convex.probe import Probe, delete, eq, insert, patch, ref, replace, throw, undefined


def first_again(identifier: Any) -> tuple[Any, ...]:
    return patch(identifier, {"key": 5}), patch(identifier, {"key": 6})


def first_replaced(identifier: Any) -> tuple[Any, ...]:
    return patch(identifier, {"key": 5}), replace(identifier, {"key": 6})


def first_deleted(identifier: Any) -> tuple[Any, ...]:
    return patch(identifier, {"key": 5}), delete(identifier)


# A step that updates a run's state twice before it fails: undone in the wrong order, the first update would stay.
@pytest.mark.parametrize(
    "writes", [first_again, first_replaced, first_deleted], ids=["patched-twice", "patched-replaced", "patched-deleted"]
)
def test_a_document_written_twice_in_a_failed_mutation_is_as_before(probe: Probe, writes: Any) -> None:
    first, _ = store_keys(probe, 1, 2)
    before = probe.get(first)

    with pytest.raises(FunctionError, match="stop"):
        probe.mutation(*writes(first), throw("stop"))

    assert probe.get(first) == before
    assert keys_of(probe.collect(THINGS, index="by_key")) == [1, 2]
    assert probe.count(THINGS, index="by_key", range=[eq("key", 5)]) == 0


# What was made and changed by the failed mutation itself leaves nothing, in no index either.
def test_a_document_made_and_changed_in_a_failed_mutation_is_gone(probe: Probe) -> None:
    store_keys(probe, 1)

    with pytest.raises(FunctionError, match="stop"):
        probe.mutation(insert(THINGS, {"key": 5}), patch(ref(0), {"key": 6}), throw("stop"))

    assert keys_of(probe.collect(THINGS)) == [1]
    assert keys_of(probe.collect(THINGS, index="by_key")) == [1]


# An index on metadata.status: the patch names `metadata`, the index a field below it.
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"nested": {"value": 9}}, ["b", "c", "a"], id="moved-to-the-end"),
        pytest.param({"nested": {}}, ["a", "b", "c"], id="field-gone"),
        pytest.param({"nested": undefined}, ["a", "b", "c"], id="parent-gone"),
        pytest.param({"nested": {"value": 2.5, "other": 1}}, ["b", "a", "c"], id="with-another-field"),
    ],
)
def test_a_row_moves_with_a_nested_field(probe: Probe, changes: Any, expected: list[str]) -> None:
    first, *_ = store(
        probe, *({"name": name, "nested": {"value": value}} for name, value in (("a", 1), ("b", 2), ("c", 3)))
    )

    probe.patch(first, changes)

    assert names_of(probe.collect(THINGS, index="by_nested")) == expected


# The old place is empty: a document must not be found by the nested value it had.
def test_a_row_is_not_found_by_its_former_nested_value(probe: Probe) -> None:
    [first] = store(probe, {"name": "a", "nested": {"value": 1}})

    probe.patch(first, {"nested": {"value": 2}})

    assert probe.count(THINGS, index="by_nested", range=[eq("nested.value", 1)]) == 0
    assert probe.count(THINGS, index="by_nested", range=[eq("nested.value", 2)]) == 1
