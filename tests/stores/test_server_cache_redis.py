"""ConvexServerCache against Redis, which the caches of Mastra's other adapters stand on, as the independent reference.

Both are told the same and asked the same, at times that a controlled clock gives.  Where the published handler differs
from Redis by design, a test of its own shows it and the register of divergences names it; the machine keeps away.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import fakeredis
import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from convex_mastra_emulator import Emulator, ManualClock
from convex_mastra_emulator.stores.errors import StorageError
from convex_mastra_emulator.stores.server_cache import ConvexServerCache
from convex_mastra_emulator.stores.times import from_epoch_ms

START_MS = 1_700_000_000_000
REFUSED = "refused"


class RedisCache:
    """A cache on Redis: values are JSON, pushing and counting prolong a key's life.

    Args:
        now_ms: gives the time; Redis is told it through the only clock it reads.
        ttl_ms: how long keys live; 0 means for ever.
    """

    def __init__(self, now_ms: Callable[[], float], ttl_ms: int) -> None:
        self._now_ms = now_ms
        self._ttl_ms = ttl_ms
        self._redis = fakeredis.FakeRedis(decode_responses=True)

    def get(self, key: str) -> Any:
        text = self._ask(lambda: self._redis.get(key))
        return None if text is None else json.loads(text)

    def set(self, key: str, value: Any, ttl_ms: int | None = None) -> None:
        expires_at = self._expires_at(self._ttl_ms if ttl_ms is None else ttl_ms)
        self._ask(lambda: self._redis.set(key, json.dumps(value), pxat=expires_at))

    def list_length(self, key: str) -> Any:
        return self._ask(lambda: self._redis.llen(key))

    def list_push(self, key: str, value: Any) -> None:
        self._ask(lambda: self._redis.rpush(key, json.dumps(value)))
        self._prolong(key)

    def list_from_to(self, key: str, first: int, last: int) -> Any:
        return [json.loads(text) for text in self._ask(lambda: self._redis.lrange(key, first, last))]

    def increment(self, key: str) -> Any:
        count = self._ask(lambda: self._redis.incr(key))
        self._prolong(key)
        return count

    def delete(self, key: str) -> None:
        self._ask(lambda: self._redis.delete(key))

    def clear(self, prefix: str) -> None:
        for key in self._ask(lambda: list(self._redis.scan_iter(f"{prefix}*"))):
            self.delete(key)

    def kind(self, key: str) -> Any:
        return self._ask(lambda: self._redis.type(key))

    def _expires_at(self, ttl_ms: int) -> int | None:
        return int(self._now_ms()) + ttl_ms if ttl_ms > 0 else None

    def _prolong(self, key: str) -> None:
        expires_at = self._expires_at(self._ttl_ms)
        if expires_at is None:
            self._ask(lambda: self._redis.persist(key))
        else:
            self._ask(lambda: self._redis.pexpireat(key, expires_at))

    def _ask(self, command: Callable[[], Any]) -> Any:
        with patch("time.time", lambda: self._now_ms() / 1000):
            return command()


def outcome(call: Callable[[], Any]) -> Any:
    """What a call gives, or that it was refused."""
    try:
        return call()
    except (StorageError, redis.ResponseError):
        return REFUSED


keys = st.sampled_from(["a", "b"])
# No bare integers: Redis counts on from them (see cache-counting-on-from-a-value below).
values = st.sampled_from([None, True, 0.5, "", "text", "é", [], [1, [None]], {}, {"k": {"l": 1}}])
positions = st.integers(-6, 6)
lifetimes_ms = st.sampled_from([None, 0, 1, 10, 60])


class CacheMachine(RuleBasedStateMachine):
    """The same commands for both; whatever they answer must be the same."""

    ttl_ms = 50
    prefix = "p:"

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock(START_MS / 1000)
        self.emulator = Emulator(seed=1, clock=self.clock)
        self.cache = self._cache(self.prefix)
        self.other = self._cache("other:")
        # Redis lets a key live through its last millisecond (see cache-expiry-at-its-millisecond below).
        self.redis = RedisCache(lambda: self.now_ms() + 0.5, self.ttl_ms)
        self.counters: set[str] = set()

    def _cache(self, prefix: str) -> ConvexServerCache:
        return ConvexServerCache(
            self.emulator, key_prefix=prefix, ttl_ms=self.ttl_ms, clock=lambda: from_epoch_ms(self.now_ms())
        )

    def now_ms(self) -> int:
        return self.clock.now_ns() // 1_000_000

    def kind(self, key: str) -> str:
        """What Redis holds there: ``string``, ``list`` or ``none``; a counter is a string to it."""
        kind: str = self.redis.kind(self.prefix + key)
        if kind == "none":
            self.counters.discard(key)
        return "counter" if key in self.counters else kind

    @rule(key=keys, value=values, ttl_ms=lifetimes_ms)
    def set(self, key: str, value: Any, ttl_ms: int | None) -> None:
        self.cache.set(key, value, ttl_ms)
        self.redis.set(self.prefix + key, value, ttl_ms)
        self.counters.discard(key)

    @rule(key=keys)
    def get(self, key: str) -> None:
        if self.kind(key) in ("string", "none"):
            assert self.cache.get(key) == self.redis.get(self.prefix + key)

    @rule(key=keys, pushed=st.lists(values, min_size=1, max_size=3))
    def push(self, key: str, pushed: list[Any]) -> None:
        for value in pushed:
            ours = outcome(lambda: self.cache.list_push(key, value))  # noqa: B023
            assert ours == outcome(lambda: self.redis.list_push(self.prefix + key, value))  # noqa: B023

    # A list is cleaned up 25 items at a time.
    @rule(key=keys, count=st.sampled_from([25, 26, 51]))
    def push_many(self, key: str, count: int) -> None:
        if self.kind(key) in ("list", "none"):
            for number in range(count):
                self.cache.list_push(key, number)
                self.redis.list_push(self.prefix + key, number)

    @rule(key=keys)
    def length(self, key: str) -> None:
        ours = outcome(lambda: self.cache.list_length(key))

        assert ours == outcome(lambda: self.redis.list_length(self.prefix + key))

    @rule(key=keys, bounds=st.lists(st.tuples(positions, positions), min_size=4, max_size=8))
    def range(self, key: str, bounds: list[tuple[int, int]]) -> None:
        if self.kind(key) in ("list", "none"):
            for first, last in bounds:
                expected = self.redis.list_from_to(self.prefix + key, first, last)
                assert self.cache.list_from_to(key, first, last) == expected

    @rule(key=keys)
    def increment(self, key: str) -> None:
        self.kind(key)
        ours = outcome(lambda: self.cache.increment(key))

        assert ours == outcome(lambda: self.redis.increment(self.prefix + key))
        if ours != REFUSED:
            self.counters.add(key)

    @rule(key=keys)
    def delete(self, key: str) -> None:
        self.cache.delete(key)
        self.redis.delete(self.prefix + key)
        self.counters.discard(key)

    @rule()
    def clear(self) -> None:
        self.other.set("k", "stays", 0)

        self.cache.clear()

        self.redis.clear(self.prefix)
        self.counters.clear()
        assert self.other.get("k") == "stays"
        assert self.emulator.table_counts() == {"mastra_cache": 1}

    @rule(advance_ms=st.sampled_from([1, 9, 10, 49, 50, 51]))
    def wait(self, advance_ms: int) -> None:
        self.clock.advance(advance_ms / 1000)


class EverlastingCacheMachine(CacheMachine):
    """The same for a cache whose keys live for ever unless they are told otherwise."""

    ttl_ms = 0


_SETTINGS = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
TestCache = CacheMachine.TestCase
TestCache.settings = _SETTINGS
TestEverlastingCache = EverlastingCacheMachine.TestCase
TestEverlastingCache.settings = _SETTINGS


# The differences.  Each test says what Redis does.


def both(ttl_ms: int = 50) -> tuple[ConvexServerCache, RedisCache, ManualClock]:
    clock = ManualClock(START_MS / 1000)

    def now_ms() -> int:
        return clock.now_ns() // 1_000_000

    cache = ConvexServerCache(
        Emulator(clock=clock), key_prefix="", ttl_ms=ttl_ms, clock=lambda: from_epoch_ms(now_ms())
    )
    return cache, RedisCache(now_ms, ttl_ms), clock


@pytest.mark.diverges("cache-expiry-at-its-millisecond")
def test_key_lives_through_its_last_millisecond() -> None:
    cache, reference, clock = both()
    cache.set("k", "v")
    reference.set("k", "v")

    clock.advance(0.050)

    assert cache.get("k") == reference.get("k")


def test_key_is_gone_a_millisecond_later_in_both() -> None:
    cache, reference, clock = both()
    cache.set("k", "v")
    reference.set("k", "v")

    clock.advance(0.049)
    assert (cache.get("k"), reference.get("k")) == ("v", "v")
    clock.advance(0.002)
    assert (cache.get("k"), reference.get("k")) == (None, None)


@pytest.mark.diverges("cache-reading-another-kind")
def test_value_of_a_list_is_refused() -> None:
    cache, reference, _ = both()
    cache.list_push("k", 1)
    reference.list_push("k", 1)

    assert outcome(lambda: cache.get("k")) == outcome(lambda: reference.get("k"))


@pytest.mark.diverges("cache-reading-another-kind")
def test_range_of_a_value_is_refused() -> None:
    cache, reference, _ = both()
    cache.set("k", "v")
    reference.set("k", "v")

    assert outcome(lambda: cache.list_from_to("k", 0)) == outcome(lambda: reference.list_from_to("k", 0, -1))


@pytest.mark.diverges("cache-reading-a-counter")
def test_counter_can_be_read() -> None:
    cache, reference, _ = both()
    cache.increment("k")
    reference.increment("k")

    assert cache.get("k") == reference.get("k")


@pytest.mark.diverges("cache-counting-on-from-a-value")
def test_counter_goes_on_from_a_number_that_was_set() -> None:
    cache, reference, _ = both()
    cache.set("k", 5)
    reference.set("k", 5)

    assert outcome(lambda: cache.increment("k")) == outcome(lambda: reference.increment("k"))


@pytest.mark.diverges("cache-clearing-by-prefix")
def test_clear_takes_longer_prefixes_along() -> None:
    emulator = Emulator()
    outer = ConvexServerCache(emulator, key_prefix="p:")
    inner = ConvexServerCache(emulator, key_prefix="p:q:")
    reference = RedisCache(lambda: START_MS, 0)
    inner.set("k", "v")
    reference.set("p:q:k", "v")

    outer.clear()
    reference.clear("p:")

    assert inner.get("k") == reference.get("p:q:k")
