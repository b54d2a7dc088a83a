"""The server cache: values, counters, keys and what expires."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest
from convex import ConvexInt64

from convex_mastra_emulator import Deployment, EmulatorError, FunctionError
from convex_mastra_emulator.stores import ConvexServerCache, StorageError
from convex_mastra_emulator.stores.times import now

CACHE = "mastra/cache:handle"


def cache_in_the_past(deployment: Deployment, **fields: Any) -> ConvexServerCache:
    """A cache whose clock is an hour behind: what it writes for less than that has expired already."""
    return ConvexServerCache(deployment, clock=lambda: now() - timedelta(hours=1), **fields)


def fill(cache: ConvexServerCache, key: str, kind: str) -> None:
    """Makes a key of a kind; a list has two items."""
    if kind == "value":
        cache.set(key, "text")
    elif kind == "counter":
        cache.increment(key)
    else:
        cache.list_push(key, "a")
        cache.list_push(key, "b")


# Values


# What JSON can hold comes back as it was; a stored null cannot be told from nothing.
@pytest.mark.parametrize(
    "value",
    ["", "text ü🙂", 0, -1.5, 1e300, True, False, None, [], [1, None, ["a"]], {}, {"a": {"b": [None]}}],
    ids=[
        "empty-text", "text", "zero", "fraction", "large", "true", "false", "null", "empty-list", "list",
        "empty-object", "object",
    ],
)  # fmt: skip
def test_a_value_comes_back(convex_server_cache: ConvexServerCache, value: Any) -> None:
    convex_server_cache.set("key", value)

    assert convex_server_cache.get("key") == value


# A miss, which every use of a cache begins with.
def test_a_key_that_is_not_there_is_none(convex_server_cache: ConvexServerCache) -> None:
    assert convex_server_cache.get("key") is None


# The last value wins; other keys keep theirs.
def test_a_value_is_overwritten(convex_server_cache: ConvexServerCache) -> None:
    for key, value in (("a", 1), ("b", 2), ("a", 3)):
        convex_server_cache.set(key, value)

    assert (convex_server_cache.get("a"), convex_server_cache.get("b")) == (3, 2)


# JSON has no such numbers: the client sends null.
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf], ids=["nan", "infinity", "minus-infinity"])
def test_numbers_that_are_none_become_null(convex_server_cache: ConvexServerCache, value: float) -> None:
    convex_server_cache.set("key", {"number": value})

    assert convex_server_cache.get("key") == {"number": None}


# Values travel as Convex values, where keys that start with `$` are reserved; the old value stays.
def test_reserved_keys_are_refused(convex_server_cache: ConvexServerCache) -> None:
    convex_server_cache.set("key", "old")

    with pytest.raises(EmulatorError, match=r"\$ref"):
        convex_server_cache.set("key", {"nested": [{"$ref": "x"}]})

    assert convex_server_cache.get("key") == "old"


# Keys are any text: empty, with separators, beyond ASCII.
@pytest.mark.parametrize(
    "key", ["", "a:b/c", "schlüssel 🙂", "$key", "_key"], ids=["empty", "path", "ü", "dollar", "_"]
)
def test_any_text_is_a_key(convex_server_cache: ConvexServerCache, key: str) -> None:
    convex_server_cache.set(key, 1)
    convex_server_cache.set(key + "x", 2)

    assert convex_server_cache.get(key) == 1


# Counters


# Rate limits count from nothing, each key by itself.
def test_a_counter_counts_from_one(convex_server_cache: ConvexServerCache) -> None:
    counts = [convex_server_cache.increment("a") for _ in range(3)]

    assert counts == [1, 2, 3]
    assert convex_server_cache.increment("b") == 1


# Kinds


# A key has one kind: what is not meant for it is refused by name, prefix included, or answers as if nothing were there.
@pytest.mark.parametrize("kind", ["value", "counter"])
def test_what_is_no_list_is_not_pushed_to(convex_server_cache: ConvexServerCache, kind: str) -> None:
    fill(convex_server_cache, "key", kind)

    for operation in (convex_server_cache.list_length, lambda key: convex_server_cache.list_push(key, 1)):
        with pytest.raises(StorageError, match="mastra:cache:key exists but is not an array"):
            operation("key")
    assert convex_server_cache.list_from_to("key", 0) == []


# The same for counting; what is there stays.
@pytest.mark.parametrize("kind", ["value", "list"])
def test_what_is_no_counter_is_not_counted(convex_server_cache: ConvexServerCache, kind: str) -> None:
    fill(convex_server_cache, "key", kind)

    with pytest.raises(StorageError, match="mastra:cache:key exists but is not a number"):
        convex_server_cache.increment("key")

    assert convex_server_cache.get("key") == ("text" if kind == "value" else None)


# Even a number that was set is a value, not a counter.
def test_a_number_is_no_counter(convex_server_cache: ConvexServerCache) -> None:
    convex_server_cache.set("key", 5)

    with pytest.raises(StorageError, match="not a number"):
        convex_server_cache.increment("key")


# Reading another kind as a value is a miss.
@pytest.mark.parametrize("kind", ["counter", "list"])
def test_another_kind_has_no_value(convex_server_cache: ConvexServerCache, kind: str) -> None:
    fill(convex_server_cache, "key", kind)

    assert convex_server_cache.get("key") is None


# Setting replaces whatever was there, and the key is a value then; a list's items are gone.
@pytest.mark.parametrize("kind", ["value", "counter", "list"])
def test_setting_replaces_every_kind(convex_server_cache: ConvexServerCache, kind: str) -> None:
    fill(convex_server_cache, "key", kind)

    convex_server_cache.set("key", "new")

    assert convex_server_cache.get("key") == "new"
    assert convex_server_cache.list_from_to("key", 0) == []


# Delete and clear


# Any kind goes, other keys stay; deleting again is none the worse, and the key can be of another kind then.
@pytest.mark.parametrize("kind", ["value", "counter", "list"])
def test_a_key_is_deleted(convex_server_cache: ConvexServerCache, kind: str) -> None:
    fill(convex_server_cache, "key", kind)
    fill(convex_server_cache, "other", "value")

    convex_server_cache.delete("key")
    convex_server_cache.delete("key")

    assert convex_server_cache.get("key") is None
    assert convex_server_cache.list_length("key") == 0
    assert convex_server_cache.increment("key") == 1
    assert convex_server_cache.get("other") == "text"


# Two servers on one deployment: clearing goes by the exact prefix, also where one begins with the other.
def test_clearing_takes_the_keys_of_one_prefix(convex_deployment: Deployment) -> None:
    caches = [ConvexServerCache(convex_deployment, key_prefix=prefix) for prefix in ("app:", "app:two:", "")]
    for cache in caches:
        fill(cache, "value", "value")
        fill(cache, "list", "list")
        fill(cache, "counter", "counter")

    caches[0].clear()

    assert [cache.get("value") for cache in caches] == [None, "text", "text"]
    assert [cache.list_length("list") for cache in caches] == [0, 2, 2]
    assert [cache.increment("counter") for cache in caches] == [1, 2, 2]


# Keys and items go 25 a call: 26 keys, and a list of 51, need more than one.
def test_clearing_takes_more_than_one_batch(convex_server_cache: ConvexServerCache) -> None:
    for number in range(26):
        convex_server_cache.set(f"key-{number}", number)
    for number in range(51):
        convex_server_cache.list_push("list", number)

    convex_server_cache.clear()

    assert [convex_server_cache.get(f"key-{number}") for number in range(26)] == [None] * 26
    assert convex_server_cache.list_length("list") == 0


# Nothing to clear is no error.
def test_clearing_an_empty_cache(convex_server_cache: ConvexServerCache) -> None:
    convex_server_cache.clear()

    assert convex_server_cache.get("key") is None


# Expiry


# An expired key is a miss of every kind, and starts anew.
@pytest.mark.parametrize("kind", ["value", "counter", "list"])
def test_an_expired_key_is_not_there(
    convex_deployment: Deployment, convex_server_cache: ConvexServerCache, kind: str
) -> None:
    fill(cache_in_the_past(convex_deployment), "key", kind)

    assert convex_server_cache.get("key") is None
    assert convex_server_cache.list_length("key") == 0
    assert convex_server_cache.list_from_to("key", 0) == []
    assert convex_server_cache.increment("key") == 1


# A lifetime of nothing or less means for ever; one that is longer than the hour is still running.
@pytest.mark.parametrize(
    ("ttl_ms", "value"),
    [(0, "x"), (-1, "x"), (1, None), (3_500_000, None), (3_700_000, "x"), (None, None)],
    ids=["zero", "negative", "a-millisecond", "shorter", "longer", "default"],
)
def test_a_value_lives_as_long_as_it_is_told(
    convex_deployment: Deployment, convex_server_cache: ConvexServerCache, ttl_ms: float | None, value: Any
) -> None:
    cache_in_the_past(convex_deployment).set("key", "x", ttl_ms)

    assert convex_server_cache.get("key") == value


# Pushing and counting set the lifetime anew: here to one that is over, so that the key is gone with the write.
@pytest.mark.parametrize("kind", ["counter", "list"])
def test_writing_sets_the_lifetime_anew(
    convex_deployment: Deployment, convex_server_cache: ConvexServerCache, kind: str
) -> None:
    fill(convex_server_cache, "key", kind)

    fill(cache_in_the_past(convex_deployment), "key", kind)

    assert convex_server_cache.list_length("key") == 0
    assert convex_server_cache.increment("key") == 1


# An expired list of more than 25 items is cleaned up in parts; nobody sees half of it.
def test_an_expired_long_list_is_not_there(
    convex_deployment: Deployment, convex_server_cache: ConvexServerCache
) -> None:
    expired = cache_in_the_past(convex_deployment)
    convex_server_cache.list_push("key", 0)
    for number in range(51):
        convex_server_cache.list_push("key", number)
    expired.list_push("key", "last")

    convex_server_cache.list_push("key", "new")

    assert convex_server_cache.list_from_to("key", 0) == ["new"]


# Raw requests


# The whole answer: what has no result says so by not having one; an unknown key is a null.
@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ({"op": "get", "key": "k"}, {"ok": True, "result": None}),
        ({"op": "listLength", "key": "k"}, {"ok": True, "result": 0}),
        ({"op": "listFromTo", "key": "k", "from": 0, "to": -1}, {"ok": True, "result": []}),
        ({"op": "increment", "key": "k", "keyPrefix": "p", "expiresAt": None}, {"ok": True, "result": 1}),
    ],
    ids=["get", "length", "range", "increment"],
)
def test_answers_about_a_missing_key(convex_deployment: Deployment, request_: Any, answer: Any) -> None:
    assert convex_deployment.mutation(CACHE, request_) == answer


# Values without a field are null, as JSON makes of undefined.
def test_a_value_that_is_not_sent_is_null(convex_deployment: Deployment) -> None:
    convex_deployment.mutation(CACHE, {"op": "listPush", "key": "k", "keyPrefix": "p", "expiresAt": None})

    answer = convex_deployment.mutation(CACHE, {"op": "listFromTo", "key": "k", "from": 0, "to": -1})

    assert answer["result"] == [None]


# Values are kept as JSON: what JSON has no words for comes back as JavaScript's JSON has it.
@pytest.mark.parametrize(
    ("value", "read"), [(b"x", {}), (math.nan, None), (-0.0, 0)], ids=["bytes", "nan", "negative-zero"]
)
def test_values_that_json_does_not_have(convex_deployment: Deployment, value: Any, read: Any) -> None:
    request = {"op": "set", "key": "k", "keyPrefix": "p", "value": value, "expiresAt": None}
    convex_deployment.mutation(CACHE, request)

    assert convex_deployment.mutation(CACHE, {"op": "get", "key": "k"}) == {"ok": True, "result": read}


# An integer of 64 bits is a BigInt in JavaScript, which JSON refuses; the old value stays.
def test_int64_is_refused(convex_deployment: Deployment) -> None:
    request = {"op": "set", "key": "k", "keyPrefix": "p", "expiresAt": None}
    convex_deployment.mutation(CACHE, {**request, "value": "old"})

    with pytest.raises(FunctionError, match="Do not know how to serialize a BigInt"):
        convex_deployment.mutation(CACHE, {**request, "value": ConvexInt64(1)})

    assert convex_deployment.mutation(CACHE, {"op": "get", "key": "k"})["result"] == "old"


# An operation nobody knows is answered, as by storage.
@pytest.mark.usefixtures("own_deployment")
def test_unknown_operations_are_answered(convex_deployment: Deployment) -> None:
    assert convex_deployment.mutation(CACHE, {"op": "fly"}) == {"ok": False, "error": "Unsupported operation fly"}


# The cache's function lets its errors out, unlike storage; a prefix that is no text is refused by the schema.
def test_what_the_schema_refuses_fails_the_call(convex_deployment: Deployment) -> None:
    with pytest.raises(FunctionError, match=r"mastra_cache|alidator"):
        convex_deployment.mutation(CACHE, {"op": "set", "key": "k", "value": 1, "expiresAt": None})

    assert convex_deployment.mutation(CACHE, {"op": "get", "key": "k"}) == {"ok": True, "result": None}
