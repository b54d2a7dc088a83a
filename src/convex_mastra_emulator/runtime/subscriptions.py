"""Who is to be told when what they have read changes: subscriptions by ranges of index keys.

A commit looks up the keys its documents had and have now; subscriptions whose ranges hold none of them cost
nothing but a bisection per index (convex-engine.md §10.10, convex-wire.md §3.5).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable

from convex_mastra_emulator.database.read_set import ReadSet
from convex_mastra_emulator.database.store import Change

Where = tuple[str, str]
"""A table and one of its indexes."""
TABLES: Where = ("_tables", "by_id")
"""Where a reader watches the whole range that is to be told when a table comes or goes."""


class Subscription:
    """One reader; ``on_change`` is called once, under the deployment's lock, and must be quick."""

    __slots__ = ("on_change", "read_set")

    def __init__(self, read_set: ReadSet, on_change: Callable[[], None]) -> None:
        self.read_set = read_set
        self.on_change = on_change


class _Ranges:
    """The ranges of all subscriptions in one index, sorted when they are next looked through."""

    __slots__ = ("_ends", "_furthest", "_members", "_owners", "_starts")

    def __init__(self) -> None:
        self._members: dict[Subscription, list[tuple[bytes, bytes]]] = {}
        self._starts: list[bytes] | None = None
        self._ends: list[bytes] = []
        self._furthest: list[bytes] = []
        self._owners: list[Subscription] = []

    def add(self, subscription: Subscription, start: bytes, end: bytes) -> None:
        self._members.setdefault(subscription, []).append((start, end))
        self._starts = None

    def remove(self, subscription: Subscription) -> None:
        if self._members.pop(subscription, None) is not None:
            self._starts = None

    def _sort(self) -> list[bytes]:
        ranges = sorted(
            ((start, end, owner) for owner, spans in self._members.items() for start, end in spans),
            key=lambda entry: entry[:2],
        )
        self._starts = [start for start, _, _ in ranges]
        self._ends = [end for _, end, _ in ranges]
        self._owners = [owner for _, _, owner in ranges]
        self._furthest = []
        furthest = b""
        for end in self._ends:
            furthest = max(furthest, end)
            self._furthest.append(furthest)
        return self._starts

    def holding(self, key: bytes) -> Iterable[Subscription]:
        """The subscriptions one of whose ranges holds ``key``."""
        starts = self._sort() if self._starts is None else self._starts
        position = bisect_right(starts, key) - 1
        # No range further down reaches the key once the furthest end of them does not.
        while position >= 0 and self._furthest[position] > key:
            if self._ends[position] > key:
                yield self._owners[position]
            position -= 1


class Subscriptions:
    """The subscriptions of one deployment; used under its lock."""

    def __init__(self) -> None:
        self._by_index: dict[Where, _Ranges] = {}

    def add(self, subscription: Subscription) -> None:
        """Begins to watch what the subscription has read."""
        for where, start, end in subscription.read_set.intervals():
            ranges = self._by_index.get(where)
            if ranges is None:
                ranges = self._by_index[where] = _Ranges()
            ranges.add(subscription, start, end)

    def remove(self, subscription: Subscription) -> None:
        """Ends to watch."""
        for where in {where for where, _, _ in subscription.read_set.intervals()}:
            self._by_index[where].remove(subscription)

    def on_commit(self, _timestamp_ns: int, changes: list[Change]) -> None:
        """Tells the subscriptions that a commit concerns, each once, and forgets them."""
        if not self._by_index:
            return
        concerned: dict[Subscription, None] = {}
        for change in changes:
            concerned.update(dict.fromkeys(self._concerned_by(change)))
        for subscription in concerned:
            self.remove(subscription)
            subscription.on_change()

    def _concerned_by(self, change: Change) -> Iterable[Subscription]:
        for version in (change.old, change.new):
            if version is None:
                continue
            for index, key in zip(change.table.index_list, version.index_keys, strict=True):
                ranges = self._by_index.get((change.table.name, index.name))
                if ranges is not None:
                    yield from ranges.holding(key)
        if change.document_id is None and TABLES in self._by_index:
            yield from self._by_index[TABLES].holding(b"")
