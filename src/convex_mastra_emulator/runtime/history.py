"""Going back in time: a query at an earlier timestamp reads what was committed then.

Commits are remembered from the moment somebody asked for a timestamp; reading the past reverts the newer ones,
runs, and makes them again, all under the deployment's lock.

convex-backend crates/local_backend/src/public_api.rs ``query_at_ts``, crates/common/src/knobs.rs
``DOCUMENT_RETENTION_DELAY`` and ``INDEX_RETENTION_DELAY`` (convex-wire.md §1.1, checked 2026-11-21).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from convex_mastra_emulator.database.store import Change, Store
from convex_mastra_emulator.errors import ErrorKind, RequestRefused

RETENTION_NS = 4 * 60 * 1_000_000_000


class History:
    """The commits of a store that can still be gone back behind."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._commits: deque[tuple[int, list[Change]]] = deque()
        self._from_ns: int | None = None

    def keep_from(self, timestamp_ns: int) -> None:
        """Begins to remember, if nothing is remembered yet."""
        if self._from_ns is None:
            self._from_ns = timestamp_ns

    def add(self, timestamp_ns: int, changes: list[Change]) -> None:
        """Remembers a commit, and forgets those past their retention."""
        if self._from_ns is None:
            return
        self._commits.append((timestamp_ns, changes))
        while self._commits and self._commits[0][0] < timestamp_ns - RETENTION_NS:
            self._from_ns, _ = self._commits.popleft()

    def clear(self) -> None:
        """Forgets everything: what was remembered was undone."""
        self._commits.clear()
        self._from_ns = None

    @contextmanager
    def at(self, timestamp_ns: int | None) -> Iterator[None]:
        """While this runs, the store is as it was at ``timestamp_ns`` (None: as it is).

        Raises:
            RequestRefused: when that time is too long ago.
        """
        if timestamp_ns is None:
            yield
            return
        if self._from_ns is None or timestamp_ns < self._from_ns:
            raise RequestRefused(
                f"Snapshot timestamp {timestamp_ns} is out of retention",
                code="OutOfRetention",
                kind=ErrorKind.OUT_OF_RETENTION,
            )
        newer = [changes for committed_ns, changes in self._commits if committed_ns > timestamp_ns]
        for changes in reversed(newer):
            self._store.revert(changes)
        try:
            yield
        finally:
            for changes in newer:
                self._store.reapply(changes)
