"""``ConvexServerCache``: values, lists and counters that expire, for Mastra's servers.

npm @mastra/convex 1.5.2 ``ConvexServerCache`` and ``ConvexCacheClient`` (mastra-adapter.md §12, checked 2026-11-21).
Its ``requestTimeoutMs`` is ``timeout_seconds`` of :func:`~convex_mastra_emulator.connection.connect`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from convex_mastra_emulator.deployment import Deployment
from convex_mastra_emulator.stores.errors import StorageError
from convex_mastra_emulator.stores.json_text import to_json_value
from convex_mastra_emulator.stores.times import now, to_epoch_ms

DEFAULT_CACHE_FUNCTION = "mastra/cache:handle"
DEFAULT_KEY_PREFIX = "mastra:cache:"
DEFAULT_TTL_MS = 300_000
_BATCHES_MAX = 1000


class ConvexServerCache:
    """A cache on a deployment that runs ``cache:handle``.

    Every method repeats its request while the deployment says that it has more to clean up, a thousand times at most.
    They all raise ``StorageError`` when that is not enough or the handler refuses, and ``FunctionError`` when the
    mutation fails, for example because a value has a key that starts with ``$``.

    Args:
        deployment: where it is deployed.
        cache_function: the path of ``cache:handle``; blank means the default.
        key_prefix: what is put before every key; :meth:`clear` deletes the keys of exactly this prefix.
        ttl_ms: how long keys live, in milliseconds; 0 and less means for ever.
        clock: gives the time from which keys live.
    """

    def __init__(
        self,
        deployment: Deployment,
        *,
        cache_function: str = DEFAULT_CACHE_FUNCTION,
        key_prefix: str = DEFAULT_KEY_PREFIX,
        ttl_ms: float = DEFAULT_TTL_MS,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.key_prefix = key_prefix
        self.ttl_ms = ttl_ms
        self._deployment = deployment
        self._cache_function = cache_function.strip() or DEFAULT_CACHE_FUNCTION
        self._clock = clock

    # Values

    def get(self, key: str) -> Any:
        """The value of a key; None if there is none, or if it is a list or a counter."""
        return self._settle(lambda: {"op": "get", "key": self._key(key)})

    def set(self, key: str, value: Any, ttl_ms: float | None = None) -> None:
        """Stores a value, whatever the key held.

        Args:
            key: its name, without the prefix.
            value: what JSON can hold, without keys that start with ``$``.
            ttl_ms: how long it lives, in milliseconds; 0 and less means for ever; None as the cache says.
        """
        stored = to_json_value(value)
        self._settle(
            lambda: {
                "op": "set",
                "key": self._key(key),
                "keyPrefix": self.key_prefix,
                "value": stored,
                "expiresAt": self._expires_at(ttl_ms),
            }
        )

    # Lists

    def list_length(self, key: str) -> int:
        """How many items a list has; 0 if there is none.

        Raises:
            StorageError: ``<key> exists but is not an array``, the prefix included.
        """
        return int(self._settle(lambda: {"op": "listLength", "key": self._key(key)}))

    def list_push(self, key: str, value: Any) -> None:
        """Appends to a list, which it makes if there is none, and lets it live on from now.

        Raises:
            StorageError: ``<key> exists but is not an array``, the prefix included.
        """
        stored = to_json_value(value)
        self._settle(
            lambda: {
                "op": "listPush",
                "key": self._key(key),
                "keyPrefix": self.key_prefix,
                "value": stored,
                "expiresAt": self._expires_at(),
            }
        )

    def list_from_to(self, key: str, from_: int, to: int = -1) -> list[Any]:
        """The items of a list between two positions, both included; negative ones count from the end.

        Empty if there is no such list, or the key is no list.
        """
        items: list[Any] = self._settle(lambda: {"op": "listFromTo", "key": self._key(key), "from": from_, "to": to})
        return items

    # Counters

    def increment(self, key: str) -> int:
        """Adds one to a counter, which begins at 0, lets it live on from now, and gives the new count.

        Raises:
            StorageError: ``<key> exists but is not a number``, the prefix included.
        """
        return int(
            self._settle(
                lambda: {
                    "op": "increment",
                    "key": self._key(key),
                    "keyPrefix": self.key_prefix,
                    "expiresAt": self._expires_at(),
                }
            )
        )

    # Keys

    def delete(self, key: str) -> None:
        """Deletes a key of any kind; none of that name is no error."""
        self._settle(lambda: {"op": "delete", "key": self._key(key)})

    def clear(self) -> None:
        """Deletes all keys of exactly this cache's prefix."""
        self._settle(lambda: {"op": "clear", "keyPrefix": self.key_prefix})

    # Requests

    def _key(self, key: str) -> str:
        return f"{self.key_prefix}{key}"

    def _expires_at(self, ttl_ms: float | None = None) -> float | None:
        """Milliseconds since the Unix epoch; None for never."""
        effective = self.ttl_ms if ttl_ms is None else ttl_ms
        return to_epoch_ms(self._clock()) + effective if effective > 0 else None

    def _settle(self, request: Callable[[], dict[str, Any]]) -> Any:
        """Repeats a request, made anew each time because its expiry counts from now, until nothing is left."""
        for _ in range(_BATCHES_MAX):
            answer = self._call(request())
            if not answer.get("hasMore"):
                return answer.get("result")
        raise StorageError(f"ConvexServerCache operation exceeded {_BATCHES_MAX} batches.")

    def _call(self, request: dict[str, Any]) -> Mapping[str, Any]:
        answer = self._deployment.mutation(self._cache_function, request)
        if isinstance(answer, Mapping) and answer.get("ok"):
            return answer
        refused = answer if isinstance(answer, Mapping) else {}
        raise StorageError(
            refused.get("error") or "Unknown Convex cache error",
            code=refused.get("code"),
            details=refused.get("details"),
        )
