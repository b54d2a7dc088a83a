"""An ordered index: the sort keys of a table's documents, merged lazily.

The key of a document is the sort key of every indexed field, then of ``_creationTime``, then of the id, so no
two documents share one and the id can be read off its end (convex-engine.md §2 and §4.2).
"""

from __future__ import annotations

from collections.abc import Iterator

from sortedcontainers import SortedList

from convex_mastra_emulator.database.documents import CREATION_TIME, ID, field_at
from convex_mastra_emulator.values.display import quoted
from convex_mastra_emulator.values.order import float_key, sort_key, text_key
from convex_mastra_emulator.values.types import Document, undefined

BY_ID = "by_id"
BY_CREATION_TIME = "by_creation_time"


class OrderedIndex:
    """The keys of one database index.

    New keys wait in a set until the index is next read: seeding many rows sorts once, and an index nobody
    reads costs next to nothing.
    """

    __slots__ = ("_pending", "_sorted", "first_names", "name", "operations", "paths", "staged")

    def __init__(self, name: str, paths: tuple[tuple[str, ...], ...], *, staged: bool = False) -> None:
        self.name = name
        self.paths = paths
        """Every field of the key but the id, ``_creationTime`` included."""
        self.staged = staged
        self.first_names = frozenset(path[0] for path in paths)
        """Top-level fields a change of which can move a document in this index."""
        self.operations = 0
        """Keys added and removed so far, for tests and benchmarks."""
        self._sorted: SortedList | None = None
        self._pending: set[bytes] = set()

    @property
    def printed_fields(self) -> str:
        """The fields as error texts show them: ``["a", "_creationTime"]``."""
        return "[" + ", ".join(quoted(".".join(path)) for path in self.paths) + "]"

    @property
    def all_paths(self) -> tuple[tuple[str, ...], ...]:
        """The fields a range may use: all of :attr:`paths`, then ``_id``."""
        return (*self.paths, (ID,))

    def key_of(self, document: Document, suffix: bytes) -> bytes:
        """The key of a document in this index; ``suffix`` is what :func:`key_suffix` gives for the document."""
        if self.name == BY_ID:
            return text_key(document[ID])
        prefix = b""
        for path in self.paths[:-1]:
            value = document.get(path[0], undefined) if len(path) == 1 else field_at(document, path)
            prefix += text_key(value) if type(value) is str else sort_key(value)
        return prefix + suffix

    def add(self, key: bytes) -> None:
        """Adds the key of a document."""
        self.operations += 1
        self._pending.add(key)

    def remove(self, key: bytes) -> None:
        """Removes the key of a document."""
        self.operations += 1
        if key in self._pending:
            self._pending.remove(key)
        else:
            assert self._sorted is not None
            self._sorted.remove(key)

    def _merged(self) -> SortedList:
        if self._sorted is None:
            self._sorted = SortedList(self._pending)
            self._pending.clear()
        elif self._pending:
            self._sorted.update(self._pending)
            self._pending.clear()
        return self._sorted

    def keys(self, start: bytes, end: bytes | None, *, descending: bool = False) -> Iterator[bytes]:
        """The keys in ``[start, end)``; ``end=None`` means to the last.  Not to be held across a write."""
        merged = self._merged()
        keys: Iterator[bytes] = merged.irange(start, end, inclusive=(True, False), reverse=descending)
        return keys


def key_suffix(document: Document) -> bytes:
    """What the keys of a document end with in all indexes but ``by_id``: creation time, then id."""
    return float_key(document[CREATION_TIME]) + text_key(document[ID])


def built_in_indexes() -> tuple[OrderedIndex, OrderedIndex]:
    """``by_id`` and ``by_creation_time``, which every table has."""
    return OrderedIndex(BY_ID, ()), OrderedIndex(BY_CREATION_TIME, ((CREATION_TIME,),))
