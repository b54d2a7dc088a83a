"""The order of arrays and objects in an index, and the place of values in compound and nested ones.

convex-backend crates/value/src/sorting.rs, crates/common/src/index.rs: a list is compared element by element, an
object as the list of its names and values in the order of the names.
"""

from __future__ import annotations

from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator import undefined
from pytest_mastra_convex.conformance.ordering import order_of
from pytest_mastra_convex.conformance.things import THINGS
from pytest_mastra_convex.probe import Probe, insert


# A key that is put together from its parts without marking their ends mixes up where one part stops.
@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        pytest.param([], [None], id="empty"),
        pytest.param([None], [1.0], id="types-inside"),
        pytest.param([1.0], [1.0, None], id="prefix"),
        pytest.param([1.0, 9.0], [2.0], id="first-element-decides"),
        pytest.param([9.0], [10.0], id="not-by-digits"),
        pytest.param(["a", "z"], ["ab"], id="end-of-a-text"),
        pytest.param(["a"], ["a\0"], id="text-with-nul"),
        pytest.param([b"a", b"z"], [b"ab"], id="end-of-bytes"),
        pytest.param([[]], [[None]], id="empty-inside"),
        pytest.param([[1.0], 5.0], [[1.0, 0.0]], id="end-of-a-list"),
        pytest.param([ConvexInt64(2)], [1.0], id="int64-inside"),
        pytest.param([-0.0], [0.0], id="zeros-inside"),
        pytest.param([["a"]], [{}], id="list-and-object-inside"),
    ],
)
def test_arrays_by_element(probe: Probe, lower: Any, higher: Any) -> None:
    assert order_of(probe, higher=higher, lower=lower) == ["lower", "higher"]


# Names decide before values, and in their own order, whatever the order in which they were written.
@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        pytest.param({}, {"a": None}, id="empty"),
        pytest.param({"a": 1.0}, {"a": 2.0}, id="value-decides"),
        pytest.param({"a": 2.0}, {"b": 1.0}, id="name-before-value"),
        pytest.param({"a": 1.0}, {"a": 1.0, "b": None}, id="prefix"),
        pytest.param({"a": 1.0, "z": 9.0}, {"a": 2.0}, id="first-field-decides"),
        pytest.param({"a": 1.0, "b": 9.0}, {"a": 1.0, "c": 0.0}, id="second-name-decides"),
        pytest.param({"z": 0.0, "a": 1.0}, {"b": 0.0, "a": 2.0}, id="written-in-another-order"),
        pytest.param({"A": 2.0}, {"a": 1.0}, id="capitals-first"),
        pytest.param({"a": 9.0}, {"aa": 0.0}, id="end-of-a-name"),
        pytest.param({}, {"": None}, id="empty-name-is-a-field"),
        pytest.param({"": 9.0}, {"a": 0.0}, id="empty-name-first"),
        pytest.param({"a": {"x": 1.0}, "b": 9.0}, {"a": {"x": 1.0, "y": 0.0}}, id="end-of-an-object"),
        pytest.param({"a": [1.0, 2.0]}, {"a": {}}, id="types-inside"),
    ],
)
def test_objects_by_names_and_values(probe: Probe, lower: Any, higher: Any) -> None:
    assert order_of(probe, higher=higher, lower=lower) == ["lower", "higher"]


# Two documents of one key come in the order of their creation, and the other way round when the order is turned.
def test_equal_keys_come_in_order_of_creation(probe: Probe) -> None:
    probe.mutation(*[insert(THINGS, {"key": "same", "name": name}) for name in ("b", "a", "c")])

    ascending = probe.collect(THINGS, index="by_key", order="asc")
    descending = probe.collect(THINGS, index="by_key", order="desc")

    assert [row["name"] for row in ascending] == ["b", "a", "c"]
    assert [row["name"] for row in descending] == ["c", "a", "b"]


# Documents without the field are in the index too: `by_created` of rows from before the field was there.
def test_documents_without_the_field_come_first_in_order_of_creation(probe: Probe) -> None:
    probe.mutation(
        insert(THINGS, {"key": None, "name": "null"}),
        insert(THINGS, {"name": "first"}),
        insert(THINGS, {"key": undefined, "name": "second"}),
    )

    found = probe.collect(THINGS, index="by_key")

    assert [row["name"] for row in found] == ["first", "second", "null"]


# The second field of an index orders only what the first leaves equal; a missing one is the least there, too.
def test_first_field_of_an_index_decides(probe: Probe) -> None:
    pairs = [("b", 1.0), ("a", "x"), ("a", 2.0), ("a", undefined), ("a", None), (undefined, "z")]
    probe.mutation(*[insert(THINGS, {"a": a, "b": b, "name": f"{n}"}) for n, (a, b) in enumerate(pairs)])

    found = probe.collect(THINGS, index="by_a_b")

    assert [row["name"] for row in found] == ["5", "3", "4", "2", "1", "0"]


# A text that ends where the next field begins: without a mark between the fields ("a", "b") and ("ab", "") are one key.
def test_fields_of_an_index_are_kept_apart(probe: Probe) -> None:
    pairs = [("ab", ""), ("a\0", "b"), ("a", "b"), ("a", "")]
    probe.mutation(*[insert(THINGS, {"a": a, "b": b}) for a, b in pairs])

    found = probe.collect(THINGS, index="by_a_b")

    assert [(row["a"], row["b"]) for row in found] == [("a", ""), ("a", "b"), ("a\0", "b"), ("ab", "")]


# A path that leads nowhere is a missing value, wherever it breaks off: no document may fall out of the index.
@pytest.mark.parametrize(
    "nested",
    [
        pytest.param(undefined, id="missing"),
        pytest.param(None, id="null"),
        pytest.param("value", id="text"),
        pytest.param([{"value": 1.0}], id="list"),
        pytest.param({}, id="empty-object"),
        pytest.param({"other": {"value": 1.0}}, id="other-object"),
    ],
)
def test_path_through_something_else_counts_as_missing(probe: Probe, nested: Any) -> None:
    probe.mutation(
        insert(THINGS, {"nested": {"value": None}, "name": "null"}),
        insert(THINGS, {"nested": nested, "name": "missing"}),
    )

    found = probe.collect(THINGS, index="by_nested")

    assert [row["name"] for row in found] == ["missing", "null"]


# A list in an indexed field is one value: there is no entry for each of its elements.
def test_list_is_indexed_as_a_whole(probe: Probe) -> None:
    probe.mutation(
        insert(THINGS, {"nested": {"value": ["a", "b"]}, "name": "list"}),
        insert(THINGS, {"nested": {"value": "b"}, "name": "text"}),
    )

    found = probe.collect(THINGS, index="by_nested")

    assert [row["name"] for row in found] == ["text", "list"]
