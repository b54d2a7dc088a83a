"""Index keys and ordered indexes: convex-engine.md §2 and §4.2."""

from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator.database.index import OrderedIndex, built_in_indexes, key_suffix
from convex_mastra_emulator.values.order import sort_key

ID = "j57000820c20a1g7104gm2rc1m70ynr8"
LATER_ID = "j57fzzzzzzzzzzzzzzzzzzzzzzzzzkyr"


def index_of(*paths: tuple[str, ...]) -> OrderedIndex:
    return OrderedIndex("by_test", (*paths, ("_creationTime",)))


def key(index: OrderedIndex, document: dict[str, Any]) -> bytes:
    return index.key_of(document, key_suffix(document))


def test_key_is_made_of_the_fields_the_creation_time_and_the_id() -> None:
    document = {"_id": ID, "_creationTime": 5.0, "a": "x", "m": {"n": ConvexInt64(3)}}

    assert key(index_of(("a",), ("m", "n")), document) == b"".join(map(sort_key, ["x", ConvexInt64(3), 5.0, ID]))


def test_missing_field_is_the_lowest_key() -> None:
    index = index_of(("a",))
    missing = key(index, {"_id": ID, "_creationTime": 5.0})
    null = key(index, {"_id": ID, "_creationTime": 1.0, "a": None})

    assert missing < null


def test_equal_fields_order_by_creation_time_then_by_id() -> None:
    index = index_of(("a",))
    first = key(index, {"_id": LATER_ID, "_creationTime": 1.0, "a": 1.0})
    second = key(index, {"_id": ID, "_creationTime": 2.0, "a": 1.0})
    third = key(index, {"_id": LATER_ID, "_creationTime": 2.0, "a": 1.0})

    assert first < second < third


def test_array_is_indexed_as_one_value() -> None:
    document = {"_id": ID, "_creationTime": 5.0, "a": [1.0, 2.0]}

    assert key(index_of(("a",)), document).startswith(sort_key([1.0, 2.0]))
    assert key(index_of(("a", "b")), document).startswith(b"\x01")


def test_built_in_indexes_have_the_documented_fields() -> None:
    by_id, by_creation_time = built_in_indexes()

    assert (by_id.name, by_id.all_paths) == ("by_id", (("_id",),))
    assert (by_creation_time.name, by_creation_time.all_paths) == ("by_creation_time", (("_creationTime",), ("_id",)))


def test_fields_are_printed_with_the_creation_time_and_without_the_id() -> None:
    assert index_of(("a",), ("b", "c")).printed_fields == '["a", "b.c", "_creationTime"]'


@pytest.fixture
def letters() -> OrderedIndex:
    index = index_of(("a",))
    for letter in (b"d", b"b", b"a", b"c"):
        index.add(letter)
    return index


def test_keys_come_in_order(letters: OrderedIndex) -> None:
    assert list(letters.keys(b"", None)) == [b"a", b"b", b"c", b"d"]


def test_keys_come_in_descending_order(letters: OrderedIndex) -> None:
    assert list(letters.keys(b"", None, descending=True)) == [b"d", b"c", b"b", b"a"]


def test_start_is_inside_of_a_range_and_end_is_not(letters: OrderedIndex) -> None:
    assert list(letters.keys(b"b", b"d")) == [b"b", b"c"]
    assert list(letters.keys(b"b", b"d", descending=True)) == [b"c", b"b"]


# Keys wait until the index is read: adding and removing must agree before, after and across a read.
def test_key_removed_before_any_read_is_gone(letters: OrderedIndex) -> None:
    letters.remove(b"b")

    assert list(letters.keys(b"", None)) == [b"a", b"c", b"d"]


def test_keys_changed_after_a_read_are_seen_by_the_next(letters: OrderedIndex) -> None:
    assert len(list(letters.keys(b"", None))) == 4

    letters.remove(b"c")
    letters.add(b"bb")
    letters.add(b"c")
    letters.remove(b"bb")

    assert list(letters.keys(b"", None)) == [b"a", b"b", b"c", b"d"]
