"""What a scenario is given: a deployment, Mastra's stores on it, and a time that only the scenario moves."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from convex import ConvexError

from convex_mastra_emulator import Deployment, FunctionError
from convex_mastra_emulator.stores import ConvexServerCache, ConvexStore, ConvexVector, MastraError, StorageError

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
# The stores write their own time.  It is not the deployment's, so that what the deployment's clock said shows.
NOON_BEFORE = START - timedelta(days=1)


def _new_ids() -> Iterator[str]:
    return (f"new-{number}" for number in itertools.count(1))


@dataclass(slots=True)
class Scene:
    """One scenario's deployment.

    Attributes:
        deployment: what is recorded.
        wait: lets milliseconds pass on the deployment.
        now: the deployment's time.
    """

    deployment: Deployment
    wait: Callable[[int], None]
    now: Callable[[], datetime]
    _ids: Iterator[str] = field(default_factory=_new_ids)

    @property
    def store(self) -> ConvexStore:
        """Mastra's storage."""
        return ConvexStore(self.deployment, clock=lambda: NOON_BEFORE, new_id=lambda: next(self._ids))

    @property
    def vectors(self) -> ConvexVector:
        """Mastra's vectors that the storage handler keeps."""
        return ConvexVector(self.deployment, clock=lambda: NOON_BEFORE, new_id=lambda: next(self._ids))

    def cache(self, key_prefix: str = "cache:") -> ConvexServerCache:
        """Mastra's cache, in which keys live for one second."""
        return ConvexServerCache(self.deployment, key_prefix=key_prefix, ttl_ms=1000, clock=self.now)

    def refused(self, call: Callable[[], object]) -> None:
        """Makes a call that may fail: that is part of the recording."""
        with suppress(FunctionError, ConvexError, StorageError, MastraError):
            call()


Scenario = Callable[[Scene], None]


def at(minute: int) -> datetime:
    """A time of the day before, when everything was said."""
    return NOON_BEFORE + timedelta(minutes=minute)
