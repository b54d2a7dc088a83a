"""The server cache: kinds, expiry at the millisecond, list bounds, and deletes of twenty-five rows a call."""

from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator import Emulator, FunctionError, ManualClock

NOW_MS = 1_700_000_000_000
"""What a `ManualClock` shows at first."""


def cache(emulator: Emulator, op: str, **args: Any) -> Any:
    return emulator.mutation("mastra/cache:handle", {"op": op, **args})


def write(emulator: Emulator, op: str, key: str, *, expires_at: float | None = None, **args: Any) -> Any:
    return cache(emulator, op, **{"key": key, "keyPrefix": "p:", "expiresAt": expires_at, **args})


def put(emulator: Emulator, key: str, value: Any, *, expires_at: float | None = None) -> None:
    assert write(emulator, "set", key, value=value, expires_at=expires_at) == {"ok": True}


def push(emulator: Emulator, key: str, *values: Any, expires_at: float | None = None) -> None:
    for value in values:
        assert write(emulator, "listPush", key, value=value, expires_at=expires_at) == {"ok": True}


def get(emulator: Emulator, key: str) -> Any:
    answer = cache(emulator, "get", key=key)
    assert set(answer) == {"ok", "result"}
    return answer["result"]


def items(emulator: Emulator, key: str, first: float = 0, last: float = -1) -> Any:
    return cache(emulator, "listFromTo", key=key, **{"from": first, "to": last})["result"]


def heads(emulator: Emulator) -> list[tuple[str, str]]:
    """Key and kind of every head row."""
    rows = emulator.run(lambda ctx: ctx.db.query("mastra_cache").collect())
    return [(row["key"], row["kind"]) for row in rows]


def counts(emulator: Emulator) -> tuple[int, int]:
    """Head rows and list items."""
    counted = emulator.table_counts()
    return counted.get("mastra_cache", 0), counted.get("mastra_cache_list_items", 0)


# Values


@pytest.mark.parametrize("value", ["text", "", 0, 1.5, True, None, [1, None], {"a": {"b": []}}])
def test_value_comes_back(emulator: Emulator, value: Any) -> None:
    put(emulator, "p:a", value)

    assert get(emulator, "p:a") == value


def test_missing_key_is_null(emulator: Emulator) -> None:
    assert get(emulator, "p:a") is None


def test_value_that_is_not_sent_is_stored_as_null(emulator: Emulator) -> None:
    assert write(emulator, "set", "p:a") == {"ok": True}

    assert get(emulator, "p:a") is None
    assert heads(emulator) == [("p:a", "value")]


def test_second_set_replaces_value_prefix_and_expiry(emulator: Emulator) -> None:
    put(emulator, "p:a", 1, expires_at=NOW_MS + 5)
    write(emulator, "set", "p:a", value=2, keyPrefix="q:")

    (row,) = emulator.run(lambda ctx: ctx.db.query("mastra_cache").collect())
    assert (row["value"], row["keyPrefix"], row["expiresAt"]) == ("2", "q:", None)


# The value is kept as JSON text, so what JSON has no word for is lost or refused.
def test_bytes_come_back_as_an_empty_object(emulator: Emulator) -> None:
    put(emulator, "p:a", b"abc")

    assert get(emulator, "p:a") == {}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_number_that_is_not_finite_comes_back_as_null(emulator: Emulator, value: float) -> None:
    put(emulator, "p:a", value)

    assert get(emulator, "p:a") is None


def test_int64_is_refused(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match="Uncaught TypeError: Do not know how to serialize a BigInt"):
        put(emulator, "p:a", ConvexInt64(5))


# No try and catch here: an error is a failed call. A missing expiresAt is undefined, which the schema refuses.
def test_missing_expiry_fails_the_call(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match="missing the required field `expiresAt`"):
        cache(emulator, "set", key="p:a", keyPrefix="p:", value=1)


def test_missing_prefix_fails_the_call_and_undoes_it(emulator: Emulator) -> None:
    with pytest.raises(FunctionError, match="missing the required field `keyPrefix`"):
        cache(emulator, "listPush", key="p:a", value=1, expiresAt=None)

    assert counts(emulator) == (0, 0)


@pytest.mark.parametrize(("op", "shown"), [("explode", "explode"), (None, "null"), (5, "5")])
def test_unknown_operation_is_refused_by_name(emulator: Emulator, op: Any, shown: str) -> None:
    assert cache(emulator, op) == {"ok": False, "error": f"Unsupported operation {shown}"}


def test_missing_operation_is_refused_as_undefined(emulator: Emulator) -> None:
    answer = emulator.mutation("mastra/cache:handle", {"key": "p:a"})

    assert answer == {"ok": False, "error": "Unsupported operation undefined"}


# Kinds


def test_list_is_no_value(emulator: Emulator) -> None:
    push(emulator, "p:a", 1)

    assert get(emulator, "p:a") is None
    assert heads(emulator) == [("p:a", "list")]


def test_counter_is_no_value(emulator: Emulator) -> None:
    write(emulator, "increment", "p:a")

    assert get(emulator, "p:a") is None


def test_value_is_no_list(emulator: Emulator) -> None:
    put(emulator, "p:a", [1, 2])
    expected = {"ok": False, "error": "p:a exists but is not an array"}

    assert cache(emulator, "listLength", key="p:a") == expected
    assert write(emulator, "listPush", "p:a", value=3) == expected
    assert items(emulator, "p:a") == []


def test_counter_is_no_list(emulator: Emulator) -> None:
    write(emulator, "increment", "p:a")
    expected = {"ok": False, "error": "p:a exists but is not an array"}

    assert cache(emulator, "listLength", key="p:a") == expected
    assert write(emulator, "listPush", "p:a", value=3) == expected
    assert items(emulator, "p:a") == []


def test_value_is_no_counter(emulator: Emulator) -> None:
    put(emulator, "p:a", 5)

    assert write(emulator, "increment", "p:a") == {"ok": False, "error": "p:a exists but is not a number"}


def test_list_is_no_counter(emulator: Emulator) -> None:
    push(emulator, "p:a", 5)

    assert write(emulator, "increment", "p:a") == {"ok": False, "error": "p:a exists but is not a number"}


def test_set_replaces_a_counter(emulator: Emulator) -> None:
    write(emulator, "increment", "p:a")
    put(emulator, "p:a", "new")

    assert get(emulator, "p:a") == "new"
    assert counts(emulator) == (1, 0)


def test_set_replaces_a_short_list(emulator: Emulator) -> None:
    push(emulator, "p:a", 1, 2)
    put(emulator, "p:a", "new")

    assert get(emulator, "p:a") == "new"
    assert counts(emulator) == (1, 0)


# Counters


def test_counter_counts_from_one(emulator: Emulator) -> None:
    assert [write(emulator, "increment", "p:a") for _ in range(3)] == [
        {"ok": True, "result": 1},
        {"ok": True, "result": 2},
        {"ok": True, "result": 3},
    ]


# Lists


def test_length_of_a_missing_list_is_zero(emulator: Emulator) -> None:
    assert cache(emulator, "listLength", key="p:a") == {"ok": True, "result": 0}


def test_length_counts_pushed_items(emulator: Emulator) -> None:
    push(emulator, "p:a", "x", None, "x")

    assert cache(emulator, "listLength", key="p:a") == {"ok": True, "result": 3}


def test_missing_list_has_no_items(emulator: Emulator) -> None:
    assert items(emulator, "p:a") == []


def test_item_that_is_not_sent_is_null(emulator: Emulator) -> None:
    write(emulator, "listPush", "p:a")

    assert items(emulator, "p:a") == [None]


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (0, -1, "abcd"),
        (0, 3, "abcd"),
        (1, 2, "bc"),
        (2, 2, "c"),
        (0, 99, "abcd"),
        (3, 99, "d"),
        (-2, -1, "cd"),
        (-4, -1, "abcd"),
        (-99, 0, "a"),
        (0, -4, "a"),
        (-3, -2, "bc"),
        # Nothing
        (4, 99, ""),
        (99, -1, ""),
        (2, 1, ""),
        (0, -5, ""),
        (-1, -2, ""),
    ],
)
def test_bounds_are_inclusive_and_negative_ones_count_from_the_end(
    emulator: Emulator, first: int, last: int, expected: str
) -> None:
    push(emulator, "p:a", *"abcd")

    assert items(emulator, "p:a", first, last) == list(expected)


def test_items_of_other_keys_do_not_mix_in(emulator: Emulator) -> None:
    push(emulator, "p:a", 1)
    push(emulator, "p:ab", 2)

    assert items(emulator, "p:a") == [1]


# Expiry: a second from now, looked at just before, at and after that moment


@pytest.mark.parametrize(("seconds", "expected"), [(0.999, "x"), (1.0, None), (1.001, None)])
def test_value_expires_at_its_time(
    emulator: Emulator, clock: ManualClock, seconds: float, expected: str | None
) -> None:
    put(emulator, "p:a", "x", expires_at=NOW_MS + 1000)
    clock.advance(seconds)

    assert get(emulator, "p:a") == expected


def test_null_expiry_is_never(emulator: Emulator, clock: ManualClock) -> None:
    put(emulator, "p:a", "x", expires_at=None)
    clock.advance(1e9)

    assert get(emulator, "p:a") == "x"


def test_expired_value_is_removed_by_the_get_that_meets_it(emulator: Emulator) -> None:
    put(emulator, "p:a", "x", expires_at=NOW_MS)
    assert counts(emulator) == (1, 0)

    get(emulator, "p:a")

    assert counts(emulator) == (0, 0)


def test_expired_list_is_empty_and_removed(emulator: Emulator) -> None:
    push(emulator, "p:a", 1, expires_at=NOW_MS + 1)
    push(emulator, "p:a", 2, expires_at=NOW_MS)

    assert cache(emulator, "listLength", key="p:a") == {"ok": True, "result": 0}
    assert counts(emulator) == (0, 0)


def test_items_of_an_expired_list_are_gone(emulator: Emulator, clock: ManualClock) -> None:
    push(emulator, "p:a", 1, 2, expires_at=NOW_MS + 1000)
    clock.advance(0.999)
    assert items(emulator, "p:a") == [1, 2]

    clock.advance(0.001)

    assert items(emulator, "p:a") == []
    assert counts(emulator) == (0, 0)


def test_expired_counter_begins_again(emulator: Emulator, clock: ManualClock) -> None:
    write(emulator, "increment", "p:a", expires_at=NOW_MS + 1000)
    write(emulator, "increment", "p:a", expires_at=NOW_MS + 1000)
    clock.advance(1)

    assert write(emulator, "increment", "p:a")["result"] == 1


def test_push_to_an_expired_list_begins_again(emulator: Emulator, clock: ManualClock) -> None:
    push(emulator, "p:a", "old", expires_at=NOW_MS + 1000)
    clock.advance(1)

    push(emulator, "p:a", "new")

    assert items(emulator, "p:a") == ["new"]


def test_expired_kind_does_not_stand_in_the_way(emulator: Emulator) -> None:
    put(emulator, "p:a", "x", expires_at=NOW_MS)
    push(emulator, "p:a", 1, expires_at=NOW_MS)

    assert write(emulator, "increment", "p:a") == {"ok": True, "result": 1}


def test_set_over_an_expired_value_makes_a_new_row(emulator: Emulator) -> None:
    put(emulator, "p:a", "x", expires_at=NOW_MS)
    put(emulator, "p:a", "y")

    assert get(emulator, "p:a") == "y"
    assert counts(emulator) == (1, 0)


def test_push_refreshes_the_expiry(emulator: Emulator, clock: ManualClock) -> None:
    push(emulator, "p:a", 1, expires_at=NOW_MS + 1000)
    push(emulator, "p:a", 2, expires_at=NOW_MS + 2000)
    clock.advance(1)

    assert items(emulator, "p:a") == [1, 2]


def test_increment_refreshes_the_expiry(emulator: Emulator, clock: ManualClock) -> None:
    write(emulator, "increment", "p:a", expires_at=NOW_MS + 1000)
    write(emulator, "increment", "p:a", expires_at=NOW_MS + 2000)
    clock.advance(1)

    assert write(emulator, "increment", "p:a")["result"] == 3


# delete


def test_delete_of_a_missing_key_is_fine(emulator: Emulator) -> None:
    assert cache(emulator, "delete", key="p:a") == {"ok": True, "hasMore": False}


def test_deleted_value_is_gone(emulator: Emulator) -> None:
    put(emulator, "p:a", 1)
    put(emulator, "p:b", 2)

    assert cache(emulator, "delete", key="p:a") == {"ok": True, "hasMore": False}
    assert heads(emulator) == [("p:b", "value")]


def fill_list(emulator: Emulator, key: str, count: int, *, prefix: str = "p:", expires_at: float | None = None) -> None:
    """A list written past the handler, which takes one item a call."""
    head = {"key": key, "keyPrefix": prefix, "kind": "list", "counter": count, "expiresAt": expires_at}
    emulator.run(lambda ctx: ctx.db.insert("mastra_cache", head))
    fill_items(emulator, key, count, prefix=prefix)


def fill_items(emulator: Emulator, key: str, count: int, *, prefix: str = "p:") -> None:
    rows = [{"key": key, "keyPrefix": prefix, "index": index, "value": str(index)} for index in range(count)]
    emulator.run(lambda ctx: [ctx.db.insert("mastra_cache_list_items", row) for row in rows])


def test_list_of_twenty_five_is_deleted_in_one_call(emulator: Emulator) -> None:
    fill_list(emulator, "p:a", 25)

    assert cache(emulator, "delete", key="p:a") == {"ok": True, "hasMore": False}
    assert counts(emulator) == (0, 0)


def test_list_of_twenty_six_is_deleted_in_two_calls(emulator: Emulator) -> None:
    fill_list(emulator, "p:a", 26)

    assert cache(emulator, "delete", key="p:a") == {"ok": True, "hasMore": True}
    assert (counts(emulator), heads(emulator)) == ((1, 1), [("p:a", "deleted")])
    assert cache(emulator, "delete", key="p:a") == {"ok": True, "hasMore": False}
    assert counts(emulator) == (0, 0)


# Half deleted lists: every call that meets one deletes twenty-five items more


@pytest.fixture
def half_deleted(emulator: Emulator) -> Emulator:
    """A list of which thirty items are left."""
    fill_list(emulator, "p:a", 55)
    assert cache(emulator, "delete", key="p:a")["hasMore"] is True
    assert counts(emulator) == (1, 30)
    return emulator


def test_get_goes_on_deleting(half_deleted: Emulator) -> None:
    assert cache(half_deleted, "get", key="p:a") == {"ok": True, "result": None, "hasMore": True}
    assert counts(half_deleted) == (1, 5)
    assert cache(half_deleted, "get", key="p:a") == {"ok": True, "result": None}
    assert counts(half_deleted) == (0, 0)


def test_length_goes_on_deleting(half_deleted: Emulator) -> None:
    assert cache(half_deleted, "listLength", key="p:a") == {"ok": True, "result": 0, "hasMore": True}
    assert cache(half_deleted, "listLength", key="p:a") == {"ok": True, "result": 0}
    assert counts(half_deleted) == (0, 0)


def test_range_goes_on_deleting(half_deleted: Emulator) -> None:
    whole = {"key": "p:a", "from": 0, "to": -1}

    assert cache(half_deleted, "listFromTo", **whole) == {"ok": True, "result": [], "hasMore": True}
    assert cache(half_deleted, "listFromTo", **whole) == {"ok": True, "result": []}
    assert counts(half_deleted) == (0, 0)


def test_push_goes_on_deleting_before_it_pushes(half_deleted: Emulator) -> None:
    assert write(half_deleted, "listPush", "p:a", value="new") == {"ok": True, "hasMore": True}
    assert write(half_deleted, "listPush", "p:a", value="new") == {"ok": True}
    assert items(half_deleted, "p:a") == ["new"]
    assert counts(half_deleted) == (1, 1)


def test_increment_goes_on_deleting_before_it_counts(half_deleted: Emulator) -> None:
    assert write(half_deleted, "increment", "p:a") == {"ok": True, "hasMore": True}
    assert write(half_deleted, "increment", "p:a") == {"ok": True, "result": 1}
    assert counts(half_deleted) == (1, 0)


def test_set_goes_on_deleting_before_it_sets(half_deleted: Emulator) -> None:
    assert write(half_deleted, "set", "p:a", value="new") == {"ok": True, "hasMore": True}
    assert write(half_deleted, "set", "p:a", value="new") == {"ok": True}
    assert (get(half_deleted, "p:a"), counts(half_deleted)) == ("new", (1, 0))


def test_set_over_a_long_list_cleans_it_first(emulator: Emulator) -> None:
    fill_list(emulator, "p:a", 26)

    assert write(emulator, "set", "p:a", value="new") == {"ok": True, "hasMore": True}
    assert heads(emulator) == [("p:a", "deleted")]
    assert write(emulator, "set", "p:a", value="new") == {"ok": True}
    assert heads(emulator) == [("p:a", "value")]


def test_expired_long_list_is_cleaned_by_reading(emulator: Emulator) -> None:
    fill_list(emulator, "p:a", 26, expires_at=NOW_MS)

    assert cache(emulator, "get", key="p:a") == {"ok": True, "result": None, "hasMore": True}
    assert heads(emulator) == [("p:a", "deleted")]
    assert cache(emulator, "get", key="p:a") == {"ok": True, "result": None}
    assert counts(emulator) == (0, 0)


# clear


def clear(emulator: Emulator, prefix: str = "p:") -> bool:
    answer = cache(emulator, "clear", keyPrefix=prefix)
    assert set(answer) == {"ok", "hasMore"}
    has_more: bool = answer["hasMore"]
    return has_more


def fill_values(emulator: Emulator, count: int) -> None:
    rows = [
        {"key": f"p:{number}", "keyPrefix": "p:", "kind": "value", "value": "1", "expiresAt": None}
        for number in range(count)
    ]
    emulator.run(lambda ctx: [ctx.db.insert("mastra_cache", row) for row in rows])


def test_clearing_nothing_is_fine(emulator: Emulator) -> None:
    assert clear(emulator) is False


def test_twenty_five_values_are_cleared_in_one_call(emulator: Emulator) -> None:
    fill_values(emulator, 25)

    assert clear(emulator) is False
    assert counts(emulator) == (0, 0)


def test_twenty_six_values_are_cleared_in_two_calls(emulator: Emulator) -> None:
    fill_values(emulator, 26)

    assert clear(emulator) is True
    assert counts(emulator) == (1, 0)
    assert clear(emulator) is False
    assert counts(emulator) == (0, 0)


# Two caches may have prefixes of which one begins with the other.
def test_prefix_is_matched_exactly(emulator: Emulator) -> None:
    write(emulator, "set", "p:a", value=1, keyPrefix="p:")
    write(emulator, "set", "p:q:a", value=1, keyPrefix="p:q:")
    fill_list(emulator, "p:q:b", 2, prefix="p:q:")

    clear(emulator, "p:")

    assert heads(emulator) == [("p:q:a", "value"), ("p:q:b", "list")]
    assert counts(emulator) == (2, 2)


# It was looked for items before the list went, so there may be nothing left although it says so.
def test_clearing_a_short_list_says_that_there_may_be_more(emulator: Emulator) -> None:
    fill_list(emulator, "p:a", 3)

    assert clear(emulator) is True
    assert counts(emulator) == (0, 0)
    assert clear(emulator) is False


def test_list_without_items_is_cleared_at_once(emulator: Emulator) -> None:
    fill_list(emulator, "p:a", 0)

    assert clear(emulator) is False
    assert counts(emulator) == (0, 0)


def test_one_list_is_cleared_per_call(emulator: Emulator) -> None:
    fill_list(emulator, "p:a", 1)
    fill_list(emulator, "p:b", 1)

    assert clear(emulator) is True
    assert heads(emulator) == [("p:b", "list")]


def test_values_before_a_list_go_with_it(emulator: Emulator) -> None:
    put(emulator, "p:a", 1)
    fill_list(emulator, "p:b", 1)
    put(emulator, "p:c", 1)

    assert clear(emulator) is True
    assert heads(emulator) == [("p:c", "value")]


def test_long_list_is_cleared_in_twenty_fives(emulator: Emulator) -> None:
    fill_list(emulator, "p:a", 26)

    assert clear(emulator) is True
    assert (heads(emulator), counts(emulator)) == ([("p:a", "deleted")], (1, 1))
    assert clear(emulator) is True
    assert counts(emulator) == (0, 0)
    assert clear(emulator) is False


@pytest.mark.parametrize(("count", "has_more", "left"), [(25, False, 0), (26, True, 1)])
def test_items_without_a_head_are_cleared_last(emulator: Emulator, count: int, has_more: bool, left: int) -> None:
    fill_items(emulator, "p:a", count)

    assert clear(emulator) is has_more
    assert counts(emulator) == (0, left)


def test_items_without_a_head_are_told_while_values_are_cleared(emulator: Emulator) -> None:
    put(emulator, "p:a", 1)
    fill_items(emulator, "p:b", 1)

    assert clear(emulator) is True
    assert counts(emulator) == (0, 1)
    assert clear(emulator) is False
    assert counts(emulator) == (0, 0)
