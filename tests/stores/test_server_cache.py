"""ConvexServerCache: values, lists and counters, their expiry, and the batches in which they are cleaned up."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, FunctionError, ManualClock
from convex_mastra_emulator.stores.errors import StorageError
from convex_mastra_emulator.stores.server_cache import ConvexServerCache
from convex_mastra_emulator.stores.times import from_epoch_ms
from tests.stores.recording import RecordingDeployment

START_MS = 1_700_000_000_000


def new_cache(deployment: Any = None, **options: Any) -> ConvexServerCache:
    return ConvexServerCache(deployment or Emulator(), **options)


def timed(**options: Any) -> tuple[ConvexServerCache, ManualClock]:
    """A cache, and the clock that it shares with its deployment."""
    clock = ManualClock(START_MS / 1000)
    cache = new_cache(Emulator(clock=clock), clock=lambda: from_epoch_ms(clock.now_ns() // 1_000_000), **options)
    return cache, clock


def pushed(cache: ConvexServerCache, count: int) -> ConvexServerCache:
    for number in range(count):
        cache.list_push("list", number)
    return cache


# Values


@pytest.mark.parametrize("value", [None, False, 0, 1.5, "", "é", [], {}, {"a": [None, {"b": "c"}]}], ids=str)
def test_value_is_read_back(value: Any) -> None:
    cache = new_cache()

    cache.set("k", value)

    assert cache.get("k") == value


def test_value_travels_as_json() -> None:
    cache = new_cache()

    cache.set("k", {"at": datetime(2026, 1, 1, tzinfo=UTC), "numbers": (math.nan, math.inf)})

    assert cache.get("k") == {"at": "2026-01-01T00:00:00.000Z", "numbers": [None, None]}


def test_missing_key_is_none() -> None:
    assert new_cache().get("missing") is None


# The value travels as a Convex value, which has no such keys.
@pytest.mark.parametrize("method", ["set", "list_push"])
def test_key_with_a_dollar_is_refused(method: str) -> None:
    with pytest.raises(FunctionError, match=r"Field name \$k starts with '\$'"):
        getattr(new_cache(), method)("k", {"$k": 1})


# Lists


@pytest.mark.parametrize(
    ("bounds", "found"),
    [
        ((0,), [0, 1, 2, 3]),
        ((1,), [1, 2, 3]),
        ((1, 2), [1, 2]),
        ((0, 0), [0]),
        ((-2,), [2, 3]),
        ((-3, -2), [1, 2]),
        ((-9, 1), [0, 1]),
        ((2, 99), [2, 3]),
        ((3, 3), [3]),
        ((4, 9), []),
        ((2, 1), []),
        ((0, -5), []),
    ],
)
def test_range(bounds: tuple[int, ...], found: list[int]) -> None:
    assert pushed(new_cache(), 4).list_from_to("list", *bounds) == found


def test_length() -> None:
    cache = pushed(new_cache(), 3)

    assert cache.list_length("list") == 3
    assert cache.list_length("missing") == 0
    assert cache.list_from_to("missing", 0) == []


# Counters


def test_counter_begins_at_one() -> None:
    cache = new_cache()

    counts = [cache.increment("k") for _ in range(3)]

    assert counts == [1, 2, 3]
    assert {type(count) for count in counts} == {int}


# Kinds


def test_other_kinds_are_no_values_and_no_lists() -> None:
    cache = pushed(new_cache(), 1)
    cache.increment("count")
    cache.set("value", 1)

    assert (cache.get("list"), cache.get("count")) == (None, None)
    assert (cache.list_from_to("value", 0), cache.list_from_to("count", 0)) == ([], [])


@pytest.mark.parametrize("key", ["value", "count"])
def test_what_is_no_list_has_no_length_and_takes_no_item(key: str) -> None:
    cache = new_cache(key_prefix="p:")
    cache.set("value", [1])
    cache.increment("count")

    with pytest.raises(StorageError, match=f"p:{key} exists but is not an array"):
        cache.list_length(key)
    with pytest.raises(StorageError, match=f"p:{key} exists but is not an array"):
        cache.list_push(key, 1)


@pytest.mark.parametrize("key", ["value", "list"])
def test_what_is_no_counter_does_not_count(key: str) -> None:
    cache = pushed(new_cache(), 1)
    cache.set("value", 1)

    with pytest.raises(StorageError, match=f"mastra:cache:{key} exists but is not a number"):
        cache.increment(key)


# 25 items go per call: at 25 one is enough, at 26 the client has to ask again.
@pytest.mark.parametrize(("count", "requests"), [(25, 1), (26, 2)])
def test_set_replaces_a_list(count: int, requests: int) -> None:
    recording = RecordingDeployment(Emulator())
    cache = pushed(new_cache(recording), count)
    recording.requests = []

    cache.set("list", "value")

    assert recording.operations == ["set"] * requests
    assert cache.get("list") == "value"
    assert cache.list_from_to("list", 0) == []


# Keys


@pytest.mark.parametrize("count", [0, 1, 25, 26, 51])
def test_delete(count: int) -> None:
    emulator = Emulator()
    cache = pushed(new_cache(emulator), count)

    cache.delete("list")

    assert emulator.table_counts() == {}


def test_clear_takes_the_keys_of_exactly_one_prefix() -> None:
    emulator = Emulator()
    outer, inner = new_cache(emulator, key_prefix="p:"), new_cache(emulator, key_prefix="p:q:")
    pushed(outer, 26).increment("count")
    for number in range(30):
        outer.set(f"k{number}", number)
    inner.set("k", "stays")

    outer.clear()

    assert emulator.table_counts() == {"mastra_cache": 1}
    assert (inner.get("k"), outer.get("q:k")) == ("stays", "stays")


def test_default_prefix() -> None:
    recording = RecordingDeployment(Emulator())

    new_cache(recording).get("k")

    assert recording.arguments == [{"op": "get", "key": "mastra:cache:k"}]


# Time


# It lives until its time, and at this very millisecond no more.
@pytest.mark.parametrize(("seconds", "value"), [(299.999, "v"), (300, None)])
def test_five_minutes_unless_said_otherwise(seconds: float, value: str | None) -> None:
    cache, clock = timed()
    cache.set("k", "v")

    clock.advance(seconds)

    assert cache.get("k") == value


@pytest.mark.parametrize(("seconds", "value"), [(0.049, "v"), (0.05, None)])
def test_own_time_of_a_value(seconds: float, value: str | None) -> None:
    cache, clock = timed()
    cache.set("k", "v", 50)

    clock.advance(seconds)

    assert cache.get("k") == value


@pytest.mark.parametrize("ttl_ms", [0, -1])
def test_for_ever(ttl_ms: int) -> None:
    cache, clock = timed()
    by_default, its_clock = timed(ttl_ms=ttl_ms)
    cache.set("k", "v", ttl_ms=ttl_ms)
    by_default.set("k", "v")

    clock.advance(1e9)
    its_clock.advance(1e9)

    assert (cache.get("k"), by_default.get("k")) == ("v", "v")


def test_pushes_and_counts_live_on_from_the_last_one() -> None:
    cache, clock = timed(ttl_ms=1000)
    for _ in range(3):
        cache.list_push("list", 1)
        cache.increment("count")
        clock.advance(0.999)

    assert (cache.list_length("list"), cache.increment("count")) == (3, 4)


def test_what_has_expired_begins_anew() -> None:
    cache, clock = timed(ttl_ms=1000)
    pushed(cache, 30)
    cache.increment("count")

    clock.advance(1)

    cache.list_push("list", "new")
    assert cache.list_from_to("list", 0) == ["new"]
    assert cache.increment("count") == 1


# Requests that clean up repeat, and what they write lives from the last of them.
def test_expiry_counts_from_the_last_batch() -> None:
    seconds = iter(range(100))
    recording = RecordingDeployment(Emulator())
    cache = pushed(new_cache(recording, ttl_ms=0), 26)
    cache = new_cache(recording, ttl_ms=1000, clock=lambda: from_epoch_ms(START_MS + 1000 * next(seconds)))
    recording.requests = []

    cache.set("list", 1)

    assert [arguments["expiresAt"] - START_MS for arguments in recording.arguments] == [1000, 2000]


# Answers


class Answering:
    """A deployment that always gives the same answer, and counts how often."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.paths: list[str] = []

    def mutation(self, path: str, args: Any = None) -> Any:
        self.paths.append(path)
        return self.answer

    query = action = mutation


def test_cleaning_up_ends_after_a_thousand_batches() -> None:
    deployment = Answering({"ok": True, "hasMore": True})

    with pytest.raises(StorageError, match=r"ConvexServerCache operation exceeded 1000 batches\."):
        new_cache(deployment).clear()

    assert len(deployment.paths) == 1000


@pytest.mark.parametrize(
    ("answer", "text", "code"),
    [
        ({"ok": False, "error": "no", "code": "C", "details": {"d": 1}}, "no", "C"),
        ({"ok": False}, "Unknown Convex cache error", None),
        ({}, "Unknown Convex cache error", None),
        (None, "Unknown Convex cache error", None),
    ],
)
def test_refusals(answer: Any, text: str, code: str | None) -> None:
    with pytest.raises(StorageError, match=text) as raised:
        new_cache(Answering(answer)).get("k")

    assert raised.value.code == code


@pytest.mark.parametrize(
    ("given", "path"),
    [("own/cache:run", "own/cache:run"), (" own/cache:run ", "own/cache:run"), (" ", "mastra/cache:handle")],
)
def test_path_of_the_function(given: str, path: str) -> None:
    deployment = Answering({"ok": True})

    new_cache(deployment, cache_function=given).get("k")

    assert deployment.paths == [path]
