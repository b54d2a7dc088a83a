"""Lists in the server cache: pushing, lengths, ranges."""

from __future__ import annotations

from typing import Any

import pytest

from convex_mastra_emulator import Deployment
from convex_mastra_emulator.stores import ConvexServerCache

CACHE = "mastra/cache:handle"


def push(cache: ConvexServerCache, key: str, count: int) -> None:
    """Pushes 0, 1 and so on."""
    for number in range(count):
        cache.list_push(key, number)


# A stream of events is replayed from the list: order, nulls and nesting stay.
def test_items_come_back_in_order(convex_server_cache: ConvexServerCache) -> None:
    items: list[Any] = ["a", None, {"b": [1, None]}, "a", 0]
    for item in items:
        convex_server_cache.list_push("key", item)

    assert convex_server_cache.list_from_to("key", 0) == items
    assert convex_server_cache.list_length("key") == 5


# Lists have keys of their own.
def test_lists_do_not_mix(convex_server_cache: ConvexServerCache) -> None:
    push(convex_server_cache, "a", 2)
    push(convex_server_cache, "ab", 3)

    assert convex_server_cache.list_from_to("a", 0) == [0, 1]
    assert convex_server_cache.list_length("ab") == 3


# Both ends are inside, negative ones count from the end, as Redis has it; `to` is the end unless given.
@pytest.mark.parametrize(
    ("first", "last", "items"),
    [
        (0, -1, [0, 1, 2, 3, 4]),
        (0, 0, [0]),
        (1, 3, [1, 2, 3]),
        (4, 4, [4]),
        (5, 5, []),
        (3, 99, [3, 4]),
        (-2, -1, [3, 4]),
        (-5, -1, [0, 1, 2, 3, 4]),
        (-99, 1, [0, 1]),
        (0, -2, [0, 1, 2, 3]),
        (0, -5, [0]),
        (0, -6, []),
        (3, 2, []),
        (-1, -2, []),
    ],
    ids=[
        "all", "first", "middle", "last", "past", "beyond", "last-two", "all-from-end", "before-start", "but-last",
        "to-first", "to-before", "backwards", "backwards-from-end",
    ],
)  # fmt: skip
def test_ranges_of_a_list(convex_server_cache: ConvexServerCache, first: int, last: int, items: list[int]) -> None:
    push(convex_server_cache, "key", 5)

    assert convex_server_cache.list_from_to("key", first, last) == items


# A reader that comes back later asks for what is new.
def test_the_rest_of_a_list(convex_server_cache: ConvexServerCache) -> None:
    push(convex_server_cache, "key", 3)
    seen = convex_server_cache.list_length("key")
    convex_server_cache.list_push("key", "new")

    assert convex_server_cache.list_from_to("key", seen) == ["new"]


# Lists longer than the 25 that are cleaned up at a time are read and deleted whole.
@pytest.mark.parametrize("count", [25, 26, 60])
def test_long_lists(convex_server_cache: ConvexServerCache, count: int) -> None:
    push(convex_server_cache, "key", count)

    read = convex_server_cache.list_from_to("key", 0)
    convex_server_cache.delete("key")

    assert read == list(range(count))
    assert convex_server_cache.list_from_to("key", 0) == []


# One call deletes 25 items and says whether there are more; a half-deleted list is no list, whatever is asked of it.
def test_a_half_deleted_list_is_not_there(
    convex_deployment: Deployment, convex_server_cache: ConvexServerCache
) -> None:
    push(convex_server_cache, "key", 60)
    request = {"op": "delete", "key": "mastra:cache:key"}

    answer = convex_deployment.mutation(CACHE, request)

    assert answer == {"ok": True, "hasMore": True}
    assert convex_server_cache.get("key") is None
    assert convex_server_cache.list_from_to("key", 0) == []
    assert convex_server_cache.list_length("key") == 0


# Setting a list of 26 deletes 25 items and asks to be called again; one of 25 is gone at once.
@pytest.mark.parametrize(("count", "has_more"), [(25, False), (26, True)])
def test_one_call_replaces_25_items(
    convex_deployment: Deployment, convex_server_cache: ConvexServerCache, count: int, has_more: bool
) -> None:
    push(convex_server_cache, "key", count)
    request = {"op": "set", "key": "mastra:cache:key", "keyPrefix": "mastra:cache:", "value": 1, "expiresAt": None}

    answer = convex_deployment.mutation(CACHE, request)

    assert answer == ({"ok": True, "hasMore": True} if has_more else {"ok": True})
    assert convex_server_cache.get("key") == (None if has_more else 1)


# A list that is set is cleaned up first, in parts; the value is there when the client is done.
def test_a_long_list_is_replaced_by_a_value(convex_server_cache: ConvexServerCache) -> None:
    push(convex_server_cache, "key", 60)

    convex_server_cache.set("key", "new")

    assert convex_server_cache.get("key") == "new"


# A list that is made anew after its deletion begins at nothing: no old item shines through.
def test_a_list_can_be_made_anew(convex_server_cache: ConvexServerCache) -> None:
    push(convex_server_cache, "key", 30)
    convex_server_cache.delete("key")

    push(convex_server_cache, "key", 2)

    assert convex_server_cache.list_from_to("key", 0) == [0, 1]
